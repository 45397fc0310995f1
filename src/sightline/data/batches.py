"""Batches of training images, dealt out from memory, from a memory-mapped cache, or from files decoded ahead of use.

`pixel_source` says where a data set's pixels come from; `Batches` deals them out, shuffled and varied. A batch is a
pure function of the seed and the step, so a resumed training sees exactly what an unbroken one would.
"""

import dataclasses
import math
from typing import Literal, NamedTuple

import torch
from torch import Generator, Tensor

from sightline.config import AugmentConfig
from sightline.data.augment.augment import augment
from sightline.data.augment.resized_crop import random_parts
from sightline.data.images import Pixels, Reading, rows_of
from sightline.data.imageset import ImageSet, Unused
from sightline.data.randomness import derived_seed
from sightline.data.store.stream import seen_by
from sightline.errors import DataError
from sightline.pixels.preprocess import Preprocess


class Batch(NamedTuple):
    """images: uint8 (B, C, H, W). labels: int64 (B,). indices: int64 (B,), where each image stands in its data set."""

    images: Tensor
    labels: Tensor
    indices: Tensor


class Batches:
    """Shuffled, augmented batches on `device`.

    images: see `pixel_source`. labels: int64 (N,).
    sampling: "shuffle" shows every image once in every epoch, in an order of its own. "balanced" shows every class
        equally often (N images in an epoch all the same), the images of a class in turn.
    size: (h, w) of the batches where they are not as large as the images: random crops of this size if
        `augment.resized_crop` says so, otherwise the whole image, resized.

    The last batch of an epoch may be short, or with `drop_last` is left out (then a different few images miss each
    epoch). A data set smaller than `batch_size` is one batch. A file that cannot be decoded any more is left out of its
    batch and named in `lost`.
    """

    def __init__(
        self,
        images: Pixels,
        labels: Tensor,
        *,
        batch_size: int,
        augment: AugmentConfig,
        seed: int,
        device: torch.device | str = "cpu",
        drop_last: bool = False,
        sampling: Literal["shuffle", "balanced"] = "shuffle",
        size: tuple[int, int] | None = None,
    ) -> None:
        if len(images) != len(labels) or len(images) == 0:
            raise DataError(
                f"{len(images)} images and {len(labels)} labels", where="Batches", hint="give one label each"
            )
        self.device = torch.device(device)
        self.images = images.near(self.device)
        self.labels = labels.to(self.device)
        self.batch_size = min(batch_size, len(images))
        self.augment = augment
        self._crop = augment.resized_crop if self.images.cuts(self.device) else 0.0  # cut while reading
        self._augment = dataclasses.replace(augment, resized_crop=0.0) if self._crop else augment
        self.seed = seed
        self.size = size
        self.lost: dict[int, str] = {}
        self.steps_per_epoch = len(images) // self.batch_size
        if len(images) % self.batch_size and not drop_last:
            self.steps_per_epoch += 1
        self._class_labels = labels.cpu() if sampling == "balanced" else None
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))
        self._readings: dict[int, Reading] = {}

    def batch(self, step: int) -> Batch:
        """The batch of this step, counted from 0 over all epochs. The same step gives the same batch, in any order.

        Raises DataError when none of its files can be decoded any more.
        """
        epoch = step // self.steps_per_epoch
        indices = self._indices(step)
        images, readable = self._pixels(step, indices)
        indices = indices[readable] if readable is not None else indices
        indices, images = indices.to(self.device), images.to(self.device, non_blocking=True)
        generator = Generator(self.device).manual_seed(derived_seed(self.seed, "augment", step))
        images = augment(images, self._augment, indices=indices, epoch=epoch, generator=generator, size=self.size)
        return Batch(images, self.labels.index_select(0, indices), indices)

    def sample(self, count: int) -> Tensor:
        """At most `count` images, evenly spaced (many sets are ordered by class), not augmented: uint8 on `device`."""
        every = torch.arange(0, len(self.images), math.ceil(len(self.images) / count))
        images, _ = self.images.start(every).result()
        off, generator = AugmentConfig(), Generator(self.device)
        return augment(images.to(self.device), off, indices=every, epoch=0, generator=generator, size=self.size)

    def close(self) -> None:
        """Nobody will ask for a batch any more: let go of files, threads and whatever else the images hold."""
        self._readings.clear()
        self.images.close()

    def order(self, epoch: int) -> Tensor:
        """Which image each place of the epoch shows, int64 (N,); the same on every device."""
        if self._order[0] != epoch:
            generator = Generator().manual_seed(derived_seed(self.seed, "order", epoch))
            if self._class_labels is None:
                order = torch.randperm(len(self.images), generator=generator)
            else:
                order = _balanced(self._class_labels, epoch, generator)
            self._order = (epoch, order.to(self.images.device))
        return self._order[1]

    def _indices(self, step: int) -> Tensor:
        epoch, position = divmod(step, self.steps_per_epoch)
        return self.order(epoch)[position * self.batch_size : (position + 1) * self.batch_size]

    def _pixels(self, step: int, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """uint8 (B, C, H, W), and which of `indices` they are when some could not be read."""
        reading = self._readings.pop(step, None) or self._start(step, indices)
        # What was begun for other steps is of no use any more: someone has jumped, or gone back.
        ahead = [later for later in range(step + 1, step + 1 + self.images.ahead) if self._same_epoch(step, later)]
        self._readings = {
            later: self._readings.get(later) or self._start(later, self._indices(later)) for later in ahead
        }
        images, unreadable = reading.result()
        if not unreadable:
            return images, None
        self.lost |= {int(indices[position]): error.reason for position, error in unreadable.items()}
        readable = torch.tensor([i for i in range(len(indices)) if i not in unreadable], dtype=torch.int64)
        if not len(readable):
            raise unreadable[0]
        return images[readable], readable

    def _same_epoch(self, step: int, later: int) -> bool:
        """The next epoch's order is made when it begins: it would take the place of this one's."""
        return step // self.steps_per_epoch == later // self.steps_per_epoch

    def _start(self, step: int, indices: Tensor) -> Reading:
        if not self._crop:
            return self.images.start(indices)
        generator = Generator().manual_seed(derived_seed(self.seed, "crop", step))
        parts = random_parts(len(indices), smallest=self._crop, generator=generator)
        return self.images.start(indices, parts, size=self.size)


def pixel_source(image_set: ImageSet, preprocess: Preprocess) -> Pixels:
    """Where `Batches` takes a set's pixels from, with as little in memory as can be.

    Arrays of another size are resized into memory when `Batches` asks for them near; cached images stay in their
    cache; files are decoded whenever they are needed.
    """
    return seen_by(image_set.images, preprocess, room=True)


def _balanced(labels: Tensor, epoch: int, generator: Generator) -> Tensor:
    """N indices in random order in which every class is equally frequent, to within one: int64 (N,).

    The images of a class come in turn: none comes again before all others have come within the epoch.
    """
    classes = torch.unique(labels).tolist()
    chosen = []
    for rank, label in enumerate(classes):
        members = torch.nonzero(labels == label).flatten()
        # Those that get one more take turns, too.
        quota = len(labels) // len(classes) + ((rank - epoch) % len(classes) < len(labels) % len(classes))
        rounds = [torch.randperm(len(members), generator=generator) for _ in range(-(-quota // len(members)))]
        chosen.append(members[torch.cat(rounds)[:quota]])
    order = torch.cat(chosen)
    return order[torch.randperm(len(order), generator=generator)]


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
    rest = torch.tensor([index for index in range(len(image_set)) if index not in unused])
    return image_set.take(rest), rows_of(images, rest), tuple(unused.values())


def _load(image_set: ImageSet, preprocess: Preprocess) -> tuple[Tensor, dict[int, Unused]]:
    """uint8 (N, C, h, w), and by index the images that could not be read; their pixels are 0."""
    pixels = seen_by(image_set.images, preprocess)
    images, unreadable = pixels.whole().result()
    pixels.close()
    return images, {index: Unused(image_set.ids[index], error.reason) for index, error in unreadable.items()}
