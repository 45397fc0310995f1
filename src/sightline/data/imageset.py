"""Many labelled images, and the three sets they are split into.

An `ImageSet` knows where its pixels are (`ArrayImages` in memory, `EncodedImages` in files) but not how large a network
wants them: that is `Preprocess`, applied when batches are made, or once and for all when `prepare` makes
`CachedImages` of the files.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.data.augment.resized_crop import boxes_of, crop_and_resize
from sightline.data.images import EncodedImages, Images, Pixels, Reading, rows_of
from sightline.errors import DataError

DEVICE_SHARE = 0.25  # of a GPU's free memory that images may take up, rather than travel to it batch by batch


class _Held:
    """What follows for images from a tensor that holds them: uint8 (N, C, H, W)."""

    pixels: Tensor

    ahead = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        _, channels, height, width = self.pixels.shape
        return channels, height, width

    @property
    def channels(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> int:
        return max(self.shape[1:])

    @property
    def device(self) -> torch.device:
        return self.pixels.device

    def close(self) -> None:
        pass


@dataclass(frozen=True, eq=False)
class ArrayImages(_Held):
    """Images in memory, on any device: `pixels` is uint8 (N, C, H, W) with C 1 (grey) or 3 (RGB)."""

    pixels: Tensor

    encoded = None

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def decoded(self) -> Pixels:
        return self

    def take(self, indices: Tensor) -> "ArrayImages":
        return ArrayImages(self.pixels[indices])

    def read(self, index: int, *, min_size: int | None = None) -> NDArray[np.uint8]:
        """One image, uint8 (H, W, C)."""
        return self.pixels[index].permute(1, 2, 0).numpy()

    def near(self, device: torch.device) -> "ArrayImages":
        return ArrayImages(self.pixels.to(device))

    def cuts(self, device: torch.device) -> bool:
        return False

    def start(self, indices: Tensor, parts: Tensor | None = None, *, size: tuple[int, int] | None = None) -> Reading:
        return Reading(rows_of(self.pixels, indices.to(self.device)))

    def whole(self) -> Reading:
        return Reading(self.pixels)


@dataclass(frozen=True, eq=False)
class CachedImages(_Held):
    """Images that have been decoded once, as one network sees them: image i is `pixels[rows[i]]`.

    encoded: what they were decoded from. pixels: uint8 (M, C, h, w), channels last, memory-mapped and shared with other
    data sets, so M may be larger than N. rows: int64 (N,).
    """

    encoded: EncodedImages
    pixels: Tensor
    rows: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def decoded(self) -> Pixels:
        return self

    def take(self, indices: Tensor) -> "CachedImages":
        return CachedImages(self.encoded.take(indices), self.pixels, self.rows[indices])

    def read(self, index: int, *, min_size: int | None = None) -> NDArray[np.uint8]:
        """One image as the network sees it, uint8 (h, w, C)."""
        return self.pixels[self.rows[index]].permute(1, 2, 0).numpy()

    def near(self, device: torch.device) -> Pixels:
        """On a GPU once and for all where they take up little of it."""
        if device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(device)
            if len(self) * math.prod(self.shape) < DEVICE_SHARE * free:
                return ArrayImages(self.whole().pixels.to(device))
        return self

    def cuts(self, device: torch.device) -> bool:
        """Only the part that is seen is read then; a GPU crops by itself."""
        return device.type == "cpu"

    def start(self, indices: Tensor, parts: Tensor | None = None, *, size: tuple[int, int] | None = None) -> Reading:
        rows = self.rows[indices]
        if parts is None:
            return Reading(rows_of(self.pixels, rows))
        height, width = self.shape[1:]
        boxes = boxes_of(parts, height, width)
        return Reading(crop_and_resize(self.pixels, *boxes, size=size or (height, width), rows=rows))

    def whole(self) -> Reading:
        """All: still memory-mapped where they lie one after the other, otherwise a copy."""
        first = int(self.rows[0]) if len(self.rows) else 0
        if torch.equal(self.rows, torch.arange(first, first + len(self.rows))):
            return Reading(self.pixels[first : first + len(self.rows)])
        return Reading(rows_of(self.pixels, self.rows))


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Labelled images: `labels` int64 (N,) index `classes`; `ids` name each image for manifests and reports.

    groups: images with the same group (patient, video, product) must stay on one side of a split; empty when unknown.
    """

    images: Images
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
