"""The training time machine: what the network was like at some epochs, as films that a slider moves through.

A film is one PNG with its frames above each other; the style sheet shows one of them. Nothing is drawn on paper's
colour: what is 0 is transparent, so that one film serves light and dark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.evaluation.metrics import format_percent
from sightline.reporting.colors import CIVIDIS
from sightline.reporting.confusion import confusion_pixels
from sightline.reporting.heat import HUE, STRENGTH
from sightline.reporting.image_data import CRISP, data_uri, jpeg_uri, png_uri
from sightline.reporting.scale import significant

if TYPE_CHECKING:
    from sightline.inspection.snapshots import Snapshot

MOST_KERNELS, MOST_MAPS, MOST_PROBES = 24, 8, 4
LEVELS = 15  # of either sign, and of heat and maps
BLUE, ORANGE = (0x00, 0x72, 0xB2), (0xE6, 0x9F, 0x00)
MAP_SIDE, HEAT_SIDE = 32, 24  # pixels of a feature map and of a Grad-CAM in a film; larger ones are made smaller
KERNEL_WIDTH = 640  # CSS pixels at most for all kernels beside each other
STILLS = 4  # frames shown beside each other where nothing can be moved

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Film:
    """name: of its class in the style sheet. uri: for light paper and print; dark: for dark paper, empty when the same.

    width: in CSS pixels. aspect: of a frame, width over height. what: it shows, in words.
    """

    name: str
    uri: str
    width: int
    aspect: float
    what: str
    dark: str = ""


@dataclass(frozen=True)
class Probe:
    """An image that was watched during training: itself, where the network looked, and its feature maps."""

    uri: str
    heat: Film
    maps: Film | None
    crisp: bool


@dataclass(frozen=True)
class TimeMachine:
    """epochs: of the frames. stills: numbers of frames for a page that cannot move. accuracy: at each frame, in words."""

    epochs: Sequence[int]
    stills: Sequence[int]
    kernels: Film | None
    probes: Sequence[Probe]
    confusion: Film
    sentence: str
    channels: int

    @property
    def films(self) -> list[Film]:
        parts = [self.kernels, self.confusion, *(film for probe in self.probes for film in (probe.heat, probe.maps))]
        return [film for film in parts if film]


def time_machine(snapshots: "Sequence[Snapshot]", probes: Sequence[Pixels] = ()) -> TimeMachine:
    """snapshots: at least one, oldest first. probes: the images that their maps are of, uint8 (H, W, 1 or 3)."""
    count = len(snapshots)
    stills = sorted({round(place) for place in np.geomspace(1, count, min(STILLS, count)) - 1})
    shown = range(min(MOST_PROBES, len(probes), len(snapshots[0].cams)))
    kernels = [np.asarray(snapshot.kernels, dtype=np.float32)[:MOST_KERNELS] for snapshot in snapshots]
    return TimeMachine(
        epochs=[snapshot.epoch for snapshot in snapshots],
        stills=stills,
        kernels=_kernel_film(kernels) if kernels[0].size else None,
        probes=[_probe(number, probes[number], snapshots) for number in shown],
        confusion=_confusion_film([np.asarray(snapshot.confusion) for snapshot in snapshots]),
        sentence=_sentence(snapshots),
        channels=kernels[0].shape[1] if kernels[0].size else 0,
    )


def _sentence(snapshots: "Sequence[Snapshot]") -> str:
    """How often the network was right at the first and at the last frame."""
    first, last = (np.asarray(snapshots[place].confusion) for place in (0, -1))
    texts = [format_percent(int(counts.trace()), int(counts.sum())) for counts in (first, last)]
    if len(snapshots) == 1:
        return f"After epoch {snapshots[0].epoch} the network recognised {texts[0]} of the images it was watched on."
    return (
        f"From epoch {snapshots[0].epoch} to epoch {snapshots[-1].epoch} the share of images recognised went from "
        f"{texts[0]} to {texts[1]}."
    )


def _kernel_film(kernels: Sequence[NDArray[np.float32]]) -> Film:
    """Every kernel a column, its input channels below each other; grey kernels in rows of eight."""
    largest = max(float(np.abs(frame).max()) for frame in kernels) or 1.0
    frames = [_tiled(frame) for frame in kernels]
    levels = np.rint(np.nan_to_num(np.stack(frames) / largest, nan=0.0) * LEVELS).astype(np.int64) + LEVELS
    alphas = [round(255 * abs(level - LEVELS) / LEVELS) for level in range(2 * LEVELS + 1)]
    colors = [BLUE if level < LEVELS else ORANGE for level in range(2 * LEVELS + 1)]
    height, width = levels.shape[1:]
    scale = max(1, min(10, KERNEL_WIDTH // width))
    return Film(
        name="kernels",
        uri=_film(levels.astype(np.uint8), colors, alphas),
        width=scale * width,
        aspect=width / height,
        what=f"{kernels[0].shape[0]} kernels of the first layer, from \N{MINUS SIGN}{significant(largest, 2)} (blue) "
        f"to {significant(largest, 2)} (orange)",
    )


def _tiled(kernels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(O, C, h, w) -> one grid, a value a pixel, with gaps of one pixel."""
    count, channels, height, width = kernels.shape
    columns = min(8, count) if channels == 1 else count
    rows = -(-count // columns) if channels == 1 else channels
    grid = np.zeros((rows, height + 1, columns, width + 1), dtype=np.float32)
    for number in range(count):
        for channel in range(channels):
            row, column = divmod(number, columns) if channels == 1 else (channel, number)
            grid[row, :height, column, :width] = kernels[number, channel]
    return grid.reshape(rows * (height + 1), columns * (width + 1))[:-1, :-1]


def _probe(number: int, image: Pixels, snapshots: "Sequence[Snapshot]") -> Probe:
    crisp = max(image.shape[:2]) <= CRISP
    heats = np.stack([_resized(np.asarray(snapshot.cams[number]), HEAT_SIDE) for snapshot in snapshots])
    alphas = [round(255 * STRENGTH * level / LEVELS) for level in range(LEVELS + 1)]
    levels = np.rint(heats / 255 * LEVELS).astype(np.uint8)
    heat = Film(f"heat-{number}", _film(levels, [HUE] * (LEVELS + 1), alphas), 0, 1.0, "where it looked")
    uri = png_uri(image) if crisp else jpeg_uri(image)
    return Probe(uri, heat, _map_film(number, [np.asarray(s.maps[number]) for s in snapshots]), crisp)


def _map_film(number: int, maps: Sequence[NDArray[np.uint8]]) -> Film | None:
    """Some channels beside each other, in cividis, on one scale for all frames."""
    if not maps[0].size:
        return None
    rows = [np.concatenate([np.pad(_resized(m, MAP_SIDE), ((0, 0), (0, 1))) for m in frame[:MOST_MAPS]], 1) for frame in maps]
    levels = np.rint(np.stack(rows)[:, :, :-1].astype(np.float32) / 255 * LEVELS).astype(np.uint8)
    height, width = levels.shape[1:]
    colors = [_between(level / LEVELS) for level in range(LEVELS + 1)]
    return Film(f"maps-{number}", _film(levels, colors, [255] * (LEVELS + 1)), 0, width / height, "feature maps")


def _between(share: float) -> tuple[int, int, int]:
    """Cividis at a share of its length."""
    table = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in CIVIDIS])
    red, green, blue = (round(np.interp(share * (len(table) - 1), range(len(table)), table[:, c])) for c in range(3))
    return red, green, blue


def _resized(plane: NDArray[np.uint8], largest: int) -> NDArray[np.uint8]:
    """(h, w) made smaller, if it is larger than `largest`."""
    if max(plane.shape) <= largest:
        return plane
    height, width = (max(1, round(side * largest / max(plane.shape))) for side in plane.shape)
    return np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BOX))


def _confusion_film(counts: Sequence[NDArray[np.int64]]) -> Film:
    light, dark = (png_uri(np.concatenate(list(frames))) for frames in confusion_pixels(counts))
    side = len(counts[0])
    return Film("confusion", light, side * max(1, 176 // side), 1.0, "what is taken for what", dark)


def _film(levels: NDArray[np.uint8], colors: Sequence[tuple[int, int, int]], alphas: Sequence[int]) -> str:
    """Frames (n, H, W) of palette indices above each other."""
    image = Image.fromarray(levels.reshape(-1, levels.shape[2]))
    image.putpalette([value for color in colors for value in color])
    file = BytesIO()
    image.save(file, "png", transparency=bytes(alphas), optimize=True)
    return data_uri("image/png", file.getvalue())
