"""Images on a plane, those that the network finds alike beside each other."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sightline.errors import DataError
from sightline.inspection.embeddings import EmbeddingMap
from sightline.plots.canvas import GAP, LINE, MARGIN, SHEET_WIDTH, Canvas, as_image, as_values, canvas
from sightline.plots.style import (
    CATEGORIES,
    FAINT_INK,
    INK,
    NORMAL,
    PAPER,
    SHAPES,
    SMALL,
    Drawing,
    shortened,
    styled,
    text_width,
    wrapped,
)

HIGHEST = 430.0  # points
THUMBNAIL = 17.0  # points, the longer side
NAME_ROOM = 96.0  # points for a class name


@styled
def embedding_map(
    points: ArrayLike | EmbeddingMap,
    labels: ArrayLike,
    classes: Sequence[str],
    images: Sequence[ArrayLike] | None = None,
) -> Drawing:
    """A dot for each image, in colour and shape of its class, whose name stands among its dots.

    points: (N, 2), or an EmbeddingMap. labels: int (N,), indices of `classes`; with an EmbeddingMap the labels of the
    whole set. images: like labels, each uint8 (H, W), (H, W, 1) or (H, W, 3); as many as have room stand in place
    of the dots. Names that find no room are left out, and a line below says how many. Raises DataError where the
    lengths differ or a label has no class.
    """
    places, numbers, chosen, method = _matched(points, labels, classes, images)
    low, high = places.min(axis=0), places.max(axis=0)
    room = SHEET_WIDTH - 2 * MARGIN - 24
    point = min(room / max(high[0] - low[0], 1e-9), HIGHEST / max(high[1] - low[1], 1e-9))
    height = max(60.0, point * float(high[1] - low[1])) if len(places) > 1 else 60.0
    across = MARGIN + 12 + room / 2 + point * (places[:, 0] - (low[0] + high[0]) / 2)
    down = MARGIN + 12 + height / 2 - point * (places[:, 1] - (low[1] + high[1]) / 2)  # y goes up, as on any plane
    note = wrapped(method, SHEET_WIDTH - 2 * MARGIN, SMALL)
    bottom = MARGIN + 24 + height
    page = canvas(SHEET_WIDTH, bottom + (len(note.splitlines()) + 1) * LINE * SMALL + GAP + MARGIN)
    size = max(1.6, min(4.5, 120 / len(places) ** 0.5))
    for label in np.unique(numbers) if chosen is None else ():
        inside = numbers == label
        page.axes.plot(
            across[inside],
            down[inside],
            SHAPES[label // len(CATEGORIES) % len(SHAPES)],
            color=_color(int(label)),
            markersize=size,
            alpha=0.8,
            markeredgewidth=0,
        )
    if chosen is not None:
        _thumbnails(page, across, down, numbers, chosen)
    missing = _names(page, across, down, numbers, classes, bottom)
    page.text(MARGIN, bottom + GAP, note, ink=FAINT_INK)
    if missing:
        of = f"{missing} of {len(np.unique(numbers))} class names found no room."
        page.text(MARGIN, bottom + GAP + len(note.splitlines()) * LINE * SMALL, of, ink=FAINT_INK)
    return page.figure


def _matched(
    points: ArrayLike | EmbeddingMap,
    labels: ArrayLike,
    classes: Sequence[str],
    images: Sequence[ArrayLike] | None,
) -> tuple[NDArray[np.float64], NDArray[np.int64], Sequence[ArrayLike] | None, str]:
    """Points, labels and images that belong together, and how the map was made."""
    numbers, method = np.asarray(labels), getattr(points, "method", "")
    if isinstance(points, EmbeddingMap):
        chosen = np.asarray(points.indices)
        if chosen.size and chosen.max() >= len(numbers):
            raise DataError(f"{len(numbers)} labels, and the map has image {chosen.max()}", hint="give the whole set's")
        numbers = numbers[chosen]
        images = None if images is None else [images[int(index)] for index in chosen]
        points = points.points
    places = as_values(points, "(N, 2)")
    if places.shape[1] != 2 or numbers.shape != (len(places),) or (images is not None and len(images) != len(places)):
        counts = f"{len(numbers)} labels" + ("" if images is None else f" and {len(images)} images")
        raise DataError(f"points of shape {places.shape} and {counts}", hint="give (N, 2) points and N of the others")
    if numbers.min() < 0 or numbers.max() >= len(classes):
        raise DataError(f"a label is {numbers.max()} of {len(classes)} classes", hint="give every class its name")
    return places, numbers.astype(np.int64), images, str(method)


def _color(label: int) -> str:
    return CATEGORIES[label % len(CATEGORIES)]


def _thumbnails(
    page: Canvas,
    across: NDArray[np.float64],
    down: NDArray[np.float64],
    labels: NDArray[np.int64],
    images: Sequence[ArrayLike],
) -> None:
    """Images in place of dots, none upon another, framed in the colour of their class."""
    taken: set[tuple[int, int]] = set()
    for x, y, label, image in zip(across, down, labels, images, strict=True):
        cell = (int(x // (THUMBNAIL + 2)), int(y // (THUMBNAIL + 2)))
        if cell in taken:
            continue
        taken.add(cell)
        pixels = as_image(image)
        longer = max(pixels.shape[:2])
        wide, high = THUMBNAIL * pixels.shape[1] / longer, THUMBNAIL * pixels.shape[0] / longer
        left, top = ((one + 0.5) * (THUMBNAIL + 2) - side / 2 for one, side in zip(cell, (wide, high), strict=True))
        page.image(pixels, left, top, wide, high, zorder=3)
        page.box(left, top, wide, high, edgecolor=_color(int(label)), linewidth=1.0, zorder=4)


def _names(
    page: Canvas,
    across: NDArray[np.float64],
    down: NDArray[np.float64],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    bottom: float,
) -> int:
    """The name of each class near the middle of its dots, none upon another; returns how many found no room."""
    present, counts = np.unique(labels, return_counts=True)
    size = NORMAL if len(present) <= 20 else SMALL if len(present) <= 50 else 6.0
    taken: list[tuple[float, float, float, float]] = []
    missing = 0
    for label in present[np.argsort(-counts, kind="stable")]:
        inside = labels == label
        name = shortened(classes[label], NAME_ROOM, size)
        wide, high = text_width(name, size) + 8, 1.6 * size
        middle = (float(np.median(across[inside])), float(np.median(down[inside])))
        for x, y in _around(*middle, wide, high):
            x = min(max(x, MARGIN + wide / 2), SHEET_WIDTH - MARGIN - wide / 2)
            y = min(max(y, high / 2 + 2), bottom - high / 2)
            box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
            if not any(
                box[0] < right and left < box[2] and box[1] < low and top < box[3] for left, top, right, low in taken
            ):
                taken.append(box)
                frame = {
                    "boxstyle": "round,pad=0.2",
                    "facecolor": PAPER,
                    "edgecolor": _color(int(label)),
                    "alpha": 0.92,
                }
                page.text(x, y, name, size=size, ink=INK, ha="center", va="center", bbox=frame, zorder=5)
                break
        else:
            missing += 1
    return missing


def _around(x: float, y: float, wide: float, high: float) -> Iterator[tuple[float, float]]:
    """Places for a name: in the middle, then one step away, then two, in a fixed order."""
    for ring in range(4):
        steps = range(-ring, ring + 1)
        yield from ((x + 0.6 * wide * i, y + high * j) for j in steps for i in steps if max(abs(i), abs(j)) == ring)
