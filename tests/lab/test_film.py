"""What the time machine is given: the numbers of the snapshots."""

import json
from pathlib import Path

import numpy as np
import pytest

from sightline.errors import RunError
from sightline.inspection import read_snapshots
from sightline.lab.answers import to_json
from sightline.lab.export import export
from sightline.lab.film import frame, index
from sightline.runs.run import Run

from .conftest import unpacked


def test_frames_are_the_snapshots(digits_run: Run) -> None:
    snapshots = read_snapshots(digits_run.snapshots_folder)
    contents = index(digits_run)
    assert contents["epochs"] == [snapshot.epoch for snapshot in snapshots]
    assert contents["complete"]
    assert [record["epoch"] for record in contents["history"]] == [1, 2, 3]
    np.testing.assert_array_equal(unpacked(contents["probes"]["images"]), snapshots[0].probes.images)
    for snapshot in snapshots:
        answer = json.loads(to_json(frame(digits_run, snapshot.epoch)))
        np.testing.assert_allclose(answer["kernels"]["values"], snapshot.kernels[:24, :3], atol=1e-4)
        np.testing.assert_array_equal(unpacked(answer["maps"]), snapshot.maps[:, :8])
        np.testing.assert_array_equal(unpacked(answer["cams"]), snapshot.cams)
        assert answer["confusion"] == snapshot.confusion.tolist()
        assert answer["right"] == [int(np.trace(snapshot.confusion)), len(snapshot.truth)]


def test_an_epoch_without_a_snapshot(digits_run: Run) -> None:
    with pytest.raises(RunError, match="there is no snapshot of epoch 99"):
        frame(digits_run, 99)


def test_a_run_without_snapshots(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert index(Run(tmp_path)) == {"epochs": [], "history": [], "complete": False, "probes": None}


def test_the_export_has_every_frame(digits_run: Run, tmp_path: Path) -> None:
    export(tmp_path, digits_run.path)
    epochs = json.loads((tmp_path / "data" / "time" / "index.json").read_bytes())["epochs"]
    for epoch in epochs:
        assert json.loads((tmp_path / "data" / "time" / f"{epoch}.json").read_bytes())["epoch"] == epoch
    assert sum(path.stat().st_size for path in (tmp_path / "data").rglob("*")) < 4e6
