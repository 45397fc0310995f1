"""The loop asks its world wherever several processes have to agree; two of them train the network that one trains."""

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sightline.config import AugmentConfig, ParameterGroup, TrainConfig
from sightline.data.imageset import Splits
from sightline.errors import Interrupted, TrainingError
from sightline.models.contract import Network
from sightline.pixels.preprocess import Preprocess
from sightline.training.checkpoint import Checkpoints
from sightline.training.fit import Epoch, fit
from sightline.training.world import ALONE, World

Tiny = Callable[..., Network]

SCALED = Preprocess(size=(12, 12), channels=1, mean=(0.0,), std=(1.0,))
CONFIG = TrainConfig(
    epochs=2,
    batch_size=32,
    groups=(ParameterGroup(lr=0.1, momentum=0.5),),
    augment=AugmentConfig(flip="random", shift=1),
    precision="fp32",
    keep_best=False,
    checkpoint_seconds=1e9,
)


def test_a_process_alone_agrees_with_itself() -> None:
    network, value = nn.Linear(2, 1), torch.tensor(3.0)
    network.weight.grad = torch.tensor([[1.0, 2.0]])
    ALONE.add_gradients(network)
    assert network.weight.grad.tolist() == [[1.0, 2.0]]
    assert ALONE.total(value) is value
    assert [ALONE.any(True), ALONE.any(False), ALONE.decided(True), ALONE.decided(False)] == [True, False, True, False]
    assert (ALONE.longest(1.5), ALONE.writes, ALONE.rank, ALONE.size) == (1.5, True, 0, 1)
    assert list(range(7))[ALONE.share(7)] == list(range(7))


class Meeting(World):
    """One of several processes, here threads: what one brings to a meeting all of them get."""

    size = 2

    def __init__(self, rank: int, barrier: threading.Barrier, table: list[Any]) -> None:
        self.rank = rank  # type: ignore[misc]
        self.barrier = barrier
        self.table = table

    def bring(self, something: Any) -> list[Any]:
        self.table[self.rank] = something
        self.barrier.wait(timeout=60)
        brought = list(self.table)
        self.barrier.wait(timeout=60)
        return brought

    def share(self, count: int) -> slice:
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def add_gradients(self, network: nn.Module) -> None:
        own = [p.grad for p in network.parameters() if p.grad is not None]
        both = self.bring([gradient.clone() for gradient in own])
        for gradient, *parts in zip(own, *both, strict=True):
            gradient.copy_(sum(parts))

    def total(self, value: Tensor) -> Tensor:
        total: Tensor = sum(self.bring(value))
        return total

    def any(self, flag: bool) -> bool:
        return any(self.bring(flag))

    def decided(self, flag: bool) -> bool:
        decision: bool = self.bring(flag)[0]
        return decision

    def longest(self, seconds: float) -> float:
        return max(self.bring(seconds))


def together(train: Callable[[World], Any]) -> list[Any]:
    """What `train` gives, or raises, in each of two threads that meet."""
    barrier, table, results = threading.Barrier(2), [None, None], [None, None]

    def run(rank: int) -> None:
        try:
            results[rank] = train(Meeting(rank, barrier, table))
        except Exception as error:
            results[rank] = error

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("batch_size", [32, 33])
def test_two_train_the_network_that_one_trains(splits: Splits, tiny: Tiny, batch_size: int) -> None:
    config = dataclasses.replace(CONFIG, batch_size=batch_size)
    alone = tiny()
    epochs = list(fit(alone, splits, config, preprocess=SCALED))
    networks = [tiny(), tiny()]
    histories: list[list[Epoch]] = together(
        lambda world: list(fit(networks[world.rank], splits, config, preprocess=SCALED, world=world))
    )
    for network in networks:
        for name, tensor in network.state_dict().items():
            torch.testing.assert_close(tensor, alone.state_dict()[name], rtol=1e-5, atol=1e-6)
    for one, first, second in zip(epochs, *histories, strict=True):
        assert first.step == second.step == one.step
        assert first.train_loss == second.train_loss == pytest.approx(one.train_loss, rel=1e-5)
        assert first.val_accuracy == second.val_accuracy == one.val_accuracy
        assert first.seconds == second.seconds


def test_memory_that_suffices_for_nothing_stops_all_though_their_shares_differ(splits: Splits, tiny: Tiny) -> None:
    """33 images are shared as 16 and 17: the one would give up an attempt before the other."""

    def train(world: World) -> Any:
        network = tiny(batch_norm=True)

        def fail(*_: object) -> None:
            if network.training:
                raise torch.OutOfMemoryError("CUDA out of memory.")

        network.stages.get_submodule("conv2").register_forward_pre_hook(fail)
        config = dataclasses.replace(CONFIG, batch_size=33)
        return list(fit(network, splits, config, preprocess=SCALED, say=lambda _: None, world=world))

    for result in together(train):
        assert isinstance(result, TrainingError)
        assert result.what.startswith("out of memory: the network does not fit with even ")


class Others(World):
    """This process among others, which answer at the n-th meeting of a kind what a test says. calls: the meetings."""

    def __init__(self, **answers: dict[int, Any]) -> None:
        self.answers = answers
        self.calls: list[str] = []

    def asked(self, kind: str, own: Any) -> Any:
        self.calls.append(kind)
        return self.answers.get(kind, {}).get(self.calls.count(kind), own)

    def any(self, flag: bool) -> bool:
        answer: bool = self.asked("any", flag)
        return answer

    def decided(self, flag: bool) -> bool:
        answer: bool = self.asked("decided", flag)
        return answer

    def longest(self, seconds: float) -> float:
        answer: float = self.asked("longest", seconds)
        return answer

    def add_gradients(self, network: nn.Module) -> None:
        self.asked("add_gradients", None)

    def total(self, value: Tensor) -> Tensor:
        self.calls.append("total")
        return value


# A step asks, in this order: memory, bad losses, and then whether to stop.
MEMORY, LOSS, STOP = 1, 2, 3


def test_a_signal_that_another_has_heard_stops_this_one(splits: Splits, tiny: Tiny, tmp_path: Path) -> None:
    world, checkpoints = Others(any={STOP: True}), Checkpoints(tmp_path)
    with pytest.raises(Interrupted, match=r"^stopped after step 1; everything learnt is saved"):
        list(fit(tiny(), splits, CONFIG, preprocess=SCALED, checkpoints=checkpoints, world=world))
    assert checkpoints.path.exists()


def test_only_the_one_that_writes_saves(splits: Splits, tiny: Tiny, tmp_path: Path) -> None:
    class Second(Others):
        rank = 1

    checkpoints = Checkpoints(tmp_path / "never")
    world = Second(decided={1: True})
    assert len(list(fit(tiny(), splits, CONFIG, preprocess=SCALED, checkpoints=checkpoints, world=world))) == 2
    assert not checkpoints.path.exists()


def test_the_writer_decides_when_it_is_time_to_save(splits: Splits, tiny: Tiny, tmp_path: Path) -> None:
    class Kept(Checkpoints):
        saved: list[int] = []  # noqa: RUF012

        def save(self, state: dict[str, Any]) -> None:
            self.saved.append(state["progress"]["step"])

    list(fit(tiny(), splits, CONFIG, preprocess=SCALED, checkpoints=Kept(tmp_path), world=Others(decided={2: True})))
    last = CONFIG.epochs * (len(splits.train) // CONFIG.batch_size)
    assert Kept.saved == [2, last]


def test_a_bad_loss_in_another_process_stops_this_one(splits: Splits, tiny: Tiny) -> None:
    with pytest.raises(TrainingError, match=r"^the loss of another process is infinite or not a number"):
        list(fit(tiny(), splits, CONFIG, preprocess=SCALED, world=Others(any={LOSS: True})))


def test_memory_that_is_short_in_another_process_halves_what_goes_at_once_here(splits: Splits, tiny: Tiny) -> None:
    said: list[str] = []
    alone, together = tiny(), tiny()
    parted = dataclasses.replace(CONFIG, accumulate=2)
    list(fit(alone, splits, parted, preprocess=SCALED))
    list(fit(together, splits, CONFIG, preprocess=SCALED, say=said.append, world=Others(any={MEMORY: True})))
    assert len(said) == 1
    assert said[0].startswith("out of memory with 32 images at once")
    for name, tensor in alone.state_dict().items():
        assert torch.equal(tensor, together.state_dict()[name]), name


def test_the_longest_time_counts(splits: Splits, tiny: Tiny) -> None:
    config = dataclasses.replace(CONFIG, seconds=1_000.0)
    epochs = list(fit(tiny(), splits, config, preprocess=SCALED, world=Others(longest={3: 2_000.0})))
    assert [(epoch.epoch, epoch.step, epoch.progress) for epoch in epochs] == [(1, 3, 1.0)]


def test_every_step_has_the_same_meetings(splits: Splits, tiny: Tiny) -> None:
    world = Others()
    list(fit(tiny(), splits, dataclasses.replace(CONFIG, epochs=1), preprocess=SCALED, world=world))
    step = ["any", "add_gradients", "total", "any", "longest", "any"]
    steps = len(splits.train) // CONFIG.batch_size
    assert world.calls[: len(step) * (steps - 1)] == step * (steps - 1)
