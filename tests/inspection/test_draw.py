"""Drawing: every pixel where it should be, in the colour it should have."""

import numpy as np
import pytest

from sightline.errors import DataError
from sightline.inspection import draw
from sightline.inspection.fields import ReceptiveField

PAPER, HUE = [253, 252, 249], [213, 94, 0]


def test_an_overlay_by_hand() -> None:
    image = np.full((2, 2, 3), 100, np.uint8)
    picture = draw.overlay(image, np.array([[0, 1], [0.5, -1]], np.float32))
    assert picture.dtype == np.uint8
    assert picture[0, 0].tolist() == picture[1, 1].tolist() == [100, 100, 100]
    assert picture[0, 1].tolist() == [151, 97, 55]  # 55 of grey 100 and 45 of the hue
    assert picture[1, 0].tolist() == [125, 99, 78]
    colored = np.zeros((2, 2, 3), np.uint8)
    colored[:, :, 0] = 200
    unchanged = draw.overlay(colored, np.zeros((2, 2), np.float32))
    assert (unchanged == unchanged[:, :, :1]).all(), "the image is grey"
    np.testing.assert_array_equal(draw.overlay(image[:, :, :1], np.zeros((2, 2), np.float32)), np.full((2, 2, 3), 100))
    with pytest.raises(DataError, match="the map is 3 x 2, the image 2 x 2"):
        draw.overlay(image, np.zeros((3, 2), np.float32))


def test_tiles_are_eight_pixels_apart_on_one_scale() -> None:
    maps = np.stack([np.zeros((4, 4)), np.ones((4, 4)), np.full((4, 4), 0.5)]).astype(np.float32)
    picture = draw.tiles(maps)
    assert picture.shape == (4 + 8 + 4, 4 + 8 + 4, 3)
    assert picture[0, 0].tolist() == [0, 0x22, 0x4E]
    assert picture[0, 12].tolist() == [0xFE, 0xE8, 0x38]
    assert picture[12, 0].tolist() == [125, 124, 118]  # halfway between #707173 and #8a8678
    assert picture[0, 4:12].tolist() == [PAPER] * 8
    assert picture[12:, 12:].tolist() == [[PAPER] * 4] * 4
    assert draw.tiles(maps, columns=3, scale=2).shape == (8, 3 * 16 - 8, 3)


def test_dead_channels_are_crossed_out() -> None:
    picture = draw.tiles(np.zeros((2, 5, 5), np.float32), dead=np.array([True, False]), columns=2)
    assert [picture[i, i].tolist() for i in range(5)] == [HUE] * 5
    assert [picture[i, 4 - i].tolist() for i in range(5)] == [HUE] * 5
    assert (picture[:, 13:] == picture[0, 13]).all()


def test_kernels_are_signed_and_in_one_range() -> None:
    kernels = np.array([[[[-2.0, 0.0]]], [[[1.0, 2.0]]]], np.float32)  # (2, 1, 1, 2)
    picture = draw.signed_kernels(kernels, scale=1, columns=2)
    assert picture[0, 0].tolist() == [0, 0x72, 0xB2]
    assert picture[0, 1].tolist() == PAPER
    assert picture[0, 11].tolist() == HUE
    assert picture[0, 10].tolist() == [233, 173, 124]  # halfway from paper
    assert draw.signed_range(kernels) == 2
    assert draw.signed_kernels(np.zeros((4, 3, 3, 3), np.float32)).shape == (4 * 32 - 8, 3 * 32 - 8, 3)
    assert (draw.signed_kernels(np.zeros((1, 1, 2, 2), np.float32)) == PAPER).all()


def test_kernels_of_colour_images() -> None:
    kernels = np.zeros((4, 3, 5, 5), np.float32)
    kernels[0, 0], kernels[0, 1] = 1, -1
    picture = draw.rgb_kernels(kernels, scale=2)
    assert picture.shape == (28, 28, 3)
    assert picture[0, 0].tolist() == [255, 0, 128]
    with pytest.raises(DataError, match="give"):
        draw.rgb_kernels(kernels[:, :2])


def field(box: tuple[int, int, int, int]) -> ReceptiveField:
    effective = np.zeros((6, 6), np.float32)
    effective[2, 2] = 1
    return ReceptiveField(layer="a", unit=(0, 0), image_size=(6, 6), box=box, whole=False, effective=effective)


def test_the_box_of_a_receptive_field() -> None:
    image = np.full((6, 6, 3), 100, np.uint8)
    picture = draw.receptive_box(image, field((1, 1, 5, 4)))
    marked = (picture == HUE).all(axis=2)
    expected = np.zeros((6, 6), bool)
    expected[1:5, 1:4] = True
    expected[2:4, 2:3] = False
    np.testing.assert_array_equal(marked, expected)
    assert picture[2, 2].tolist() == [151, 97, 55]
    assert draw.receptive_box(image, field((1, 1, 5, 4)), effective=False)[2, 2].tolist() == [100] * 3
    clipped = draw.receptive_box(image, field((-2, -2, 3, 3)), effective=False)
    assert np.argwhere((clipped == HUE).all(axis=2)).tolist() == [[0, 2], [1, 2], [2, 0], [2, 1], [2, 2]]


def test_nothing_to_draw() -> None:
    with pytest.raises(DataError, match="nothing to draw"):
        draw.tiles(np.zeros((0, 4, 4), np.float32))
