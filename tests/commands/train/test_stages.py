"""Which of the two stages of a transfer is kept, whatever happens in between: stops, kills, budgets, older versions."""

import contextlib
import dataclasses
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from sightline.commands.train.gather import gather
from sightline.commands.train.learn import learn
from sightline.commands.train.open import open_run, prepare_images
from sightline.commands.train.plan import plan
from sightline.commands.train.train import train
from sightline.config import TrainOptions
from sightline.errors import Interrupted
from sightline.models.contract import Network
from sightline.runs.records import Stage
from sightline.runs.run import Run
from sightline.training.checkpoint import Checkpoints
from sightline.training.fit import Epoch
from sightline.training.frozen import FrozenStage, train_frozen
from sightline.training.listener import Listener
from sightline.training.stopping import Score
from sightline.training.validation import Validation

from .conftest import MODEL

BOTH = {"finetune": "all", "epochs": 2, "lr": 0.01}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIGHTLINE_DATA", raising=False)


def trained(photos: Path, weights: Path, **settings: Any) -> Run:
    """Both stages, in fp32 on the CPU, where a training can be repeated exactly."""
    options = {"model": MODEL, "device": "cpu", "precision": "fp32", "quiet": True, "report": "quick"} | BOTH | settings
    return train(photos, weights=weights, **options)


def state(run: Run) -> bytes:
    return (run.model_folder / "model.safetensors").read_bytes()


def stages(run: Run) -> list[dict[str, Any]]:
    recorded: list[dict[str, Any]] = run.metrics["stages"]
    return recorded


@contextlib.contextmanager
def fine_tuning_is_worse(weights: Path) -> Iterator[None]:
    """Within the block validation recognises everything while the pretrained layers are as they were, then nothing."""
    stem = next(tensor for tensor in load_file(weights).values() if tensor.ndim == 4)

    def score(self: Validation, network: nn.Module) -> Score:
        unmoved = any(torch.equal(tensor, stem) for tensor in network.state_dict().values())
        return Score(1.0, 0.1) if unmoved else Score(0.0, 1.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Validation, "score", score)
        yield


@contextlib.contextmanager
def heads_come_out_differently() -> Iterator[None]:
    """Within the block a first stage ends with slightly other weights, as under --time with other numbers of views."""

    def fit(network: Network, *arguments: Any, last: bool = False, **options: Any) -> FrozenStage:
        head = train_frozen(network, *arguments, last=last, **options)
        if not last:
            with torch.no_grad():
                network.head.get_submodule("output").get_parameter("bias").add_(1e-3)
            head = dataclasses.replace(head, correct=0, seconds=123.0)
        return head

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sightline.commands.train.stages.train_frozen", fit)
        yield


class StopAt(Listener):
    """Sends this process SIGINT when it is told of an event for the n-th time."""

    def __init__(self, event: str, number: int) -> None:
        self.event, self.remaining = event, number

    def hear(self, event: str) -> None:
        self.remaining -= event == self.event
        if self.remaining == 0:
            self.remaining = -1
            os.kill(os.getpid(), signal.SIGINT)

    def stage(self, stage: Stage) -> None:
        self.hear("stage")

    def epoch(self, epoch: Epoch) -> None:
        self.hear("epoch")

    def checkpoint(self, step: int) -> None:
        self.hear("checkpoint")


@pytest.mark.parametrize(
    ("event", "number"), [("stage", 1), ("epoch", 1), ("epoch", 2), ("checkpoint", 1), ("stage", 2)]
)
def test_which_stage_is_kept_is_known_after_an_interruption_anywhere(
    photos: Path, weights: Path, event: str, number: int
) -> None:
    with fine_tuning_is_worse(weights):
        unbroken = trained(photos, weights, out="unbroken")
        with pytest.raises(Interrupted):
            trained(photos, weights, out="half", listeners=[StopAt(event, number)])
        # The first stage is not over before it has been told of, and may come out differently the next time.
        before_its_end = (event, number) == ("stage", 1)
        with contextlib.nullcontext() if before_its_end else heads_come_out_differently():
            resumed = train(resume="half", quiet=True)
    assert [(stage["name"], stage["kept"]) for stage in stages(unbroken)] == [("frozen", True), ("fine-tuned", False)]
    for first, second in zip(stages(resumed), stages(unbroken), strict=True):
        assert first | {"seconds": 0} == second | {"seconds": 0}
    assert stages(resumed)[0]["seconds"] != 123
    assert state(resumed) == state(unbroken)
    assert (resumed.path / "model" / "model.json").read_bytes() == (unbroken.path / "model" / "model.json").read_bytes()


@contextlib.contextmanager
def scored(*scores: tuple[float, float]) -> Iterator[None]:
    """Within the block validation gives these accuracies and losses, one after the other."""
    remaining = iter(scores)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Validation, "score", lambda self, network: Score(*next(remaining)))
        yield


class KillError(Exception):
    """Stands for the end of the process."""


class KillAfter(Listener):
    """Ends the process, as it were, after this epoch."""

    def __init__(self, number: int) -> None:
        self.number = number

    def epoch(self, epoch: Epoch) -> None:
        if epoch.epoch == self.number:
            raise KillError


def test_a_history_that_is_ahead_of_the_checkpoint_decides_nothing(
    photos: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill loses what came after the checkpoint; under --time there may be no time to learn it again."""
    save, saved = Checkpoints.save, []

    def save_once(self: Checkpoints, contents: dict[str, Any]) -> None:
        if not saved:
            saved.append(contents)
            save(self, contents)

    monkeypatch.setattr(Checkpoints, "save", save_once)
    monkeypatch.setattr(Checkpoints, "age", property(lambda self: 1e9))  # it is time to save after the first step
    timed = {"epochs": None, "time": "60s"}
    with scored((0.8, 0.5), (0.2, 2.0), (1.0, 0.1)), pytest.raises(KillError):  # the second epoch is the best
        trained(photos, weights, out="half", listeners=[KillAfter(2)], **timed)
    assert Run("half").history[-1]["best_epoch"] == 2

    resumed = train(resume="half", quiet=True, started=time.monotonic() - 1_000)
    assert [(stage["name"], stage["kept"]) for stage in stages(resumed)] == [("frozen", True), ("fine-tuned", False)]
    assert [record["epoch"] for record in resumed.history] == [1]  # the second is lost
    stem = next(tensor for tensor in load_file(weights).values() if tensor.ndim == 4)
    assert any(torch.equal(tensor, stem) for tensor in resumed.classifier.network.state_dict().values())


@pytest.mark.parametrize(("first_epoch", "winner"), [((0.4, 0.5), "fine-tuned"), ((0.4, 1.5), "frozen")])
def test_a_half_done_transfer_of_the_first_version_is_judged_by_its_checkpoint(
    photos: Path, weights: Path, first_epoch: tuple[float, float], winner: str
) -> None:
    """As accurate as the start; among equals the smaller loss is better. 0.1.0 did not write which epoch was best."""
    with scored((0.4, 1.0), first_epoch), pytest.raises(Interrupted):
        trained(photos, weights, out="half", listeners=[StopAt("epoch", 1)])
    half = Run("half")
    checkpoint = torch.load(half.checkpoint_folder / "state.pt", weights_only=True)
    del checkpoint["progress"]["best_epoch"]
    torch.save(checkpoint, half.checkpoint_folder / "state.pt")
    records = [{key: value for key, value in record.items() if key != "best_epoch"} for record in half.history]
    half.history_path.write_text("".join(json.dumps(record) + "\n" for record in records))
    half.stages_path.unlink()
    with scored((0.2, 3.0)):
        resumed = train(resume="half", quiet=True)
    assert [stage["name"] for stage in stages(resumed) if stage["kept"]] == [winner]


def test_another_training_may_begin_with_the_same_network(photos: Path, weights: Path) -> None:
    """A search opens one plan several times."""
    gathered = gather(photos)
    options = TrainOptions(model=MODEL, weights=str(weights), device="cpu", precision="fp32", finetune="all", epochs=1)
    planned = plan(gathered, options)
    prepared = prepare_images(gathered.splits, planned)
    first, second = (learn(open_run(planned, prepared, out=f"run {n}")) for n in range(2))
    for name, tensor in first.classifier.network.state_dict().items():
        assert torch.equal(tensor, second.classifier.network.state_dict()[name]), name
