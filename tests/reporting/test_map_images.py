"""Numbers as pixels: each colour worked out by hand."""

import numpy as np
import pytest

from sightline.reporting.map_images import enlarged, framed, kernel_rgba, map_rgb, on_paper, sheet, times_to

ORANGE, BLUE, PAPER, ACCENT = (213, 94, 0), (0, 114, 178), (253, 252, 249), (11, 110, 153)


def test_a_map_goes_from_the_least_to_the_largest_of_its_layer() -> None:
    pixels = map_rgb(np.array([[-1.0, 0.0, 3.0]], np.float32), -1.0, 3.0)
    np.testing.assert_array_equal(pixels[0, 0], (0x00, 0x22, 0x4E))  # the first colour of cividis
    np.testing.assert_array_equal(pixels[0, 2], (0xFE, 0xE8, 0x38))  # the last
    # A quarter of the way is 2.25 of 9 steps: #3b496c and a quarter of the way to #575d6d.
    np.testing.assert_allclose(pixels[0, 1], (0x3B + 7, 0x49 + 5, 0x6C + 0.25), atol=1)
    assert (map_rgb(np.full((2, 2), 7.0, np.float32), 7.0, 7.0) == (0x00, 0x22, 0x4E)).all()


def test_weights_are_orange_or_blue_and_zero_is_paper() -> None:
    kernel = np.array([[[1.0, -0.5], [0.0, 0.25]]], np.float32)
    pixels = kernel_rgba(kernel, 1.0)
    assert pixels.shape == (34, 34, 4)  # 2 weights of 16 pixels and the frame
    np.testing.assert_array_equal(pixels[2, 2], (*ORANGE, 255))
    np.testing.assert_array_equal(pixels[2, -3], (*BLUE, 128))
    assert pixels[-3, 2, 3] == 0
    np.testing.assert_array_equal(pixels[-3, -3], (*ORANGE, 64))
    np.testing.assert_array_equal(on_paper(pixels)[-3, 2], PAPER)
    np.testing.assert_array_equal(on_paper(pixels)[2, 2], ORANGE)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_channels_stand_side_by_side(channels: int) -> None:
    kernels = np.zeros((channels, 3, 3), np.float32)
    kernels[-1] = 1
    pixels = kernel_rgba(kernels, 1.0)
    assert pixels.shape[:2] == (35, channels * 35 + (channels - 1) * 3)
    assert pixels[17, -17, 3] == 255
    assert channels == 1 or pixels[17, 17, 3] == 0
    assert np.isfinite(kernel_rgba(np.zeros((1, 3, 3), np.float32), 0.0)).all()


def test_small_images_are_enlarged_by_whole_numbers() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert times_to(image, 7) == 3
    large = enlarged(image, 7)
    assert large.shape == (6, 6, 3)
    assert (large[:3, 3:] == image[0, 1]).all()
    np.testing.assert_array_equal(enlarged(image, 1), image)


def test_a_frame_encloses_its_box() -> None:
    image = np.zeros((10, 10, 3), np.uint8)
    pixels = framed(image, (2, 3, 6, 8), 2)
    marked = (pixels == ACCENT).all(-1)
    rows, columns = np.nonzero(marked)
    assert (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1) == (4, 6, 12, 16)
    assert marked.sum() == 8 * 10 - 4 * 6  # two pixels wide on each side


def test_a_sheet_has_all_images_in_order() -> None:
    images = [np.full((4, 4, 3), number, np.uint8) for number in range(5)]
    page = sheet(images, side=8)
    assert page.shape == (2 * 16 - 8, 3 * 16 - 8, 3)
    for number in range(5):
        top, left = number // 3 * 16, number % 3 * 16
        assert (page[top : top + 8, left : left + 8] == number).all()
    assert (page[-8:, -8:] == PAPER).all()
