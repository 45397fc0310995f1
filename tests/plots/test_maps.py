import numpy as np
import pytest

from sightline import plots
from sightline.errors import ConfigError, DataError
from sightline.inspection.fields import ReceptiveField
from sightline.plots.maps import HEAT

IMAGE = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)


def images(figure):  # type: ignore[no-untyped-def]
    return figure.axes[0].images


def frame(image) -> list[float]:  # type: ignore[no-untyped-def]
    return [float(end) for end in image.get_extent()]


def test_heat_is_one_hue_at_most_at_45_percent() -> None:
    colors = HEAT(np.linspace(0, 1, 9))
    assert len({tuple(color[:3]) for color in colors}) == 1
    assert colors[0, 3] == 0
    assert colors[-1, 3] == pytest.approx(0.45)
    assert (np.diff(colors[:, 3]) > 0).all()


def test_the_map_lies_over_the_grey_image(texts) -> None:  # type: ignore[no-untyped-def]
    cam = np.linspace(0, 1, 12).reshape(3, 4)
    figure = plots.grad_cam(IMAGE, cam, title="called cat")
    left, grey, over, _ = images(figure)
    assert (left.get_array() == IMAGE).all()
    pale = grey.get_array()
    assert (pale[..., 0] == pale[..., 1]).all()
    assert pale.min() >= 127
    assert np.allclose(over.get_array(), cam)
    assert over.get_clim() == (0, 1)
    assert frame(over) == frame(grey)
    assert {"0", "1", "importance", "called cat"} <= set(texts(figure))


def test_attribution_is_symmetric_and_says_what_lies_beyond(texts) -> None:  # type: ignore[no-untyped-def]
    values = np.zeros((12, 16))
    values[0, 0], values[5, :8] = -40.0, 2.0
    figure = plots.attribution(values, IMAGE, reach=2.0)
    _, over, _ = images(figure)
    assert np.allclose(over.get_array(), values)
    assert over.get_clim() == (-2, 2)
    assert {"-2", "+2", "0", "against, for; 0.52 % beyond, to 40"} <= set(texts(figure))  # 1 of 192
    assert images(plots.attribution(np.eye(16)))[0].get_clim() == (-1, 1)
    assert len(images(plots.attribution(np.zeros((4, 4))))) == 2  # nothing but the scale beside it


def test_the_box_is_where_the_field_is(texts) -> None:  # type: ignore[no-untyped-def]
    figure = plots.receptive_field(IMAGE, (2, 4, 8, 10))
    [image] = images(figure)
    left, right, bottom, top = frame(image)
    pixel = (right - left) / 16
    assert (bottom - top) / 12 == pytest.approx(pixel)
    [box] = figure.axes[0].patches
    assert box.get_xy() == pytest.approx((left + 4 * pixel, top + 2 * pixel))
    assert (box.get_width(), box.get_height()) == pytest.approx((6 * pixel, 6 * pixel))
    pixels = image.get_array()
    assert (pixels[2:8, 4:10] == IMAGE[2:8, 4:10]).all()
    assert (pixels[0, :, 0] == pixels[0, :, 1]).all()
    assert "6 x 6 pixels can reach this unit; the image has 12 x 16" in texts(figure)


def test_a_field_in_the_padding_has_its_whole_outline() -> None:
    effective = np.random.default_rng(0).random((12, 16)).astype(np.float32)
    field = ReceptiveField(
        layer="stages.0", unit=(0, 0), image_size=(12, 16), box=(-4, -4, 8, 8), whole=False, effective=effective
    )
    figure = plots.receptive_field(IMAGE, field)
    first, second, over, _ = images(figure)
    assert np.allclose(over.get_array(), effective)
    assert frame(over) == frame(second)
    for image, box in zip((first, second), figure.axes[0].patches, strict=True):
        left, right, _, top = frame(image)
        pixel = (right - left) / 16
        assert box.get_xy() == pytest.approx((left - 4 * pixel, top - 4 * pixel))
        assert box.get_xy()[0] >= 0


@pytest.mark.parametrize(
    ("draw", "sentence"),
    [
        (
            lambda: plots.grad_cam(IMAGE, np.zeros((16, 16))),
            "the map is 16 x 16 and the image 12 x 16: give the image as the network saw it",
        ),
        (
            lambda: plots.grad_cam(IMAGE, np.full((12, 16), -1.0)),
            "the map has values below 0: draw signed maps with `attribution`",
        ),
        (lambda: plots.receptive_field(IMAGE, (0, 0, 0, 4)), "is no box: give (top, left, bottom, right)"),
        (lambda: plots.receptive_field(IMAGE, (20, 0, 30, 4)), "sees nothing of 12 x 16 pixels"),
        (
            lambda: plots.attribution(np.zeros((3, 4, 4))),
            "values of shape (3, 4, 4) and type float64 cannot be drawn: give (H, W)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(draw, sentence) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError) as caught:
        draw()
    assert sentence in str(caught.value)


def test_a_reach_is_above_0() -> None:
    with pytest.raises(ConfigError, match="reach is 0: use a number above 0, or leave it out"):
        plots.attribution(np.eye(4), reach=0)
