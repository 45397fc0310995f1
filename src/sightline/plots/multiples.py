"""Training in small multiples: kernels, feature maps, Grad-CAM and mistakes after chosen epochs."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.errors import ConfigError, DataError
from sightline.inspection.snapshots import Probes, Snapshot
from sightline.plots.canvas import GAP, LINE, MARGIN, SHEET_WIDTH, Canvas, as_image, canvas, signed
from sightline.plots.confusion import largest_mistake, mistake_colors, shares
from sightline.plots.maps import HEAT, pale
from sightline.plots.style import (
    FAINT_INK,
    HAIRLINE,
    MAGNITUDES,
    NORMAL,
    SMALL,
    Drawing,
    number_text,
    shortened,
    styled,
    wrapped,
)

NAMES = 92.0  # points for the name of a row
LARGEST = 78.0  # points, the side of one multiple
KERNELS, MAPS = 16, 9  # at most so many in one multiple


@styled
def snapshots(taken: Sequence[Snapshot], *, epochs: int = 6, probes: int = 3) -> Drawing:
    """A column for each of a few epochs; rows of first kernels, feature maps, Grad-CAM of probe images, and mistakes.

    taken: what `read_snapshots` gives. epochs: at most so many columns, evenly spaced, first and last among them.
    probes: at most so many images. Each row has one scale for all epochs. Raises DataError for no snapshot, ConfigError
    for fewer than one epoch or probe.
    """
    if epochs < 1 or probes < 1:
        raise ConfigError(f"epochs is {epochs} and probes is {probes}", hint="use 1 or more")
    if not taken:
        raise DataError("there is no snapshot to draw", hint="train with snapshots, and draw when an epoch has ended")
    steps = np.linspace(0, len(taken) - 1, min(epochs, len(taken))).round().astype(int)
    chosen = [taken[int(step)] for step in steps]
    side = min(LARGEST, (SHEET_WIDTH - 2 * MARGIN - NAMES) / len(chosen) - GAP)
    rows = [*_kernels(chosen), *_maps(chosen), *_cams(chosen, probes), *_mistakes(chosen)]
    top = MARGIN + LINE * NORMAL + GAP
    width = 2 * MARGIN + NAMES + len(chosen) * (side + GAP) - GAP
    page = canvas(max(width, 300.0), top + len(rows) * (side + GAP) - GAP + MARGIN)
    for column, snapshot in enumerate(chosen):
        left = MARGIN + NAMES + column * (side + GAP)
        page.text(left, MARGIN, f"epoch {snapshot.epoch}")
        for row, (_, draw) in enumerate(rows):
            draw(page, snapshot, left, top + row * (side + GAP), side)
    for row, (words, _) in enumerate(rows):
        first, *rest = words
        upper = top + row * (side + GAP)
        page.text(MARGIN, upper, first)
        notes = "\n".join(wrapped(line, NAMES - GAP, SMALL - 1) for line in rest if line)
        page.text(MARGIN, upper + LINE * SMALL, notes, size=SMALL - 1, ink=FAINT_INK)
    return page.figure


Draw = Callable[[Canvas, Snapshot, float, float, float], None]
Named = tuple[Sequence[str], Draw]  # a row: its name and notes, and what draws one of its multiples


def _kernels(chosen: Sequence[Snapshot]) -> list[Named]:
    if not chosen[-1].kernels.size:
        return []
    reach = float(max(np.abs(_filters(snapshot)).max() for snapshot in chosen))

    def draw(page: Canvas, snapshot: Snapshot, left: float, top: float, side: float) -> None:
        _mosaic(page, _filters(snapshot), left, top, side, **signed(reach))

    count = len(_filters(chosen[-1]))
    note = "mean over input channels" if chosen[-1].kernels.shape[1] > 1 else ""
    return [(("kernels", f"filters 0 to {count - 1}", note, f"-{number_text(reach)} to +{number_text(reach)}"), draw)]


def _filters(snapshot: Snapshot) -> NDArray[np.float64]:
    """The first filters, (n, kh, kw)."""
    filters: NDArray[np.float64] = snapshot.kernels[:KERNELS].astype(np.float64).mean(axis=1)
    return filters


def _maps(chosen: Sequence[Snapshot]) -> list[Named]:
    if not chosen[-1].maps.size:
        return []
    low = min(snapshot.map_range[0] for snapshot in chosen)
    high = max(snapshot.map_range[1] for snapshot in chosen)

    def draw(page: Canvas, snapshot: Snapshot, left: float, top: float, side: float) -> None:
        least, largest = snapshot.map_range
        values = least + snapshot.maps[0, :MAPS].astype(np.float64) / 255 * (largest - least)
        _mosaic(page, values, left, top, side, cmap=MAGNITUDES, vmin=low, vmax=high if high > low else low + 1)

    name = _probe_name(chosen[-1].probes, 0)
    return [(("feature maps", f"of {name}", f"{number_text(low)} to {number_text(high)}"), draw)]


def _cams(chosen: Sequence[Snapshot], probes: int) -> list[Named]:
    if not chosen[-1].cams.size:
        return []
    images = chosen[-1].probes.images

    def row(probe: int) -> Named:
        image = pale(as_image(images[probe]))

        def draw(page: Canvas, snapshot: Snapshot, left: float, top: float, side: float) -> None:
            wide, high = (side * length / max(image.shape[:2]) for length in (image.shape[1], image.shape[0]))
            page.image(image, left, top, wide, high)
            page.image(
                snapshot.cams[probe], left, top, wide, high, cmap=HEAT, vmin=0, vmax=255, interpolation="bilinear"
            )

        return ("Grad-CAM", f"of {_probe_name(chosen[-1].probes, probe)}", "0 to 1"), draw

    return [row(probe) for probe in range(min(probes, len(images)))]


def _mistakes(chosen: Sequence[Snapshot]) -> list[Named]:
    if not chosen[-1].confusion.sum():
        return []
    largest = max(largest_mistake(shares(snapshot.confusion, "true")) for snapshot in chosen)

    def draw(page: Canvas, snapshot: Snapshot, left: float, top: float, side: float) -> None:
        colors = mistake_colors(snapshot.confusion, shares(snapshot.confusion, "true"), largest)
        page.image(colors, left, top, side, side)
        page.box(left, top, side, side, edgecolor=HAIRLINE, linewidth=0.5)

    return [(("mistakes", "truth down, called across", f"to {largest:.2g} % of the true class"), draw)]


def _probe_name(probes: Probes, index: int) -> str:
    return shortened(probes.classes[int(probes.labels[index])], NAMES - 24, SMALL - 1)


def _mosaic(page: Canvas, tiles: NDArray[np.float64], left: float, top: float, side: float, **colors: Any) -> None:
    """Tiles (n, h, w) in a square field."""
    columns = math.ceil(math.sqrt(len(tiles)))
    pitch = (side + 2) / columns
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        longer = max(tile.shape)
        wide, high = ((pitch - 2) * length / longer for length in (tile.shape[1], tile.shape[0]))
        page.image(tile, left + column * pitch, top + row * pitch, wide, high, **colors)
