"""`load_data`: from what a person calls the data to training, validation and test images."""

import os
from dataclasses import dataclass
from pathlib import Path

from sightline.data.builtin import NAMED_SETS, NAMES, load_digits, load_named
from sightline.data.folder import list_folder
from sightline.data.imageset import ImageSet, Splits, Unused
from sightline.data.listing import Listing, scored_images, splits_of
from sightline.data.split import DEFAULT_TEST, hold_out, parse_share
from sightline.data.table import list_table
from sightline.errors import DataError, near


def load_data(data: str | os.PathLike[str], *, val: str | float | None = None, seed: int = 0) -> Splits:
    """Training, validation and test images of `data`; nothing on disk is moved or changed.

    data: the name of a named set (`./mnist` is a folder of that name), a folder of class folders, a CSV table, or a
        folder or table in $SIGHTLINE_DATA by its name there. Tar shards will come with larger data (`shards.py`).
    val: the share of the training images held out for validation, as 0.1 or "10%" (the default); 0 for none.
    seed: decides which images are held out. Their own test images are the test split of sets that have some.

    Raises DataError for data that cannot be found, read or trained on, ConfigError for an impossible `val`.
    """
    parse_share(val)  # first, so that an impossible one costs nobody a download
    name = os.fspath(data)
    if name in NAMES:
        return _named_splits(name, val=val, seed=seed)
    return splits_of(_listing(name), val=val, seed=seed)


@dataclass(frozen=True, eq=False)
class ScoredData:
    """Labelled images to score a classifier on; note and unused as in `Splits`."""

    images: ImageSet
    note: str = ""
    unused: tuple[Unused, ...] = ()


def load_scored(data: str | os.PathLike[str]) -> ScoredData:
    """The test images of `data` where it has some of its own, otherwise all of its images; nothing is held out.

    Unlike data to train on, this may have a single class, or a class with a single image. Raises DataError.
    """
    name = os.fspath(data)
    if name in NAMED_SETS:
        _, test, note = load_named(name)
        return ScoredData(test, note)
    if name in NAMES:
        return ScoredData(load_digits())
    listing = _listing(name)
    return ScoredData(scored_images(listing), unused=tuple(listing.unused))


def _listing(name: str) -> Listing:
    """The files of the folder or table `name`. Raises DataError."""
    path = _existing_path(name)
    if path.is_dir():
        return list_folder(path)
    if path.suffix.lower() == ".csv":
        return list_table(path)
    hint = "give a folder of class folders, or a table that ends in .csv"
    raise DataError(f"{path} is neither a folder nor a CSV table", hint=hint)


def _named_splits(name: str, *, val: str | float | None, seed: int) -> Splits:
    """A named set with its own test images, or for digits, which have none, a fifth of them."""
    share = parse_share(val)
    if name in NAMED_SETS:
        train, test, note = load_named(name)
    else:
        train, test = hold_out(load_digits(), DEFAULT_TEST, seed=seed, purpose="test")
        note = ""
    if not share:
        return Splits(name, train, None, test, note=note)
    train, held_out = hold_out(train, share, seed=seed, purpose="validation")
    return Splits(name, train, held_out, test, note=note)


def _existing_path(name: str) -> Path:
    """The folder or file `name`, here or in $SIGHTLINE_DATA. Raises DataError with the nearest names."""
    path = Path(name).expanduser()
    if path.exists():
        return path
    given = os.environ.get("SIGHTLINE_DATA", "")
    root = Path(given).expanduser() if given else None
    if root and (root / name).exists():
        return root / name
    if len(path.parts) > 1 or path.suffix:
        raise DataError(f"there is no folder or file {path}", hint="check the path")
    try:
        beside = [entry.name for entry in root.iterdir() if entry.is_dir()] if root else []
    except OSError:
        beside = []
    raise DataError(f"there is no data set or folder '{name}'", hint=near(name, (*NAMES, *beside)))
