"""Mean and deviation of pixels: by hand, beside NumPy, and from a fair sample."""

import numpy as np
import pytest
import torch

from sightline.data import statistics
from sightline.data.imageset import ArrayImages, ImageSet
from sightline.data.statistics import channel_statistics, default_preprocess, measure_preprocess
from sightline.pixels.preprocess import Preprocess


def image_set(pixels: torch.Tensor) -> ImageSet:
    count = len(pixels)
    return ImageSet(ArrayImages(pixels), torch.zeros(count, dtype=torch.int64), ("a",), tuple(map(str, range(count))))


def neutral(size: int, channels: int = 1) -> Preprocess:
    return Preprocess(size=(size, size), channels=channels, mean=(0.0,) * channels, std=(1.0,) * channels)


def test_by_hand() -> None:
    # Half black and half white; a quarter 200 and the rest 0: mean 50, deviation sqrt(150^2 / 4 + 50^2 * 3 / 4).
    pixels = torch.tensor([[[[0, 255], [255, 0]], [[200, 0], [0, 0]]]], dtype=torch.uint8)
    mean, std = channel_statistics(pixels)
    assert mean == pytest.approx((0.5, 50 / 255))
    assert std == pytest.approx((0.5, (150**2 / 4 + 50**2 * 3 / 4) ** 0.5 / 255))


def test_beside_numpy() -> None:
    pixels = torch.randint(0, 256, (7, 3, 5, 4), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    mean, std = channel_statistics(pixels)
    values = pixels.numpy().astype(np.float64) / 255
    assert mean == pytest.approx(values.mean((0, 2, 3)))
    assert std == pytest.approx(values.std((0, 2, 3)))


def test_a_constant_channel_can_be_divided_by() -> None:
    mean, std = channel_statistics(torch.full((2, 1, 4, 4), 51, dtype=torch.uint8))
    assert (mean, std) == ((pytest.approx(0.2),), (1 / 255,))


def test_preprocess_gets_rounded_statistics_and_keeps_the_rest() -> None:
    pixels = torch.tensor([10, 20, 40], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 1, 2, 2)
    measured = measure_preprocess(image_set(pixels), neutral(2))
    assert measured.mean == (0.0915,)  # 70 / 3 / 255
    assert measured.std == (0.0489,)
    assert measured.size == (2, 2)


def test_normalised_images_have_mean_zero_and_deviation_one() -> None:
    pixels = torch.randint(0, 256, (50, 3, 8, 8), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    preprocess = measure_preprocess(image_set(pixels), neutral(8, 3))
    values = preprocess.normalise(pixels)
    torch.testing.assert_close(values.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-3)
    torch.testing.assert_close(values.std((0, 2, 3)), torch.ones(3), rtol=0, atol=1e-3)


def test_large_sets_are_sampled_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "SAMPLE", 4)
    pixels = torch.arange(0, 90, 10, dtype=torch.uint8).view(9, 1, 1, 1).expand(9, 1, 2, 2)  # as if sorted by class
    assert measure_preprocess(image_set(pixels), neutral(2)).mean == (round(30 / 255, 4),)  # of 0, 30 and 60


def test_default_preprocess_has_the_networks_shape() -> None:
    pixels = torch.full((2, 1, 6, 6), 51, dtype=torch.uint8)
    preprocess = default_preprocess(image_set(pixels), (3, 4, 5))
    assert (preprocess.channels, preprocess.size, preprocess.fit) == (3, (4, 5), "crop")
    assert preprocess.mean == (0.2, 0.2, 0.2)
