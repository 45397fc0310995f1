"""Maps over an image: where a network looked, what spoke for and against, and what one unit can see."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike, NDArray

from sightline.errors import ConfigError, DataError
from sightline.inspection.fields import ReceptiveField
from sightline.pixels.color import gray_to_rgb, rgb_to_gray
from sightline.pixels.scales import ORANGE, OVERLAY
from sightline.plots.canvas import (
    GAP,
    LINE,
    MARGIN,
    SCALE_HEIGHT,
    Canvas,
    as_image,
    as_values,
    canvas,
    fitted_size,
    signed,
    signed_scale,
)
from sightline.plots.style import ACCENT, NORMAL, PAPER, Drawing, number_text, styled

SIDE = 230.0  # points, about, of the longer side of an image
NARROWEST = 280.0  # points, so that scale and heading have room
HEAT = LinearSegmentedColormap.from_list("heat", [to_rgba(ORANGE, 0.0), to_rgba(ORANGE, OVERLAY)])
WITHIN = 0.99  # the share of pixels that the scale of an attribution holds


@styled
def grad_cam(image: ArrayLike, cam: ArrayLike, *, title: str = "") -> Drawing:
    """An image, and beside it the same in pale grey with the map over it in one hue, at most at 45 %, with its scale.

    image: uint8 (H, W), (H, W, 1) or (H, W, 3), as the network saw it. cam: float (H, W) from 0 up, as `grad_cam`, or a
    smaller map of the same aspect ratio. Raises DataError for a map of another shape or with values below 0.
    """
    pixels, values = as_image(image), as_values(cam, "(H, W)")
    _require_same_aspect(pixels, values)
    if values.min() < 0:
        raise DataError("the map has values below 0", hint="draw signed maps with `attribution`")
    page, left, top, wide, high = _two(pixels, title, beside=True)
    largest = max(1.0, float(values.max()))
    page.image(pale(pixels), left, top, wide, high)
    page.image(values, left, top, wide, high, cmap=HEAT, vmin=0, vmax=largest, interpolation="bilinear")
    page.scale(left, top + high + GAP, ("0", number_text(largest)), "importance", cmap=HEAT)
    return page.figure


@styled
def attribution(
    values: ArrayLike, image: ArrayLike | None = None, *, reach: float | None = None, title: str = ""
) -> Drawing:
    """A signed map on a symmetric scale: orange speaks for the class, blue against it, paper says nothing.

    values: float (H, W), e.g. integrated gradients. image: drawn beside it. reach: the end of the scale; by default
    what 99 % of the pixels stay within, because a few are often many times the rest. Raises DataError for another
    shape, or an image of another aspect ratio, ConfigError for a reach that is not above 0.
    """
    numbers = as_values(values, "(H, W)")
    pixels = np.zeros((*numbers.shape, 3), np.uint8) if image is None else as_image(image)
    _require_same_aspect(pixels, numbers)
    if reach is not None and reach <= 0:
        raise ConfigError(f"reach is {reach}", hint="use a number above 0, or leave it out")
    largest = float(np.abs(numbers).max())
    end = reach or float(np.quantile(np.abs(numbers), WITHIN)) or largest
    page, left, top, wide, high = _two(pixels, title, beside=image is not None)
    page.image(numbers, left, top, wide, high, **signed(end))
    beyond = float((np.abs(numbers) > end).mean())
    words = "against, for" + (f"; {100 * beyond:.2g} % beyond, to {number_text(largest)}" if beyond else "")
    signed_scale(page, left, top + high + GAP, end, words)
    return page.figure


@styled
def receptive_field(
    image: ArrayLike,
    field: ReceptiveField | Sequence[float],
    effective: ArrayLike | None = None,
    *,
    title: str = "",
) -> Drawing:
    """What one unit can see: the image, pale outside of its receptive field; beside it, how much it looks where.

    image: uint8 (H, W), (H, W, 1) or (H, W, 3), as the network saw it. field: a ReceptiveField, or the box (top, left,
    bottom, right) in pixels of the image, the last two not included; where it reaches into the padding, so does its
    outline. effective: float (H, W) from 0 up; by default that of the ReceptiveField. Raises DataError for a box that
    has no area or misses the image, and for a map of another shape.
    """
    if isinstance(field, ReceptiveField):
        box: Sequence[float] = field.box
        effective = field.effective if effective is None else effective
    else:
        box = field
    pixels = as_image(image)
    height, width = pixels.shape[:2]
    upper, west, lower, east = _corners(box)
    if min(lower, height) <= max(upper, 0) or min(east, width) <= max(west, 0):
        raise DataError(
            f"the box {tuple(box)} sees nothing of {height} x {width} pixels", hint="give (top, left, bottom, right)"
        )
    values = None if effective is None else as_values(effective, "(H, W)")
    if values is not None:
        _require_same_aspect(pixels, values)
    # The sheet shows what image and box cover together, to scale.
    north, start, south, end = min(upper, 0), min(west, 0), max(lower, height), max(east, width)
    across, down = fitted_size((round(south - north), round(end - start)), SIDE)
    point = across / (end - start)  # points a pixel
    count = 1 if values is None else 2
    top = MARGIN + LINE * NORMAL + GAP
    sheet = max(NARROWEST, 2 * MARGIN + count * (across + 2 * GAP) - 2 * GAP)
    page = canvas(sheet, top + down + MARGIN + (GAP + SCALE_HEIGHT if values is not None else 0))
    reach = f"{lower - upper:g} x {east - west:g} pixels can reach this unit; the image has {height} x {width}"
    page.text(MARGIN, MARGIN, title or reach, size=NORMAL if title else NORMAL - 1)
    rows, columns = slice(max(0, int(upper)), int(np.ceil(lower))), slice(max(0, int(west)), int(np.ceil(east)))
    muted = pale(pixels)
    seen_part = muted.copy()
    seen_part[rows, columns] = pixels[rows, columns]
    for number, background in enumerate((seen_part, muted)[:count]):
        left = MARGIN + number * (across + 2 * GAP)
        place = (left - start * point, top - north * point, width * point, height * point)
        page.image(background, *place)
        if number == 1 and values is not None:
            largest = float(values.max())
            page.image(values, *place, cmap=HEAT, vmin=0, vmax=largest or 1.0, interpolation="bilinear")
            page.scale(left, top + down + GAP, ("0", number_text(largest)), "influence", cmap=HEAT)
        outline = (left + (west - start) * point, top + (upper - north) * point)
        halo = [withStroke(linewidth=3, foreground=PAPER)]
        page.box(
            *outline, (east - west) * point, (lower - upper) * point, edgecolor=ACCENT, linewidth=1.4, path_effects=halo
        )
    return page.figure


def pale(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image in grey and half way to white, so that what lies over it can be seen: uint8 (H, W, 3) -> the same."""
    return gray_to_rgb(rgb_to_gray(pixels)) // 2 + 127


def _corners(box: Sequence[float]) -> tuple[float, float, float, float]:
    corners = tuple(float(corner) for corner in box)
    if len(corners) != 4 or corners[2] <= corners[0] or corners[3] <= corners[1]:
        raise DataError(f"{corners} is no box", hint="give (top, left, bottom, right)")
    return corners


def _two(pixels: NDArray[np.uint8], title: str, *, beside: bool) -> tuple[Canvas, float, float, float, float]:
    """A sheet, on its left the image if it stands beside, and left, top, width and height of the map's place."""
    wide, high = fitted_size(pixels.shape, SIDE)
    top = MARGIN + (LINE * NORMAL + GAP if title else 0)
    left = MARGIN + (wide + 2 * GAP if beside else 0)
    page = canvas(max(left + wide + MARGIN, left + NARROWEST - MARGIN), top + high + GAP + SCALE_HEIGHT + MARGIN)
    page.text(MARGIN, MARGIN, title, size=NORMAL)
    if beside:
        page.image(pixels, MARGIN, top, wide, high)
    return page, left, top, wide, high


def _require_same_aspect(pixels: NDArray[np.uint8], values: NDArray[np.float64]) -> None:
    (height, width), (rows, columns) = pixels.shape[:2], values.shape
    if abs(rows * width - columns * height) > max(width, height):
        raise DataError(
            f"the map is {rows} x {columns} and the image {height} x {width}",
            hint="give the image as the network saw it, at its size or in its proportions",
        )
