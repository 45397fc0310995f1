"""Numbers as colours: scales for magnitudes and signed values, papers, and ink that is legible on each."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Ten even steps of cividis, which looks the same to nearly every eye: J. R. Nunez, C. R. Anderton, R. S. Renslow,
# "Optimizing colormaps with consideration for color vision deficiency", PLOS ONE 13 (2018).
CIVIDIS = (
    "#00224e",
    "#123570",
    "#3b496c",
    "#575d6d",
    "#707173",
    "#8a8678",
    "#a59c74",
    "#c3b369",
    "#e1cc55",
    "#fee838",
)

LIGHT_PAPER, DARK_PAPER = "#fdfcf9", "#161614"
BLUE, ORANGE = "#0072b2", "#d55e00"  # Okabe and Ito's blue and vermilion: told apart by nearly every eye
ACCENT = "#0b6e99"
DARK_INK, LIGHT_INK = "#000000", "#ffffff"
OVERLAY = 0.45  # of the hue where a map over an image is largest


def rgb(color: str) -> NDArray[np.float32]:
    """ "#rrggbb" -> float32 (3,), 0 to 255."""
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)], np.float32)


def sequential(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Magnitudes in [0, 1] of any shape (...) -> uint8 (..., 3): cividis, dark for little, bright for much."""
    return _between(values, CIVIDIS)


def diverging(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Signed values in [-1, 1] of any shape (...) -> uint8 (..., 3): blue below zero, paper at it, orange above."""
    return _between((np.asarray(values) + 1) / 2, (BLUE, LIGHT_PAPER, ORANGE))


def _between(positions: NDArray[np.floating], colors: Sequence[str]) -> NDArray[np.uint8]:
    """Colours at positions from 0, the first, to 1, the last."""
    steps = np.stack([rgb(color) for color in colors])  # (steps, 3)
    where = np.clip(positions, 0, 1) * (len(steps) - 1)
    lower = np.minimum(where.astype(np.int64), len(steps) - 2)
    part = (where - lower)[..., None]
    pixels: NDArray[np.uint8] = np.rint(steps[lower] * (1 - part) + steps[lower + 1] * part).astype(np.uint8)
    return pixels


def luminance(color: str) -> float:
    """Relative luminance of "#rrggbb", 0 black to 1 white, as WCAG 2.2 defines it."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours, 1 to 21, as WCAG 2.2 defines it; text needs 4.5."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(color: str) -> str:
    """Black or white, whichever is easier to read on `color`; its contrast is never below 4.58."""
    return max((DARK_INK, LIGHT_INK), key=lambda ink: contrast(ink, color))
