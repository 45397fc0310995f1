"""Where the lab's scripts are and who may use whom: rooms use figures, both use what is shared, and nothing else."""

import re
from pathlib import Path

import pytest

from sightline.lab.pages import STATIC, pages

SCRIPTS = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js"))
SOURCE = Path(__file__).parents[2] / "src"


def imported(script: str) -> list[str]:
    """The scripts that one imports, by their address below static/."""
    folder = (STATIC / script).parent
    names = re.findall(r'^import [^;]*?"(\.[^"]+)";', (STATIC / script).read_text(encoding="utf-8"), re.MULTILINE)
    return [(folder / name).resolve().relative_to(STATIC).as_posix() for name in names]


@pytest.mark.parametrize("script", SCRIPTS)
def test_imports_go_one_way(script: str) -> None:
    folder = script.partition("/")[0]
    may = {"rooms": ("rooms", "figures", "shared"), "figures": ("figures", "shared"), "shared": ("shared",)}[folder]
    for other in imported(script):
        assert other.startswith(may), f"{script} imports {other}"
        if folder == other.partition("/")[0] == "rooms":
            room = script.split("/")[1].removesuffix(".js")
            assert other.startswith(f"rooms/{room}/"), f"{script} imports {other}, a part of another room"


def test_every_script_is_used() -> None:
    html = b"".join(pages().values()).decode()
    used = set(re.findall(r'src="(?:\.\./)*static/([^"]+\.js)"', html))
    waiting = list(used)
    while waiting:
        new = set(imported(waiting.pop())) - used
        used |= new
        waiting += new
    assert sorted(used) == SCRIPTS


def test_a_script_keeps_nothing_for_itself() -> None:
    """What changes belongs to a room or a part of one, which two pages or two figures can have at once."""
    for script in SCRIPTS:
        assert not re.search(r"^(?:let|var)\b", (STATIC / script).read_text(encoding="utf-8"), re.MULTILINE), script


def test_lines_are_short() -> None:
    """prettier leaves comments and words as they are."""
    for path in SOURCE.rglob("*.js"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            assert len(line) <= 120, f"{path.relative_to(SOURCE)}:{number}"
