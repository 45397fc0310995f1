"""Drawings as the makers of each set would have scanned them."""

import numpy as np
import pytest

from sightline.errors import InputError
from sightline.lab.drawing import as_image


def bar(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    drawing = np.zeros((112, 112), np.uint8)
    drawing[top:bottom, left:right] = 255
    return drawing


def test_mnist_is_fitted_into_20_pixels_with_its_mass_in_the_middle() -> None:
    image = as_image(bar(10, 90, 70, 86), "mnist", (28, 28))
    assert image.shape == (28, 28, 1)
    rows, columns = np.nonzero(image[..., 0])
    assert (rows.max() - rows.min() + 1, columns.max() - columns.min() + 1) == (20, 4)
    weights = image[..., 0].astype(float)
    assert abs((weights.sum(1) * np.arange(28)).sum() / weights.sum() - 13.5) <= 0.5
    heavy = bar(10, 90, 40, 48)
    heavy[70:90, 48:100] = 255  # most of it below and to the right
    weights = as_image(heavy, "mnist", (28, 28))[..., 0].astype(float)
    assert abs((weights.sum(0) * np.arange(28)).sum() / weights.sum() - 13.5) <= 0.5


def test_where_it_is_drawn_and_how_large_does_not_matter() -> None:
    for data in ("mnist", "fashion-mnist", "digits"):
        here = as_image(bar(10, 50, 10, 20), data, (28, 28))
        there = as_image(bar(20, 100, 60, 80), data, (28, 28))
        np.testing.assert_allclose(here, there, atol=1)


def test_digits_are_counted_in_blocks() -> None:
    image = as_image(bar(0, 112, 42, 70), "digits", (16, 16))
    assert image.shape == (8, 8, 1)
    assert set(np.unique(image)) <= set(np.rint(np.arange(17) * 255 / 16).astype(np.uint8))
    assert image[4, 3, 0] == image[4, 4, 0] == 255


def test_fashion_fills_the_image() -> None:
    rows, _ = np.nonzero(as_image(bar(30, 60, 50, 60), "fashion-mnist", (28, 28))[..., 0])
    assert (rows.min(), rows.max()) == (0, 27)


def test_other_sets_get_the_whole_drawing() -> None:
    assert as_image(bar(0, 56, 0, 112), "photos", (32, 32))[:15].min() == 255


def test_nothing_drawn_is_said() -> None:
    with pytest.raises(InputError, match="nothing is drawn"):
        as_image(np.full((112, 112), 10, np.uint8), "mnist", (28, 28))
