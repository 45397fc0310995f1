"""Training that is stopped or fails, and the rate of `--lr auto`: what the run folder then says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sightline.commands.train.gather import gather
from sightline.commands.train.learn import Learned, learn
from sightline.commands.train.open import open_run, prepare_images, reopen
from sightline.commands.train.plan import plan
from sightline.config import TrainOptions, from_json
from sightline.errors import Interrupted, StorageError, TrainingError
from sightline.reporting.live_page import LivePage
from sightline.runs.job import read_job
from sightline.runs.run import Run
from sightline.training.listener import Listener, Listeners
from sightline.training.range_test import RangeTest

StopAfter = Callable[..., Listener]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trained(run: str | None = None, *, listener: Listener | None = None, **settings: Any) -> Learned:
    """Train LeNet-5 on the digits, or go on in the folder `run`."""
    if run:
        opened = reopen(None, TrainOptions(resume=run))
    else:
        planned = plan(gather("digits"), TrainOptions(model="lenet5", precision="fp32", device="cpu", **settings))
        opened = open_run(planned, prepare_images(gather("digits").splits, planned), out="run")
    page = LivePage(opened.run, opened.job, opened.splits)
    return learn(opened, listener=Listeners([page, listener or Listener()]))


def page() -> str:
    return Run("run").report_path.read_text(encoding="utf-8")


def test_the_page_of_an_interrupted_training_says_how_to_go_on(stop_after: StopAfter) -> None:
    with pytest.raises(Interrupted, match=r"go on with: sightline train --resume run$"):
        trained(epochs=3, listener=stop_after(1))
    assert 'http-equiv="refresh"' not in page()
    assert "Stopped; go on with: sightline train --resume run" in page()
    assert " to go<" not in page()


def test_the_page_of_a_training_that_failed_says_why(
    after_epochs: Callable[[int, Callable[[], object]], Listener],
) -> None:
    def fail() -> None:
        assert 'http-equiv="refresh"' in page()
        raise TrainingError("the loss is nan", where="step 90", hint="lower the learning rate")

    with pytest.raises(TrainingError, match=r"^the loss is nan \(step 90\): lower the learning rate$"):
        trained(epochs=3, listener=after_epochs(2, fail))
    assert 'http-equiv="refresh"' not in page()
    assert "Stopped: the loss is nan" in page()


def test_the_range_test_survives_a_resume(monkeypatch: pytest.MonkeyPatch, stop_after: StopAfter) -> None:
    with pytest.raises(Interrupted):
        trained(epochs=2, lr="auto", listener=stop_after(1))
    run = Run("run")
    rates = from_json(RangeTest, run.lr_range)
    assert json.loads(run.lr_range_path.read_text())["suggestion"] == rates.suggestion
    assert read_job(run).config.lr == rates.suggestion
    assert not read_job(run).find_lr

    monkeypatch.setattr(
        "sightline.commands.train.learn.range_test", lambda *_, **__: pytest.fail("a second range test")
    )
    learned = trained("run")
    assert learned.range_test == rates
    assert f"--lr {rates.suggestion}" in learned.job.command
    assert "Loss while the learning rate rises" in page()


def test_without_a_range_test_there_is_no_file() -> None:
    assert trained(epochs=1).range_test is None
    assert not Run("run").lr_range_path.exists()


def test_what_fails_after_the_last_epoch_is_on_the_page_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr("sightline.commands.train.learn.calibrate", fail)
    with pytest.raises(StorageError):
        trained(epochs=1)
    assert 'http-equiv="refresh"' not in page()
    assert "Stopped: the disk is full" in page()
