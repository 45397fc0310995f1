"""`--fit auto`: whether images are cropped to the network's shape or padded to it, by the aspect ratios they have.

The largest centred part of the network's shape keeps min(r, t) / max(r, t) of an image's area, where r is the image's
width over height and t the network's. Where most images keep at least half (anything from upright phone photos to wide
screens, for a square network), they are cropped: what a photo is of is mostly near its centre, and it is then seen
larger, at its whole short side. Where most would lose more than half (lines of text, bottles, panoramas), they are
padded, and nothing is lost. Squashing distorts what a trained network knows, so it is never chosen, only asked for.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sightline.config import FramingName
from sightline.data.audit.audit import Audit

Framing = Literal["crop", "pad", "squash"]
LEAST_KEPT = 0.5  # of the middle image's area, for a crop


def choose_framing(setting: FramingName, audit: Audit | None, size: tuple[int, int]) -> Framing:
    """The framing that was asked for, or for "auto" what suits the images; without an audit they are cropped.

    size: (H, W) of the network.
    """
    if setting != "auto":
        return setting
    share = None if audit is None else kept_by_crop(audit.facts.width, audit.facts.height, size)
    return "crop" if share is None or share >= LEAST_KEPT else "pad"


def explain_framing(setting: FramingName, audit: Audit | None, size: tuple[int, int]) -> str:
    """Why, for the report: e.g. "crop: the middle image keeps 75 % of its area"."""
    framing = choose_framing(setting, audit, size)
    if setting != "auto":
        return f"{framing}: as asked"
    share = None if audit is None else kept_by_crop(audit.facts.width, audit.facts.height, size)
    if share is None:
        return f"{framing}: the shapes of the images are not known"
    would = "keeps" if framing == "crop" else "would keep only"
    return f"{framing}: cropped, the middle image {would} {share:.0%} of its area".replace("%", " %")


def kept_by_crop(width: NDArray[np.int32], height: NDArray[np.int32], size: tuple[int, int]) -> float | None:
    """The median share of their area that images keep when cropped to the shape of `size`; None without images.

    Images of no size were not readable and do not count.
    """
    readable = (width > 0) & (height > 0)
    if not readable.any():
        return None
    ratio = (width[readable] / height[readable]) / (size[1] / size[0])
    return float(np.median(np.minimum(ratio, 1 / ratio)))
