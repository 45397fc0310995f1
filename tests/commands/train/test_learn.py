"""Training that is stopped or fails, and the rate of `--lr auto`: what the run folder then says."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sightline.commands.train.learn import learn
from sightline.commands.train.open import begin, reopen
from sightline.config import TrainOptions, from_json
from sightline.errors import Interrupted, TrainingError
from sightline.machine.clock import Clock
from sightline.reporting.console import Narrator
from sightline.runs.job import read_job
from sightline.runs.run import Run
from sightline.training.range_test import RangeTest


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trained(run: str | None = None, **given: Any) -> Any:
    """Train LeNet-5 on the digits, or go on in the folder `run`; the report's facts."""
    narrator = Narrator(quiet=True)
    if run:
        start = reopen(None, TrainOptions(resume=run), narrator)
    else:
        options = TrainOptions(model="lenet5", precision="fp32", device="cpu", out="run", **given)
        start = begin("digits", options, narrator, Clock())
    narrator.run = start.run
    return learn(start, narrator, Clock()).facts


def after_epoch(number: int, do: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    tell = Narrator.epoch

    def tell_and_do(self: Narrator, epoch: Any, **options: Any) -> None:
        tell(self, epoch, **options)
        if epoch.epoch == number:
            do()

    monkeypatch.setattr(Narrator, "epoch", tell_and_do)


def stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def page() -> str:
    return Run("run").report_path.read_text(encoding="utf-8")


def test_the_page_of_an_interrupted_training_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    after_epoch(1, stop, monkeypatch)
    with pytest.raises(Interrupted, match=r"go on with: sightline train --resume run$"):
        trained(epochs=3)
    assert 'http-equiv="refresh"' not in page()
    assert "Stopped; go on with: sightline train --resume run" in page()
    assert " to go<" not in page()


def test_the_page_of_a_training_that_failed_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        assert 'http-equiv="refresh"' in page()
        raise TrainingError("the loss is nan", where="step 90", hint="lower the learning rate")

    after_epoch(2, fail, monkeypatch)
    with pytest.raises(TrainingError, match=r"^the loss is nan \(step 90\): lower the learning rate$"):
        trained(epochs=3)
    assert 'http-equiv="refresh"' not in page()
    assert "Stopped: the loss is nan" in page()


def test_the_range_test_survives_a_resume(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        after_epoch(1, stop, patch)
        with pytest.raises(Interrupted):
            trained(epochs=2, lr="auto")
    run = Run("run")
    found = from_json(RangeTest, run.lr_range)
    assert json.loads(run.lr_range_path.read_text())["suggestion"] == found.suggestion
    assert read_job(run).config.lr == found.suggestion
    assert not read_job(run).find_lr

    monkeypatch.setattr(
        "sightline.commands.train.learn.range_test", lambda *_, **__: pytest.fail("a second range test")
    )
    facts = trained("run")
    assert facts.range_test == found
    assert f"--lr {found.suggestion}" in facts.command
    assert "Loss while the learning rate rises" in page()


def test_without_a_range_test_there_is_no_file() -> None:
    facts = trained(epochs=1)
    assert facts.range_test is None
    assert not Run("run").lr_range_path.exists()
