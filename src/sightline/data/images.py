"""What the images of a data set can be asked for, and what batches are dealt from.

`Images` are those of an `ImageSet`: encoded (`Originals`), decoded, or both. `Pixels` are images as one network sees
them, wherever they lie; `store.stream.seen_by` finds those of `Images`. A new place for images is one more class that
has the members below.
"""

import dataclasses
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.data.originals import Originals, content
from sightline.errors import ImageError
from sightline.pixels.decode import read_image


class Reading(NamedTuple):
    """Images that are being read, perhaps by threads.

    pixels: uint8 (B, C, h, w), which `runs` fill in. runs: what threads are at; each gives by position why some images
    cannot be read.
    """

    pixels: Tensor
    runs: Sequence[Future[dict[int, ImageError]]] = ()

    def result(self) -> tuple[Tensor, dict[int, ImageError]]:
        """uint8 (B, C, h, w), and by position why some cannot be read; the pixels of those are 0."""
        unreadable: dict[int, ImageError] = {}
        for run in self.runs:
            unreadable |= run.result()
        return self.pixels, unreadable


class Pixels(Protocol):
    """Images as a network sees them, uint8 (N, C, h, w), read by rows.

    shape: (C, h, w). device: where the pixels come, and where the indices that `start` takes had best lie.
    ahead: how many batches are worth starting before they are asked for; 0 for what is at hand.
    """

    @property
    def shape(self) -> tuple[int, int, int]: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def ahead(self) -> int: ...

    def __len__(self) -> int: ...

    def near(self, device: torch.device) -> "Pixels":
        """The same, brought to the device that will want them over and over, where it has room for them."""
        ...

    def cuts(self, device: torch.device) -> bool:
        """Whether random crops had best be cut while reading, for batches on this device."""
        ...

    def start(self, indices: Tensor, parts: Tensor | None = None, *, size: tuple[int, int] | None = None) -> Reading:
        """Begin to read the images at `indices` (B,) int64: whole, or of each the part that `random_parts` has drawn.

        parts: (B, 4), only where `cuts` says so. size: (h, w) that parts are resized to where they are larger; by
            default the size of the images.
        """
        ...

    def whole(self) -> Reading:
        """Begin to read all, without a copy where that can be. Raises DataError when they do not fit into memory."""
        ...

    def close(self) -> None:
        """Nobody will read any more."""
        ...


@dataclass(frozen=True, eq=False)
class EncodedImages:
    """Images that are decoded when they are asked for.

    originals: the files, or whatever else holds their bytes.
    channels: 1 when they are all grey, as far as a look at some of them tells, else 3.
    size: the largest height or width in pixels when they are small, by the same look; None for photos.
    stamps: int64 (N, 2), of each original when it was read; None before. See `stamps.py`.
    """

    originals: Originals
    channels: int = 3
    size: int | None = None
    stamps: NDArray[np.int64] | None = None

    decoded = None

    def __len__(self) -> int:
        return len(self.originals)

    @property
    def encoded(self) -> "EncodedImages":
        return self

    def take(self, indices: Tensor) -> "EncodedImages":
        stamps = None if self.stamps is None else self.stamps[indices.numpy()]
        return dataclasses.replace(self, originals=self.originals.take(indices), stamps=stamps)

    def read(self, index: int, *, min_size: int | None = None) -> NDArray[np.uint8]:
        """One image, RGB uint8 (H, W, 3). Raises ImageError when its original is unreadable or has vanished."""
        return read_image(content(self.originals, index), name=self.originals.name(index), min_size=min_size)


class Images(Protocol):
    """The images of a data set, wherever they are.

    encoded: what they were decoded from; None when there is nothing to decode. decoded: their pixels where these are
    kept, as they are or as one network sees them; None when they are decoded anew each time. One of the two is there.
    channels: 1 when all are grey, else 3.
    size: the largest height or width in pixels where they are small or all alike; None for photos.
    """

    @property
    def encoded(self) -> EncodedImages | None: ...

    @property
    def decoded(self) -> Pixels | None: ...

    @property
    def channels(self) -> int: ...

    @property
    def size(self) -> int | None: ...

    def __len__(self) -> int: ...

    def take(self, indices: Tensor) -> "Images":
        """Those at `indices` (N,) int64, in that order."""
        ...

    def read(self, index: int, *, min_size: int | None = None) -> NDArray[np.uint8]:
        """One image, uint8 (H, W, C). Raises ImageError when it cannot be read.

        min_size: a large original may be decoded at a scale that leaves both sides at least this many pixels.
        """
        ...


def rows_of(images: Tensor, indices: Tensor) -> Tensor:
    """The images (N, C, H, W) at `indices` (B,) int64: a new tensor (B, C, H, W) with the same layout in memory."""
    if images.is_contiguous():
        return images.index_select(0, indices)
    # Left to itself index_select lays channels apart that lie together, in four times the time of a plain copy.
    return images.permute(0, 2, 3, 1).index_select(0, indices).permute(0, 3, 1, 2)
