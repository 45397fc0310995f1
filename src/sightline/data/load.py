"""From what a person calls the data to training, validation and test images.

`load_data` is quick: it decodes next to nothing. `load_audited` looks at every file first and keeps duplicates on one
side of the split. `load_recorded` finds again the images that a split manifest names.
"""

import dataclasses
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import torch

from sightline.data.audit.audit import Audit, audit
from sightline.data.audit.duplicates import bind as bind_duplicates
from sightline.data.audit.leaks import without_leaks
from sightline.data.imageset import ArrayImages, ImageSet, Splits, Unused
from sightline.data.sources.builtin import NAMED_SETS, NAMES, load_digits, load_named
from sightline.data.sources.folder import list_folder
from sightline.data.sources.listing import Listing, all_images, scored_images, splits_of
from sightline.data.sources.quarantine import FILE_NAME, quarantined, quarantined_images, read_quarantine
from sightline.data.sources.table import list_table
from sightline.data.split import DEFAULT_TEST, ManifestRow, hold_out, parse_share, require_readable
from sightline.errors import ConfigError, DataError, near

WEIGHTS = "weights"  # the folder in $SIGHTLINE_DATA that holds networks, not images (see `models.hub`)


def load_data(
    data: str | os.PathLike[str],
    *,
    val: str | float | None = None,
    seed: int = 0,
    group_by: str | None = None,
    quarantine: str | os.PathLike[str] | None = None,
    bind: bool = True,
) -> Splits:
    """Training, validation and test images of `data`; nothing on disk is moved or changed.

    data: the name of a named set (`./mnist` is a folder of that name), a folder of class folders, a CSV table, or a
        folder or table in $SIGHTLINE_DATA by its name there.
    val: the share of the training images held out for validation, as 0.1 or "10%" (the default); 0 for none.
    seed: decides which images are held out. Their own test images are the test split of sets that have some.
    group_by: a table's column, or a regular expression on images' names (see `grouping`); images of one group stay on
        one side of a split. bind: False splits as if there were no groups, which flatters the result.
    quarantine: a file of images to leave out and labels to correct; by default quarantine.csv in the folder or beside
        the table, where there is one.

    Raises DataError for data that cannot be found, read or trained on, ConfigError for an impossible `val` or pattern.
    """
    parse_share(val)  # first, so that an impossible one costs nobody a download
    name = os.fspath(data)
    if name in NAMES:
        return _named_splits(name, val=val, seed=seed, group_by=group_by, quarantine=quarantine)
    return splits_of(_listing(name, group_by, quarantine), val=val, seed=seed, bind=bind)


def load_audited(
    data: str | os.PathLike[str],
    *,
    val: str | float | None = None,
    seed: int = 0,
    group_by: str | None = None,
    quarantine: str | os.PathLike[str] | None = None,
) -> tuple[Splits, Audit | None]:
    """The splits of `data` with duplicates kept on one side, and what was found in looking at every file.

    Files that cannot be read are unused, and so are images of training that the data's own test split has as well.
    Named sets are split as `load_data` does, without an audit: they are the same for everybody. The arguments and what
    is raised are those of `load_data`.
    """
    parse_share(val)
    name = os.fspath(data)
    if name in NAMES:
        return _named_splits(name, val=val, seed=seed, group_by=group_by, quarantine=quarantine), None
    listed = _listing(name, group_by, quarantine)
    listing, examination = _audited(listed, name)
    require_readable(_training_counts(listed), _training_counts(listing))
    bound = bind_duplicates(examination.duplicates, examination.images)
    splits = splits_of(listing, val=val, seed=seed, bound=bound)
    return without_leaks(splits, examination.duplicates, examination.images), examination


def audit_data(
    data: str | os.PathLike[str],
    *,
    group_by: str | None = None,
    quarantine: str | os.PathLike[str] | None = None,
) -> Audit:
    """What is found in looking at every image of `data`, a named set too, whether it can be trained on or not.

    Raises DataError when the data cannot be found or listed, or holds no image at all.
    """
    name = os.fspath(data)
    if name not in NAMES:
        return _audited(_listing(name, group_by, quarantine), name)[1]
    _forbid_groups(name, group_by)
    images, splits, unused, note = _whole_named(name, quarantine)
    return audit(images, name=name, splits=splits, unused=unused, warnings=(note,) if note else ())


def load_recorded(
    data: str | os.PathLike[str],
    rows: Sequence[ManifestRow],
    *,
    quarantine: str | os.PathLike[str] | None = None,
) -> Splits:
    """The images of `data` that a split manifest names, in the splits it gives them; no file is decoded for it.

    Images that are not in the manifest are unused. Raises DataError when an image is gone or its label has changed.
    """
    parts, title, unused, note = _recorded(os.fspath(data), rows, quarantine)
    if parts["train"] is None:
        raise DataError("the split manifest names no training images", hint="train again from the start")
    return Splits(title, parts["train"], parts["val"], parts["test"], unused=unused, note=note)


def load_recorded_test(data: str | os.PathLike[str], rows: Sequence[ManifestRow]) -> ImageSet | None:
    """The test images of `data` that a split manifest names, None when it names none; others may be gone.

    Raises DataError when a test image is gone or its label has changed.
    """
    tested = [row for row in rows if row.split == "test"]
    return _recorded(os.fspath(data), tested, None)[0]["test"] if tested else None


def _recorded(
    name: str, rows: Sequence[ManifestRow], quarantine: str | os.PathLike[str] | None
) -> tuple[dict[str, ImageSet | None], str, tuple[Unused, ...], str]:
    """The images of each split that `rows` name, the data's short name, the images they do not name, the note."""
    if name in NAMES:
        images, _, unused, note = _whole_named(name, quarantine)
        title = name
    else:
        listing = _listing(name, None, quarantine)
        images, unused, note, title = all_images(listing), tuple(listing.unused), "", listing.name
    place = {image: index for index, image in enumerate(images.ids)}
    missing = [row.id for row in rows if row.id not in place]
    if missing:
        what = (
            f"{len(missing):,} of {len(rows):,} recorded images are not in {name} any more, the first is {missing[0]}"
        )
        raise DataError(what, hint="put the data back as it was")
    for row in rows:
        if (label := images.classes[images.labels[place[row.id]]]) != row.label:
            raise DataError(f"{row.id} was '{row.label}' and is '{label}' now", hint="put the data back as it was")
    recorded = {row.id for row in rows}
    new = tuple(Unused(image, "not in the split manifest", "unlisted") for image in images.ids if image not in recorded)
    classes = tuple(sorted({row.label for row in rows})) if name not in NAMES else images.classes
    relabelled = torch.tensor([classes.index(c) if c in classes else -1 for c in images.classes])[images.labels]
    images = dataclasses.replace(images, labels=relabelled, classes=classes)

    def part(split: str) -> ImageSet | None:
        chosen = [row for row in rows if row.split == split]
        groups = tuple(row.group for row in chosen) if any(row.group for row in chosen) else ()
        taken = images.take([place[row.id] for row in chosen])
        return dataclasses.replace(taken, groups=groups) if chosen else None

    return {split: part(split) for split in ("train", "val", "test")}, title, (*unused, *new), note


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
    listing = _listing(name, None, None)
    return ScoredData(scored_images(listing), unused=tuple(listing.unused))


def _listing(name: str, group_by: str | None, quarantine: str | os.PathLike[str] | None) -> Listing:
    """The files of the folder or table `name`, grouped and without those in quarantine. Raises DataError."""
    path = _existing_path(name)
    if path.is_dir():
        listing, beside = list_folder(path, group_by=group_by), path / FILE_NAME
    elif path.suffix.lower() == ".csv":
        listing, beside = list_table(path, group_by=group_by), path.with_name(FILE_NAME)
    else:
        hint = "give a folder of class folders, or a table that ends in .csv"
        raise DataError(f"{path} is neither a folder nor a CSV table", hint=hint)
    if quarantine is None and beside.is_file() and beside != path:
        quarantine = beside
    if quarantine is None:
        return listing
    return quarantined(listing, read_quarantine(Path(quarantine)), source=Path(quarantine).name)


def _audited(listing: Listing, data: str) -> tuple[Listing, Audit]:
    """The listing without unreadable files, and what was found, in the same order. data: what a person calls it."""
    examination = audit(
        all_images(listing),
        name=listing.name,
        where=data,
        splits=[file.split for file in listing.files],
        unused=listing.unused,
        warnings=listing.warnings,
    )
    readable = set(examination.images.ids)
    files = [file for file in listing.files if file.id in readable]
    return dataclasses.replace(listing, files=files, unused=examination.unused), examination


def _training_counts(listing: Listing) -> Counter[str]:
    """How many images each class has to train on, or to be held out from those."""
    return Counter(file.label for file in listing.files if file.split in ("", "train"))


def _named_splits(
    name: str,
    *,
    val: str | float | None,
    seed: int,
    group_by: str | None,
    quarantine: str | os.PathLike[str] | None,
) -> Splits:
    """A named set with its own test images, or for digits, which have none, a fifth of them."""
    _forbid_groups(name, group_by)
    share = parse_share(val)
    train, test, unused, note = _named_parts(name, quarantine)
    if test is None:
        train, test = hold_out(train, DEFAULT_TEST, seed=seed, purpose="test")
    if not share:
        return Splits(name, train, None, test, unused=unused, note=note)
    train, held_out = hold_out(train, share, seed=seed, purpose="validation")
    return Splits(name, train, held_out, test, unused=unused, note=note)


def _named_parts(
    name: str, quarantine: str | os.PathLike[str] | None
) -> tuple[ImageSet, ImageSet | None, tuple[Unused, ...], str]:
    """A named set's training images, its test images if it has some of its own, what is in quarantine, its note."""
    train, test, note = load_named(name) if name in NAMED_SETS else (load_digits(), None, "")
    if quarantine is None:
        return train, test, (), note
    remedies, source = read_quarantine(Path(quarantine)), Path(quarantine).name
    train, unused = quarantined_images(train, remedies, source=source)
    if test is not None:
        test, more = quarantined_images(test, remedies, source=source)
        unused += more
    return train, test, unused, note


def _whole_named(
    name: str, quarantine: str | os.PathLike[str] | None
) -> tuple[ImageSet, tuple[str, ...], tuple[Unused, ...], str]:
    """All images of a named set, the split its makers gave each, what is in quarantine, and its note."""
    train, test, unused, note = _named_parts(name, quarantine)
    if test is None:
        return train, ("",) * len(train), unused, note
    assert train.images.decoded is not None
    assert test.images.decoded is not None
    pixels = [part.whole().pixels for part in (train.images.decoded, test.images.decoded)]
    whole = ImageSet(
        ArrayImages(torch.cat(pixels)),
        torch.cat([train.labels, test.labels]),
        train.classes,
        train.ids + test.ids,
    )
    return whole, ("train",) * len(train) + ("test",) * len(test), unused, note


def _forbid_groups(name: str, group_by: str | None) -> None:
    if group_by:
        raise ConfigError(f"group-by is '{group_by}', but {name} has no groups", hint="leave --group-by out")


def _existing_path(name: str) -> Path:
    """The folder or file `name`, here or in $SIGHTLINE_DATA. Raises DataError with the nearest names."""
    if not name.strip():  # Path("") is the current folder
        raise DataError("the data has no name", hint="give a folder, a table or a data set, e.g. digits")
    path = Path(name).expanduser()
    if path.exists():
        return path
    folder = os.environ.get("SIGHTLINE_DATA", "")
    root = Path(folder).expanduser() if folder else None
    if root and (root / name).exists():
        return root / name
    if len(path.parts) > 1 or path.suffix:
        raise DataError(f"there is no folder or file {path}", hint="check the path")
    try:
        beside = {entry.name for entry in root.iterdir() if entry.is_dir() and entry.name != WEIGHTS} if root else set()
    except OSError:
        beside = set()
    raise DataError(f"there is no data set or folder '{name}'", hint=near(name, {*NAMES, *beside, *_close_here(name)}))


def _close_here(name: str) -> list[str]:
    """The folders in the current one that are called nearly so."""
    try:
        folders = [entry.name for entry in Path().iterdir() if entry.is_dir()]
    except OSError:
        return []
    return get_close_matches(name, folders, cutoff=0.7)
