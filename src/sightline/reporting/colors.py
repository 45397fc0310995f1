"""Colours whose meaning can be read: a perceptually even scale, and ink that stays legible on it."""

from sightline.pixels.scales import CIVIDIS
from sightline.pixels.scales import DARK_PAPER as DARK_PAPER
from sightline.pixels.scales import LIGHT_PAPER as LIGHT_PAPER

DARK_INK, LIGHT_INK = "#000000", "#ffffff"


def steps_on(paper: str) -> list[str]:
    """Cividis from what is near the paper's lightness to what is far from it: more is always further from the paper.

    The nearest half is faded into the paper, so that a single mistake does not shine like a hundred.
    """
    steps = CIVIDIS if luminance(paper) < 0.5 else CIVIDIS[::-1]
    strengths = (0.25, 0.45, 0.65, 0.8, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0)
    return [mixed(step, paper, strength) for step, strength in zip(steps, strengths, strict=True)]


def mixed(color: str, paper: str, strength: float) -> str:
    """`strength` parts of `color` and the rest of `paper`, both "#rrggbb"."""
    pairs = [(int(color[i : i + 2], 16), int(paper[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(strength * a + (1 - strength) * b):02x}" for a, b in pairs)


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


def level(value: float, largest: float) -> int:
    """The step of a ten-step scale from 0 to `largest` that holds `value`: 0 to 9."""
    return min(len(CIVIDIS) - 1, int(value / largest * len(CIVIDIS))) if largest > 0 else 0
