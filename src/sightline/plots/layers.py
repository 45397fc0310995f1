"""What a layer has learnt and what it sees: its kernels and its feature maps."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sightline.errors import ConfigError, DataError
from sightline.plots.canvas import (
    GAP,
    LINE,
    MARGIN,
    SCALE_HEIGHT,
    SHEET_WIDTH,
    as_values,
    canvas,
    side_in_points,
    signed,
    signed_scale,
)
from sightline.plots.style import FAINT_INK, HAIRLINE, MAGNITUDES, NORMAL, SMALL, Drawing, number_text, styled

HEADING = LINE * NORMAL + GAP  # points
NUMBER = 6.0  # points, the size of the number of a channel

NARROW = 15.0  # points, too little for the number of every channel: only the first of a row has one


@styled
def feature_maps(maps: ArrayLike, dead: ArrayLike | None = None, *, title: str = "") -> Drawing:
    """Every channel of a layer as an image, all on one scale, each with its number.

    maps: float (C, h, w), as `feature_maps` or the values of `activations`. dead: bool (C,), the channels that never
    fire, which are crossed out. Raises DataError for other shapes or values that are not finite.
    """
    values = as_values(maps, "(C, h, w)")
    channels, height, width = values.shape
    silent = np.zeros(channels, dtype=bool) if dead is None else np.asarray(dead)
    if silent.shape != (channels,):
        raise DataError(
            f"{channels} channels and `dead` of shape {silent.shape}", hint="give one truth value a channel"
        )
    columns = _columns(channels, width / height)
    wanted = min(72.0, (SHEET_WIDTH - 2 * MARGIN + GAP) / columns - GAP)
    longer = side_in_points(max(height, width), max(9.0, wanted * max(1.0, height / width)))
    wide, high = longer * width / max(height, width), longer * height / max(height, width)
    gap = GAP if wide >= 24 else GAP / 2
    pitch = high + gap + LINE * NUMBER
    rows = -(-channels // columns)
    top = MARGIN + HEADING
    page_width = max(2 * MARGIN + columns * (wide + gap) - gap, 330.0)
    page = canvas(page_width, top + rows * pitch + GAP + SCALE_HEIGHT + MARGIN)
    count = int(silent.sum())
    words = f"{channels:,} {'channel' if channels == 1 else 'channels'} of {height} x {width}"
    page.text(MARGIN, MARGIN, title or words + (f", {count:,} of them never firing (crossed out)" if count else ""))
    low, high_value = float(values.min()), float(values.max())
    for channel in range(channels):
        row, column = divmod(channel, columns)
        left, upper = MARGIN + column * (wide + gap), top + row * pitch
        page.image(values[channel], left, upper, wide, high, cmap=MAGNITUDES, vmin=low, vmax=_above(low, high_value))
        if column == 0 or wide >= NARROW:
            page.text(left, upper + high + 1, str(channel), size=NUMBER, ink=FAINT_INK)
        if silent[channel]:
            for ends in ((upper, upper + high), (upper + high, upper)):
                page.axes.plot((left, left + wide), ends, color="#ffffff", linewidth=0.8)
    ends = (number_text(low), number_text(high_value))
    page.scale(MARGIN, top + rows * pitch + GAP, ends, "activation, one scale for the layer")
    return page.figure


@styled
def kernels(weights: ArrayLike, *, limit: int = 64, inputs: int = 16) -> Drawing:
    """The kernels of a convolution on one signed scale, blue below zero and orange above.

    weights: float (O, C, kh, kw). Each output channel is a row of its input channels' kernels, and short rows stand
    side by side; of 1 x 1 kernels, the whole matrix. limit, inputs: of more output or input channels, the first so
    many are drawn, and the heading says so. Raises DataError for other shapes, ConfigError for limits below 1.
    """
    if limit < 1 or inputs < 1:
        raise ConfigError(f"limit is {limit} and inputs is {inputs}", hint="use 1 or more")
    values = as_values(weights, "(O, C, kh, kw)")
    reach = float(np.abs(values).max())
    if values.shape[2:] == (1, 1):
        return _matrix(values[:, :, 0, 0], reach)
    every, deep, height, width = values.shape
    part = values[:limit, :inputs]
    outputs, channels = part.shape[:2]
    wanted = 12.0 if channels > 3 else 22.0 if channels > 1 else 34.0
    longer = side_in_points(max(height, width), wanted)
    wide, high = longer * width / max(height, width), longer * height / max(height, width)
    inner, named = 2.5, 15.0
    block = named + channels * (wide + inner) - inner
    columns = max(1, min(_columns(outputs, block / high), int((SHEET_WIDTH - 2 * MARGIN + GAP) // (block + GAP))))
    rows = -(-outputs // columns)
    header = LINE * NUMBER if deep == 3 else 0.0
    top, pitch = MARGIN + HEADING + header, high + (GAP if channels <= 3 else 3.0)
    page_width = max(2 * MARGIN + columns * (block + GAP) - GAP, 330.0)
    page = canvas(page_width, top + rows * pitch + GAP + SCALE_HEIGHT + MARGIN)
    page.text(MARGIN, MARGIN, _heading(every, deep, f"{height} x {width}", outputs, channels))
    for output in range(outputs):
        column, row = divmod(output, rows)
        left, upper = MARGIN + column * (block + GAP), top + row * pitch
        page.text(left + named - 3, upper + high / 2, str(output), size=NUMBER, ink=FAINT_INK, ha="right", va="center")
        for channel in range(channels):
            place = left + named + channel * (wide + inner)
            page.image(part[output, channel], place, upper, wide, high, **signed(reach))
            page.box(place, upper, wide, high, edgecolor=HAIRLINE, linewidth=0.5)
            if deep == 3 and row == 0:
                color = "RGB"[channel]
                page.text(place + wide / 2, upper - 2, color, size=NUMBER, ink=FAINT_INK, ha="center", va="bottom")
    signed_scale(page, MARGIN, top + rows * pitch + GAP, reach, "weight, one scale for the layer")
    return page.figure


def _matrix(values: NDArray[np.float64], reach: float) -> Drawing:
    """1 x 1 kernels: a matrix with a row for each output channel and a column for each input channel."""
    outputs, channels = values.shape
    cell = max(0.5, min(14.0, (SHEET_WIDTH - 2 * MARGIN - 30) / channels, 480 / outputs))
    left, top = MARGIN + 30, MARGIN + HEADING + LINE * SMALL
    page = canvas(max(left + cell * channels + MARGIN, 330.0), top + cell * outputs + 2 * GAP + SCALE_HEIGHT + MARGIN)
    page.text(MARGIN, MARGIN, _heading(outputs, channels, "1 x 1", outputs, channels))
    page.image(values, left, top, cell * channels, cell * outputs, interpolation="nearest", **signed(reach))
    page.text(left, top - 2, f"input channels 0 to {channels - 1}", ink=FAINT_INK, va="bottom")
    page.text(left - 3, top, "0", ink=FAINT_INK, ha="right")
    if outputs > 1:
        page.text(left - 3, top + cell * outputs, str(outputs - 1), ink=FAINT_INK, ha="right", va="bottom")
    signed_scale(page, MARGIN, top + cell * outputs + 2 * GAP, reach, "weight")
    return page.figure


def _heading(outputs: int, channels: int, size: str, rows: int, columns: int) -> str:
    """How many kernels there are, and which of them are drawn."""
    words = f"{outputs:,} output x {channels:,} input {'channel' if channels == 1 else 'channels'}, kernels of {size}"
    parts = [f"output 0 to {rows - 1}"] * (rows < outputs) + [f"input 0 to {columns - 1}"] * (columns < channels)
    return words + (f"; drawn: {' and '.join(parts)}" if parts else "")


def _columns(tiles: int, aspect: float) -> int:
    """How many columns make tiles of this width by height a field about half as wide again as high."""
    return max(1, min(tiles, math.ceil(math.sqrt(1.5 * tiles / aspect)))) if tiles > 8 else tiles


def _above(low: float, high: float) -> float:
    return high if high > low else low + 1.0
