"""The run a lab is about: none, one that still trains, one that is done."""

from pathlib import Path

import pytest

from sightline.errors import RunError
from sightline.lab.workspace import Workspace


def test_without_a_run() -> None:
    workspace = Workspace()
    assert workspace.about() == {"live": True, "run": None}
    with pytest.raises(RunError, match="opened without a run: close it and start it with one, `sightline lab RUN`"):
        workspace.classifier  # noqa: B018


def test_a_folder_that_is_no_run_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run folder"):
        Workspace(tmp_path / "gone")
    with pytest.raises(RunError, match=r"has no config\.json: give a run folder"):
        Workspace(tmp_path)


def test_a_run_that_still_trains(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    workspace = Workspace(tmp_path)
    assert workspace.about()["run"] == {"name": tmp_path.name, "complete": False, "network": False}
    with pytest.raises(RunError, match="has no network yet: its training has not come that far"):
        workspace.classifier  # noqa: B018
