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

from sightline.evaluation.intervals import format_percent
from sightline.pixels.scales import BLUE, ORANGE, OVERLAY, rgb, sequential
from sightline.reporting.confusion import confusion_pixels
from sightline.reporting.heat import HUE
from sightline.reporting.image_data import CRISP, data_uri, format_probability, jpeg_uri, png_uri
from sightline.reporting.scale import significant

if TYPE_CHECKING:
    from sightline.inspection.snapshots import Snapshot

MOST_KERNELS, MOST_CHANNELS, MOST_MAPS, MOST_PROBES = 24, 3, 8, 4
LEVELS = 15  # of either sign, and of heat and maps
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
class WatchedImage:
    """An image that was watched during training: itself, where the network looked, and its feature maps.

    answers: what the network called it at each frame, in words.
    """

    uri: str
    id: str
    crisp: bool
    answers: Sequence[str]
    heat: Film | None
    maps: Film | None


@dataclass(frozen=True)
class TimeMachine:
    """epochs: of the frames. stills: numbers of frames for a page that cannot move. sentence: what the frames show.

    kernels, confusion: None when there is no convolution, or no validation images.
    """

    epochs: Sequence[int]
    stills: Sequence[int]
    kernels: Film | None
    watched: Sequence[WatchedImage]
    confusion: Film | None
    sentence: str

    @property
    def films(self) -> list[Film]:
        parts = [self.kernels, self.confusion, *(film for image in self.watched for film in (image.heat, image.maps))]
        return [film for film in parts if film]


def time_machine(snapshots: "Sequence[Snapshot]") -> TimeMachine:
    """snapshots: at least one, oldest first."""
    count = len(snapshots)
    kernels = [np.asarray(snapshot.kernels, dtype=np.float32)[:MOST_KERNELS] for snapshot in snapshots]
    return TimeMachine(
        epochs=[snapshot.epoch for snapshot in snapshots],
        stills=sorted({round(place) - 1 for place in np.geomspace(1, count, min(STILLS, count))}),
        kernels=_kernel_film(kernels, snapshots[0].kernel_layer) if kernels[0].size else None,
        watched=[_watched(number, snapshots) for number in range(min(MOST_PROBES, len(snapshots[0].probes.ids)))],
        confusion=_confusion_film([snapshot.confusion for snapshot in snapshots]) if len(snapshots[0].truth) else None,
        sentence=_sentence(snapshots),
    )


def _sentence(snapshots: "Sequence[Snapshot]") -> str:
    """How often the network was right at the first and at the last frame."""
    first, last = snapshots[0], snapshots[-1]
    if not len(first.truth):
        return f"What the network was like from epoch {first.epoch} to epoch {last.epoch}."
    right = [format_percent(int((s.truth == s.predicted).sum()), len(s.truth)) for s in (first, last)]
    if len(snapshots) == 1:
        return f"After epoch {first.epoch} the network recognised {right[0]} of the validation images looked at."
    return (
        f"From epoch {first.epoch} to epoch {last.epoch} the share of validation images recognised went from "
        f"{right[0]} to {right[1]}."
    )


def _kernel_film(kernels: Sequence[NDArray[np.float32]], layer: str) -> Film:
    """Kernels of one channel in rows of eight; others a column each, their channels below each other."""
    largest = max(float(np.abs(frame).max()) for frame in kernels) or 1.0
    frames = [_tiled(frame) for frame in kernels]
    levels = np.rint(np.nan_to_num(np.stack(frames) / largest, nan=0.0) * LEVELS).astype(np.int64) + LEVELS
    alphas = [round(255 * abs(level - LEVELS) / LEVELS) for level in range(2 * LEVELS + 1)]
    colors = [rgb(BLUE if level < LEVELS else ORANGE).astype(int) for level in range(2 * LEVELS + 1)]
    height, width = levels.shape[1:]
    channels = min(MOST_CHANNELS, kernels[0].shape[1])
    scale = max(1, min(10, KERNEL_WIDTH // width))
    return Film(
        name="kernels",
        uri=_film(levels.astype(np.uint8), colors, alphas),
        width=scale * width,
        aspect=width / height,
        what=f"Kernels of {layer}, from \N{MINUS SIGN}{significant(largest, 2)} (blue) to {significant(largest, 2)} "
        "(orange)" + (f"; a column is a kernel, its {channels} channels below each other" if channels > 1 else ""),
    )


def _tiled(kernels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(O, C, h, w) -> one grid, a value a pixel, with gaps of one pixel."""
    count, channels, height, width = kernels[:, :MOST_CHANNELS].shape
    columns = min(8, count) if channels == 1 else count
    rows = -(-count // columns) if channels == 1 else channels
    grid = np.zeros((rows, height + 1, columns, width + 1), dtype=np.float32)
    for number in range(count):
        for channel in range(channels):
            row, column = divmod(number, columns) if channels == 1 else (channel, number)
            grid[row, :height, column, :width] = kernels[number, channel]
    return grid.reshape(rows * (height + 1), columns * (width + 1))[:-1, :-1]


def _watched(number: int, snapshots: "Sequence[Snapshot]") -> WatchedImage:
    probes = snapshots[0].probes
    image = probes.images[number]
    crisp = max(image.shape[:2]) <= CRISP
    answers = []
    for snapshot in snapshots:
        best = int(snapshot.probabilities[number].argmax())
        probability = format_probability(float(snapshot.probabilities[number, best]))
        verdict = "right" if best == probes.labels[number] else "wrong"
        answers.append(f"{verdict}: {probes.classes[best]}, {probability}")
    return WatchedImage(
        uri=png_uri(image) if crisp else jpeg_uri(image),
        id=probes.ids[number],
        crisp=crisp,
        answers=answers,
        heat=_heat_film(number, [snapshot.cams[number] for snapshot in snapshots]) if snapshots[0].cams.size else None,
        maps=_map_film(number, [snapshot.maps[number] for snapshot in snapshots]) if snapshots[0].maps.size else None,
    )


def _heat_film(number: int, maps: Sequence[Pixels]) -> Film:
    heats = np.stack([_resized(frame, HEAT_SIDE) for frame in maps])
    alphas = [round(255 * OVERLAY * level / LEVELS) for level in range(LEVELS + 1)]
    levels = np.rint(heats / 255 * LEVELS).astype(np.uint8)
    return Film(f"heat-{number}", _film(levels, [HUE] * (LEVELS + 1), alphas), 0, 1.0, "where it looked")


def _map_film(number: int, maps: Sequence[Pixels]) -> Film:
    """Some channels in two rows, in cividis, from frames (M, h, w) of one scale each."""
    frames = np.stack([_grid([_resized(channel, MAP_SIDE) for channel in frame[:MOST_MAPS]]) for frame in maps])
    height, width = frames.shape[1:]
    colors = [*sequential(np.arange(LEVELS + 1) / LEVELS), (0, 0, 0)]
    return Film(f"maps-{number}", _film(frames, colors, [255] * (LEVELS + 1) + [0]), 0, width / height, "feature maps")


def _grid(channels: Sequence[Pixels]) -> Pixels:
    """Planes of 0 to 255 as levels in two rows, with transparent gaps of one pixel."""
    height, width = channels[0].shape
    columns = -(-len(channels) // 2)
    rows = -(-len(channels) // columns)
    grid = np.full((rows, height + 1, columns, width + 1), LEVELS + 1, dtype=np.uint8)
    for place, channel in enumerate(channels):
        grid[place // columns, :height, place % columns, :width] = np.rint(channel / 255 * LEVELS)
    return grid.reshape(rows * (height + 1), columns * (width + 1))[:-1, :-1]


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


def _film(levels: NDArray[np.uint8], colors: Sequence[Sequence[int] | NDArray[np.int64]], alphas: Sequence[int]) -> str:
    """Frames (n, H, W) of palette indices above each other."""
    image = Image.fromarray(levels.reshape(-1, levels.shape[2]))
    image.putpalette([int(value) for color in colors for value in color])
    file = BytesIO()
    image.save(file, "png", transparency=bytes(alphas), optimize=True)
    return data_uri("image/png", file.getvalue())
