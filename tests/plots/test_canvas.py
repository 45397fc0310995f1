"""A sheet in points: what is asked for is where it was asked for, in whole pixels; what cannot be drawn is refused."""

from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from sightline.errors import DataError
from sightline.plots.canvas import (
    GAP,
    LINE,
    SMALL_IMAGE,
    as_image,
    as_values,
    canvas,
    fitted_size,
    side_in_points,
    signed,
    signed_scale,
)
from sightline.plots.style import FAINT_INK, INK, SIGNED, SMALL, text_width


def test_a_sheet_is_measured_in_points_from_its_upper_left_corner() -> None:
    page = canvas(144, 72)
    assert page.figure.get_size_inches().tolist() == [2, 1]
    assert (page.axes.get_xlim(), page.axes.get_ylim()) == ((0, 144), (72, 0))
    assert page.axes.get_position().bounds == (0, 0, 1, 1)
    page.box(10, 20, 30, 40)
    [box] = (patch for patch in page.axes.patches if isinstance(patch, Rectangle))
    assert (box.get_xy(), box.get_width(), box.get_height(), box.get_fill()) == ((10, 20), 30, 40, False)
    corners = page.axes.transData.transform([(10, 20), (40, 60)])
    np.testing.assert_allclose(corners / page.figure.dpi * 72, [(10, 72 - 20), (40, 72 - 60)])


@pytest.mark.parametrize(("side", "crisp"), [(SMALL_IMAGE, True), (SMALL_IMAGE + 1, False)])
def test_images_lie_where_they_are_put_and_small_ones_are_crisp(side: int, crisp: bool) -> None:
    page = canvas(100, 100)
    page.image(np.zeros((2, side, 3), np.uint8), 10, 20, 30, 5)
    [image] = page.axes.images
    assert tuple(image.get_extent()) == (10, 40, 25, 20)  # left, right, bottom, top
    assert image.get_interpolation() == ("nearest" if crisp else "auto")
    page.image(np.zeros((2, side)), 0, 0, 1, 1, interpolation="bilinear")
    assert page.axes.images[1].get_interpolation() == "bilinear"


def test_pixels_of_small_images_are_whole_dots() -> None:
    for pixels in (7, 8, 28, 32, 64, 96, SMALL_IMAGE):
        assert (2 * side_in_points(pixels, 66)) % pixels == 0  # two dots a point
        assert side_in_points(pixels, 66) == pytest.approx(66, abs=pixels / 4)
    assert side_in_points(100, 3) == 50  # never less than half a point
    assert side_in_points(SMALL_IMAGE + 1, 66) == 66


def test_the_longer_side_is_fitted() -> None:
    assert fitted_size((20, 40, 3), 60) == (60, 30)
    assert fitted_size((40, 20), 60) == (30, 60)
    assert fitted_size((400, 200), 66) == (33, 66)


def test_captions_are_lines_as_wide_as_their_room() -> None:
    page = canvas(200, 100)
    page.caption(5, 10, ["a name that is much too long for forty points", "sure"], 40)
    first, second = page.axes.texts
    assert "…" in first.get_text()
    assert text_width(first.get_text(), SMALL) <= 40
    assert second.get_text() == "sure"
    assert [text.get_position() for text in (first, second)] == [(5, 10), (5, 10 + LINE * SMALL)]
    assert [to_hex(text.get_color()) for text in (first, second)] == [to_hex(INK), to_hex(FAINT_INK)]
    assert (first.get_ha(), first.get_va()) == ("left", "top")
    page.text(0, 0, "in the middle", ha="center")
    assert (page.axes.texts[2].get_ha(), page.axes.texts[2].get_va()) == ("center", "top")


def test_a_scale_has_its_ends_below_and_its_meaning_beside(texts: Any) -> None:
    page = canvas(300, 50)
    page.scale(10, 5, ("0", "3.5"), "activation")
    assert texts(page.figure) == ["0", "3.5", "activation"]
    [bar] = page.axes.images
    assert bar.get_array().min() == 0
    assert bar.get_array().max() == 1
    least, middle, most, label = page.axes.texts
    assert (middle.get_text(), least.get_ha(), most.get_ha()) == ("", "left", "right")
    assert [text.get_position()[0] for text in (least, middle, most, label)] == [10, 64, 118, 118 + GAP]


def test_signed_values_have_zero_in_the_middle(texts: Any) -> None:
    assert signed(2.5) == {"cmap": SIGNED, "vmin": -2.5, "vmax": 2.5}
    assert signed(0.0) == {"cmap": SIGNED, "vmin": -1.0, "vmax": 1.0}  # all are zero, and have the paper's colour
    page = canvas(300, 50)
    signed_scale(page, 0, 0, 2.5, "weight")
    assert texts(page.figure) == ["-2.5", "0", "+2.5", "weight"]
    assert page.axes.images[0].get_cmap() == SIGNED


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 3)])
def test_images_of_any_kind_become_colour(shape: tuple[int, ...]) -> None:
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    image = as_image(pixels)
    assert image.shape == (4, 5, 3)
    assert (image[..., 2] == pixels.reshape(4, 5, -1)[..., -1]).all()


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((4, 5, 3)), "shape (4, 5, 3) and type float64"),
        (np.zeros((4, 5, 4), np.uint8), "shape (4, 5, 4) and type uint8"),
        (np.zeros((2, 4, 5, 3), np.uint8), "shape (2, 4, 5, 3) and type uint8"),
        (np.zeros((0, 5), np.uint8), "shape (0, 5, 1) and type uint8"),
    ],
)
def test_what_is_no_image_is_refused(image: np.ndarray, words: str) -> None:
    with pytest.raises(DataError) as caught:
        as_image(image)
    assert str(caught.value) == (
        f"an image of {words} cannot be drawn: give uint8 (H, W), (H, W, 1) or (H, W, 3), as read_image does"
    )


def test_values_are_finite_numbers_of_the_right_shape() -> None:
    values = as_values(np.array([[True, False]]), "(h, w)")
    assert values.dtype == np.float64
    assert values.tolist() == [[1, 0]]
    with pytest.raises(DataError, match=r"^values of shape \(2,\) and type int64 cannot be drawn: give \(C, h, w\)$"):
        as_values([1, 2], "(C, h, w)")
    with pytest.raises(DataError, match=r"^values of shape \(1, 1\) and type <U1 cannot be drawn"):
        as_values([["a"]], "(h, w)")
    for bad in (np.nan, np.inf):
        with pytest.raises(DataError, match="some values are infinite or not numbers: find the layer that made them"):
            as_values([[1.0, bad]], "(h, w)")
