"""Every lesson is complete, and its snippets print what it says."""

import re
import subprocess
import sys

import pytest

from sightline.lab.lessons import Lesson, Snippet, _Reader, lessons
from sightline.lab.pages import STATIC

SNIPPETS = [
    pytest.param(snippet, id=f"{lesson.slug}-{i}")
    for lesson in lessons()
    for i, snippet in enumerate(lesson.snippets, 1)
]


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.slug)
def test_a_lesson_is_complete(lesson: Lesson) -> None:
    assert lesson.problems() == []


def test_lessons_are_numbered_from_one() -> None:
    assert [lesson.number for lesson in lessons()] == list(range(1, len(lessons()) + 1))


def test_every_figure_exists() -> None:
    script = (STATIC / "figures" / "figures.js").read_text(encoding="utf-8")
    known = re.findall(r'^  "?([\w-]+)"?(?:,|:)', script, re.MULTILINE)
    for lesson in lessons():
        assert set(lesson.figures) <= set(known), lesson.slug


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """What each snippet prints, alone, in one fresh Python for all of them: torch is imported once."""
    code = "import contextlib, io, json, sys\n" + (
        "answers = {}\n"
        "for text in json.load(sys.stdin):\n"
        "    said = io.StringIO()\n"
        "    with contextlib.redirect_stdout(said):\n"
        "        exec(compile(text, 'snippet', 'exec'), {'__name__': '__main__'})\n"
        "    answers[text] = said.getvalue()\n"
        "print(json.dumps(answers))"
    )
    import json

    texts = [snippet.code for lesson in lessons() for snippet in lesson.snippets]
    command = [sys.executable, "-W", "error", "-c", code]
    result = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    answers: dict[str, str] = json.loads(result.stdout)
    return answers


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_snippet_prints_what_the_lesson_says(snippet: Snippet, printed: dict[str, str]) -> None:
    assert printed[snippet.code].rstrip() == snippet.output.rstrip()


def test_what_is_missing_is_told() -> None:
    reader = _Reader()
    reader.feed(
        '<article><section class="quiz"><fieldset><legend>Why?</legend>'
        '<p class="choice">a <span class="reply">x</span></p>'
        '<p class="choice">b <span class="reply">x</span></p></fieldset></section></article>'
    )
    assert reader.quiz[0].choices == ["a ", "b "]
    lesson = Lesson(
        number=1, slug="x", title="", summary="", minutes=0, html="", figures=(), snippets=(), questions=0, quiz=()
    )
    assert len(lesson.problems()) == 5
