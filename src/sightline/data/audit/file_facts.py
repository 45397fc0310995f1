"""One look at every image: what its file says, how it looks roughly, and by what its copies are known.

A file is read once and decoded once, small, by threads. What is learnt of N images is a handful of arrays over N, so
that a large data set costs little more memory than the list of its names.
"""

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from sightline.data.audit.fingerprint import (
    CONTENT_BYTES,
    PERCEPTUAL_BYTES,
    Prints,
    content_print,
    fingerprint,
    fingerprint_arrays,
)
from sightline.data.images import Images
from sightline.data.originals import Originals, content
from sightline.errors import ImageError
from sightline.machine.threads import usable_cores
from sightline.pixels.decode import read_with_header

LOOK = 96  # pixels; larger images are looked at with a short side of this many, so that their sharpness compares
CHUNK = 64  # images a thread takes at a time; a task for each of a million would cost more memory than their facts
GREY_SPREAD = 2  # levels by which the channels of a grey image may differ; JPEG rounds
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


@dataclass(frozen=True, eq=False)
class FileFacts:
    """Arrays over N images; the rows of those in `unreadable` are zero.

    file_bytes: int64, 0 for images in memory. width, height: int32 pixels, upright. mode, camera: int32 indices of
    `modes` (Pillow's, e.g. "RGB") and `cameras` (the first is "", no camera). rotated: bool, turned by EXIF.
    grey: bool, no colour in it whatever its mode. brightness: float32, mean luma, 0 to 255. contrast: float32, standard
    deviation of the luma. sharpness: float32, standard deviation of the Laplacian over that of the luma; NaN without
    contrast. mean_color, border_color: float32 (N, 3), 0 to 255, the latter of the outermost tenth on every side.
    unreadable: why, by index.
    """

    file_bytes: NDArray[np.int64]
    width: NDArray[np.int32]
    height: NDArray[np.int32]
    mode: NDArray[np.int32]
    camera: NDArray[np.int32]
    rotated: NDArray[np.bool_]
    grey: NDArray[np.bool_]
    brightness: NDArray[np.float32]
    contrast: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    mean_color: NDArray[np.float32]
    border_color: NDArray[np.float32]
    modes: tuple[str, ...]
    cameras: tuple[str, ...]
    unreadable: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.width)

    def take(self, indices: NDArray[np.int64]) -> "FileFacts":
        """The facts of the images at `indices`, in that order."""
        rows: dict[str, Any] = {
            part.name: value[indices]
            for part in dataclasses.fields(self)
            if isinstance(value := getattr(self, part.name), np.ndarray)
        }
        place = {old: new for new, old in enumerate(indices.tolist())} if self.unreadable else {}
        unreadable = {place[old]: reason for old, reason in self.unreadable.items() if old in place}
        return dataclasses.replace(self, **rows, unreadable=unreadable)


def examine(images: Images) -> tuple[FileFacts, Prints]:
    """What one look at each image tells, and by what its copies are known.

    Originals are looked at where there are any; those that cannot be read are in `unreadable`, and nothing is raised.
    """
    return _examine_arrays(images) if images.encoded is None else _examine_originals(images.encoded.originals)


def _examine_originals(originals: Originals) -> tuple[FileFacts, Prints]:
    facts, prints = _blank(len(originals)), _blank_prints(len(originals))
    modes, cameras = _Names(), _Names("")

    def look(index: int) -> None:
        try:
            data = content(originals, index)
            image, header = read_with_header(data, min_size=LOOK)
        except ImageError as error:
            facts.unreadable[index] = error.reason
            return
        facts.file_bytes[index] = len(data)
        facts.width[index], facts.height[index] = header.width, header.height
        facts.mode[index], facts.camera[index] = modes.index(header.mode), cameras.index(header.camera)
        facts.rotated[index] = header.rotated
        prints.content[index], prints.perceptual[index] = content_print(data), fingerprint(image)
        _measure(facts, index, _reduced(image))

    def look_at_chunk(start: int) -> None:
        for index in range(start, min(start + CHUNK, len(originals))):
            look(index)

    _in_threads(look_at_chunk, len(originals))
    return dataclasses.replace(facts, modes=tuple(modes.names), cameras=tuple(cameras.names)), prints


def _examine_arrays(images: Images) -> tuple[FileFacts, Prints]:
    decoded = images.decoded
    assert decoded is not None
    facts, prints = _blank(len(images)), _blank_prints(len(images))
    _, height, width = decoded.shape
    facts.width[:], facts.height[:] = width, height

    def look_at_chunk(start: int) -> None:
        stop = min(start + CHUNK, len(images))
        pixels, _ = decoded.start(torch.arange(start, stop)).result()
        chunk_prints = fingerprint_arrays(pixels.numpy())
        prints.content[start:stop], prints.perceptual[start:stop] = chunk_prints.content, chunk_prints.perceptual
        for index in range(start, stop):
            rgb = np.broadcast_to(images.read(index), (height, width, 3))
            _measure(facts, index, _reduced(rgb))

    _in_threads(look_at_chunk, len(images))
    return dataclasses.replace(facts, modes=("L" if images.channels == 1 else "RGB",), cameras=("",)), prints


def _in_threads(look_at_chunk: Callable[[int], None], count: int) -> None:
    # Threads, not processes: decoders and hashes release the GIL, and nothing needs to be pickled or copied.
    with ThreadPoolExecutor(usable_cores()) as pool:
        for _ in pool.map(look_at_chunk, range(0, count, CHUNK)):
            pass


def _measure(facts: FileFacts, index: int, image: NDArray[np.uint8]) -> None:
    """Write down how RGB uint8 (H, W, 3) looks."""
    planes = np.ascontiguousarray(image.transpose(2, 0, 1))  # sums over contiguous memory are ten times quicker
    levels = planes.astype(np.float32)
    luma = LUMA[0] * levels[0] + LUMA[1] * levels[1] + LUMA[2] * levels[2]
    contrast = float(luma.std())
    facts.brightness[index], facts.contrast[index] = luma.mean(), contrast
    facts.grey[index] = (planes.max(axis=0) - planes.min(axis=0)).max() <= GREY_SPREAD
    has_detail = min(luma.shape) > 2 and contrast > 0
    facts.sharpness[index] = _laplacian(luma).std() / contrast if has_detail else np.nan
    down, across = -(-luma.shape[0] // 10), -(-luma.shape[1] // 10)
    inner = levels[:, down:-down, across:-across]
    total = levels.reshape(3, -1).sum(axis=1)
    facts.mean_color[index] = total / luma.size
    facts.border_color[index] = (total - inner.sum(axis=(1, 2))) / (luma.size - inner[0].size)


def _laplacian(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """How each inner pixel differs from its four neighbours: (H, W) -> (H - 2, W - 2)."""
    neighbours = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    difference: NDArray[np.float32] = neighbours - 4 * luma[1:-1, 1:-1]
    return difference


def _reduced(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image with a short side of `LOOK` pixels, or as it is when that is smaller."""
    height, width = image.shape[:2]
    short = min(height, width)
    if short <= LOOK:
        return image
    size = (round(width * LOOK / short), round(height * LOOK / short))
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize(size, Image.Resampling.BILINEAR))


class _Names:
    """Numbers for the few different names that many images share; threads may ask at once."""

    def __init__(self, *names: str) -> None:
        self._numbers = {name: number for number, name in enumerate(names)}
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        return list(self._numbers)

    def index(self, name: str) -> int:
        with self._lock:
            return self._numbers.setdefault(name, len(self._numbers))


def _blank(count: int) -> FileFacts:
    """Facts of `count` images, all zero, to be filled in."""
    return FileFacts(
        file_bytes=np.zeros(count, dtype=np.int64),
        width=np.zeros(count, dtype=np.int32),
        height=np.zeros(count, dtype=np.int32),
        mode=np.zeros(count, dtype=np.int32),
        camera=np.zeros(count, dtype=np.int32),
        rotated=np.zeros(count, dtype=np.bool_),
        grey=np.zeros(count, dtype=np.bool_),
        brightness=np.zeros(count, dtype=np.float32),
        contrast=np.zeros(count, dtype=np.float32),
        sharpness=np.zeros(count, dtype=np.float32),
        mean_color=np.zeros((count, 3), dtype=np.float32),
        border_color=np.zeros((count, 3), dtype=np.float32),
        modes=(),
        cameras=(),
    )


def _blank_prints(count: int) -> Prints:
    return Prints(
        content=np.zeros((count, CONTENT_BYTES), dtype=np.uint8),
        perceptual=np.zeros((count, PERCEPTUAL_BYTES), dtype=np.uint8),
    )
