"""Colours of the pages: a perceptually even scale that begins at the paper."""

from sightline.pixels.scales import CIVIDIS, luminance
from sightline.pixels.scales import DARK_PAPER as DARK_PAPER
from sightline.pixels.scales import LIGHT_PAPER as LIGHT_PAPER
from sightline.pixels.scales import contrast as contrast
from sightline.pixels.scales import ink_on as ink_on


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


def level(value: float, largest: float) -> int:
    """The step of a ten-step scale from 0 to `largest` that holds `value`: 0 to 9."""
    return min(len(CIVIDIS) - 1, int(value / largest * len(CIVIDIS))) if largest > 0 else 0
