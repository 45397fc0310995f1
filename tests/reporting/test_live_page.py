"""report.html while a training goes on and when it stops."""

from pathlib import Path

import pytest
import torch

from sightline.config import TrainConfig, Transfer
from sightline.data.imageset import ArrayImages, ImageSet, Splits
from sightline.errors import StorageError
from sightline.models.registry import find_architecture
from sightline.pixels.preprocess import Preprocess
from sightline.reporting.live_page import LivePage
from sightline.runs.job import Job
from sightline.runs.records import Stage
from sightline.runs.run import Run
from sightline.training.fit import Epoch
from sightline.training.history import HistoryFile
from sightline.training.range_test import RangeTest

EPOCH = Epoch(
    epoch=1, step=10, lr=0.1, train_loss=1.5, val_loss=1.0, val_accuracy=0.5, val_interval=(0.4, 0.6),
    images_per_second=100.0, seconds=2.0, progress=0.25, best_epoch=1,
)  # fmt: skip


@pytest.fixture
def page(tmp_path: Path) -> LivePage:
    """Of a training of four epochs on eight images."""
    images = ImageSet(
        ArrayImages(torch.zeros(8, 1, 32, 32, dtype=torch.uint8)),
        torch.arange(8) % 2,
        ("cat", "dog"),
        tuple(map(str, range(8))),
    )
    job = Job(
        data="pets",
        recipe="transfer",
        architecture=find_architecture("lenet5", num_classes=2, size=32),
        preprocess=Preprocess(size=(32, 32), channels=1, mean=(0.5,), std=(0.5,)),
        transfer=Transfer(weights="somewhere", finetune="all"),
        config=TrainConfig(epochs=4, device="cpu", precision="fp32"),
    )
    return LivePage(Run.create(tmp_path / "run", "pets", "lenet5"), job, Splits("pets", images, images, None))


def text(page: LivePage) -> str:
    return page.run.report_path.read_text(encoding="utf-8")


def test_it_is_drawn_again_after_every_epoch(page: LivePage) -> None:
    history = HistoryFile(page.run)
    history.epoch(EPOCH)
    page.epoch(EPOCH)
    assert "Training: 1 of 4 epochs done" in text(page)
    assert 'http-equiv="refresh"' in text(page)


def test_stages_and_rates_are_on_it_from_then_on(page: LivePage) -> None:
    stage = Stage(name="frozen", what="a linear head on features", correct=5, total=8, seconds=3.0)
    page.stage(stage)
    rates = RangeTest(rates=(0.001, 0.01, 0.1), losses=(2.0, 1.0, 3.0), suggestion=0.01, found=True, reason="it fell")
    page.range_test(rates, page.job)
    HistoryFile(page.run).epoch(EPOCH)
    page.epoch(EPOCH)
    assert "a linear head on features" in text(page)
    assert "Loss while the learning rate rises" in text(page)


def test_it_says_why_training_stopped_and_reloads_no_more(page: LivePage) -> None:
    page.stop("Stopped; the disk is full")
    assert "Stopped; the disk is full" in text(page)
    assert 'http-equiv="refresh"' not in text(page)


def test_a_training_that_is_refused_before_it_goes_on_keeps_its_page(page: LivePage) -> None:
    page.stop("Stopped; go on with: the command")
    again = LivePage(page.run, page.job, page.splits, resumed=True)
    again.stop("Stopped: the checkpoint is damaged")
    assert "go on with: the command" in text(page)
    again.checkpoint(3)
    again.stop("Stopped: the loss became nan")
    assert "the loss became nan" in text(page)


def test_a_page_that_cannot_be_written_does_not_hide_why_training_stopped(
    page: LivePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageError("no space left")

    monkeypatch.setattr("sightline.reporting.live_page.write_report", full)
    page.stop("Stopped")
    with pytest.raises(StorageError):  # but while training goes on it is a reason to stop
        page.epoch(EPOCH)
