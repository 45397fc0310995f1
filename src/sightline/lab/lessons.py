"""The lessons of the course: one HTML file each in `course/`, read and checked.

A file NN_slug.html is one <article>: its title, one-sentence summary and minutes stand in the attributes, then come

    <figure data-figure="NAME">           a live figure of static/figures/, with a <figcaption>
    <pre class="snippet"><code>...        Python that runs as shown, alone; <samp> after it is exactly what it prints
    <details class="question"><summary>   a practice question and, below, its worked answer
    <section class="quiz">                <fieldset><legend>question</legend>, then choices: <p class="choice"> with the
                                          words, and <span class="reply"> with the answer to just that choice; the right
                                          one has data-right

check.html and interview.html are of the same form, without figures and snippets; each <fieldset> of the former has the
slug of the lesson that it asks about in data-lesson.

The files are ours and are put into the page as they are; tests check every lesson with `problems`.
"""

from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

COURSE = Path(__file__).parent / "course"


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """Python as a lesson shows it. output: what it prints, by the lesson."""

    code: str
    output: str


@dataclass(frozen=True, kw_only=True)
class QuizQuestion:
    """replies: one a choice; right: the positions of right choices; lesson: a slug, in the final check only."""

    text: str
    choices: tuple[str, ...]
    replies: tuple[str, ...]
    right: tuple[int, ...]
    lesson: str = ""

    def problems(self) -> list[str]:
        problems = []
        if len(self.right) != 1:
            problems.append(f"'{self.text}' has {len(self.right)} right choices")
        if len(self.replies) != len(self.choices) or not all(self.replies):
            problems.append(f"'{self.text}' has a choice without a reply of its own")
        if len(set(self.replies)) < len(self.replies):
            problems.append(f"'{self.text}' answers two choices with the same words")
        return problems


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One lesson. number: 0 for the pages beside the course. html: the whole article, as the page shows it."""

    number: int
    slug: str
    title: str
    summary: str
    minutes: int
    html: str
    figures: tuple[str, ...]
    snippets: tuple[Snippet, ...]
    questions: int
    quiz: tuple[QuizQuestion, ...]

    def problems(self) -> list[str]:
        """What is missing for a lesson to be complete; empty when nothing is."""
        problems = []
        if not (self.title and self.summary and self.minutes):
            problems.append("the article has no data-title, data-summary or data-minutes")
        if not self.figures:
            problems.append("there is no live figure")
        if not self.snippets:
            problems.append("there is no snippet")
        if self.questions < 2:
            problems.append("there are fewer than two practice questions")
        if len(self.quiz) < 3:
            problems.append("the quiz has fewer than three questions")
        for question in self.quiz:
            problems += question.problems()
        return problems


@cache
def lessons() -> tuple[Lesson, ...]:
    """All lessons there are, in order."""
    return tuple(_read(path) for path in sorted(COURSE.glob("[0-9][0-9]_*.html")))


@cache
def final_check() -> Lesson:
    """The questions over all lessons; each names its own."""
    return _read(COURSE / "check.html")


@cache
def interview() -> Lesson:
    """Questions as they are asked in interviews."""
    return _read(COURSE / "interview.html")


def _read(path: Path) -> Lesson:
    html = path.read_text(encoding="utf-8")
    reader = _Reader()
    reader.feed(html)
    number, _, slug = path.stem.rpartition("_")
    return Lesson(
        number=int(number or 0),
        slug=slug,
        title=reader.article.get("data-title", ""),
        summary=reader.article.get("data-summary", ""),
        minutes=int(reader.article.get("data-minutes", "0")),
        html=html,
        figures=tuple(reader.figures),
        snippets=tuple(Snippet(code=code, output=output) for code, output in reader.snippets),
        questions=reader.questions,
        quiz=tuple(
            QuizQuestion(
                text=_one_line(question.text),
                choices=tuple(map(_one_line, question.choices)),
                replies=tuple(map(_one_line, question.replies)),
                right=tuple(question.right),
                lesson=question.lesson,
            )
            for question in reader.quiz
        ),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


@dataclass
class _Asked:
    lesson: str = ""
    text: str = ""
    choices: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    right: list[int] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects from one article what `Lesson` counts and runs."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.article: dict[str, str] = {}
        self.figures: list[str] = []
        self.snippets: list[list[str]] = []
        self.questions = 0
        self.quiz: list[_Asked] = []
        self._inside: list[tuple[str, str]] = []  # tag and class of the elements that are open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        kind = attributes.get("class", "")
        if tag in ("br", "img", "hr", "wbr", "col", "input"):
            return
        self._inside.append((tag, kind))
        if tag == "article":
            self.article = attributes
        elif "data-figure" in attributes:
            self.figures.append(attributes["data-figure"])
        elif (tag, kind) == ("pre", "snippet"):
            self.snippets.append(["", ""])
        elif (tag, kind) == ("details", "question"):
            self.questions += 1
        elif tag == "fieldset":
            self.quiz.append(_Asked(lesson=attributes.get("data-lesson", "")))
        elif kind == "choice":
            if "data-right" in attributes:
                self.quiz[-1].right.append(len(self.quiz[-1].choices))
            self.quiz[-1].choices.append("")
        elif kind == "reply":
            self.quiz[-1].replies.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        inside = self._inside
        if ("pre", "snippet") in inside and any(tag == "code" for tag, _ in inside):
            self.snippets[-1][0] += data
        elif any(tag == "samp" for tag, _ in inside):
            self.snippets[-1][1] += data
        elif any(tag == "legend" for tag, _ in inside):
            self.quiz[-1].text += data
        elif any(kind == "reply" for _, kind in inside):
            self.quiz[-1].replies[-1] += data
        elif any(kind == "choice" for _, kind in inside):
            self.quiz[-1].choices[-1] += data
