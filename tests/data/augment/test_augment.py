"""`augment` does what its configuration says, in one order, and nothing when nothing is on."""

from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from sightline.config import AugmentConfig
from sightline.data.augment.affine import random_affine
from sightline.data.augment.augment import augment
from sightline.data.augment.crop import alternating_flip, random_flip, random_shift
from sightline.data.augment.erase import cutout

SINGLE: list[dict[str, Any]] = [
    {"flip": "random"},
    {"flip": "alternating"},
    {"vertical_flip": True},
    {"shift": 2},
    {"shift": 2, "padding": "edge"},
    {"shift": 2, "padding": "constant"},
    {"rotate": 15.0},
    {"zoom": 0.2},
    {"shear": 10.0},
    {"brightness": 0.3},
    {"contrast": 0.3},
    {"saturation": 0.3},
    {"hue": 0.1},
    {"erase": 0.5},
    {"cutout": 4},
    {"policy": "rand"},
    {"policy": "trivial"},
]


def noise(count: int = 8, channels: int = 3, height: int = 12, width: int = 10) -> Tensor:
    shape = (count, channels, height, width)
    return torch.randint(0, 256, shape, generator=Generator().manual_seed(4), dtype=torch.uint8)


def augmented(images: Tensor, config: AugmentConfig, *, seed: int = 0, epoch: int = 0) -> Tensor:
    generator = Generator().manual_seed(seed)
    return augment(images, config, indices=torch.arange(len(images)), epoch=epoch, generator=generator)


def test_off_returns_the_very_tensor() -> None:
    images = noise()
    assert augmented(images, AugmentConfig()) is images
    assert augmented(images, AugmentConfig(mixup=0.2, cutmix=1.0)) is images  # mixing needs labels: see mix


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("settings", SINGLE, ids=lambda settings: "-".join(map(str, settings.values())))
def test_each_keeps_shape_and_input_and_follows_its_generator(settings: dict[str, Any], channels: int) -> None:
    images = noise(channels=channels)
    original = images.clone()
    result = augmented(images, AugmentConfig(**settings))
    assert result.shape == images.shape
    assert result.dtype == torch.uint8
    assert torch.equal(images, original)
    assert torch.equal(result, augmented(images, AugmentConfig(**settings)))
    if channels == 3 or not settings.keys() & {"saturation", "hue"}:
        assert not torch.equal(result, images)
    else:
        assert torch.equal(result, images)


def test_everything_at_once() -> None:
    config = AugmentConfig(
        flip="random", vertical_flip=True, shift=1, rotate=10, zoom=0.1, shear=5, brightness=0.2, contrast=0.2,
        saturation=0.2, hue=0.05, erase=0.5, cutout=3, policy="trivial",
    )  # fmt: skip
    result = augmented(noise(), config)
    assert result.shape == noise().shape
    assert not torch.equal(result, augmented(noise(), config, seed=1))


def test_alternating_flip_gets_indices_and_epoch() -> None:
    images = noise()
    for epoch in (0, 1):
        result = augmented(images, AugmentConfig(flip="alternating"), epoch=epoch)
        assert torch.equal(result, alternating_flip(images, indices=torch.arange(8), epoch=epoch))


def test_order_is_flip_then_shift_then_occlusion() -> None:
    images, generator = noise(), Generator().manual_seed(0)
    expected = random_flip(images, generator=generator)
    expected = random_shift(expected, amount=2, padding="edge", generator=generator)
    expected = cutout(expected, side=3, generator=generator)
    assert torch.equal(augmented(images, AugmentConfig(flip="random", shift=2, padding="edge", cutout=3)), expected)


def test_shift_rides_along_with_the_affine_resample() -> None:
    images = noise()
    expected = random_affine(images, rotate=20, shift=2, padding="constant", generator=Generator().manual_seed(0))
    assert torch.equal(augmented(images, AugmentConfig(rotate=20, shift=2, padding="constant")), expected)
