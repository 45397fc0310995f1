"""The history of a run, as its epochs end."""

import dataclasses
import json
from pathlib import Path

from sightline.runs.run import Run
from sightline.training.fit import Epoch
from sightline.training.history import HistoryFile

EPOCH = Epoch(
    epoch=1, step=10, lr=0.1, train_loss=1.5, val_loss=1.0, val_accuracy=0.5, val_interval=(0.4, 0.6),
    images_per_second=100.0, seconds=2.0, progress=0.5, best_epoch=1,
)  # fmt: skip


def test_an_epoch_is_a_line_with_all_it_has(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", "digits", "lenet5")
    history = HistoryFile(run)
    history.epoch(EPOCH)
    history.epoch(dataclasses.replace(EPOCH, epoch=2, best_epoch=None))
    assert [record["epoch"] for record in run.history] == [1, 2]
    assert run.history[0] == json.loads(json.dumps(dataclasses.asdict(EPOCH)))
    history.epoch(dataclasses.replace(EPOCH, epoch=2, train_loss=0.5))  # trained again after a resume
    assert [(record["epoch"], record["train_loss"]) for record in run.history] == [(1, 1.5), (2, 0.5)]
