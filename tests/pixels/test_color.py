"""Colours anyone can check by hand, then agreement with OpenCV and scikit-image (fixtures/colors.json says how)."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.errors import InputError
from sightline.pixels.color import (
    bgr_to_rgb,
    gray_to_rgb,
    hsv_to_rgb,
    lab_to_rgb,
    rgb_to_bgr,
    rgb_to_gray,
    rgb_to_hsv,
    rgb_to_lab,
)

REFERENCE = json.loads((Path(__file__).parent / "fixtures" / "colors.json").read_text())
RGB = np.array(REFERENCE["rgb"], dtype=np.uint8)
EVERY_FIFTH = np.stack(np.meshgrid(*[np.arange(0, 256, 5, dtype=np.uint8)] * 3, indexing="ij"), axis=-1)


def test_bgr_is_the_reverse_and_its_own_inverse():
    image = np.array([[[1, 2, 3], [4, 5, 6]]], dtype=np.uint8)
    assert rgb_to_bgr(image).tolist() == [[[3, 2, 1], [6, 5, 4]]]
    assert bgr_to_rgb(rgb_to_bgr(image)).tolist() == image.tolist()
    assert rgb_to_bgr(image).flags.c_contiguous


class TestGray:
    def test_primaries(self):
        # 0.299, 0.587 and 0.114 of 255
        primaries = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], dtype=np.uint8)
        assert rgb_to_gray(primaries).tolist() == [[76, 150, 29, 255]]
        assert rgb_to_gray(primaries / 255)[0] == pytest.approx([0.299, 0.587, 0.114, 1.0])

    def test_equals_pillow_everywhere(self):
        flat = EVERY_FIFTH.reshape(52, -1, 3)
        assert (rgb_to_gray(flat) == np.asarray(Image.fromarray(flat).convert("L"))).all()

    def test_agrees_with_opencv(self):
        assert rgb_to_gray(RGB).tolist() == REFERENCE["opencv_gray"]

    def test_back_to_three_channels(self):
        assert gray_to_rgb(np.array([[5, 6]], dtype=np.uint8)).tolist() == [[[5, 5, 5], [6, 6, 6]]]


class TestHsv:
    def test_by_hand(self):
        colours = np.array(
            [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1], [0.5, 0.25, 0.25], [0, 0, 0]]
        )
        expected = [[k / 6, 1, 1] for k in range(6)] + [[0, 0.5, 0.5], [0, 0, 0]]
        assert rgb_to_hsv(colours) == pytest.approx(np.array(expected))
        assert hsv_to_rgb(np.array(expected)) == pytest.approx(colours)

    def test_uint8_hue_is_in_steps_of_two_degrees(self):
        assert rgb_to_hsv(np.array([[0, 0, 255]], dtype=np.uint8)).tolist() == [[120, 255, 255]]
        almost_red = np.array([[255, 0, 1]], dtype=np.uint8)  # 359.8 degrees round to a full turn, which is 0
        assert rgb_to_hsv(almost_red).tolist() == [[0, 255, 255]]

    def test_agrees_with_opencv_and_scikit_image(self):
        assert rgb_to_hsv(RGB).tolist() == REFERENCE["opencv_hsv"]
        assert np.abs(rgb_to_hsv(RGB / 255) - REFERENCE["skimage_hsv"]).max() < 1e-6

    def test_hue_stays_below_a_full_turn(self):
        almost_red = np.array([[1.0, 0.0, 1e-18], [1.0, 0.5, 0.5 + 1e-12]])
        assert (rgb_to_hsv(almost_red)[:, 0] < 1).all()

    def test_there_and_back(self):
        assert np.abs(hsv_to_rgb(rgb_to_hsv(EVERY_FIFTH / 255)) - EVERY_FIFTH / 255).max() < 1e-12
        # uint8: a step of hue is 1/30 of the way from one primary to the next, 8.5 levels: half of that at worst.
        assert np.abs(hsv_to_rgb(rgb_to_hsv(EVERY_FIFTH)).astype(int) - EVERY_FIFTH).max() <= 5


class TestLab:
    def test_by_hand(self):
        # White and black by definition; middle grey: (0.5 + 0.055) / 1.055, to the power of 2.4, is 0.21404.
        greys = np.array([[1.0, 1, 1], [0, 0, 0], [0.5, 0.5, 0.5]])
        expected = [[100, 0, 0], [0, 0, 0], [116 * 0.214041 ** (1 / 3) - 16, 0, 0]]
        assert rgb_to_lab(greys) == pytest.approx(np.array(expected), abs=1e-4)

    def test_uint8_offsets(self):
        white_and_black = np.array([[255, 255, 255], [0, 0, 0]], dtype=np.uint8)
        assert rgb_to_lab(white_and_black).tolist() == [[255, 128, 128], [0, 128, 128]]

    def test_agrees_with_opencv_and_scikit_image(self):
        assert np.abs(rgb_to_lab(RGB).astype(int) - REFERENCE["opencv_lab"]).max() <= 1  # OpenCV rounds in fixed point
        assert (
            np.abs(rgb_to_lab(RGB / 255) - REFERENCE["skimage_lab"]).max() < 0.01
        )  # its white is 0.95047 for 0.950456

    def test_there_and_back(self):
        assert np.abs(lab_to_rgb(rgb_to_lab(EVERY_FIFTH / 255)) - EVERY_FIFTH / 255).max() < 1e-12
        uint8 = np.abs(lab_to_rgb(rgb_to_lab(EVERY_FIFTH)).astype(int) - EVERY_FIFTH)
        assert uint8.mean() < 1.5  # dark, saturated colours lie closer together than LAB's whole numbers

    def test_colours_beyond_rgb_are_clipped(self):
        assert lab_to_rgb(np.array([[50.0, 120, -120], [100, 0, 120]])).max() <= 1
        assert lab_to_rgb(np.array([[120.0, 0, 0]])) == pytest.approx(np.ones((1, 3)))


CONVERSIONS = [rgb_to_bgr, bgr_to_rgb, rgb_to_gray, rgb_to_hsv, hsv_to_rgb, rgb_to_lab, lab_to_rgb]


@pytest.mark.parametrize("convert", CONVERSIONS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_dtype_is_kept_and_the_input_untouched(convert, dtype):
    image = (RGB.astype(dtype) / (1 if dtype == np.uint8 else 255)).astype(dtype).reshape(6, 8, 3)
    before = image.copy()
    converted = convert(image)
    assert converted.dtype == dtype
    assert converted.shape[:2] == (6, 8)
    assert (image == before).all()


@pytest.mark.parametrize("convert", CONVERSIONS)
def test_wrong_shape_is_said(convert):
    with pytest.raises(InputError, match=r"the image has shape \(4, 5\): use \(H, W, 3\), channels last"):
        convert(np.zeros((4, 5), dtype=np.uint8))


@pytest.mark.parametrize("convert", CONVERSIONS[2:])
def test_wrong_dtype_is_said(convert):
    with pytest.raises(InputError, match=r"the image is int64: use uint8 in 0\.\.255 or float in \[0, 1\]"):
        convert(np.zeros((2, 2, 3), dtype=np.int64))
