"""Colour changes with known answers, and agreement with torchvision's functions."""

import pytest
import torch
from torch import Generator, Tensor
from torchvision.transforms.v2 import functional as reference

from sightline.data.augment.color_jitter import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    luma,
    random_color,
)


def noise(channels: int = 3) -> Tensor:
    return torch.rand((4, channels, 6, 5), generator=Generator().manual_seed(3))


def pixel(*values: float) -> Tensor:
    return torch.tensor(values).view(1, -1, 1, 1)


def all_at(amount: float, count: int = 4) -> Tensor:
    return torch.full((count,), amount)


def test_brightness_by_hand() -> None:
    image = pixel(0.2, 0.4, 0.8)
    assert adjust_brightness(image, all_at(0.0, 1)).flatten().tolist() == [0, 0, 0]
    assert adjust_brightness(image, all_at(2.0, 1)).flatten().tolist() == pytest.approx([0.4, 0.8, 1.0])


def test_contrast_zero_is_the_mean_grey() -> None:
    image = torch.tensor([0.2, 0.4, 0.6, 0.8]).view(1, 1, 2, 2)
    assert adjust_contrast(image, all_at(0.0, 1)).flatten().tolist() == pytest.approx([0.5] * 4)
    assert adjust_contrast(image, all_at(2.0, 1)).flatten().tolist() == pytest.approx([0.0, 0.3, 0.7, 1.0], abs=1e-6)


def test_saturation_zero_is_the_luma() -> None:
    grey = adjust_saturation(pixel(1.0, 0.0, 0.0), all_at(0.0, 1))
    assert grey.flatten().tolist() == pytest.approx([0.299] * 3)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [(1 / 3, (0, 1, 0)), (-1 / 3, (0, 0, 1)), (0.5, (0, 1, 1)), (-0.5, (0, 1, 1)), (1 / 6, (1, 1, 0)), (0, (1, 0, 0))],
)
def test_hue_turns_red_around_the_circle(turn: float, expected: tuple[float, ...]) -> None:
    turned = adjust_hue(pixel(1.0, 0.0, 0.0), all_at(turn, 1))
    assert turned.flatten().tolist() == pytest.approx(expected, abs=1e-5)


def test_hue_leaves_grey_alone() -> None:
    grey = noise(1).expand(-1, 3, -1, -1)
    assert torch.allclose(adjust_hue(grey, all_at(0.3)), grey, atol=1e-6)


@pytest.mark.parametrize("amount", [0.0, 0.4, 1.0, 1.7])
def test_factors_agree_with_torchvision(amount: float) -> None:
    images, factor = noise(), all_at(amount)
    near = {"atol": 2e-4}  # torchvision weighs red with 0.2989
    assert torch.allclose(adjust_brightness(images, factor), reference.adjust_brightness(images, amount), **near)
    assert torch.allclose(adjust_contrast(images, factor), reference.adjust_contrast(images, amount), **near)
    assert torch.allclose(adjust_saturation(images, factor), reference.adjust_saturation(images, amount), **near)


@pytest.mark.parametrize("turn", [-0.5, -0.21, 0.0, 0.1, 0.5])
def test_hue_agrees_with_torchvision(turn: float) -> None:
    images = noise()
    assert torch.allclose(adjust_hue(images, all_at(turn)), reference.adjust_hue(images, turn), atol=1e-5)


def test_each_image_has_its_own_factor() -> None:
    images = noise()
    factors = torch.tensor([0.0, 0.5, 1.0, 2.0])
    for index, factor in enumerate(factors):
        alone = adjust_contrast(images[index : index + 1], factor[None])
        assert torch.equal(adjust_contrast(images, factors)[index : index + 1], alone)


def test_luma_of_grey_is_itself() -> None:
    images = noise(1)
    assert luma(images) is images
    assert torch.allclose(luma(images.expand(-1, 3, -1, -1)), images, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_random_color_keeps_shape_and_follows_its_generator(channels: int) -> None:
    images = (noise(channels) * 255).to(torch.uint8)

    def draw(seed: int) -> Tensor:
        generator = Generator().manual_seed(seed)
        return random_color(images, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.2, generator=generator)

    assert draw(0).shape == images.shape
    assert draw(0).dtype == torch.uint8
    assert torch.equal(draw(0), draw(0))
    assert not torch.equal(draw(0), draw(1))


def test_grey_images_skip_saturation_and_hue() -> None:
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(random_color(images, saturation=1, hue=0.5, generator=Generator().manual_seed(0)), images)


def test_brightness_is_drawn_evenly_from_its_range() -> None:
    images = torch.full((4_000, 1, 1, 1), 100, dtype=torch.uint8)
    values = random_color(images, brightness=0.5, generator=Generator().manual_seed(0)).flatten().float()
    assert values.min() == 50
    assert values.max() == 150
    assert values.mean().item() == pytest.approx(100, abs=2)  # four standard errors
