"""Many labelled images, and the three sets they are split into.

An `ImageSet` knows where its pixels are (`ArrayImages` in memory, `FileImages` on disk) but not how large a network
wants them: that is `Preprocess`, applied when batches are made, or once and for all when `prepare` makes
`CachedImages` of the files.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.data.path_list import PathList
from sightline.errors import DataError
from sightline.pixels.decode import read_image


@dataclass(frozen=True, eq=False)
class ArrayImages:
    """Images in memory: `pixels` is uint8 (N, C, H, W) with C 1 (grey) or 3 (RGB)."""

    pixels: Tensor

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def channels(self) -> int:
        return int(self.pixels.shape[1])

    def read(self, index: int) -> NDArray[np.uint8]:
        """One image, uint8 (H, W, C)."""
        return self.pixels[index].permute(1, 2, 0).numpy()

    def take(self, indices: Tensor) -> "ArrayImages":
        return ArrayImages(self.pixels[indices])


@dataclass(frozen=True, eq=False)
class FileImages:
    """Images on disk, decoded when they are asked for.

    channels: 1 when they are all grey, as far as a look at some of them tells, else 3.
    size: the largest height or width in pixels when they are small, by the same look; None for photos.
    stats: int64 (N, 2), bytes and modification time in ns of each file when it was read; None before. See `stamps.py`.
    """

    paths: Sequence[Path]
    channels: int = 3
    size: int | None = None
    stats: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "paths", PathList(self.paths))

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int) -> NDArray[np.uint8]:
        """One image, RGB uint8 (H, W, 3). Raises ImageError when the file is unreadable or has vanished."""
        return read_image(self.paths[index])

    def take(self, indices: Tensor) -> "FileImages":
        stats = None if self.stats is None else self.stats[indices.numpy()]
        return dataclasses.replace(self, paths=PathList(self.paths).take(indices), stats=stats)


@dataclass(frozen=True, eq=False)
class CachedImages:
    """Images of files that have been decoded once, as one network sees them: image i is `pixels[rows[i]]`.

    files: where they came from. pixels: uint8 (M, C, h, w), channels last, memory-mapped and shared with other data
    sets, so M may be larger than N. rows: int64 (N,).
    """

    files: FileImages
    pixels: Tensor
    rows: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def channels(self) -> int:
        return int(self.pixels.shape[1])

    def read(self, index: int) -> NDArray[np.uint8]:
        """One image as the network sees it, uint8 (h, w, C)."""
        return self.pixels[self.rows[index]].permute(1, 2, 0).numpy()

    def take(self, indices: Tensor) -> "CachedImages":
        return CachedImages(self.files.take(indices), self.pixels, self.rows[indices])

    def gather(self, indices: Tensor) -> Tensor:
        """The images at `indices` (B,) int64, as a new tensor uint8 (B, C, h, w)."""
        return rows_of(self.pixels, self.rows[indices])

    def whole(self) -> Tensor:
        """All images, uint8 (N, C, h, w): still memory-mapped where they lie one after the other, otherwise a copy."""
        first = int(self.rows[0]) if len(self.rows) else 0
        if torch.equal(self.rows, torch.arange(first, first + len(self.rows))):
            return self.pixels[first : first + len(self.rows)]
        return rows_of(self.pixels, self.rows)


def rows_of(images: Tensor, indices: Tensor) -> Tensor:
    """The images (N, C, H, W) at `indices` (B,) int64: a new tensor (B, C, H, W) with the same layout in memory."""
    if images.is_contiguous():
        return images.index_select(0, indices)
    # Left to itself index_select lays channels apart that lie together, in four times the time of a plain copy.
    return images.permute(0, 2, 3, 1).index_select(0, indices).permute(0, 3, 1, 2)


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Labelled images: `labels` int64 (N,) index `classes`; `ids` name each image for manifests and reports.

    groups: images with the same group (patient, video, product) must stay on one side of a split; empty when unknown.
    """

    images: ArrayImages | FileImages | CachedImages
    labels: Tensor
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.images), len(self.labels), len(self.ids)} | ({len(self.groups)} if self.groups else set())
        if len(lengths) != 1:
            raise DataError(f"images, labels, ids and groups differ in length: {sorted(lengths)}", where="ImageSet")

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, indices: Tensor | Sequence[int]) -> "ImageSet":
        """The images at `indices`, in that order."""
        indices = torch.as_tensor(indices, dtype=torch.int64)
        chosen = indices.numpy()  # no list: a million Python integers are 40 MB
        return ImageSet(
            images=self.images.take(indices),
            labels=self.labels[indices],
            classes=self.classes,
            ids=tuple(self.ids[i] for i in chosen),
            groups=tuple(self.groups[i] for i in chosen) if self.groups else (),
        )

    def counts(self) -> dict[str, int]:
        """How many images each class has."""
        counts = torch.bincount(self.labels, minlength=len(self.classes)).tolist()
        return dict(zip(self.classes, counts, strict=True))


UnusedKind = Literal["unusable", "hidden", "beside", "quarantined", "copy", "unlisted", "changed"]
"""unusable: damaged, no image, or listed twice. hidden: its name begins with a dot. beside: not where images are looked
for. quarantined: left out on purpose. copy: of a held-out image. unlisted: not in the split that is trained again.
changed: deleted or rewritten while it was in use."""


@dataclass(frozen=True)
class Unused:
    """A file that was found but takes no part. reason: why, for people; kind: the same for programs."""

    path: str
    reason: str
    kind: UnusedKind = "unusable"


@dataclass(frozen=True, eq=False)
class Splits:
    """Training, validation and test images of one data set.

    name: the data set's short name; it names run folders and the report.
    unused: files that were found but take no part.
    note: what must be said wherever an accuracy on this data is shown, e.g. that the test set is partial; may be empty.
    warnings: sentences to be said once, when the data is loaded, e.g. that a class has no test images.
    """

    name: str
    train: ImageSet
    val: ImageSet | None
    test: ImageSet | None
    unused: tuple[Unused, ...] = ()
    note: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in label order, the same in every split."""
        return self.train.classes
