"""The images of a training as its network will see them: decoded once and kept, or decoded in every epoch."""

import dataclasses
import math
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray

from sightline.data.images import EncodedImages, Images
from sightline.data.imageset import CachedImages, ImageSet, Splits, Unused
from sightline.data.originals import Originals, content, stamps
from sightline.data.split import require_readable
from sightline.data.store.pixel_cache import UNKNOWN, PixelCache, default_budget, digest, open_cache
from sightline.data.store.stream import RUN, DecodedImages, black
from sightline.errors import DataError, ImageError, StorageError
from sightline.machine.threads import usable_cores
from sightline.pixels.preprocess import Preprocess

SMALL = 4_000_000  # bytes, decoded; a data set of no more is held in memory and leaves the cache alone
CHUNK = 16_000_000  # bytes that are decoded before they are written; a few times that is in memory


def prepare(splits: Splits, preprocess: Preprocess, *, budget: int | None = None, room: float = 1.0) -> Splits:
    """The same splits, their files decoded once into the cache; files that cannot be read are in `unused`.

    preprocess: what the network sees. Mean and deviation do not matter, except as the border of fit "pad".
    budget: bytes that decoded images may take on the disk; by default as `default_budget` finds. When the splits need
        more, they stay files that are decoded whenever they are used, and `warnings` says so.
    room: 1 or more; training images are kept larger than the network's input by this factor, so that random crops of
        them need not be enlarged. Validation and test images have the network's size.

    Arrays stay as they are: `to_resident` resizes them. Raises DataError when no training image of a class can be read.
    """
    wanted = {"train": enlarged(preprocess, room), "val": preprocess, "test": preprocess}
    parts = {name: part for name in wanted if (part := getattr(splits, name)) and part.images.decoded is None}
    needed = sum(len(part) * record_bytes(wanted[name]) for name, part in parts.items())
    budget = default_budget() if budget is None else budget
    keep: Keep = _in_memory if needed <= SMALL else _in_cache(budget) if needed <= budget else _on_disk
    warnings = [_over_budget(needed, budget)] if keep is _on_disk else []
    prepared: dict[str, ImageSet | None] = {"train": splits.train, "val": splits.val, "test": splits.test}
    unused: list[Unused] = []
    for name, part in parts.items():
        encoded = part.images.encoded
        assert encoded is not None
        try:
            images, unreadable = keep(encoded, wanted[name])
        except (OSError, sqlite3.Error, StorageError) as error:
            reason = getattr(error, "strerror", None) or error
            warnings.append(f"decoded images cannot be kept ({reason}): they are decoded in every epoch")
            keep = _on_disk
            images, unreadable = keep(encoded, wanted[name])
        unused += [Unused(part.ids[i], reason) for i, reason in unreadable.items()]
        prepared[name] = _without(part, images, unreadable)
    if prepared["train"] is None:
        what = f"not one of {len(splits.train):,} images can be read"
        raise DataError(what, where=unused[0].path, hint=unused[0].reason)
    require_readable(splits.train.counts(), prepared["train"].counts())
    return dataclasses.replace(
        splits,
        train=prepared["train"],
        val=prepared["val"],
        test=prepared["test"],
        unused=(*splits.unused, *unused),
        warnings=(*splits.warnings, *warnings),
    )


def enlarged(preprocess: Preprocess, room: float) -> Preprocess:
    """The same, `room` times as large."""
    height, width = preprocess.size
    return dataclasses.replace(preprocess, size=(round(height * room), round(width * room)))


def record_bytes(preprocess: Preprocess) -> int:
    """What one image takes."""
    return preprocess.channels * math.prod(preprocess.size)


# How images are kept: what is encoded and what the network sees -> the images, and by index why some cannot be read.
Keep = Callable[[EncodedImages, Preprocess], tuple[Images, dict[int, str]]]


def _in_memory(encoded: EncodedImages, preprocess: Preprocess) -> tuple[Images, dict[int, str]]:
    encoded = _stamped(encoded)
    source = DecodedImages(encoded.originals, preprocess)
    pixels, unreadable = source.whole().result()
    source.close()
    reasons = {index: error.reason for index, error in unreadable.items()}
    return CachedImages(encoded, pixels, torch.arange(len(encoded))), reasons


def _on_disk(encoded: EncodedImages, preprocess: Preprocess) -> tuple[Images, dict[int, str]]:
    """Nothing is kept; the images are looked through once, for those that would fail in the middle of a training."""
    encoded = _stamped(encoded)

    def look(first: int) -> dict[int, str]:
        unreadable = {}
        for index in range(first, min(first + RUN, len(encoded))):
            try:
                encoded.read(index, min_size=1)  # a JPEG at an eighth: all of its bytes, few of its pixels
            except ImageError as error:
                unreadable[index] = error.reason
        return unreadable

    unreadable: dict[int, str] = {}
    with ThreadPoolExecutor(usable_cores()) as pool:
        for first in range(0, len(encoded), step := 100 * RUN):  # not a future for every image
            for reasons in pool.map(look, range(first, min(first + step, len(encoded)), RUN)):
                unreadable |= reasons
    return encoded, unreadable


def _in_cache(budget: int) -> Keep:
    def keep(encoded: EncodedImages, preprocess: Preprocess) -> tuple[Images, dict[int, str]]:
        encoded = _stamped(encoded)
        # Open until the records are mapped: between the slots and the map nobody may empty the cache.
        with open_cache(preprocess) as cache:
            slots, unreadable = _fill(cache, encoded, preprocess, budget)
            pixels = cache.pixels()
        return CachedImages(encoded, pixels, torch.from_numpy(slots)), unreadable

    return keep


def _stamped(encoded: EncodedImages) -> EncodedImages:
    """The same, with the stamps that its originals have now, before they are read."""
    return dataclasses.replace(encoded, stamps=stamps(encoded.originals))


def _fill(
    cache: PixelCache, encoded: EncodedImages, preprocess: Preprocess, budget: int
) -> tuple[NDArray[np.int64], dict[int, str]]:
    """Decode what the cache lacks: the slot of every image, int64 (N,), and by index why some have none."""
    originals, stamped = encoded.originals, encoded.stamps
    assert stamped is not None
    slots = cache.find(originals, stamped)
    needed = int((slots == UNKNOWN).sum()) * cache.record
    if not needed:
        return slots, {}
    if cache.slots * cache.record + needed > budget:  # images of other data sets are in the same folder
        cache.empty()
        slots[:] = UNKNOWN
        needed = len(slots) * cache.record
    cache.make_room(needed, budget)
    unreadable: dict[int, str] = {}
    for indices, contents, pixels in _read(cache, originals, np.flatnonzero(slots == UNKNOWN), preprocess):
        good = [i for i, content in enumerate(contents) if isinstance(content, bytes)]
        unreadable |= {int(i): text for i, text in zip(indices, contents, strict=True) if isinstance(text, str)}
        chosen = indices[good]
        slots[chosen] = cache.add(
            [originals.name(i) for i in chosen.tolist()],
            stamped[chosen],
            [content for content in contents if isinstance(content, bytes)],
            pixels if len(good) == len(pixels) else pixels[good],
        )
    return slots, unreadable


def _read(
    cache: PixelCache, originals: Originals, wanted: NDArray[np.int64], preprocess: Preprocess
) -> Iterator[tuple[NDArray[np.int64], list[bytes | str], NDArray[np.uint8]]]:
    """Parts of `wanted` with each one's content, or why it cannot be read, and its pixels; threads work ahead.

    Content that the cache has is not decoded; its pixels are 0 here.
    """

    def read(indices: NDArray[np.int64], out: NDArray[np.uint8]) -> list[bytes | str]:
        contents: list[bytes | str] = []
        for position, index in enumerate(indices.tolist()):
            try:
                data = content(originals, index)
                known_by = digest(data)
                if cache.slot_of(known_by) == UNKNOWN:
                    out[position] = preprocess.read(data)
                contents.append(known_by)
            except ImageError as error:
                contents.append(error.reason)
        return contents

    size = max(RUN * usable_cores(), CHUNK // cache.record)
    parts = deque(wanted[first : first + size] for first in range(0, len(wanted), size))
    waiting: deque[tuple[NDArray[np.int64], NDArray[np.uint8], list[Future[list[bytes | str]]]]] = deque()
    pool = ThreadPoolExecutor(usable_cores(), "decode")
    try:
        while parts or waiting:
            while parts and len(waiting) < 2:
                part = parts.popleft()
                pixels = black(len(part), cache.shape)
                runs = [pool.submit(read, part[i : i + RUN], pixels[i : i + RUN]) for i in range(0, len(part), RUN)]
                waiting.append((part, pixels, runs))
            part, pixels, runs = waiting.popleft()
            yield part, [item for run in runs for item in run.result()], pixels
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _without(image_set: ImageSet, images: Images, unreadable: dict[int, str]) -> ImageSet | None:
    """The set with its images replaced, less those that cannot be read; None when none is left."""
    image_set = dataclasses.replace(image_set, images=images)
    if not unreadable:
        return image_set
    rest = [index for index in range(len(image_set)) if index not in unreadable]
    return image_set.take(rest) if rest else None


def _over_budget(needed: int, budget: int) -> str:
    return (
        f"decoded, the images take {needed / 1e9:.1f} GB, and the cache may take {budget / 1e9:.1f} GB: they are "
        f"decoded in every epoch (--cache {math.ceil(needed / 1e9)}GB would keep them)"
    )
