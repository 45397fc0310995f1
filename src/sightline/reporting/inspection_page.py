"""One image and what a network makes of it, as a page: `sightline inspect` writes it (`looking.py` gathers it).

Every map is an image of its own in the page, so that a grid of them has as many columns as the screen has room for.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.classifier.classifier import Prediction
from sightline.inspection.embeddings import Neighbour
from sightline.inspection.fields import ReceptiveField
from sightline.inspection.maps import Activations
from sightline.pixels.scales import CIVIDIS
from sightline.reporting.image_data import CRISP, format_probability, jpeg_uri, png_uri
from sightline.reporting.map_images import kernel_rgba, map_rgb
from sightline.reporting.report import render_page

TILE_WIDTH, NEIGHBOUR_WIDTH, FIELD_WIDTH, LARGE_WIDTH = 80, 96, 256, 304  # CSS pixels, roughly where images are small
TILES = 24  # channels of a layer shown in the page; the PNG file has them all
FILTERS = 32
NUMBERED = 12  # dead channels listed by number


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A small image with a caption. figure: a number below that; may be empty. dim: said to show nothing."""

    uri: str
    caption: str
    alt: str
    figure: str = ""
    dim: bool = False


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Tiles of one layer. low, high: what the ends of the colour scale stand for. width: CSS pixels of a tile.

    file: the PNG with all of them.
    """

    name: str
    sentence: str
    tiles: Sequence[Tile]
    width: int
    crisp: bool
    low: str
    high: str
    file: str


@dataclass(frozen=True, kw_only=True)
class View:
    """A large image. width: CSS pixels. size: (H, W) of its pixels. box: (top, left, bottom, right) to frame in it."""

    uri: str
    caption: str
    alt: str
    width: int
    crisp: bool
    size: tuple[int, int]
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A class with its probability in words and as a length, 0 to 100."""

    label: str
    probability: str
    length: float


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What the page shows. The sentences say what is seen, or why there is nothing."""

    run: str
    model: str
    image: str
    view: View
    prediction: Prediction
    cams: Sequence[View]
    cam_sentence: str = ""
    fields: Sequence[View] = ()
    fields_sentence: str = ""
    kernels: Grid | None = None
    stages: Sequence[Grid] = ()
    neighbours: Sequence[Tile] = ()
    neighbours_width: int = 0
    neighbours_crisp: bool = False
    neighbours_sentence: str = ""
    command: str = ""
    files: Sequence[str] = ()


def render_inspection(inspection: Inspection) -> str:
    """The page as HTML, in one file that needs no other."""
    answer = inspection.prediction
    guesses = [
        Guess(label=label, probability=format_probability(value), length=100 * value) for label, value in answer.top
    ]
    return render_page(
        "inspect.html",
        inspection=inspection,
        guesses=guesses,
        headline=format_probability(answer.probability),
        scale=CIVIDIS,
    )


def large_view(
    pixels: NDArray[np.uint8],
    caption: str,
    alt: str,
    *,
    width: int = LARGE_WIDTH,
    box: tuple[int, int, int, int] | None = None,
) -> View:
    """uint8 (H, W, 1 or 3) at a size to be looked at."""
    size = (pixels.shape[0], pixels.shape[1])
    width, crisp = _css_width(pixels.shape[1], pixels.shape[0], width)
    uri = png_uri(pixels) if crisp else jpeg_uri(pixels)
    return View(uri=uri, caption=caption, alt=alt, width=width, crisp=crisp, size=size, box=box)


def map_grid(maps: Activations, kind: str, file: str) -> Grid:
    """The channels of a layer that fire most, strongest first, and what is to be said of all of them."""
    count, height, width = maps.values.shape
    kind = "" if kind == "Sequential" else f" ({kind})"
    low, high = float(maps.values.min()), float(maps.values.max())
    order = np.argsort(-maps.max, kind="stable")[:TILES].tolist()
    tile_width, crisp = _css_width(width, height, TILE_WIDTH)
    return Grid(
        name=maps.layer,
        sentence=f"{count:,} channels of {height} x {width}{kind}. {_selection(len(order), count)}{_dead(maps.dead)}",
        tiles=[
            Tile(
                uri=png_uri(map_rgb(maps.values[channel], low, high)),
                caption=f"{channel}, dead" if maps.dead[channel] else f"{channel}",
                alt=f"Channel {channel} of {maps.layer}",
                dim=bool(maps.dead[channel]),
            )
            for channel in order
        ],
        width=tile_width,
        crisp=crisp,
        low=_number(low),
        high=_number(high),
        file=file,
    )


def kernel_grid(layer: str, kernels: NDArray[np.float32], file: str) -> Grid:
    """The filters of a convolution (O, C, kh, kw), at most three channels of each side by side."""
    count, channels, height, width = kernels.shape
    reach = float(np.abs(kernels).max())
    beside = min(channels, 3)
    what = {1: "", 3: ", red, green and blue side by side"}.get(
        channels, f", the first {beside} of {channels} channels"
    )
    few = f" The first {FILTERS} are shown; all are in the file." if count > FILTERS else ""
    images = [kernel_rgba(kernel[:beside], reach) for kernel in kernels[:FILTERS]]
    colours = "Orange adds to the sum where the image is bright, blue takes away."
    return Grid(
        name=layer,
        sentence=f"{count:,} filters of {height} x {width} weights{what}. {colours}{few}",
        tiles=[
            Tile(
                uri=png_uri(image),
                caption=f"{number}",
                alt=f"Filter {number} of {layer}",
            )
            for number, image in enumerate(images)
        ],
        width=images[0].shape[1],
        crisp=True,
        low=_number(-reach),
        high=_number(reach),
        file=file,
    )


def cam_sentence(label: str, cam: NDArray[np.float32]) -> str:
    """How much of the image holds half of what speaks for a class, from its Grad-CAM (H, W) in [0, 1]."""
    if not cam.any():
        return f"Nothing in the image speaks for {label} by Grad-CAM."
    largest_first = np.cumsum(np.sort(cam, axis=None)[::-1])
    share = (np.searchsorted(largest_first, largest_first[-1] / 2) + 1) / cam.size
    return f"Half of what speaks for {label} lies within {100 * share:.0f} % of the image."


def fields_sentence(fields: Sequence[ReceptiveField]) -> str:
    """What the deepest of these layers' values depend on, and on how little of that they mostly do."""
    last = fields[-1]
    height, width = last.size
    frame = "the whole image" if last.whole else f"a square of {height} x {width} pixels"
    side = round(last.effective_side)
    return (
        f"One value of {last.layer} can depend on {frame}; what counts for it is about as large as {side} x {side}. "
        "The frame is what a value can see, orange what counts, by its root: here where Grad-CAM is strongest."
    )


def neighbours_sentence(label: str, neighbours: Sequence[Neighbour]) -> str:
    """How many of the nearest training images have the predicted class."""
    same = sum(neighbour.label == label for neighbour in neighbours)
    count = len(neighbours)
    if count == 1:
        return f"The training image most alike to the network is {neighbours[0].label}."
    many = "all" if same == count else "none" if same == 0 else str(same)
    return f"Of the {count} training images most alike to the network {many} {'is' if same == 1 else 'are'} {label}."


def neighbour_tiles(neighbours: Sequence[Neighbour]) -> tuple[list[Tile], int, bool]:
    """Training images as tiles, their width in CSS pixels, and whether pixels are to stay squares."""
    if not neighbours:
        return [], 0, False
    first = neighbours[0].image
    width, crisp = _css_width(first.shape[1], first.shape[0], NEIGHBOUR_WIDTH)
    tiles = [
        Tile(
            uri=png_uri(neighbour.image) if crisp else jpeg_uri(neighbour.image),
            caption=neighbour.label,
            alt=neighbour.id,
            figure=f"{neighbour.similarity:.3f}",
        )
        for neighbour in neighbours
    ]
    return tiles, width, crisp


def _css_width(width: int, height: int, wanted: int) -> tuple[int, bool]:
    """How wide to show an image of so many pixels, and whether its pixels are to be seen, as whole ones."""
    crisp = max(width, height) <= CRISP
    return (width * max(1, round(wanted / width)) if crisp else wanted), crisp


def _selection(tiles: int, count: int) -> str:
    return "" if tiles == count else f"The {tiles} that fire most are shown, strongest first; all are in the file. "


def _dead(dead: NDArray[np.bool_]) -> str:
    numbers = np.flatnonzero(dead).tolist()
    if not numbers:
        return "Every channel fires somewhere in this image."
    more = f" and {len(numbers) - NUMBERED:,} more" if len(numbers) > NUMBERED else ""
    listed = ", ".join(map(str, numbers[:NUMBERED])) + more
    verb = "channel fires" if len(numbers) == 1 else "channels fire"
    return f"{len(numbers):,} {verb} nowhere in this image: {listed}."


def _number(value: float) -> str:
    """Two significant digits, e.g. -0.17, 5.3, 120."""
    text = f"{value:.2g}"
    return f"{value:,.0f}" if "e" in text and abs(value) >= 1 else re.sub(r"^-", "\N{MINUS SIGN}", text)
