"""One image and what a network makes of it, as a page: `sightline inspect` writes it (`looking.py` gathers it).

Every map is an image of its own in the page, so that a grid of them has as many columns as the screen has room for.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.classifier import Prediction
from sightline.inspection.embeddings import Neighbour
from sightline.inspection.maps import Activations
from sightline.reporting.colors import CIVIDIS
from sightline.reporting.image_data import CRISP, format_probability, jpeg_uri, png_uri
from sightline.reporting.map_images import kernel_rgba, map_rgb
from sightline.reporting.report import render_page

TILE_WIDTH, LARGE_WIDTH = 80, 304  # CSS pixels, the first roughly
TILES = 24  # channels of a layer shown in the page; the PNG file has them all
FILTERS = 32
NUMBERED = 12  # dead channels listed by number


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A small image with a caption. dim: said to show nothing."""

    uri: str
    caption: str
    alt: str
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
    """A large image with the sentence it is evidence for. width: CSS pixels."""

    uri: str
    caption: str
    alt: str
    width: int
    crisp: bool


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A class with its probability in words and as a length, 0 to 100."""

    label: str
    probability: str
    length: float


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What the page shows. neighbours_note: why there are none, or what is to be said of them; may be empty."""

    run: str
    model: str
    image: str
    view: View
    prediction: Prediction
    cams: Sequence[View]
    cam_note: str = ""
    receptive: View | None = None
    receptive_sentence: str = ""
    kernels: Grid | None = None
    stages: Sequence[Grid] = ()
    neighbours: Sequence[Tile] = ()
    neighbours_width: int = 0
    neighbours_crisp: bool = False
    neighbours_note: str = ""
    command: str = ""
    files: Sequence[str] = ()


def render_inspection(seen: Inspection) -> str:
    """The page as HTML, in one file that needs no other."""
    answer = seen.prediction
    guesses = [
        Guess(label=label, probability=format_probability(value), length=100 * value) for label, value in answer.top
    ]
    return render_page(
        "inspect.html", seen=seen, guesses=guesses, headline=format_probability(answer.probability), scale=CIVIDIS
    )


def large_view(pixels: NDArray[np.uint8], caption: str, alt: str) -> View:
    """uint8 (H, W, 1 or 3) at a size to be looked at."""
    width, crisp = _css_width(pixels.shape[1], pixels.shape[0], LARGE_WIDTH)
    uri = png_uri(pixels) if crisp else jpeg_uri(pixels)
    return View(uri=uri, caption=caption, alt=alt, width=width, crisp=crisp)


def map_grid(seen: Activations, kind: str, file: str) -> Grid:
    """The channels of a layer that fire most, strongest first, and what is to be said of all of them."""
    count, height, width = seen.values.shape
    low, high = float(seen.values.min()), float(seen.values.max())
    order = np.argsort(-seen.max, kind="stable")[:TILES].tolist()
    tile_width, crisp = _css_width(width, height, TILE_WIDTH)
    return Grid(
        name=seen.layer,
        sentence=f"{kind}, {count:,} channels of {height} x {width}. {_shown(len(order), count)}{_dead(seen.dead)}",
        tiles=[
            Tile(
                uri=png_uri(map_rgb(seen.values[channel], low, high)),
                caption=f"{channel}, dead" if seen.dead[channel] else f"{channel}",
                alt=f"Channel {channel} of {seen.layer}",
                dim=bool(seen.dead[channel]),
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
    tile_width, _ = _css_width(width, height, TILE_WIDTH // 2)
    colours = "Orange adds to the sum where the image is bright, blue takes away."
    return Grid(
        name=layer,
        sentence=f"{count:,} filters of {height} x {width} weights{what}. {colours}{few}",
        tiles=[
            Tile(
                uri=png_uri(kernel_rgba(kernels[number, :beside], reach)),
                caption=f"{number}",
                alt=f"Filter {number} of {layer}",
            )
            for number in range(min(count, FILTERS))
        ],
        width=tile_width * beside,
        crisp=True,
        low=_number(-reach),
        high=_number(reach),
        file=file,
    )


def neighbour_tiles(neighbours: Sequence[Neighbour]) -> tuple[list[Tile], int, bool]:
    """Training images as tiles, their width in CSS pixels, and whether pixels are to stay squares."""
    if not neighbours:
        return [], 0, False
    first = neighbours[0].image
    width, crisp = _css_width(first.shape[1], first.shape[0], 128)
    tiles = [
        Tile(
            uri=png_uri(found.image) if crisp else jpeg_uri(found.image),
            caption=f"{found.label}\n{found.similarity:.3f}",
            alt=found.id,
        )
        for found in neighbours
    ]
    return tiles, width if crisp else 128, crisp


def _css_width(width: int, height: int, wanted: int) -> tuple[int, bool]:
    """How wide to show an image of so many pixels, and whether its pixels are to be seen, as whole ones."""
    crisp = max(width, height) <= CRISP
    return (width * max(1, round(wanted / width)) if crisp else wanted), crisp


def _shown(shown: int, count: int) -> str:
    return "" if shown == count else f"The {shown} that fire most are shown, strongest first; all are in the file. "


def _dead(dead: NDArray[np.bool_]) -> str:
    numbers = np.flatnonzero(dead).tolist()
    if not numbers:
        return "Every channel fires somewhere in this image."
    listed = ", ".join(map(str, numbers[:NUMBERED])) + (", ..." if len(numbers) > NUMBERED else "")
    verb = "channel fires" if len(numbers) == 1 else "channels fire"
    return f"{len(numbers):,} {verb} nowhere in this image: {listed}."


def _number(value: float) -> str:
    """Two significant digits, e.g. -0.17, 5.3, 120."""
    text = f"{value:.2g}"
    return f"{value:,.0f}" if "e" in text and abs(value) >= 1 else re.sub(r"^-", "\N{MINUS SIGN}", text)
