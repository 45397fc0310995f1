"""Seeded, stratified, grouped splits, and the manifest that records them.

Which images are held out depends on the seed and on the images' ids alone: not on the order in which a disk lists its
files, and hardly on images that are added later. Files are never moved.
"""

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightline.data.imageset import ImageSet, Splits
from sightline.errors import ConfigError, DataError
from sightline.files import write_text

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

    With groups, every group is wholly on one side, and the shares are met as closely as whole groups allow. Each class
    keeps at least one image on both sides; a class that cannot raises DataError. purpose: what the held-out images are
    for, as said in errors: "validation" or "test".
    """
    order = np.array(sorted(range(len(image_set)), key=image_set.ids.__getitem__), dtype=np.int64)
    ids = [image_set.ids[i] for i in order]
    labels = image_set.labels.numpy()[order]
    if image_set.groups:
        held = _choose_groups([image_set.groups[i] for i in order], labels, image_set.classes, share, seed, purpose)
    else:
        held = _choose_images(ids, labels, image_set.classes, share, seed, purpose)
    return image_set.take(order[~held].tolist()), image_set.take(order[held].tolist())


def _choose_images(
    ids: list[str], labels: NDArray[np.int64], classes: tuple[str, ...], share: float, seed: int, purpose: str
) -> NDArray[np.bool_]:
    """True for each image that is held out, (N,): of every class those whose ids come first in the shuffled order."""
    counts = np.bincount(labels, minlength=len(classes))
    for name, count in zip(classes, counts.tolist(), strict=True):
        if count == 1:
            hint = "add images to it, remove it, or turn validation off with --val 0"
            raise DataError(f"class '{name}' has only 1 image, none can be held out for {purpose}", hint=hint)
    held = np.zeros(len(ids), dtype=np.bool_)
    rank = _ranks(ids, seed)
    for label, quota in enumerate(_quotas(counts, share)):
        members = np.flatnonzero(labels == label)
        held[members[np.argsort(rank[members])[:quota]]] = True
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
    digests = [hashlib.blake2b(name.encode(), digest_size=8, key=key).digest() for name in names]
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[np.lexsort((np.arange(len(names)), np.frombuffer(b"".join(digests), dtype=">u8")))] = np.arange(len(names))
    return ranks


def _choose_groups(
    groups: list[str], labels: NDArray[np.int64], classes: tuple[str, ...], share: float, seed: int, purpose: str
) -> NDArray[np.bool_]:
    """True for each image that is held out, (N,): whole groups, in shuffled order, while they bring the classes nearer.

    Nearness is the squared distance between held-out and wanted counts, each class measured against its own size, so
    that a small class weighs as much as a large one.
    """
    names, index = np.unique(np.array(groups), return_inverse=True)
    table = np.zeros((len(names), len(classes)), dtype=np.int64)  # images of each class in each group
    np.add.at(table, (index, labels), 1)
    counts = table.sum(axis=0)
    weights = 1 / np.maximum(counts, 1)
    missing = share * counts  # still to be held out, per class
    rest = counts.copy()
    chosen = np.zeros(len(names), dtype=np.bool_)
    for group in np.argsort(_ranks(names.tolist(), seed)):
        after = missing - table[group]
        emptied = (rest == table[group]) & (counts > 0)
        if not emptied.any() and np.sum((after * weights) ** 2) < np.sum((missing * weights) ** 2):
            chosen[group] = True
            missing = after
            rest = rest - table[group]
    if not chosen.any():
        hint = "add groups, or give the splits yourself in a CSV with a split column"
        raise DataError(f"no group can be held out for {purpose} from {len(names)} groups", hint=hint)
    return chosen[index]


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
