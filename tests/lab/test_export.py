"""The static export: everything a plain file server needs, and nothing overwritten that is not ours."""

import json
from pathlib import Path

import pytest

from sightline.errors import InputError
from sightline.lab.export import export
from sightline.lab.pages import pages, static_files


def test_it_is_the_same_pages(tmp_path: Path) -> None:
    index = export(tmp_path / "site")
    assert index == tmp_path / "site" / "index.html"
    for address, page in pages().items():
        assert (tmp_path / "site" / address).read_bytes() == page
    static = tmp_path / "site" / "static"
    written = {path.relative_to(static).as_posix() for path in static.rglob("*") if path.is_file()}
    assert written == set(static_files())
    assert not any(name.endswith((".py", ".html")) for name in written)
    assert json.loads((tmp_path / "site" / "data" / "lab.json").read_bytes()) == {"live": False, "run": None}


def test_an_export_can_be_renewed(tmp_path: Path) -> None:
    index = export(tmp_path)
    index.write_text("old")
    assert export(tmp_path).read_text(encoding="utf-8") != "old"


def test_another_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("somebody's page")
    with pytest.raises(InputError, match="exists and is no export of the lab: choose a new or an empty folder"):
        export(tmp_path)
    assert (tmp_path / "index.html").read_text() == "somebody's page"
    with pytest.raises(InputError, match="is no export"):
        export(tmp_path / "index.html")
