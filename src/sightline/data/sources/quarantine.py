"""quarantine.csv: images to leave out and labels to correct, while the files themselves stay as they are.

    path,action,label,reason
    cat/0007.jpg,leave-out,,copy of cat/0003.jpg
    cat/0012.jpg,label,dog,

A path is the image's name in reports: relative to the folder, or as in the table. The label is needed for `label` only;
a reason is for people. `quarantine.csv` in the folder, or beside the table, is found by itself.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import torch

from sightline.data.imageset import ImageSet, Unused
from sightline.data.sources.listing import LabelledFile, Listing, printable
from sightline.errors import DataError, near
from sightline.machine.files import write_text

FILE_NAME = "quarantine.csv"
COLUMNS = ("path", "action", "label", "reason")
HEADER_HINT = f"its first line should be {','.join(COLUMNS)}; label and reason may be left out"

Action = Literal["leave-out", "label"]


@dataclass(frozen=True)
class Remedy:
    """What is to be done about one image. label: the right one, for `label`; reason: for people, may be empty."""

    path: str
    action: Action
    label: str = ""
    reason: str = ""


def read_quarantine(path: Path) -> tuple[Remedy, ...]:
    """The lines of a quarantine file. Raises DataError naming file and line."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, cells) for cells in reader if any(cells)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}", hint="save it as CSV in UTF-8") from error
    header = [cell.strip() for cell in lines[0][1]] if lines else []
    if "path" not in header or "action" not in header or not set(header) <= set(COLUMNS):
        raise DataError(f"{path} is not a quarantine file", hint=HEADER_HINT)
    remedies: dict[str, Remedy] = {}
    for number, cells in lines[1:]:
        if len(cells) != len(header):
            what = f"line {number} has {len(cells)} cells for {len(header)} columns"
            raise DataError(what, where=str(path), hint="put a cell that holds a comma in double quotes")
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        row["path"] = cells[header.index("path")]  # a name may begin or end with a space
        remedy = _remedy(dict.fromkeys(COLUMNS, "") | row, number, path)
        if replace(remedies.setdefault(remedy.path, remedy), reason=remedy.reason) != remedy:
            what = f"line {number} contradicts an earlier one on '{remedy.path}'"
            raise DataError(what, where=str(path), hint="keep one line an image")
    return tuple(remedies.values())


def _remedy(row: Mapping[str, str], number: int, path: Path) -> Remedy:
    if not row["path"].strip():
        raise DataError(f"line {number} has no path", where=str(path))
    action = next((known for known in get_args(Action) if known == row["action"]), None)
    if action is None:
        hint = near(row["action"], get_args(Action))
        raise DataError(f"line {number} has action '{row['action']}'", where=str(path), hint=hint)
    if (action == "label") != bool(row["label"]):
        what = f"line {number} gives " + ("no label to correct to" if action == "label" else "a label to leave out")
        raise DataError(what, where=str(path), hint="use path,label,NAME or path,leave-out")
    return Remedy(printable(row["path"]), action, printable(row["label"]), row["reason"])


def write_quarantine(remedies: Sequence[Remedy], path: Path) -> None:
    """Write a quarantine file that `read_quarantine` reads. Raises StorageError."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((remedy.path, remedy.action, remedy.label, remedy.reason) for remedy in remedies)
    write_text(path, text.getvalue())


def quarantined(listing: Listing, remedies: Sequence[Remedy], *, source: str = FILE_NAME) -> Listing:
    """The listing without the images that are left out, which it lists as unused, and with labels corrected.

    source: the file the remedies are from, as named in messages. Remedies for images that are not there are mentioned
    in the listing's warnings. Raises DataError for a label that no image has.
    """
    by_path = {remedy.path: remedy for remedy in remedies}
    _require_labels(remedies, {file.label for file in listing.files}, source)
    files: list[LabelledFile] = []
    unused = list(listing.unused)
    for file in listing.files:
        remedy = by_path.get(file.id) or by_path.get(printable(file.id))
        if remedy is None:
            files.append(file)
        elif remedy.action == "label":
            files.append(replace(file, label=remedy.label))
        else:
            unused.append(_left_out(file.id, remedy, source))
    known = {printable(file.id) for file in listing.files} | {printable(file.path) for file in unused}
    warnings = [*listing.warnings, *_strangers(remedies, known, source)]
    return replace(listing, files=files, unused=unused, warnings=warnings)


def quarantined_images(
    images: ImageSet, remedies: Sequence[Remedy], *, source: str = FILE_NAME
) -> tuple[ImageSet, tuple[Unused, ...]]:
    """The same for images in memory: those that stay, labels corrected, and those left out. Raises DataError."""
    place = {name: index for index, name in enumerate(images.ids)}
    _require_labels(remedies, set(images.classes), source)
    labels = images.labels.clone()
    left_out: dict[int, Unused] = {}
    for remedy in remedies:
        index = place.get(remedy.path)
        if index is None:
            continue
        if remedy.action == "label":
            labels[index] = images.classes.index(remedy.label)
        else:
            left_out[index] = _left_out(remedy.path, remedy, source)
    relabelled = replace(images, labels=labels)
    if not left_out:
        return relabelled, ()
    rest = torch.tensor([index for index in range(len(images)) if index not in left_out])
    return relabelled.take(rest), tuple(left_out.values())


def _left_out(name: str, remedy: Remedy, source: str) -> Unused:
    return Unused(name, f"left out by {source}" + (f": {remedy.reason}" if remedy.reason else ""), "quarantined")


def _require_labels(remedies: Sequence[Remedy], labels: set[str], source: str) -> None:
    """Raise DataError for a corrected label that is no class: a misspelt one would quietly make a new class."""
    for remedy in remedies:
        if remedy.action == "label" and remedy.label not in labels:
            hint = near(remedy.label, labels)
            raise DataError(f"there is no class '{remedy.label}' for {remedy.path}", where=source, hint=hint)


def _strangers(remedies: Sequence[Remedy], known: set[str], source: str) -> list[str]:
    """A sentence on the remedies for images that are not there; none when all are."""
    missing = [remedy.path for remedy in remedies if remedy.path not in known]
    if not missing:
        return []
    images = "1 image" if len(missing) == 1 else f"{len(missing):,} images"
    return [f"{source} names {images} that are not there: {', '.join(missing[:3])}{', ...' if missing[3:] else ''}"]
