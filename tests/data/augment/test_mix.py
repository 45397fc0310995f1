"""Mixed images carry labels in the proportion in which they were mixed."""

import pytest
import torch
from torch import Generator, Tensor

from sightline.config import AugmentConfig
from sightline.data.augment.mix import mix


def constant_images(count: int = 4, size: int = 8) -> Tensor:
    """Image i is all i, so that a mixed pixel tells its proportion."""
    return torch.arange(float(count)).view(count, 1, 1, 1).expand(-1, 3, size, size).contiguous()


def mixed(config: AugmentConfig, seed: int = 0) -> tuple[Tensor, Tensor]:
    labels = torch.tensor([0, 1, 2, 3])
    return mix(constant_images(), labels, 5, config, generator=Generator().manual_seed(seed))


def test_off_returns_the_very_images_and_one_hot_labels() -> None:
    images = constant_images()
    result, soft = mix(images, torch.tensor([0, 3, 1, 1]), 4, AugmentConfig(), generator=Generator())
    assert result is images
    assert soft.tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize("seed", range(5))
def test_mixup_blends_pixels_and_labels_alike(seed: int) -> None:
    images, soft = mixed(AugmentConfig(mixup=1), seed)
    assert images.shape == (4, 3, 8, 8)
    assert soft.shape == (4, 5)
    assert torch.allclose(soft.sum(dim=1), torch.ones(4))
    expected = soft @ torch.arange(5.0)  # image i is all i
    assert torch.allclose(images, expected.view(4, 1, 1, 1).expand_as(images), atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_cutmix_labels_count_the_pixels(seed: int) -> None:
    images, soft = mixed(AugmentConfig(cutmix=1), seed)
    for image, label in zip(images, soft, strict=True):
        shares = torch.bincount(image[0].flatten().to(torch.int64), minlength=5) / 64
        assert torch.allclose(label, shares, atol=1e-6)


def test_same_generator_same_mix_and_the_global_generator_stays() -> None:
    before = torch.get_rng_state()
    config = AugmentConfig(mixup=0.4, cutmix=1.0)
    first, again, other = mixed(config), mixed(config), mixed(config, seed=1)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])
    assert torch.equal(torch.get_rng_state(), before)


def test_both_on_takes_one_of_the_two_at_even_odds() -> None:
    config = AugmentConfig(mixup=1.0, cutmix=1.0)
    whole = 0
    for seed in range(200):
        images, _ = mixed(config, seed)
        whole += bool((images == images[:, :, :1, :1]).all())  # a blend is constant over the image
    # Half are MixUp, and a few CutMix rectangles are empty or cover everything.
    assert 75 < whole < 145
