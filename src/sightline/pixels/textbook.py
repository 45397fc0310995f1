"""Convolution and pooling by hand: plain NumPy, written to be read, exact to be trusted.

As everywhere in deep learning, "convolution" slides the kernel without flipping it (a signal processor would call it
cross-correlation). Images are (H, W) or (C, H, W), as arrays or as lists of rows.

padding is a number of pixels added on every side, or
    "valid"  none: the window stays inside the image;
    "same"   as many as make the output ceil(size / stride) long, TensorFlow's rule; when that is an odd number, the
             extra pixel is added at the bottom and at the right.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from sightline.errors import InputError

Padding = int | Literal["valid", "same"]


def output_size(size: int, kernel: int, stride: int = 1, padding: Padding = 0) -> int:
    """How many positions a window of `kernel` pixels has along `size` pixels, moving by `stride`.

    floor((size + padding before + padding after - kernel) / stride) + 1. Raises InputError where no position is left.
    """
    padded = size + sum(_pad_widths(size, kernel, stride, padding))
    if kernel > padded:
        raise InputError(
            f"a window of {kernel} does not fit into {padded} pixels",
            hint=f"use a kernel of at most {padded}, or padding='same'",
        )
    return (padded - kernel) // stride + 1


def convolve2d(image: ArrayLike, kernel: ArrayLike, stride: int = 1, padding: Padding = 0) -> NDArray[Any]:
    """Slide `kernel` over `image`; at every position multiply element by element and add up.

    image (H, W) and kernel (kh, kw), or image (C, H, W) and kernel (C, kh, kw): one output map (H', W') either way.
    Padding is zeros. Integers are summed as int64 and booleans count as 0 and 1; floats keep their precision.
    """
    image, kernel = _exact(image), _exact(kernel)
    _require_same_depth(image, kernel)
    windows = _windows(_padded(image, kernel.shape[-2:], stride, padding, fill=0), kernel.shape[-2:], stride)
    if image.ndim == 3:
        windows = np.moveaxis(windows, 0, 2)  # (C, H', W', kh, kw) -> (H', W', C, kh, kw)
    products = windows * kernel
    return np.asarray(products.reshape(*windows.shape[:2], -1).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class Step:
    """One position of the kernel: what it sees, and what becomes of it.

    position: (row, column) of the output; patch: the pixels under the kernel; products: patch times kernel, element by
    element; sum: all products added up, the output pixel.
    """

    position: tuple[int, int]
    patch: NDArray[Any]
    products: NDArray[Any]
    sum: float


def convolution_steps(image: ArrayLike, kernel: ArrayLike, stride: int = 1, padding: Padding = 0) -> Iterator[Step]:
    """`convolve2d` one output pixel at a time, row by row; the same arguments, the same numbers."""
    image, kernel = _exact(image), _exact(kernel)
    _require_same_depth(image, kernel)
    kernel_height, kernel_width = kernel.shape[-2:]
    rows = output_size(image.shape[-2], kernel_height, stride, padding)
    columns = output_size(image.shape[-1], kernel_width, stride, padding)
    padded = _padded(image, (kernel_height, kernel_width), stride, padding, fill=0)
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            patch = padded[..., top : top + kernel_height, left : left + kernel_width]
            products = patch * kernel
            yield Step((row, column), patch, products, products.sum().item())


def max_pool2d(image: ArrayLike, size: int = 2, stride: int | None = None, padding: Padding = 0) -> NDArray[Any]:
    """The largest value of each `size` x `size` window, channel by channel: (..., H, W) -> (..., H', W'), same dtype.

    stride: `size` when left out, so that windows touch without overlapping. Padding never wins.
    """
    stride = size if stride is None else stride
    _require_pooling_padding(size, padding)
    image = np.asarray(image)
    lowest = -np.inf if np.issubdtype(image.dtype, np.floating) else np.iinfo(image.dtype).min
    windows = _windows(_padded(image, (size, size), stride, padding, fill=lowest), (size, size), stride)
    return np.asarray(windows.max(axis=(-2, -1)))


def avg_pool2d(image: ArrayLike, size: int = 2, stride: int | None = None, padding: Padding = 0) -> NDArray[Any]:
    """The mean of each `size` x `size` window, channel by channel: (..., H, W) -> float (..., H', W').

    stride: `size` when left out. Padding does not count: the mean is over the image's own pixels in the window, as
    TensorFlow has it, and torch with count_include_pad=False (its default counts padding as zeros).
    """
    stride = size if stride is None else stride
    _require_pooling_padding(size, padding)
    image = _exact(image)
    inside = np.ones(image.shape[-2:], dtype=np.int64)
    sums, counts = (
        _windows(_padded(plane, (size, size), stride, padding, fill=0), (size, size), stride).sum(axis=(-2, -1))
        for plane in (image, inside)
    )
    return np.asarray(sums / counts)


def _pad_widths(size: int, kernel: int, stride: int, padding: Padding) -> tuple[int, int]:
    """Pixels added before and after one axis."""
    if size < 1 or kernel < 1 or stride < 1:
        raise InputError(f"size {size}, kernel {kernel}, stride {stride}", hint="use 1 or more for each")
    if padding == "valid":
        return 0, 0
    if padding == "same":
        outputs = -(-size // stride)  # rounded up
        total = max((outputs - 1) * stride + kernel - size, 0)
        return total // 2, total - total // 2
    if not isinstance(padding, int) or padding < 0:
        raise InputError(f"padding is {padding!r}", hint="use 'valid', 'same' or a number of pixels, 0 or more")
    return padding, padding


def _padded(
    image: NDArray[Any], window: tuple[int, ...], stride: int, padding: Padding, *, fill: float
) -> NDArray[Any]:
    """`image` (..., H, W) with a border of `fill`."""
    if image.ndim < 2:
        raise InputError(f"the image has shape {image.shape}", hint="use (H, W) or (C, H, W)")
    borders = [
        _pad_widths(size, kernel, stride, padding) for size, kernel in zip(image.shape[-2:], window, strict=True)
    ]
    return np.pad(image, [(0, 0)] * (image.ndim - 2) + borders, constant_values=fill)


def _windows(padded: NDArray[Any], window: tuple[int, ...], stride: int) -> NDArray[Any]:
    """(..., H, W) -> (..., H', W', kh, kw): every position of the window, without copying a pixel."""
    for size, kernel in zip(padded.shape[-2:], window, strict=True):
        output_size(size, kernel, stride)  # raises where the window does not fit
    return sliding_window_view(padded, window, axis=(-2, -1))[..., ::stride, ::stride, :, :]


def _exact(image: ArrayLike) -> NDArray[Any]:
    """Integers as int64, so that sums of uint8 cannot wrap around; floats unchanged."""
    image = np.asarray(image)
    return image if np.issubdtype(image.dtype, np.floating) else image.astype(np.int64)


def _require_same_depth(image: NDArray[Any], kernel: NDArray[Any]) -> None:
    if image.ndim not in (2, 3) or kernel.shape[:-2] != image.shape[:-2]:
        raise InputError(
            f"a kernel of shape {kernel.shape} does not fit an image of shape {image.shape}",
            hint="use (H, W) with (kh, kw), or (C, H, W) with (C, kh, kw)",
        )


def _require_pooling_padding(size: int, padding: Padding) -> None:
    """A window must never lie in padding alone: it would have no pixel to take."""
    if isinstance(padding, int) and padding > size // 2:
        raise InputError(f"padding is {padding} for a window of {size}", hint=f"use at most {size // 2}")
