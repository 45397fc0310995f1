"""Batches of training images from a data set that lives in memory as one uint8 tensor.

`to_resident` (or `readable`, when files may be bad) makes that tensor; `Batches` deals it out, shuffled and varied.
A batch is a pure function of the seed and the step, so a resumed training sees exactly what an unbroken one would.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

from sightline.config import AugmentConfig
from sightline.data.augment import augment
from sightline.data.imageset import ArrayImages, ImageSet, Unused
from sightline.data.randomness import derived_seed
from sightline.errors import DataError, ImageError
from sightline.pixels.preprocess import Preprocess


class Batch(NamedTuple):
    """images: uint8 (B, C, H, W). labels: int64 (B,). indices: int64 (B,), where each image stands in its data set."""

    images: Tensor
    labels: Tensor
    indices: Tensor


class Batches:
    """Shuffled, augmented batches of images that are resident on `device`.

    images: uint8 (N, C, H, W). labels: int64 (N,). Every epoch shows every image once, in an order of its own; the last
    batch of an epoch may be short, or with `drop_last` is left out (then a different few images miss each epoch).
    A data set smaller than `batch_size` is one batch.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        *,
        batch_size: int,
        augment: AugmentConfig,
        seed: int,
        device: torch.device | str = "cpu",
        drop_last: bool = False,
    ) -> None:
        if len(images) != len(labels) or len(images) == 0:
            raise DataError(
                f"{len(images)} images and {len(labels)} labels", where="Batches", hint="give one label each"
            )
        self.images = images.to(device)
        self.labels = labels.to(device)
        self.batch_size = min(batch_size, len(images))
        self.augment = augment
        self.seed = seed
        self.steps_per_epoch = len(images) // self.batch_size
        if len(images) % self.batch_size and not drop_last:
            self.steps_per_epoch += 1
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def batch(self, step: int) -> Batch:
        """The batch of this step, counted from 0 over all epochs. The same step gives the same batch, in any order."""
        epoch, position = divmod(step, self.steps_per_epoch)
        start = position * self.batch_size
        indices = self.order(epoch)[start : start + self.batch_size]
        generator = Generator(self.images.device).manual_seed(derived_seed(self.seed, "augment", step))
        images = self.images.index_select(0, indices)
        images = augment(images, self.augment, indices=indices, epoch=epoch, generator=generator)
        return Batch(images, self.labels.index_select(0, indices), indices)

    def order(self, epoch: int) -> Tensor:
        """The epoch's permutation of the data set, int64 (N,), on the device; the same on every device."""
        if self._order[0] != epoch:
            generator = Generator().manual_seed(derived_seed(self.seed, "order", epoch))
            permutation = torch.randperm(len(self.images), generator=generator)
            self._order = (epoch, permutation.to(self.images.device))
        return self._order[1]


def to_resident(image_set: ImageSet, preprocess: Preprocess) -> Tensor:
    """All images as the network will see them, in memory: uint8 (N, C, h, w).

    Arrays that already have the right size and channels come back as they are, without a copy. Raises DataError when
    the set does not fit into memory, or naming up to ten images that cannot be read.
    """
    images, unused = _load(image_set, preprocess)
    if unused:
        listed = "; ".join(f"{file.path}: {file.reason}" for file in list(unused.values())[:10])
        more = f"; and {len(unused) - 10:,} more" if len(unused) > 10 else ""
        raise DataError(
            f"{len(unused):,} of {len(image_set):,} images cannot be read: {listed}{more}",
            hint="remove or replace these files",
        )
    return images


def readable(image_set: ImageSet, preprocess: Preprocess) -> tuple[ImageSet, Tensor, tuple[Unused, ...]]:
    """The images that can be read, their pixels uint8 (N', C, h, w), and the rest with reasons; each is decoded once.

    Raises DataError when the set does not fit into memory or when not one image can be read.
    """
    images, unused = _load(image_set, preprocess)
    if not unused:
        return image_set, images, ()
    if len(unused) == len(image_set):
        first = unused[0]
        raise DataError(f"not one of {len(image_set):,} images can be read", where=first.path, hint=first.reason)
    kept = torch.tensor([index for index in range(len(image_set)) if index not in unused])
    return image_set.take(kept), images.index_select(0, kept), tuple(unused.values())


def _load(image_set: ImageSet, preprocess: Preprocess) -> tuple[Tensor, dict[int, Unused]]:
    """uint8 (N, C, h, w), and by index the images that could not be read; their pixels are 0."""
    source = image_set.images
    shape = (preprocess.channels, *preprocess.size)
    if isinstance(source, ArrayImages) and source.pixels.shape[1:] == shape:
        return source.pixels, {}
    require_memory(len(source) * math.prod(shape), what=f"{len(source):,} images of {shape[1]} x {shape[2]} pixels")
    images = np.zeros((len(source), *shape), dtype=np.uint8)

    def load(index: int) -> Unused | None:
        if isinstance(source, ArrayImages):
            images[index] = preprocess.pixels(source.read(index))
            return None
        path = source.paths[index]
        try:
            images[index] = preprocess.read(path)
        except ImageError as error:
            # The message names the file; here the name stands beside the reason.
            return Unused(str(path), error.what.partition(f"{path}: ")[2] or error.what)
        return None

    # Threads, not processes: decoders release the GIL, and nothing needs to be pickled or copied.
    with ThreadPoolExecutor(usable_cores()) as pool:
        outcomes = list(pool.map(load, range(len(source))))
    return torch.from_numpy(images), {index: file for index, file in enumerate(outcomes) if file is not None}


def usable_cores() -> int:
    """How many cores this process may use; where the system does not say, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def require_memory(needed: int, *, what: str) -> None:
    """Raise DataError when `needed` bytes are more than 80 % of the memory that is available now, if that is known."""
    available = available_memory()
    if available is not None and needed > 0.8 * available:
        raise DataError(
            f"{what} need {needed / 1e9:.1f} GB, and {available / 1e9:.1f} GB of memory are available",
            hint="use a smaller --size or fewer images",
        )


def available_memory() -> int | None:
    """Bytes that can be allocated without swapping, as Linux estimates them; None where the system does not say."""
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():
        return None
    fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
    return int(fields["MemAvailable"].split()[0]) * 1024
