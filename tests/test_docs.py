"""Every Python snippet of ours in README.md and docs/ runs, and the values it shows are the ones it gives.

A fence whose info string is exactly `python` is ours; the snippets of one page run in order, in one namespace and an
empty folder with a few images. Rivals' snippets are marked (`python keras`) and only have to be Python. A line
`expression  # -> value` is checked against the expression's repr; the value may go on in the comments below it.
Lines of `sh` fences that begin with `sightline` must be commands with options that exist.
"""

import ast
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import timm
from PIL import Image
from safetensors.torch import save_file

from sightline.cli import app
from sightline.data.sources.builtin import load_digits
from sightline.models import registry

ROOT = Path(__file__).parents[1]
PAGES = sorted({ROOT / "README.md", *(ROOT / "docs").rglob("*.md")})
FENCE = re.compile(r"^```(?P<info>[^`\n]*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
SHOWN = re.compile(r"# -> (?P<value>.*(?:\n# .*)*)")


class Snippet(NamedTuple):
    """A fenced block. line: of its first line of code in the page, counted from 1."""

    info: str
    code: str
    line: int


def snippets(page: Path) -> list[Snippet]:
    text = page.read_text(encoding="utf-8")
    return [
        Snippet(match["info"].strip(), match["code"], text[: match.start("code")].count("\n") + 1)
        for match in FENCE.finditer(text)
    ]


OURS = [page for page in PAGES if any(snippet.info == "python" for snippet in snippets(page))]
RIVALS = [
    pytest.param(snippet, id=f"{page.name}:{snippet.line}")
    for page in PAGES
    for snippet in snippets(page)
    if snippet.info.startswith("python ")
]


def run(snippet: Snippet, page: Path, namespace: dict[str, Any]) -> None:
    """Run one snippet, statement by statement. Line numbers in a traceback are those of the page."""
    tree = ast.parse(snippet.code)
    lines = snippet.code.splitlines()
    for statement in tree.body:
        after = "\n".join([lines[statement.end_lineno - 1][statement.end_col_offset :], *lines[statement.end_lineno :]])
        output = SHOWN.match(after.lstrip())
        ast.increment_lineno(statement, snippet.line - 1)
        if not isinstance(statement, ast.Expr):
            assert not output, f"{page.name}:{statement.lineno} shows the value of a statement"
            exec(compile(ast.Module([statement], []), str(page), "exec"), namespace)
            continue
        value = eval(compile(ast.Expression(statement.value), str(page), "eval"), namespace)
        if output:
            assert squeezed(repr(value)) == squeezed(output["value"]), f"{page.name}:{statement.lineno}"


def squeezed(text: str) -> str:
    """Without the spaces and comment marks that only lay the value out."""
    return re.sub(r"\s+", "", text.replace("\n#", "\n"))


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the files that pages speak of: cat.jpg, digit.png, photos/ of two classes, a network's weights."""
    monkeypatch.chdir(tmp_path)
    registry.list_models()  # so that the real networks are registered before a page's own comes and goes
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    noise = np.random.default_rng(0)
    Image.fromarray(noise.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save("cat.jpg")
    Image.fromarray(load_digits().images.read(0)[:, :, 0]).save("digit.png")
    for name, level in (("cat", 40), ("dog", 200)):
        Path("photos", name).mkdir(parents=True)
        for number in range(20):
            pixels = noise.integers(level - 40, level + 40, (40, 50, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(Path("photos", name, f"{number}.jpg"))


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.name)
def test_our_snippets_run(page: Path) -> None:
    namespace: dict[str, Any] = {}
    if "mobilenetv2.safetensors" in page.read_text(encoding="utf-8"):
        save_file(timm.create_model("mobilenetv2_100").state_dict(), "mobilenetv2.safetensors")
    for snippet in snippets(page):
        if snippet.info == "python":
            run(snippet, page, namespace)
    if page.name == "from-keras-and-pytorch.md":
        check_the_guide(namespace)


def check_the_guide(namespace: dict[str, Any]) -> None:
    """What the guide says in prose about the values of its snippets."""
    history, evaluation, classifier = (namespace[name] for name in ("history", "evaluation", "classifier"))
    assert evaluation.accuracy > 0.9
    assert max(epoch.val_accuracy for epoch in history) > 0.9
    assert namespace["answer"].label == "0"
    assert namespace["run"].report_path.is_file()
    assert sorted(path.name for path in Path("digits-model").iterdir()) == ["model.json", "model.safetensors"]
    assert classifier.predict("digit.png") == namespace["answer"]
    assert namespace["frozen"].is_complete
    assert namespace["tuned"].is_complete
    # A second run of the same lines goes on where the first one was: at the end.
    sl, network = namespace["sl"], namespace["network"]
    again = sl.fit(network, namespace["splits"], namespace["config"], checkpoints=sl.Checkpoints("checkpoint"))
    assert list(again) == []


COMMANDS = [
    pytest.param(line, id=line)
    for page in PAGES
    for snippet in snippets(page)
    if snippet.info == "sh"
    for line in snippet.code.splitlines()
    if line.startswith("sightline ")
]


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_have_these_options(line: str) -> None:
    """Only parsed: what the commands do is tested with the command line."""
    words = shlex.split(line, comments=True)[1:]
    app.parse_args(words, exit_on_error=False, print_error=False)


@pytest.mark.parametrize("snippet", RIVALS)
def test_snippets_of_others_are_python(snippet: Snippet) -> None:
    ast.parse(snippet.code)


def test_every_fence_says_what_it_holds() -> None:
    for page in PAGES:
        for snippet in snippets(page):
            assert snippet.info, f"{page.name}:{snippet.line} has no language"


def test_a_wrong_value_is_found() -> None:
    page = Path("page.md")
    page.write_text("Text.\n\n```python\nx = 20 + 1\nx  # -> 21\nx, x  # -> (21,\n#     21)\n2 * x  # -> 41\n```\n")
    [snippet] = snippets(page)
    with pytest.raises(AssertionError, match=r"page\.md:8"):
        run(snippet, page, {})
