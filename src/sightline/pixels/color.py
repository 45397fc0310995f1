"""Colour spaces of one image: RGB (H, W, 3) and grey (H, W), uint8 in 0..255 or float in [0, 1]."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def rgb_to_gray(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, rounded exactly as Pillow rounds it."""
    weights = np.array([19595, 38470, 7471], dtype=np.uint32)
    return ((image @ weights + 32768) >> 16).astype(np.uint8)


def gray_to_rgb(image: NDArray[Any]) -> NDArray[Any]:
    """Grey (H, W) as three equal channels (H, W, 3)."""
    return np.repeat(image[..., None], 3, axis=-1)
