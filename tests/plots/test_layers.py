import itertools

import numpy as np
import pytest

from sightline import plots
from sightline.errors import ConfigError, DataError

VALUES = np.random.default_rng(0).normal(size=(5, 6, 4))


def drawn(figure, shape):  # type: ignore[no-untyped-def]
    """The images of this shape, without the strip of the scale."""
    return [image for image in figure.axes[0].images if image.get_array().shape == shape]


def test_maps_are_the_values_on_one_scale(texts) -> None:  # type: ignore[no-untyped-def]
    figure = plots.feature_maps(VALUES, dead=[False, True, False, False, False])
    images = drawn(figure, (6, 4))
    assert np.allclose([image.get_array() for image in images], VALUES)
    assert {image.get_clim() for image in images} == {(VALUES.min(), VALUES.max())}
    words = texts(figure)
    assert {"0", "1", "2", "3", "4"} <= set(words)
    assert {f"{VALUES.min():.3g}", f"{VALUES.max():.3g}"} <= set(words)
    assert "5 channels of 6 x 4, 1 of them never firing (crossed out)" in words
    left, _, bottom, top = images[1].get_extent()
    assert [line.get_xdata()[0] for line in figure.axes[0].lines] == [left, left]
    assert sorted(figure.axes[0].lines[0].get_ydata()) == sorted((top, bottom))


@pytest.mark.parametrize("channels", [1, 7, 64, 512])
def test_maps_and_numbers_never_overlap(channels) -> None:  # type: ignore[no-untyped-def]
    figure = plots.feature_maps(np.random.default_rng(0).random((channels, 3, 3)))
    assert len(drawn(figure, (3, 3))) == channels
    corners = {tuple(image.get_extent()) for image in drawn(figure, (3, 3))}
    assert len(corners) == channels
    figure.draw_without_rendering()
    width, height = figure.bbox.size
    boxes = sorted(
        (t.get_window_extent() for t in figure.axes[0].texts if t.get_text().isdigit()),
        key=lambda box: (-box.y0, box.x0),
    )
    for first, second in itertools.pairwise(boxes):
        assert not first.overlaps(second)
    assert all(min(box.x0, box.y0) >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)


def test_a_silent_layer_is_drawn() -> None:
    figure = plots.feature_maps(np.zeros((2, 3, 3)), dead=[True, True])
    figure.draw_without_rendering()
    assert len(drawn(figure, (3, 3))) == 2


def test_kernels_share_a_symmetric_scale(texts) -> None:  # type: ignore[no-untyped-def]
    weights = np.random.default_rng(0).normal(size=(6, 3, 5, 5))
    figure = plots.kernels(weights)
    images = drawn(figure, (5, 5))
    assert np.allclose([image.get_array() for image in images], weights.reshape(18, 5, 5))
    reach = np.abs(weights).max()
    assert {image.get_clim() for image in images} == {(-reach, reach)}
    words = texts(figure)
    assert {f"-{reach:.3g}", f"+{reach:.3g}", "R", "G", "B"} <= set(words)
    assert "6 output x 3 input channels, kernels of 5 x 5" in words


def test_of_many_kernels_the_first_are_drawn_and_it_says_so(texts) -> None:  # type: ignore[no-untyped-def]
    weights = np.random.default_rng(0).normal(size=(96, 48, 3, 3))
    figure = plots.kernels(weights, limit=8, inputs=4)
    assert np.allclose([i.get_array() for i in drawn(figure, (3, 3))], weights[:8, :4].reshape(32, 3, 3))
    heading = "96 output x 48 input channels, kernels of 3 x 3; drawn: output 0 to 7 and input 0 to 3"
    assert heading in texts(figure)


def test_kernels_of_one_place_are_a_matrix() -> None:
    weights = np.random.default_rng(0).normal(size=(20, 30, 1, 1))
    [matrix] = drawn(plots.kernels(weights), (20, 30))
    assert np.allclose(matrix.get_array(), weights[:, :, 0, 0])


def test_what_is_no_layer_is_refused() -> None:
    with pytest.raises(DataError, match=r"values of shape \(4, 4\) and type float64 cannot be drawn: give \(C, h, w\)"):
        plots.feature_maps(np.zeros((4, 4)))
    with pytest.raises(DataError, match=r"2 channels and `dead` of shape \(3,\): give one truth value a channel"):
        plots.feature_maps(np.zeros((2, 4, 4)), dead=[True] * 3)
    with pytest.raises(DataError, match="some values are infinite or not numbers"):
        plots.feature_maps(np.full((1, 2, 2), np.nan))
    with pytest.raises(DataError, match=r"give \(O, C, kh, kw\)"):
        plots.kernels(np.zeros((8, 3, 5)))
    with pytest.raises(ConfigError, match="limit is 0 and inputs is 16: use 1 or more"):
        plots.kernels(np.zeros((8, 3, 5, 5)), limit=0)
