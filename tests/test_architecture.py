"""docs/architecture.md is true: its map has every module, imports go the way it says, and tests mirror the tree."""

import ast
import itertools
import re
from collections.abc import Iterator, Sequence
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


def imports(tree: ast.AST, *, for_types: bool = True) -> Iterator[tuple[Path, int]]:
    """What a module imports of sightline, anywhere in it, as paths below src/sightline without .py, with the lines.

    The last part may be a name inside a module. A module whose name is put together as the program runs is not seen:
    so does the registry find the zoo, and an __init__.py what it gathers. for_types: with what a type checker reads.
    """
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.ImportFrom(level=0, module=str(module)):
                names = [f"{module}.{alias.name}" for alias in node.names]
            case ast.ImportFrom():
                raise AssertionError(f"line {node.lineno}: a relative import; write where the module is")
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                names = [name]
            case ast.If() if not for_types and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            case _:
                names = []
        parts = (name.split(".") for name in names)
        yield from ((Path(*inner), getattr(node, "lineno", 0)) for top, *inner in parts if top == "sightline" and inner)
        yield from imports(node, for_types=for_types)


@pytest.mark.parametrize(
    ("code", "imported"),
    [
        ("from sightline.data.audit import audit, leaks", ["data/audit/audit", "data/audit/leaks"]),
        ("from sightline import data", ["data"]),
        ("import numpy, sightline.data.split as split", ["data/split"]),
        ("def find():\n    return importlib.import_module('sightline.data.split')", ["data/split"]),
        ("def find():\n    return import_module('sightline.data.split').Split", ["data/split"]),
        ("if TYPE_CHECKING:\n    import sightline.data.split", []),
        ("import sightline", []),
    ],
)
def test_every_way_to_import_is_seen(code: str, imported: list[str]) -> None:
    assert [path.as_posix() for path, _ in imports(ast.parse(code), for_types=False)] == imported


def imported_units(path: Path) -> Iterator[tuple[str, int]]:
    """The units that a module imports, with the lines."""
    units = {unit_of(module) for module in MODULES}
    for imported, line in imports(ast.parse(path.read_text(encoding="utf-8"))):
        if imported.parts[0] in units:  # and no public name of sightline itself
            yield imported.parts[0], line


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


def common_start(first: Sequence[str], second: Sequence[str]) -> list[str]:
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    return [part for part, _ in pairs]


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
    if importer.name == "__init__":  # of a folder, which stands above all that is in it
        importer = importer.parent
    for imported, line in imports(ast.parse(path.read_text(encoding="utf-8")), for_types=False):
        shared = Path(*common_start(importer.parts, imported.parts))
        depth = len(shared.parts)
        if depth == 0 or depth in (len(importer.parts), len(imported.parts)):
            continue  # another unit; a folder that gathers what is in it; a module of the folder's own __init__.py
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
