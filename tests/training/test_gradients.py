"""A batch that does not fit goes through in more parts, and nothing else about the training changes."""

import dataclasses
import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor

from sightline.config import AugmentConfig, ParameterGroup, TrainConfig
from sightline.data.augment.mix import mix
from sightline.data.imageset import Splits
from sightline.errors import Interrupted, TrainingError
from sightline.models.contract import Network
from sightline.training.checkpoint import Checkpoints
from sightline.training.fit import fit

Tiny = Callable[..., Network]

CONFIG = TrainConfig(
    epochs=2,
    batch_size=32,
    groups=(ParameterGroup(optimizer="adamw", lr=0.02),),
    augment=AugmentConfig(flip="random", shift=1, mixup=0.4),
    precision="fp32",
)


def limit(network: Network, images: int, asked: list[int]) -> None:
    """Let memory suffice for so many images at once, in train mode: what comes after the first filters fails."""

    def fail(module: object, inputs: tuple[Tensor]) -> None:
        if network.training:
            asked.append(len(inputs[0]))
            if len(inputs[0]) > images:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore about it.")

    network.stages.get_submodule("conv2").register_forward_pre_hook(fail)


def same(first: Network, second: Network) -> bool:
    return all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


def test_parts_are_doubled_and_it_is_said_once(splits: Splits, tiny: Tiny) -> None:
    short, ample = tiny(batch_norm=True, dropout=0.3), tiny(batch_norm=True, dropout=0.3)
    asked: list[int] = []
    said: list[str] = []
    limit(short, 8, asked)
    epochs = list(fit(short, splits, CONFIG, say=said.append))
    assert asked[:6] == [32, 16, 8, 8, 8, 8]
    assert set(asked[2:]) == {8}  # what did not fit is not tried again
    assert said == [
        "out of memory with 32 images at once: batches of 32 now go through the network in 4 parts, "
        "and their gradients are added up"
    ]
    # Bit for bit the training that was asked to use four parts: batch norm, dropout and mixing included.
    expected = list(fit(ample, splits, dataclasses.replace(CONFIG, accumulate=4)))
    assert same(short, ample)
    assert [epoch.train_loss for epoch in epochs] == [epoch.train_loss for epoch in expected]


def test_memory_that_runs_out_later(splits: Splits, tiny: Tiny) -> None:
    network = tiny(batch_norm=True)
    said: list[str] = []
    epochs = fit(network, splits, CONFIG, say=said.append)
    next(epochs)
    limit(network, 16, [])
    assert len(list(epochs)) == 1
    assert len(said) == 1


def test_gradients_of_a_failed_backward_pass_are_forgotten(splits: Splits, tiny: Tiny) -> None:
    short, ample = tiny(), tiny()
    failures = iter([True])

    def fail(gradient: Tensor) -> None:
        if next(failures, False):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.")

    # The head's gradients are there when those of the first filters fail.
    short.stages.get_parameter("conv1.weight").register_hook(fail)
    list(fit(short, splits, CONFIG, say=lambda sentence: None))
    list(fit(ample, splits, dataclasses.replace(CONFIG, accumulate=2)))
    assert same(short, ample)


def test_without_a_listener_it_is_a_warning(splits: Splits, tiny: Tiny) -> None:
    network = tiny()
    limit(network, 20, [])
    with pytest.warns(UserWarning, match="out of memory with 32 images at once"):
        next(iter(fit(network, splits, CONFIG)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        next(iter(fit(tiny(), splits, CONFIG)))


def test_a_single_image_that_does_not_fit(splits: Splits, tiny: Tiny) -> None:
    network = tiny()
    limit(network, 0, [])
    with pytest.raises(TrainingError) as caught:
        next(iter(fit(network, splits, CONFIG)))
    assert str(caught.value) == (
        "out of memory: the network does not fit with even one image at a time "
        "(CUDA out of memory. Tried to allocate 2.00 GiB.): "
        "use a smaller --size or another --model, or close other programs"
    )


def test_no_part_is_a_single_image_where_batch_norm_compares_images(splits: Splits, tiny: Tiny) -> None:
    asked: list[int] = []
    network = tiny(batch_norm=True)
    limit(network, 100, asked)
    config = dataclasses.replace(CONFIG, epochs=1, batch_size=5, accumulate=5)
    next(iter(fit(network, splits, config)))
    assert set(asked) == {2, 3}
    for free, changes in ((tiny(), {}), (tiny(batch_norm=True), {"freeze_statistics": True})):
        asked.clear()
        limit(free, 100, asked)
        next(iter(fit(free, splits, dataclasses.replace(config, **changes))))
        assert set(asked) == {1}


def test_two_images_that_do_not_fit_and_cannot_be_parted(splits: Splits, tiny: Tiny) -> None:
    network = tiny(batch_norm=True)
    limit(network, 1, [])
    with pytest.raises(TrainingError, match=r"^out of memory: the network does not fit with even 2 images at a time"):
        next(iter(fit(network, splits, CONFIG)))


def test_other_errors_are_not_taken_for_it(splits: Splits, tiny: Tiny) -> None:
    network = tiny()
    network.head.register_forward_pre_hook(lambda *_: torch.ones(2, 3) @ torch.ones(2, 3) if network.training else None)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        next(iter(fit(network, splits, CONFIG)))


def test_the_parts_in_use_are_resumed(splits: Splits, tiny: Tiny, tmp_path: Path) -> None:
    unbroken, first, resumed = (tiny(seed=seed, batch_norm=True, dropout=0.3) for seed in (0, 0, 1))
    asked: list[int] = []
    for network in (unbroken, first):
        limit(network, 16, asked)
    list(fit(unbroken, splits, CONFIG, say=lambda sentence: None))
    passes = iter(range(12))
    first.register_forward_hook(lambda *_: os.kill(os.getpid(), signal.SIGTERM) if next(passes, 0) == 11 else None)
    with pytest.raises(Interrupted):
        list(fit(first, splits, CONFIG, checkpoints=Checkpoints(tmp_path), say=lambda sentence: None))
    # Nothing is short now, but whole batches would add up in another order.
    list(fit(resumed, splits, CONFIG, checkpoints=Checkpoints(tmp_path)))
    assert same(unbroken, resumed)


def test_every_part_mixes_in_its_own_way(splits: Splits, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    def noted(
        images: Tensor, labels: Tensor, num_classes: int, augment: AugmentConfig, *, generator: Generator
    ) -> tuple[Tensor, Tensor]:
        seeds.append(generator.initial_seed())
        return mix(images, labels, num_classes, augment, generator=generator)

    monkeypatch.setattr("sightline.training.gradients.mix", noted)
    config = dataclasses.replace(CONFIG, epochs=1, accumulate=4)
    for _ in range(2):
        list(fit(tiny(), splits, config))
    assert len(set(seeds[:20])) == 20  # 5 steps of 4 parts
    assert seeds[20:] == seeds[:20]
