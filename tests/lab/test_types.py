"""The modules' JSDoc types, checked by TypeScript."""

import shutil
import subprocess
from pathlib import Path

import platformdirs
import pytest

STATIC = Path(__file__).parents[2] / "src" / "sightline" / "lab" / "static"
TYPESCRIPT = "5.9.3"


@pytest.fixture(scope="module")
def tsc() -> list[str]:
    """TypeScript's compiler, fetched once into the user's cache."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("npm is not installed")
    folder = platformdirs.user_cache_path("sightline") / f"typescript-{TYPESCRIPT}"
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    if not compiler.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            npm,
            "install",
            "--no-audit",
            "--no-fund",
            "--no-save",
            "--prefix",
            str(folder),
            f"typescript@{TYPESCRIPT}",
        ]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if result.returncode:
            pytest.skip(f"npm cannot fetch TypeScript: {result.stderr.strip().splitlines()[-1:]}")
    return [node, str(compiler)]


def check(tsc: list[str], *files: str) -> str:
    options = ["--noEmit", "--allowJs", "--checkJs", "--strict", "--target", "es2022", "--module", "es2022"]
    command = [*tsc, *options, "--lib", "es2022,dom,dom.iterable", *files]
    return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout


def test_the_modules_have_the_types_they_say(tsc: list[str]) -> None:
    assert check(tsc, *map(str, sorted(STATIC.rglob("*.js")))) == ""


def test_a_wrong_type_would_be_found(tsc: list[str], tmp_path: Path) -> None:
    (tmp_path / "wrong.js").write_text("/** @param {number} x */\nexport const f = (x) => x.length;\n")
    assert "Property 'length' does not exist on type 'number'" in check(tsc, str(tmp_path / "wrong.js"))
