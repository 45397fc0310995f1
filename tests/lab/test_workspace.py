"""The run a lab is about: none, one that still trains, one that is done."""

from pathlib import Path

import pytest

from sightline.errors import InputError, RunError
from sightline.lab.workspace import Workspace
from sightline.runs.run import Run


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
    assert workspace.about()["run"] == {
        "name": tmp_path.name,
        "trained": True,
        "complete": False,
        "network": False,
    }
    with pytest.raises(RunError, match="has no network yet: its training has not come that far"):
        workspace.classifier  # noqa: B018


def test_a_published_network() -> None:
    workspace = Workspace(model="resnet20", weights="none")
    assert workspace.about()["run"] == {"name": "resnet20", "trained": False, "complete": True, "network": True}
    assert workspace.classifier.classes[3] == "class 3"
    with pytest.raises(RunError, match="resnet20 came ready-made: there is no training of it here"):
        workspace.run  # noqa: B018


def test_a_run_takes_its_place(digits_run: Run) -> None:
    workspace = Workspace(model="resnet20", weights="none")
    workspace.open(digits_run.path)
    assert (workspace.name, workspace.has_run) == (digits_run.name, True)
    assert len(workspace.classifier.classes) == 10


def test_a_run_and_a_network_are_too_much(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give a run folder or --model, not both"):
        Workspace(tmp_path, model="resnet20")
    with pytest.raises(InputError, match="weights need a network to be in: name it with --model NAME"):
        Workspace(weights="none")
