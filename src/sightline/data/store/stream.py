"""Files decoded by threads, ahead of their use: a chunk of images is being made while the one before is consumed.

Threads, not processes: the decoders and the resize release the GIL, and nothing needs to be pickled or copied.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.data.augment.resized_crop import box_of
from sightline.data.imageset import ArrayImages, CachedImages, FileImages
from sightline.errors import DataError, ImageError
from sightline.machine.threads import usable_cores
from sightline.pixels.preprocess import Preprocess

RUN = 8  # images a thread takes at a time: a task for each one would cost as much as a small image


def black(count: int, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """`count` images of 0 of this (C, h, w): uint8 (B, C, h, w), channels last in memory."""
    channels, height, width = shape
    return np.zeros((count, height, width, channels), dtype=np.uint8).transpose(0, 3, 1, 2)


@dataclass(frozen=True)
class Decoding:
    """Images that threads are at work on."""

    pixels: NDArray[np.uint8]
    runs: Sequence[Future[dict[int, str]]]

    def result(self) -> tuple[Tensor, dict[int, str]]:
        """uint8 (B, C, h, w), channels last, and by position why some cannot be read; the pixels of those are 0."""
        unreadable: dict[int, str] = {}
        for run in self.runs:
            unreadable |= run.result()
        return torch.from_numpy(self.pixels), unreadable


@dataclass(frozen=True, eq=False)
class DecodedImages:
    """Files that are decoded whenever they are needed: a source of pixels for a data set that is kept nowhere."""

    files: FileImages
    preprocess: Preprocess
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(usable_cores(), "decode"))

    def __len__(self) -> int:
        return len(self.files)

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.preprocess.channels, *self.preprocess.size)

    def start(self, indices: Sequence[int], parts: Sequence[Sequence[float]] | None = None) -> Decoding:
        """Begin to decode the files at `indices`: whole, or of each the part that `random_parts` (B, 4) has drawn."""
        pixels = black(len(indices), self.shape)
        runs = [
            self.pool.submit(self._decode, indices[first : first + RUN], pixels[first : first + RUN], first, parts)
            for first in range(0, len(indices), RUN)
        ]
        return Decoding(pixels, runs)

    def _decode(
        self, indices: Sequence[int], out: NDArray[np.uint8], first: int, parts: Sequence[Sequence[float]] | None
    ) -> dict[int, str]:
        unreadable = {}
        for position, index in enumerate(indices):
            path = self.files.paths[index]
            try:
                if parts is None:
                    out[position] = self.preprocess.read(path)
                else:
                    out[position] = self.preprocess.read_part(path, partial(box_of, parts[first + position]))
            except ImageError as error:
                unreadable[first + position] = error.reason
        return unreadable


def stream(
    images: ArrayImages | FileImages | CachedImages, preprocess: Preprocess, *, chunk: int, ahead: int = 2
) -> Iterator[Tensor]:
    """All images in order as the network sees them, `chunk` at a time: uint8 (B, C, h, w).

    ahead: chunks that are decoded before they are asked for; no more than `ahead` + 1 are in memory.
    Raises DataError naming a file that cannot be read, e.g. because it has vanished.
    """
    starts = range(0, len(images), chunk)
    if isinstance(images, CachedImages) and images.pixels.shape[1:] == (preprocess.channels, *preprocess.size):
        yield from (images.gather(torch.arange(first, min(first + chunk, len(images)))) for first in starts)
    elif isinstance(images, FileImages):
        yield from _decoded(images, preprocess, chunk=chunk, ahead=ahead)
    else:
        for first in starts:
            part = [preprocess.pixels(images.read(i)) for i in range(first, min(first + chunk, len(images)))]
            yield torch.from_numpy(np.stack(part))


def _decoded(files: FileImages, preprocess: Preprocess, *, chunk: int, ahead: int) -> Iterator[Tensor]:
    source = DecodedImages(files, preprocess)
    waiting: deque[tuple[int, Decoding]] = deque()
    upcoming = iter(range(0, len(files), chunk))
    try:
        while True:
            while len(waiting) <= ahead and (first := next(upcoming, None)) is not None:
                waiting.append((first, source.start(range(first, min(first + chunk, len(files))))))
            if not waiting:
                return
            first, decoding = waiting.popleft()
            pixels, unreadable = decoding.result()
            for position, reason in unreadable.items():
                raise unreadable_file(files.paths[first + position], reason)
            yield pixels
    finally:
        source.pool.shutdown(wait=False, cancel_futures=True)


def unreadable_file(path: Path, reason: str) -> DataError:
    """The error for a file that could be read before."""
    return DataError(f"cannot read {path}: {reason}", hint="it was changed while it was in use; put it back")
