"""What a training is made of at its start, and what its checkpoint gives back."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from sightline.config import ParameterGroup, TrainConfig
from sightline.errors import RunError
from sightline.models.contract import Network
from sightline.training import state as module
from sightline.training.state import Progress, Stopwatch, TrainingState
from sightline.training.stopping import Score
from sightline.training.world import World

Tiny = Callable[..., Network]


def config(**settings: Any) -> TrainConfig:
    group = ParameterGroup(optimizer="sgd", lr=0.1, momentum=0.9)
    return TrainConfig(groups=(group,), ema_decay=0.9, patience=3, plateau_patience=2, **settings)


def step(state: TrainingState, images: int = 4) -> None:
    """One step of training on random images and labels, and of everything that follows it."""
    generator = torch.Generator().manual_seed(state.progress.step)
    x = torch.randn(images, 1, 12, 12, generator=generator)
    F.cross_entropy(state.network(x), torch.arange(images) % 2).backward()
    state.optimizers.step()
    state.optimizers.zero_grad()
    state.ema.update()
    state.progress.step += 1


def same(a: Any, b: Any) -> bool:
    """Whether two states are equal, tensors bit for bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def test_the_beginning(tiny: Tiny) -> None:
    state = TrainingState.start(tiny(), config(accumulate=3))
    assert state.progress == Progress(parts=3)
    assert (state.progress.step, state.progress.best, state.best_weights) == (0, None, {})
    assert (state.early_stopping.waited, state.plateau.waited) == (0, 0)


def test_what_is_saved_goes_on_bit_for_bit(tiny: Tiny) -> None:
    state = TrainingState.start(tiny(seed=1, batch_norm=True), config())
    for _ in range(3):
        step(state)
    state.progress.best, state.progress.best_epoch = Score(accuracy=0.5, loss=1.0), 2
    state.progress.loss_sum = torch.tensor(2.5)
    state.early_stopping.waited, state.plateau.waited = 2, 1
    state.remember_best()
    checkpoint = state.state_dict()

    other = TrainingState.start(tiny(seed=2, batch_norm=True), config())
    other.load_state_dict(checkpoint)
    assert same(other.state_dict(), checkpoint)
    assert other.progress.best == Score(accuracy=0.5, loss=1.0)
    assert (other.early_stopping.waited, other.plateau.waited) == (2, 1)
    for one in (state, other):
        step(one)
    assert same(other.state_dict(), state.state_dict())


def test_the_best_weights_are_a_copy(tiny: Tiny) -> None:
    state = TrainingState.start(tiny(batch_norm=True), config())
    before = {name: tensor.clone() for name, tensor in state.network.state_dict().items()}
    state.remember_best()
    step(state)
    assert same(state.best_weights, before)
    assert not same(state.best_weights, dict(state.network.state_dict()))
    assert not any(tensor.requires_grad for tensor in state.best_weights.values())


def plain(value: Any) -> bool:
    """Only what can be read without running code."""
    if isinstance(value, dict):
        return all(map(plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(plain, value))
    return value is None or isinstance(value, torch.Tensor | bool | int | float | str)


def test_a_state_is_plain(tiny: Tiny) -> None:
    state = TrainingState.start(tiny(), config())
    step(state)
    state.progress.best = Score(accuracy=0.5, loss=1.0)
    assert plain(state.state_dict())


NOT_ITS_OWN = {
    "another network": lambda checkpoint, tiny: TrainingState.start(tiny(channels=3), config()),
    "another optimiser": lambda checkpoint, tiny: TrainingState.start(
        tiny(), TrainConfig(groups=(ParameterGroup(match="head", lr=0.1), ParameterGroup(lr=0.1)))
    ),
    "a piece is missing": lambda checkpoint, tiny: checkpoint.pop("ema") and TrainingState.start(tiny(), config()),
    "a number is missing": lambda checkpoint, tiny: checkpoint["waited"].pop() or TrainingState.start(tiny(), config()),
}


@pytest.mark.parametrize("what", NOT_ITS_OWN)
def test_a_state_of_another_training_is_refused(what: str, tiny: Tiny) -> None:
    state = TrainingState.start(tiny(), config())
    step(state)
    state.early_stopping.waited = 1
    checkpoint = state.state_dict()
    other = NOT_ITS_OWN[what](checkpoint, tiny)
    with pytest.raises(RunError) as caught:
        other.load_state_dict(checkpoint)
    assert str(caught.value) == (
        "the checkpoint does not fit this training: "
        "go on with the network and the configuration it was saved with, or delete it"
    )


def test_laps_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10.0, 12.0, 15.0])
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(times))
    progress = Progress(seconds=100.0)  # of an earlier session
    watch = Stopwatch(progress, World())
    assert [watch.lap(), watch.lap()] == [2, 3]
    assert progress.seconds == 105
