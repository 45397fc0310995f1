"""Worked examples first, then agreement with torch for random shapes, strides and paddings."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.errors import InputError
from sightline.pixels.textbook import avg_pool2d, convolution_steps, convolve2d, max_pool2d, output_size

EDGE_KERNEL = np.array([[-1, 0, 1]] * 3)


class TestOutputSize:
    @pytest.mark.parametrize(
        ("size", "kernel", "stride", "padding", "expected"),
        [
            (28, 5, 1, 0, 24),
            (28, 5, 1, "valid", 24),
            (32, 3, 1, 0, 30),
            (32, 3, 2, "same", 16),
            (32, 5, 2, "valid", 14),
            (224, 3, 1, 0, 222),
            (224, 7, 2, 3, 112),  # the first layer of a ResNet
            (5, 3, 1, "same", 5),
            (5, 2, 2, "same", 3),
            (4, 1, 3, "same", 2),  # the stride skips more than the kernel sees: nothing is padded
            (3, 3, 1, 0, 1),
        ],
    )
    def test_worked_examples(self, size, kernel, stride, padding, expected):
        assert output_size(size, kernel, stride, padding) == expected

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((2, 3), "a window of 3 does not fit into 2 pixels: use a kernel of at most 2, or padding='same'"),
            ((5, 3, 0), "size 5, kernel 3, stride 0: use 1 or more for each"),
            ((5, 3, 1, -1), "padding is -1: use 'valid', 'same' or a number of pixels, 0 or more"),
            ((5, 3, 1, "full"), "padding is 'full': use 'valid', 'same' or a number of pixels, 0 or more"),
        ],
    )
    def test_impossible_arguments_are_said(self, arguments, message):
        with pytest.raises(InputError) as caught:
            output_size(*arguments)
        assert str(caught.value) == message


class TestConvolve2d:
    def test_edge_of_a_six_by_six_image(self):
        image = np.array([[0, 0, 0, 255, 255, 255]] * 6, dtype=np.uint8)
        assert convolve2d(image, EDGE_KERNEL).tolist() == [[0, 765, 765, 0]] * 4

    def test_patch_of_tens_and_zeros(self):
        patch = np.array([[10, 10, 10, 0, 0]] * 5)
        assert convolve2d(patch, EDGE_KERNEL).tolist() == [[0, -30, -30]] * 3

    def test_kernel_is_not_flipped(self):
        assert convolve2d(np.array([[1, 2, 3]]), np.array([[1, 0, 0]])).tolist() == [[1]]

    def test_same_padding_puts_the_odd_pixel_at_the_bottom_and_right(self):
        ones = np.ones((2, 2), dtype=int)
        assert convolve2d(ones, ones, padding="same").tolist() == [[4, 2], [2, 1]]

    def test_numeric_padding_goes_all_around(self):
        assert convolve2d(np.array([[5]]), np.arange(9).reshape(3, 3), padding=1).tolist() == [[20]]
        assert convolve2d(np.array([[5]]), np.ones((1, 1), int), padding=1).tolist() == [
            [0, 0, 0],
            [0, 5, 0],
            [0, 0, 0],
        ]

    def test_channels_are_added_up(self):
        image = np.array([[[1, 2]], [[10, 20]]])  # two channels of one row
        kernel = np.array([[[1]], [[3]]])
        assert convolve2d(image, kernel).tolist() == [[31, 62]]

    def test_dtypes(self):
        assert convolve2d(np.ones((3, 3), np.uint8), EDGE_KERNEL).dtype == np.int64
        assert convolve2d(np.ones((3, 3), np.float32), np.ones((3, 3), np.float32)).dtype == np.float32
        assert convolve2d(np.ones((3, 3), bool), np.ones((3, 3), bool)).tolist() == [[9]]

    def test_lists_of_rows_will_do(self):
        assert convolve2d([[1, 2], [3, 4]], [[1, 0], [0, 1]]).tolist() == [[5]]
        assert [step.sum for step in convolution_steps([[1, 2], [3, 4]], [[1, 1]])] == [3, 7]

    def test_shapes_that_do_not_fit_are_said(self):
        with pytest.raises(InputError, match=r"a kernel of shape \(3, 3\) does not fit an image of shape \(3, 8, 8\)"):
            convolve2d(np.zeros((3, 8, 8)), np.zeros((3, 3)))
        with pytest.raises(InputError, match="a window of 9 does not fit into 8 pixels"):
            convolve2d(np.zeros((8, 8)), np.zeros((9, 9)))


class TestConvolutionSteps:
    def test_every_step_of_a_small_example(self):
        image = np.array([[1, 2, 3], [4, 5, 6]])
        steps = list(convolution_steps(image, np.array([[1, -1], [0, 2]])))
        assert [step.position for step in steps] == [(0, 0), (0, 1)]
        assert [step.patch.tolist() for step in steps] == [[[1, 2], [4, 5]], [[2, 3], [5, 6]]]
        assert [step.products.tolist() for step in steps] == [[[1, -2], [0, 10]], [[2, -3], [0, 12]]]
        assert [step.sum for step in steps] == [9, 11]

    def test_stride_and_padding_show_in_the_patch(self):
        steps = list(convolution_steps(np.array([[7, 8], [9, 6]]), np.ones((2, 2), int), stride=2, padding=1))
        assert [step.position for step in steps] == [(0, 0), (0, 1), (1, 0), (1, 1)]
        assert steps[0].patch.tolist() == [[0, 0], [0, 7]]
        assert [step.sum for step in steps] == [7, 8, 9, 6]

    @pytest.mark.parametrize("padding", [0, 1, "valid", "same"])
    @pytest.mark.parametrize("stride", [1, 2, 3])
    @pytest.mark.parametrize("channels", [(), (2,)])
    def test_sums_are_the_convolution(self, padding, stride, channels):
        generator = np.random.default_rng(0)
        image = generator.integers(0, 256, (*channels, 7, 6), dtype=np.uint8)
        kernel = generator.integers(-3, 4, (*channels, 3, 2))
        whole = convolve2d(image, kernel, stride, padding)
        steps = list(convolution_steps(image, kernel, stride, padding))
        assert [step.position for step in steps] == list(np.ndindex(whole.shape))
        assert [step.sum for step in steps] == whole.ravel().tolist()


class TestPooling:
    IMAGE = np.array([[1, 3, 2, 4], [5, 6, 1, 2], [3, 2, 8, 1], [4, 7, 3, 9]])

    def test_max_of_two_by_two(self):
        assert max_pool2d(self.IMAGE).tolist() == [[6, 4], [7, 9]]

    def test_mean_of_two_by_two(self):
        assert avg_pool2d(self.IMAGE).tolist() == [[3.75, 2.25], [4.0, 5.25]]

    def test_lists_of_rows_will_do(self):
        assert max_pool2d(self.IMAGE.tolist()).tolist() == [[6, 4], [7, 9]]
        assert avg_pool2d(self.IMAGE.tolist()).tolist() == [[3.75, 2.25], [4.0, 5.25]]

    def test_stride_apart_from_size(self):
        assert max_pool2d(self.IMAGE, 2, stride=1).tolist() == [[6, 6, 4], [6, 8, 8], [7, 8, 9]]

    def test_padding_neither_wins_nor_counts(self):
        dark = np.array([[-5, -6], [-7, -8]], dtype=np.int8)
        assert max_pool2d(dark, 2, padding=1).tolist() == [[-5, -6], [-7, -8]]
        assert max_pool2d(dark.astype(float), 2, padding=1).tolist() == [[-5, -6], [-7, -8]]
        assert avg_pool2d(dark, 2, padding=1).tolist() == [[-5, -6], [-7, -8]]

    def test_same_padding_keeps_the_last_odd_pixel(self):
        row = np.array([[1, 2, 3]] * 3)
        assert max_pool2d(row, 2, padding="same").tolist() == [[2, 3], [2, 3]]
        assert avg_pool2d(row, 2, padding="same").tolist() == [[1.5, 3], [1.5, 3]]

    def test_dtype_is_kept_by_max_and_uint8_does_not_wrap_in_mean(self):
        white = np.full((2, 2), 255, dtype=np.uint8)
        assert max_pool2d(white).dtype == np.uint8
        assert avg_pool2d(white).tolist() == [[255]]

    @pytest.mark.parametrize("pool", [max_pool2d, avg_pool2d])
    def test_impossible_arguments_are_said(self, pool):
        with pytest.raises(InputError, match="padding is 2 for a window of 3: use at most 1"):
            pool(self.IMAGE, 3, padding=2)
        with pytest.raises(InputError, match="a window of 5 does not fit into 4 pixels"):
            pool(self.IMAGE, 5)
        with pytest.raises(InputError, match=r"the image has shape \(4,\)"):
            pool(self.IMAGE[0])


@st.composite
def windows(draw: st.DrawFn, *, square: bool) -> tuple[np.ndarray, tuple[int, int], int]:
    """A float image (C, H, W), a window that fits into it, and a stride."""
    kernel_height = draw(st.integers(1, 5))
    kernel_width = kernel_height if square else draw(st.integers(1, 5))
    height, width = draw(st.integers(kernel_height, 12)), draw(st.integers(kernel_width, 12))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image = generator.standard_normal((draw(st.integers(1, 3)), height, width))
    return image, (kernel_height, kernel_width), draw(st.integers(1, 4))


class TestAgreementWithTorch:
    @pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")  # about a copy torch makes
    @settings(max_examples=150, derandomize=True)
    @given(windows(square=False), st.integers(0, 4) | st.sampled_from(["valid", "same"]))
    def test_convolve2d(self, drawn, padding):
        image, window, stride = drawn
        kernel = np.random.default_rng(1).standard_normal((len(image), *window))
        batch, weight = torch.from_numpy(image)[None], torch.from_numpy(kernel)[None]
        if padding == "same" and stride > 1:  # torch has it for stride 1 only: TensorFlow's rule, written out
            for axis, (size, k) in enumerate(zip(image.shape[1:], window, strict=True)):
                total = max((int(np.ceil(size / stride)) - 1) * stride + k - size, 0)
                border = [total // 2, total - total // 2]
                batch = F.pad(batch, [0, 0, *border] if axis == 0 else [*border, 0, 0])
            expected = F.conv2d(batch, weight, stride=stride)
        else:
            expected = F.conv2d(batch, weight, stride=stride, padding=padding)
        ours = convolve2d(image, kernel, stride, padding)
        np.testing.assert_allclose(ours, expected[0, 0].numpy(), atol=1e-10)
        sizes = [output_size(s, k, stride, padding) for s, k in zip(image.shape[1:], window, strict=True)]
        assert list(ours.shape) == sizes

    @settings(max_examples=100, derandomize=True)
    @given(windows(square=True), st.integers(0, 2))
    def test_pooling(self, drawn, padding):
        image, (size, _), stride = drawn
        padding = min(padding, size // 2)
        batch = torch.from_numpy(image)
        np.testing.assert_array_equal(
            max_pool2d(image, size, stride, padding), F.max_pool2d(batch, size, stride, padding).numpy()
        )
        expected = F.avg_pool2d(batch, size, stride, padding, count_include_pad=False).numpy()
        np.testing.assert_allclose(avg_pool2d(image, size, stride, padding), expected, atol=1e-12)
