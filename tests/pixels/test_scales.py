"""Numbers as colours: ends and middles by hand, the field's cividis, ink that can be read."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex

from sightline.pixels.scales import (
    BLUE,
    CIVIDIS,
    DARK_INK,
    DARK_PAPER,
    LIGHT_INK,
    LIGHT_PAPER,
    ORANGE,
    contrast,
    diverging,
    ink_on,
    luminance,
    rgb,
    sequential,
)


def test_rgb_by_hand() -> None:
    assert rgb("#0072b2").tolist() == [0, 114, 178]
    assert rgb("#ffffff").dtype == np.float32


def test_the_steps_are_matplotlibs_cividis() -> None:
    theirs = matplotlib.colormaps["cividis"]
    assert [to_hex(theirs(number / 9)) for number in range(10)] == pytest.approx(list(CIVIDIS))


def test_magnitudes_by_hand() -> None:
    colors = sequential(np.array([[0.0, 1.0], [1 / 9, 1.5 / 9]]))
    assert colors.shape == (2, 2, 3)
    assert colors.dtype == np.uint8
    assert colors[0].tolist() == [rgb(CIVIDIS[0]).tolist(), rgb(CIVIDIS[9]).tolist()]
    assert colors[1, 0].tolist() == rgb(CIVIDIS[1]).tolist()
    assert colors[1, 1].tolist() == np.rint((rgb(CIVIDIS[1]) + rgb(CIVIDIS[2])) / 2).tolist()  # between two steps


def test_signed_values_by_hand() -> None:
    colors = diverging(np.array([-1.0, 0.0, 1.0, 0.5], dtype=np.float32))
    expected = [rgb(BLUE), rgb(LIGHT_PAPER), rgb(ORANGE), np.rint((rgb(LIGHT_PAPER) + rgb(ORANGE)) / 2)]
    assert colors.tolist() == [color.tolist() for color in expected]


@pytest.mark.parametrize("scale", [sequential, diverging])
def test_what_is_beyond_the_ends_has_their_colours(scale) -> None:  # type: ignore[no-untyped-def]
    assert scale(np.array([-7.0, 7.0])).tolist() == scale(np.array([-1.0, 1.0])).tolist()


def test_luminance_by_hand() -> None:
    assert luminance("#000000") == 0
    assert luminance("#ffffff") == pytest.approx(1)
    assert luminance("#00ff00") == pytest.approx(0.7152)
    assert luminance("#0a0a0a") == pytest.approx(10 / 255 / 12.92)  # the straight part of the curve
    assert luminance("#808080") == pytest.approx(((128 / 255 + 0.055) / 1.055) ** 2.4)


def test_contrast_as_wcag_defines_it() -> None:
    assert contrast("#000000", "#ffffff") == contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the example of WCAG's own pages
    assert contrast("#123456", "#123456") == 1


def test_ink_is_legible_on_every_grey_and_every_step() -> None:
    greys = [f"#{value:02x}{value:02x}{value:02x}" for value in range(256)]
    assert min(contrast(ink_on(color), color) for color in (*greys, *CIVIDIS)) >= 4.58
    assert (ink_on(LIGHT_PAPER), ink_on(DARK_PAPER)) == (DARK_INK, LIGHT_INK)
