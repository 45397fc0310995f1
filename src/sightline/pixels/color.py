"""Colour spaces, NumPy in, NumPy out.

Images are (..., 3) RGB or (...) grey, typically (H, W, 3) and (H, W); uint8 in 0..255 or float in [0, 1]. The result
has the dtype of the input. InputError is raised for any other dtype or number of channels.

HSV   float: hue, saturation and value in [0, 1]; a full turn of hue is 1, so red is 0, green 1/3, blue 2/3.
      uint8: OpenCV's convention, hue in steps of 2 degrees (0..179), saturation and value in 0..255.
LAB   CIE 1976 L*a*b* of sRGB (IEC 61966-2-1) under D65. float: L in [0, 100], a and b within -128..127.
      uint8: OpenCV's convention, 255 / 100 L, a + 128, b + 128.

Greys have saturation 0, hue 0 and a = b = 0. The ways back clip to the colours RGB can show.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.errors import InputError

RGB_TO_XYZ = np.array(  # of linear RGB with sRGB's primaries and white point D65
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
WHITE = RGB_TO_XYZ.sum(axis=1)  # D65 as this matrix has it, so that every grey gets a = b = 0
LAB_KNEE = 6 / 29  # below its cube, the cube root is replaced by a line


def rgb_to_bgr(image: NDArray[Any]) -> NDArray[Any]:
    """RGB (..., 3) -> BGR (..., 3), the order of OpenCV; a contiguous copy."""
    _require_channels(image)
    return np.ascontiguousarray(image[..., ::-1])


def bgr_to_rgb(image: NDArray[Any]) -> NDArray[Any]:
    """BGR (..., 3) -> RGB (..., 3); a contiguous copy."""
    return rgb_to_bgr(image)


def rgb_to_gray(image: NDArray[Any]) -> NDArray[Any]:
    """RGB (..., 3) -> grey (...): the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B.

    uint8 is rounded as Pillow rounds it, in 16-bit fixed point.
    """
    _require_channels(image)
    if image.dtype == np.uint8:
        red, green, blue = (image[..., channel].astype(np.uint32) for channel in range(3))
        return np.asarray((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16, dtype=np.uint8)
    rgb = _as_float(image)
    return np.asarray(rgb @ np.array([0.299, 0.587, 0.114], dtype=rgb.dtype))


def gray_to_rgb(image: NDArray[Any]) -> NDArray[Any]:
    """Grey (...) -> RGB (..., 3) with three equal channels."""
    return np.repeat(image[..., None], 3, axis=-1)


def rgb_to_hsv(image: NDArray[Any]) -> NDArray[Any]:
    """RGB (..., 3) -> HSV (..., 3); the ranges are at the top of this page."""
    _require_channels(image)
    rgb = _as_float(image)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    value = rgb.max(axis=-1)
    chroma = value - rgb.min(axis=-1)
    divisor = np.where(chroma == 0, 1, chroma)
    sixths = np.where(  # of a turn, from the strongest channel
        value == red,
        (green - blue) / divisor,
        np.where(value == green, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )
    hue = sixths / 6 % 1 % 1  # a tiny negative angle becomes exactly 1 first, then 0
    saturation = chroma / np.where(value == 0, 1, value)
    hsv = np.stack([hue, saturation, value], axis=-1)
    if image.dtype != np.uint8:
        return hsv
    steps = np.asarray(np.rint(hsv * np.array([180, 255, 255], dtype=hsv.dtype)), dtype=np.uint8)
    steps[..., 0] %= 180
    return steps


def hsv_to_rgb(image: NDArray[Any]) -> NDArray[Any]:
    """HSV (..., 3) -> RGB (..., 3). Hue is cyclic: any turn is accepted."""
    _require_channels(image)
    hsv = _as_float(image)
    if image.dtype == np.uint8:
        hsv = hsv * np.array([255 / 180, 1, 1], dtype=hsv.dtype)
    hue, saturation, value = hsv[..., :1], hsv[..., 1:2], hsv[..., 2:]
    # Each channel is full for a third of the turn, gone for a third, and slopes in between: Smith (1978) in one line.
    distance = (np.array([5, 3, 1], dtype=hsv.dtype) + 6 * hue) % 6
    rgb = value * (1 - saturation * np.clip(np.minimum(distance, 4 - distance), 0, 1))
    return _like(image, rgb)


def rgb_to_lab(image: NDArray[Any]) -> NDArray[Any]:
    """RGB (..., 3) -> LAB (..., 3); the ranges are at the top of this page."""
    _require_channels(image)
    rgb = _as_float(image)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ (RGB_TO_XYZ.T / WHITE).astype(rgb.dtype)  # relative to white
    root = np.where(xyz > LAB_KNEE**3, np.cbrt(xyz), xyz / (3 * LAB_KNEE**2) + 4 / 29)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    lab = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
    if image.dtype != np.uint8:
        return lab
    return _rounded(lab * [2.55, 1, 1] + [0, 128, 128])


def lab_to_rgb(image: NDArray[Any]) -> NDArray[Any]:
    """LAB (..., 3) -> RGB (..., 3)."""
    _require_channels(image)
    if image.dtype == np.uint8:
        lab = (image.astype(np.float32) - np.array([0, 128, 128], np.float32)) / np.array([2.55, 1, 1], np.float32)
    else:
        lab = _as_float(image)
    y = (lab[..., 0] + 16) / 116
    root = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(root > LAB_KNEE, root**3, 3 * LAB_KNEE**2 * (root - 4 / 29))
    linear = (xyz @ np.linalg.inv(RGB_TO_XYZ.T / WHITE).astype(lab.dtype)).clip(0, 1)
    rgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return _like(image, rgb)


def _as_float(image: NDArray[Any]) -> NDArray[Any]:
    """uint8 0..255 as float32 [0, 1]; float as it is."""
    if image.dtype == np.uint8:
        return image.astype(np.float32) / 255
    if not np.issubdtype(image.dtype, np.floating):
        raise InputError(f"the image is {image.dtype}", hint="use uint8 in 0..255 or float in [0, 1]")
    return image


def _like(image: NDArray[Any], rgb: NDArray[Any]) -> NDArray[Any]:
    """Float `rgb` in [0, 1] with the dtype of `image`."""
    return _rounded(rgb * 255) if image.dtype == np.uint8 else rgb.clip(0, 1)


def _rounded(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Values about 0..255 as the nearest uint8."""
    return np.asarray(np.rint(values).clip(0, 255), dtype=np.uint8)


def _require_channels(image: NDArray[Any]) -> None:
    if image.ndim < 1 or image.shape[-1] != 3:
        raise InputError(f"the image has shape {image.shape}", hint="use (H, W, 3), channels last")
