"""Numbers of an inspection as pixels. Nothing is computed here: colours, sizes and places only.

All give uint8 (H, W, 3). Magnitudes are drawn from dark to bright on one scale (cividis), signed values blue below
zero, paper at it, orange above.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightline.errors import DataError
from sightline.inspection.fields import ReceptiveField
from sightline.pixels.color import gray_to_rgb, rgb_to_gray
from sightline.pixels.scales import LIGHT_PAPER, ORANGE, OVERLAY, diverging, rgb, sequential

GAP = 8  # pixels between tiles
HUE = ORANGE

Pixels = NDArray[np.uint8]


def overlay(image: Pixels, strength: NDArray[np.floating]) -> Pixels:
    """The image in grey, and over it a map in one hue: 45 % of it where the map is 1, none where it is 0.

    image: uint8 (H, W, 1 or 3). strength: (H, W) in [0, 1]; what is below 0 is not drawn. Raises DataError when they
    differ in size.
    """
    grey = _as_rgb(rgb_to_gray(image)[:, :, None] if image.shape[2] == 3 else image)
    _require_size(grey, strength)
    part = OVERLAY * np.clip(strength, 0, 1)[:, :, None]
    return _rounded(grey * (1 - part) + rgb(HUE) * part)


def tiles(
    maps: NDArray[np.floating], *, dead: NDArray[np.bool_] | None = None, columns: int | None = None, scale: int = 1
) -> Pixels:
    """Feature maps side by side on paper, 8 pixels apart, all on one scale.

    maps: (C, h, w) in [0, 1], as `feature_maps` gives them. dead: bool (C,), channels to mark: crossed out.
    columns: by default as many as make it about square. scale: each value as so many pixels high and wide.
    """
    drawn = [_enlarged(each, scale) for each in sequential(maps)]
    if dead is not None:
        drawn = [_crossed_out(tile) if is_dead else tile for tile, is_dead in zip(drawn, dead, strict=True)]
    return grid(drawn, columns=columns)


def signed_kernels(kernels: NDArray[np.floating], *, columns: int | None = None, scale: int = 8) -> Pixels:
    """Kernels side by side on paper, 8 pixels apart: blue below zero, orange above, the same range for all.

    kernels: (O, C, kh, kw), a row of C for each of the O where C is more than 1, else in a square; or (N, kh, kw). The
    range is `signed_range`.
    """
    limit = signed_range(kernels)
    rows = columns or (kernels.shape[1] if kernels.ndim == 4 and kernels.shape[1] > 1 else None)
    flat = kernels.reshape(-1, *kernels.shape[-2:])
    return grid([_enlarged(each, scale) for each in diverging(flat / limit)], columns=rows)


def signed_range(values: NDArray[np.floating]) -> float:
    """The magnitude at both ends of the scale that `signed_kernels` draws on, to be printed beside it."""
    return float(np.abs(values).max(initial=0)) or 1.0


def rgb_kernels(kernels: NDArray[np.floating], *, columns: int | None = None, scale: int = 8) -> Pixels:
    """Kernels that look at RGB, (O, 3, kh, kw), each as one colour image: grey is zero, the same range for all."""
    if kernels.ndim != 4 or kernels.shape[1] != 3:
        raise DataError(
            f"the kernels are of shape {kernels.shape}", hint="give (O, 3, kh, kw), or use `signed_kernels`"
        )
    colors = _rounded(127.5 * (1 + kernels / signed_range(kernels))).transpose(0, 2, 3, 1)
    return grid([_enlarged(each, scale) for each in colors], columns=columns)


def receptive_box(image: Pixels, field: ReceptiveField, *, effective: bool = True) -> Pixels:
    """The image in grey with the box of a receptive field around what a value can see.

    image: uint8 (H, W, 1 or 3), of the field's image size. effective: also how strongly each pixel counts, in one hue.
    A side of the box that lies outside of the image is not drawn.
    """
    strength = field.effective if effective else np.zeros(field.image_size, np.float32)
    drawn = overlay(image, strength)
    top, left, bottom, right = field.box
    inner_top, inner_left, inner_bottom, inner_right = field.clipped
    height, width = field.image_size
    color = rgb(HUE).astype(np.uint8)
    for row in (top, bottom - 1):
        if 0 <= row < height:
            drawn[row, inner_left:inner_right] = color
    for column in (left, right - 1):
        if 0 <= column < width:
            drawn[inner_top:inner_bottom, column] = color
    return drawn


def grid(images: Sequence[Pixels], *, columns: int | None = None) -> Pixels:
    """Images of one size, uint8 (h, w, 3), side by side on paper, 8 pixels apart. Raises DataError for none."""
    if len(images) == 0:
        raise DataError("there is nothing to draw", hint="give one image or more")
    across = min(columns or int(np.ceil(np.sqrt(len(images)))), len(images))
    down = -(-len(images) // across)
    height, width = images[0].shape[:2]
    sheet = np.empty((down * (height + GAP) - GAP, across * (width + GAP) - GAP, 3), np.uint8)
    sheet[:] = rgb(LIGHT_PAPER).astype(np.uint8)
    for number, image in enumerate(images):
        top, left = number // across * (height + GAP), number % across * (width + GAP)
        sheet[top : top + height, left : left + width] = image
    return sheet


def _crossed_out(tile: Pixels) -> Pixels:
    """A line from corner to corner, in the hue that no scale of magnitudes has."""
    marked = tile.copy()
    height, width = tile.shape[:2]
    count = max(height, width)
    rows = np.linspace(0, height - 1, count).round().astype(int)
    columns = np.linspace(0, width - 1, count).round().astype(int)
    marked[rows, columns] = marked[rows, columns[::-1]] = rgb(HUE).astype(np.uint8)
    return marked


def _enlarged(image: Pixels, scale: int) -> Pixels:
    """Crisp: each pixel becomes a square."""
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


def _as_rgb(image: Pixels) -> Pixels:
    return gray_to_rgb(image[:, :, 0]) if image.shape[2] == 1 else image


def _require_size(image: Pixels, strength: NDArray[np.floating]) -> None:
    if image.shape[:2] != strength.shape:
        (height, width), map_size = image.shape[:2], " x ".join(map(str, strength.shape))
        raise DataError(
            f"the map is {map_size}, the image {height} x {width}",
            hint="draw on what the network sees: `sightline.inspection.shown(net, image)`",
        )


def _rounded(values: NDArray[np.floating]) -> Pixels:
    pixels: Pixels = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return pixels
