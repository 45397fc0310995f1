"""Seeded, stratified, grouped splits, and the manifest that records them.

Which images are held out depends on the seed and on the images' ids alone: not on the order in which a disk lists its
files, and hardly on images that are added later. Files are never moved.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sightline.data.imageset import ImageSet, Splits
from sightline.errors import ConfigError, DataError
from sightline.machine.files import write_text

DEFAULT_VAL = 0.1  # of the training images
DEFAULT_TEST = 0.2  # of all images, where a data set has no test images of its own
COLUMNS = ("id", "label", "split", "group")


def parse_share(val: str | float | None) -> float:
    """The share of the training images held out for validation, 0 <= share < 1, from 0.1, "0.1" or "10%".

    None is the default, 10 %. 0 means that there is no validation set. Raises ConfigError.
    """
    if val is None:
        return DEFAULT_VAL
    text = str(val).strip()
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = float("nan")
    if not 0 <= share < 1:
        raise ConfigError(f"val is '{val}'", hint="use a share of the training images, e.g. 0.1 or 10%, or 0 for none")
    return share


def hold_out(image_set: ImageSet, share: float, *, seed: int, purpose: str) -> tuple[ImageSet, ImageSet]:
    """Split into (rest, held out), the second with `share` of the images of every class, both ordered by id.

    With groups, every group is wholly on one side, and the shares are met as closely as whole groups allow: a class
    whose images are all in one group stays in the rest. Without, every class has at least one image on both sides.
    purpose: what the held-out images are for, as said in errors: "validation" or "test". Raises DataError when a class
    has too few images, or no group can be held out.
    """
    order = np.array(sorted(range(len(image_set)), key=image_set.ids.__getitem__), dtype=np.int64)
    ids = [image_set.ids[i] for i in order]
    labels = image_set.labels.numpy()[order]
    if image_set.groups:
        # An image without a group is a group of its own.
        groups = [image_set.groups[i] or f"\0{name}" for i, name in zip(order, ids, strict=True)]
        held = _choose_groups(groups, labels, image_set.classes, share, seed, purpose)
    else:
        require_images(image_set, ("training", purpose))
        held = _choose_images(ids, labels, image_set.classes, share, seed)
    return image_set.take(torch.from_numpy(order[~held])), image_set.take(torch.from_numpy(order[held]))


def require_images(image_set: ImageSet, parts: tuple[str, ...]) -> None:
    """Raise DataError for the first class with fewer images than the parts that are to be made of it."""
    for name, count in image_set.counts().items():
        if 0 < count < len(parts):
            images = "1 image" if count == 1 else f"{count} images"
            what = (
                f"class '{name}' has only {images}, and needs one for each of {', '.join(parts[:-1])} and {parts[-1]}"
            )
            without = ", or train without validation: --val 0" if "validation" in parts else ""
            raise DataError(what, hint=f"add images to it or take it out{without}")


def require_readable(listed: Mapping[str, int], decoded: Mapping[str, int]) -> None:
    """Raise DataError for classes all of whose training images cannot be read: they would be gone silently.

    listed, decoded: how many training images each class has, before and after those that cannot be read are left out.
    """
    lost = [name for name, count in listed.items() if count and not decoded.get(name)]
    if lost:
        others = f" (nor of {len(lost) - 1} more: {', '.join(lost[1:10])})" if lost[1:] else ""
        what = f"no training image of class '{lost[0]}' can be read{others}"
        raise DataError(what, hint="replace its files or remove the class")


def _choose_images(
    ids: list[str], labels: NDArray[np.int64], classes: tuple[str, ...], share: float, seed: int
) -> NDArray[np.bool_]:
    """True for each image that is held out, (N,): of every class those whose ids come first in the shuffled order."""
    held = np.zeros(len(ids), dtype=np.bool_)
    ranks = _ranks(ids, seed)
    quotas = _quotas(np.bincount(labels, minlength=len(classes)), share)
    for label, quota in enumerate(quotas):
        members = np.flatnonzero(labels == label)
        held[members[np.argsort(ranks[members])[:quota]]] = True
    return held


def _quotas(counts: NDArray[np.int64], share: float) -> list[int]:
    """How many of each class to hold out: in total round(share * N), by largest remainders, 1 to count - 1 of each."""
    exact = counts * share
    quotas = np.floor(exact).astype(np.int64)
    spare = round(float(exact.sum())) - int(quotas.sum())
    largest_remainders = np.argsort(quotas - exact, kind="stable")[:spare]
    quotas[largest_remainders] += 1
    smallest = np.minimum(counts, 1)
    clipped: list[int] = np.clip(quotas, smallest, np.maximum(counts - 1, smallest)).tolist()
    return clipped


def _ranks(names: list[str], seed: int) -> NDArray[np.int64]:
    """The place of each name in a shuffled order, (N,).

    Sorted by hash rather than drawn from a generator: one more image leaves the order of all the others as it was.
    """
    key = str(seed).encode()
    digests = b"".join(hashlib.blake2b(name.encode(), digest_size=8, key=key).digest() for name in names)
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[np.argsort(np.frombuffer(digests, dtype=">u8"), kind="stable")] = np.arange(len(names))
    return ranks


def _choose_groups(
    groups: list[str], labels: NDArray[np.int64], classes: tuple[str, ...], share: float, seed: int, purpose: str
) -> NDArray[np.bool_]:
    """True for each image that is held out, (N,): whole groups.

    The first groups of the shuffled order make up the share; then the one group whose change of side brings the classes
    nearest to their shares changes it, until none does. Nearness is the squared distance between held-out and wanted
    counts, each class measured against its own size, so that a small class weighs as much as a large one.

    Measured against sklearn's StratifiedGroupKFold on drawn data: as near with even groups (0.2 to 0.6 points a class),
    1 to 2 points against 17 with a few very large ones, 10 to 90 times faster, for any share. Starting from nothing is
    a little nearer, but then the large groups are held out whatever the seed.
    """
    names, index = np.unique(np.array(groups), return_inverse=True)
    table = np.zeros((len(names), len(classes)), dtype=np.int64)  # images of each class in each group
    np.add.at(table, (index, labels), 1)
    counts = table.sum(axis=0)

    def cost(held: NDArray[np.int64]) -> NDArray[np.float64]:
        """How far these held-out counts (..., K) are from the wanted ones; far indeed when they are a whole class."""
        distance = ((held / np.maximum(counts, 1) - share * (counts > 0)) ** 2).sum(axis=-1)
        emptied = ((held == counts) & (counts > 0)).sum(axis=-1)
        total: NDArray[np.float64] = distance + emptied * (len(classes) + 1)
        return total

    order = np.argsort(_ranks(names.tolist(), seed))
    table = table[order]
    chosen = np.cumsum(table.sum(axis=1)) <= share * counts.sum()
    if not chosen.any():
        chosen[cost(table).argmin()] = True
    while True:
        held = table[chosen].sum(axis=0)
        after = cost(held + np.where(chosen, -1, 1)[:, None] * table)
        if chosen.sum() == 1:
            after[chosen] = np.inf  # somebody must be held out
        best = after.argmin()
        if after[best] >= cost(held):
            break
        chosen[best] = not chosen[best]
    if cost(held) > len(classes):
        what = f"none of the {len(names)} groups can be held out for {purpose} without taking a whole class"
        raise DataError(what, hint="add groups, or say in a CSV's split column which images are for what")
    by_name = np.empty(len(names), dtype=np.bool_)
    by_name[order] = chosen
    return by_name[index]


@dataclass(frozen=True)
class ManifestRow:
    """One image of a split manifest: its id, class name, split ("train", "val" or "test") and group (may be empty)."""

    id: str
    label: str
    split: str
    group: str


def manifest_rows(splits: Splits) -> Iterator[ManifestRow]:
    """Every image of the splits: training, then validation, then test."""
    for split, images in (("train", splits.train), ("val", splits.val), ("test", splits.test)):
        if images is None:
            continue
        groups = images.groups or ("",) * len(images)
        for name, label, group in zip(images.ids, images.labels.tolist(), groups, strict=True):
            yield ManifestRow(name, images.classes[label], split, group)


def write_manifest(splits: Splits, path: Path) -> None:
    """Record which image is in which split, as CSV with the columns id, label, split and group. Raises StorageError."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((row.id, row.label, row.split, row.group) for row in manifest_rows(splits))
    write_text(path, text.getvalue())


def read_manifest(path: Path) -> tuple[ManifestRow, ...]:
    """The rows `write_manifest` wrote. Raises DataError naming the file and line."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read the split manifest {path}: {error}") from error
    if not rows or tuple(rows[0]) != COLUMNS:
        raise DataError(f"{path} is not a split manifest", hint=f"its first line should be {','.join(COLUMNS)}")
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(COLUMNS) or row[2] not in ("train", "val", "test"):
            raise DataError(f"row {line} is not id, label, split and group", where=str(path))
    return tuple(ManifestRow(*row) for row in rows[1:])
