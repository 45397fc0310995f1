"""Images as a network sees them, made of originals by threads, ahead of their use.

Threads, not processes: the decoders and the resize release the GIL, and nothing needs to be pickled or copied.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.data.augment.resized_crop import box_of
from sightline.data.images import Images, Pixels, Reading
from sightline.data.imageset import ArrayImages
from sightline.data.originals import Originals, content
from sightline.errors import ImageError
from sightline.machine.memory import require_memory
from sightline.machine.threads import usable_cores
from sightline.pixels.preprocess import Preprocess

RUN = 8  # images a thread takes at a time: a task for each one would cost as much as a small image


def black(count: int, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """`count` images of 0 of this (C, h, w): uint8 (B, C, h, w), channels last in memory."""
    channels, height, width = shape
    return np.zeros((count, height, width, channels), dtype=np.uint8).transpose(0, 3, 1, 2)


@dataclass(frozen=True, eq=False)
class DecodedImages:
    """Originals that are decoded whenever they are needed: pixels of a data set that are kept nowhere."""

    originals: Originals
    preprocess: Preprocess
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(usable_cores(), "decode"))

    ahead = 2
    device = torch.device("cpu")

    def __len__(self) -> int:
        return len(self.originals)

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.preprocess.channels, *self.preprocess.size)

    def near(self, device: torch.device) -> "DecodedImages":
        return self

    def cuts(self, device: torch.device) -> bool:
        """A part is so resized once, and from the photo itself."""
        return True

    def start(self, indices: Tensor, parts: Tensor | None = None, *, size: tuple[int, int] | None = None) -> Reading:
        pixels, places = black(len(indices), self.shape), indices.numpy()
        boxes = None if parts is None else parts.tolist()
        runs = [
            self.pool.submit(self._decode, places[first : first + RUN], pixels[first : first + RUN], first, boxes)
            for first in range(0, len(indices), RUN)
        ]
        return Reading(torch.from_numpy(pixels), runs)

    def whole(self) -> Reading:
        _require_room(self)
        return self.start(torch.arange(len(self)))

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _decode(
        self, indices: NDArray[np.int64], out: NDArray[np.uint8], first: int, parts: list[list[float]] | None
    ) -> dict[int, ImageError]:
        unreadable = {}
        for position, index in enumerate(indices.tolist()):
            try:
                data = content(self.originals, index)
                if parts is None:
                    out[position] = self.preprocess.read(data)
                else:
                    out[position] = self.preprocess.read_part(data, partial(box_of, parts[first + position]))
            except ImageError as error:
                unreadable[first + position] = _unreadable(self.originals.name(index), error.reason)
        return unreadable


@dataclass(frozen=True, eq=False)
class ResizedImages:
    """Images that are kept, but not as this network sees them: each is brought to its size when it is asked for."""

    images: Images
    preprocess: Preprocess

    ahead = 0
    device = torch.device("cpu")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.preprocess.channels, *self.preprocess.size)

    def near(self, device: torch.device) -> ArrayImages:
        """In memory, so that they are resized once."""
        return ArrayImages(self.whole().pixels.to(device))

    def cuts(self, device: torch.device) -> bool:
        return False

    def start(self, indices: Tensor, parts: Tensor | None = None, *, size: tuple[int, int] | None = None) -> Reading:
        pixels = torch.empty((len(indices), *self.shape), dtype=torch.uint8)
        for position, index in enumerate(indices.tolist()):
            pixels[position] = torch.from_numpy(self.preprocess.pixels(self.images.read(index)))
        return Reading(pixels)

    def whole(self) -> Reading:
        _require_room(self)
        return self.start(torch.arange(len(self)))

    def close(self) -> None:
        pass


def seen_by(images: Images, preprocess: Preprocess, *, room: bool = False) -> Pixels:
    """The images as the network with this `Preprocess` sees them. Whoever has read enough of them closes them.

    room: those that are kept for it may be larger, as `prepare` keeps training images, with room for random crops.
    """
    decoded, encoded = images.decoded, images.encoded
    if decoded is None:
        assert encoded is not None
        return DecodedImages(encoded.originals, preprocess)
    is_roomy = room and encoded is not None and decoded.shape[0] == preprocess.channels
    is_its_size = decoded.shape == (preprocess.channels, *preprocess.size)
    return decoded if is_its_size or is_roomy else ResizedImages(images, preprocess)


def stream(images: Images, preprocess: Preprocess, *, chunk: int, room: bool = False) -> Iterator[Tensor]:
    """All images in order as the network sees them, `chunk` at a time: uint8 (B, C, h, w).

    room: as of `seen_by`. Where reading takes long, chunks are begun ahead; one more than `Pixels.ahead` are in memory.
    Raises DataError naming a file that cannot be read, e.g. because it has vanished.
    """
    pixels = seen_by(images, preprocess, room=room)
    waiting: deque[Reading] = deque()
    upcoming = iter(range(0, len(images), chunk))
    try:
        while True:
            while len(waiting) <= pixels.ahead and (first := next(upcoming, None)) is not None:
                indices = torch.arange(first, min(first + chunk, len(images)), device=pixels.device)
                waiting.append(pixels.start(indices))
            if not waiting:
                return
            part, unreadable = waiting.popleft().result()
            for error in unreadable.values():
                raise error
            yield part
    finally:
        pixels.close()


def _unreadable(name: str, reason: str) -> ImageError:
    """The error for an original that could be read before."""
    what = f"cannot read {name}: {reason}"
    return ImageError(what, reason=reason, hint="it was changed while it was in use; put it back")


def _require_room(pixels: Pixels) -> None:
    """Raise DataError when all of them do not fit into memory."""
    channels, height, width = pixels.shape
    what = f"{len(pixels):,} images of {height} x {width} pixels"
    require_memory(len(pixels) * channels * height * width, what=what)
