from typing import Any

import numpy as np
import pytest

from sightline import plots
from sightline.errors import ConfigError
from sightline.inspection.one_value import Arithmetic
from sightline.plots.style import contrast


def taken_apart(channels: int, side: int, **changes: Any) -> Arithmetic:
    noise = np.random.default_rng(0)
    patch = noise.random((channels, side, side)).astype(np.float32)
    kernel = noise.normal(size=(channels, side, side)).astype(np.float32)
    places = np.arange(side)
    value = float((patch * kernel).sum(dtype=np.float64) + 0.25)
    values = {
        "layer": "stages.0",
        "kind": "convolution",
        "channel": 3,
        "row": 2,
        "column": 5,
        "channels": np.arange(channels),
        "rows": places,
        "columns": places,
        "source_rows": places,
        "source_columns": places,
        "patch": patch,
        "kernel": kernel,
        "products": patch * kernel,
        "bias": 0.25,
        "value": value,
        "output": value,
    }
    return Arithmetic(**(values | changes))


def test_cells_hold_the_numbers(texts) -> None:  # type: ignore[no-untyped-def]
    numbers = taken_apart(1, 3)
    figure = plots.arithmetic(numbers)
    drawn = [image.get_array() for image in figure.axes[0].images]
    assert np.allclose(drawn, [numbers.patch[0], numbers.kernel[0], numbers.products[0]])
    words = texts(figure)
    assert {"input", "kernel", "products", "stages.0: convolution", "channel 3, row 2, column 5"} <= set(words)
    for value in (*numbers.kernel.flat, *numbers.patch.flat, *numbers.products.flat):
        assert any(
            word.lstrip("-.").replace(".", "").isdigit() and abs(float(word) - value) <= 0.005001 for word in words
        )
    total = f"{float(numbers.products.sum()):.3g} + 0.25 (bias) = {numbers.value:.3g}"
    assert any(total in word.replace("\n", " ") for word in words)


def test_every_number_is_legible_and_in_its_cell() -> None:
    for side in (1, 3, 5, 11):
        figure = plots.arithmetic(taken_apart(2, side))
        axes = figure.axes[0]
        figure.draw_without_rendering()
        for image in axes.images:
            left, right, bottom, top = image.get_extent()
            cell = (right - left) / side
            inside = [
                t for t in axes.texts if left < t.get_position()[0] < right and top < t.get_position()[1] < bottom
            ]
            assert len(inside) == side * side
            for text in inside:
                x, y = text.get_position()
                value = image.get_array()[int((y - top) / cell), int((x - left) / cell)]
                assert contrast(text.get_color(), image.cmap(image.norm(value))[:3]) >= 4.5
                assert text.get_window_extent().width <= cell * figure.dpi / 72


def test_of_many_channels_the_largest_are_drawn_and_the_rest_add_up(texts) -> None:  # type: ignore[no-untyped-def]
    numbers = taken_apart(9, 3)
    figure = plots.arithmetic(numbers, limit=2)
    sums = numbers.products.sum(axis=(1, 2), dtype=np.float64)
    first, second = np.argsort(-np.abs(sums))[:2]
    assert (figure.axes[0].images[0].get_array() == numbers.patch[first]).all()
    words = [word.replace("\n", " ") for word in texts(figure)]
    assert {f"input channel {first}", f"input channel {second}"} <= set(words)
    rest = f"{abs(sums.sum() - sums[first] - sums[second]):.3g} (the other 7 channels)"
    assert any(rest in word for word in words)


def test_the_padding_of_a_maximum_is_drawn(texts) -> None:  # type: ignore[no-untyped-def]
    patch = np.array([[[-np.inf, 1.0], [2.0, 3.0]]], np.float32)
    kernel = np.array([[[0, 0], [0, 1]]], np.float32)
    products = np.array([[[0, 0], [0, 3]]], np.float32)
    numbers = taken_apart(
        1, 2, kind="maximum", patch=patch, kernel=kernel, products=products, bias=0.0, value=3.0, output=3.0
    )
    words = texts(plots.arithmetic(numbers))
    assert "-∞" in words
    assert "stages.0: the largest of its window" in words
    assert any(word.startswith("3 = 3;") for word in words)


def test_a_limit_is_1_or_more() -> None:
    with pytest.raises(ConfigError, match="limit is 0: use 1 or more"):
        plots.arithmetic(taken_apart(1, 3), limit=0)
