"""Numbers as the pixels of a page: magnitudes on cividis, signed weights in blue and orange, maps over an image."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sightline.pixels.color import rgb_to_gray
from sightline.reporting.colors import CIVIDIS

PLUS, MINUS = (213, 94, 0), (0, 114, 178)  # of Okabe and Ito's palette
STRENGTH = 0.45  # of the hue where a map is 1
PAPER = 253


def map_rgb(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    """A feature map (h, w) on cividis, whose ends stand for `low` and `high`: uint8 (h, w, 3)."""
    steps = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in CIVIDIS], dtype=np.float64)
    places = (values - low) / (high - low) if high > low else np.zeros_like(values)
    at = np.linspace(0, 1, len(steps))
    return np.stack([np.rint(np.interp(places, at, steps[:, i])) for i in range(3)], axis=-1).astype(np.uint8)


def kernel_rgba(kernel: NDArray[np.float32], reach: float) -> NDArray[np.uint8]:
    """One filter (C, kh, kw), its channels side by side: uint8 (kh, C * kw, 4), orange above 0, blue below.

    The weaker a weight, the more transparent, so that 0 is the colour of whatever paper it lies on.
    """
    row = np.concatenate(list(kernel), axis=1)
    hue = np.where(row[..., None] >= 0, PLUS, MINUS)
    alpha = 255 * np.abs(row) / reach if reach > 0 else np.zeros_like(row)
    return np.dstack([hue, np.rint(alpha)[..., None]]).astype(np.uint8)


def overlay(image: NDArray[np.uint8], values: ArrayLike) -> NDArray[np.uint8]:
    """An image (H, W, 1 or 3) in pale grey with a map (H, W) in [0, 1] over it in one hue: uint8 (H, W, 3)."""
    gray = image if image.shape[2] == 1 else rgb_to_gray(image)[..., None]
    pale = 0.6 * gray.astype(np.float32) + 0.4 * PAPER
    strength = STRENGTH * np.clip(np.asarray(values, np.float32), 0, 1)[..., None]
    return np.rint((1 - strength) * pale + strength * np.array(PLUS, np.float32)).astype(np.uint8)


def on_paper(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3 or 4) without transparency: uint8 (H, W, 3)."""
    if pixels.shape[2] == 3:
        return pixels
    alpha = pixels[..., 3:].astype(np.float32) / 255
    return np.rint(alpha * pixels[..., :3] + (1 - alpha) * PAPER).astype(np.uint8)


def enlarged(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Every pixel as a square of pixels, so that the longer side comes near `side`; never smaller."""
    times = max(1, side // max(pixels.shape[:2]))
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def sheet(images: list[NDArray[np.uint8]], *, side: int = 96, gap: int = 8) -> NDArray[np.uint8]:
    """Images of one shape (h, w, 3) on one sheet about as wide as high, each enlarged towards `side`: uint8."""
    tiles = [enlarged(on_paper(image), side) for image in images]
    height, width = tiles[0].shape[:2]
    columns = max(1, round(np.sqrt(len(tiles) * (height + gap) / (width + gap))))
    rows = -(-len(tiles) // columns)
    page = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), PAPER, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = gap + number // columns * (height + gap), gap + number % columns * (width + gap)
        page[top : top + height, left : left + width] = tile
    return page
