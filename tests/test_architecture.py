"""docs/architecture.md is true: its map has every module, imports go the way it says, and tests mirror the tree."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sightline.cli import app

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "sightline"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MODULES = sorted(SOURCE.rglob("*.py"))


def section(title: str) -> str:
    """The first fenced block below a heading."""
    match = re.search(rf"^## {title}$.*?^```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert match, f"there is no block below '## {title}'"
    return match[1]


def mapped_modules() -> list[str]:
    """The modules in the map, as paths below src/sightline."""
    folders: list[str] = []
    modules = []
    for line in section("The map").splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        folders = folders[:depth]
        if name.endswith("/"):
            folders.append(name.rstrip("/"))
        else:
            modules.append("/".join([*folders[1:], name]))
        assert len(line.split()) > 1 or depth == 0, f"the map says nothing about {name}"
    return modules


def test_the_map_has_every_module_once() -> None:
    # The __init__.py of a subpackage is told by the line of its folder.
    modules = [path.relative_to(SOURCE) for path in MODULES]
    names = [str(path) for path in modules if path.name != "__init__.py" or len(path.parts) == 1]
    assert sorted(mapped_modules()) == sorted(names)


def test_files_the_table_names_exist() -> None:
    table = PAGE.partition("## What to change for what")[2]
    names = re.findall(r"`([\w/]+(?:\.py|/))`", table)
    assert len(names) >= 15
    missing = [name for name in names if not (SOURCE / name).exists() and not (ROOT / name).exists()]
    assert missing == []


def rank(unit: str) -> int:
    """Where a unit (a module or subpackage of src/sightline) stands in the order of imports."""
    units = re.findall(r"\w+", section("The order of imports"))
    assert unit in units, f"{unit} is not in the order of imports of docs/architecture.md"
    return units.index(unit)


def unit_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_units(path: Path) -> Iterator[tuple[str, int]]:
    """The units that a module imports, anywhere in it, with the lines."""
    units = {unit_of(module) for module in MODULES}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "sightline":
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name in units)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sightline."):
            yield node.module.split(".")[1], node.lineno
        elif isinstance(node, ast.Import):
            names = (alias.name.split(".") for alias in node.names)
            yield from ((name[1], node.lineno) for name in names if name[0] == "sightline" and len(name) > 1)


@pytest.mark.parametrize("path", [p for p in MODULES if p != SOURCE / "__init__.py"], ids=lambda p: p.stem)
def test_imports_go_one_way(path: Path) -> None:
    own = unit_of(path)
    for unit, line in imported_units(path):
        assert rank(unit) <= rank(own), f"{path.relative_to(ROOT)}:{line} imports {unit}, which stands above {own}"
        assert {own, unit} != {"data", "models"}, f"{path.relative_to(ROOT)}:{line}: data and models are strangers"


def inner_orders() -> dict[str, list[str]]:
    """For each folder that the page orders, its modules and subfolders in that order."""
    lines = re.sub(r"\n  +", " ", section("The order inside the folders")).splitlines()
    folders = (line.partition(": ") for line in lines)
    return {folder: re.findall(r"\w+", order) for folder, _, order in folders}


def runtime_imports(path: Path) -> Iterator[tuple[Path, int]]:
    """The modules that a module imports when it runs, as paths below src/sightline without .py, with the lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").startswith("sightline.")
            and id(node) not in for_types
        ):
            for alias in node.names:  # of a module, or a module of a folder
                yield Path(*str(node.module).split(".")[1:], alias.name), node.lineno


def test_the_order_inside_the_folders_names_what_is_there() -> None:
    for folder, units in inner_orders().items():
        there = {
            path.stem for path in (SOURCE / folder).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
        }
        assert sorted(units) == sorted(there - {"__init__"}), folder


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_go_one_way_inside_the_folders(path: Path) -> None:
    orders = inner_orders()
    importer = path.relative_to(SOURCE).with_suffix("")
    if importer.name == "__init__":
        return
    for imported, line in runtime_imports(path):
        shared = Path(*(a for a, b in zip(importer.parts, imported.parts, strict=False) if a == b))
        depth = len(shared.parts)
        if importer.parts[:depth] != imported.parts[:depth] or depth == 0 or depth >= len(imported.parts):
            continue
        own, other = importer.parts[depth], imported.parts[depth]
        if not (SOURCE / shared / other).exists() and not (SOURCE / shared / f"{other}.py").exists():
            continue  # a name from the folder's __init__.py
        place = f"{path.relative_to(ROOT)}:{line}"
        order = orders.get(str(shared), [])
        assert {own, other} <= set(order), f"{place}: docs/architecture.md does not order {own} and {other} in {shared}"
        assert order.index(other) < order.index(own), f"{place} imports {other}, which stands above {own} in {shared}"


def test_every_word_that_people_type_is_a_module() -> None:
    words = {name for name in app if not name.startswith("-")}
    modules = {path.stem for path in (SOURCE / "commands").iterdir() if path.stem != "__init__"} | {"lab"}
    assert words - modules == set()
    assert modules - words - {"__pycache__"} == {"preview"}  # `inspect DATA --augment`


@pytest.mark.parametrize("path", [p for p in MODULES if p.stem not in ("__init__", "__main__")], ids=lambda p: p.stem)
def test_every_module_has_its_mirror_among_the_tests(path: Path) -> None:
    mirror = ROOT / "tests" / path.relative_to(SOURCE).with_name(f"test_{path.name}")
    assert mirror.exists(), f"{path.relative_to(ROOT)} is tested by no file of its own: {mirror.relative_to(ROOT)}"
    assert "def test_" in mirror.read_text(encoding="utf-8"), f"{mirror.relative_to(ROOT)} tests nothing"
