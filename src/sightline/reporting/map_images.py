"""Numbers as the pixels of a page, which may be dark: magnitudes on cividis, signed weights in blue and orange."""

import numpy as np
from numpy.typing import NDArray

from sightline.inspection.draw import grid
from sightline.pixels.scales import ACCENT, BLUE, LIGHT_PAPER, ORANGE, rgb, sequential

LINE = 2  # pixels of a frame
KERNEL_SIDE, GAP, FRAME = 32, 3, (107, 106, 102, 70)  # pixels, pixels, faint ink that lets paper through


def map_rgb(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    """A feature map (h, w) on cividis, whose ends stand for `low` and `high`: uint8 (h, w, 3)."""
    return sequential((values - low) / (high - low) if high > low else np.zeros_like(values))


def kernel_rgba(kernel: NDArray[np.float32], reach: float) -> NDArray[np.uint8]:
    """One filter (C, kh, kw), its channels side by side in a thin frame each: uint8 (h, w, 4), about 32 C wide.

    Orange is above 0, blue below, `reach` at the strongest; the weaker a weight, the more transparent, so that 0 is the
    colour of whatever paper it lies on.
    """
    side = max(3, round(KERNEL_SIDE / max(kernel.shape[1:])))
    strengths = np.abs(kernel) / reach if reach > 0 else np.zeros_like(kernel)
    colors = np.where(kernel[..., None] >= 0, rgb(ORANGE), rgb(BLUE))
    squares = np.concatenate([colors, np.rint(255 * strengths)[..., None]], axis=-1).astype(np.uint8)
    squares = squares.repeat(side, axis=1).repeat(side, axis=2)  # (C, kh, kw, 4) -> (C, h, w, 4)
    framed = np.pad(squares, ((0, 0), (1, 1), (1, 1), (0, 0)))
    framed[:, [0, -1]] = FRAME
    framed[:, :, [0, -1]] = FRAME
    apart = np.pad(framed, ((0, 0), (0, 0), (0, GAP), (0, 0)))
    return np.concatenate(list(apart), axis=1)[:, :-GAP]


def on_paper(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3 or 4) without transparency: uint8 (H, W, 3)."""
    if pixels.shape[2] == 3:
        return pixels
    alpha = pixels[..., 3:].astype(np.float32) / 255
    return np.rint(alpha * pixels[..., :3] + (1 - alpha) * rgb(LIGHT_PAPER)).astype(np.uint8)


def times_to(pixels: NDArray[np.uint8], side: int) -> int:
    """By which whole number to enlarge (H, W, ...) so that its longer side comes near `side`; 1 or more."""
    longer: int = max(pixels.shape[:2])
    return max(1, side // longer)


def enlarged(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Every pixel as a square of pixels, so that the longer side comes near `side`; never smaller."""
    times = times_to(pixels, side)
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def framed(pixels: NDArray[np.uint8], box: tuple[int, int, int, int], times: int) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) enlarged `times`, with a frame around (top, left, bottom, right): (times H, times W, 3)."""
    large = pixels.repeat(times, axis=0).repeat(times, axis=1)
    top, left, bottom, right = (times * edge for edge in box)
    inside = large[top + LINE : bottom - LINE, left + LINE : right - LINE].copy()
    large[top:bottom, left:right] = rgb(ACCENT)
    large[top + LINE : bottom - LINE, left + LINE : right - LINE] = inside
    return large


def sheet(images: list[NDArray[np.uint8]], *, side: int = 96) -> NDArray[np.uint8]:
    """Images of one shape (h, w, 3 or 4) on one sheet about as wide as high, each enlarged towards `side`: uint8."""
    return grid([enlarged(on_paper(image), side) for image in images])
