"""Labelled files, listed by a folder or a table, made into `Splits`: the rules that both share.

What stands in a quarantine (`quarantine.py`) has been taken out, and groups have been named (`grouping.py`), before the
audit (`audit.py`) looks at the files and `splits_of` splits them.
"""

import contextlib
import stat
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sightline.data.images import EncodedImages
from sightline.data.imageset import ImageSet, Splits, Unused
from sightline.data.originals import Files, Originals
from sightline.data.split import DEFAULT_TEST, hold_out, parse_share, require_images
from sightline.errors import ConfigError, DataError, ImageError, near
from sightline.pixels.decode import READERS, STRANGERS

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
PURPOSES = {"train": "training", "val": "validation", "test": "test"}
LOOKED_AT = 20  # files decoded to tell whether they are grey and how large
SMALL = 64  # pixels; images with a larger side are photos, whose size says nothing
HEADER = 64  # bytes by which the type of a file is told


@dataclass(frozen=True, slots=True)  # there are as many as images
class LabelledFile:
    """An image file before it is split. id: its name in manifests; split: "train", "val", "test" or "" (open)."""

    path: str
    id: str
    label: str
    split: str = ""
    group: str = ""


@dataclass(frozen=True)
class Listing:
    """What a folder or table holds, before anything is split or decoded.

    name: the data set's short name. where: the folder or table, as named in errors. unused, warnings: see `Splits`.
    """

    name: str
    where: str
    files: Sequence[LabelledFile]
    unused: Sequence[Unused] = ()
    warnings: Sequence[str] = ()


def splits_of(
    listing: Listing, *, val: str | float | None, seed: int, bound: Sequence[str] = (), bind: bool = True
) -> Splits:
    """Splits of files on disk. Classes are those of the training images, sorted by name.

    Without splits, or with training images only: 20 % test, then the validation share of the rest. With test images but
    none for validation: the validation share of the training images. `val` 0 trains on what was for validation too.

    bound: in place of the files' own groups, one name for each file; those with the same name, e.g. duplicates, are
    held out together. bind: False splits as if there were no groups at all, which flatters the result.
    Raises DataError for data that cannot be trained on, ConfigError for `val`.
    """
    share = parse_share(val)
    files, where = _files(listing), listing.where
    decided = any(file.split in ("val", "test") for file in files)
    if share == 0:
        files = [replace(file, split="train") if file.split == "val" else file for file in files]
    elif val is not None and any(file.split == "val" for file in files):
        raise ConfigError(f"val is '{val}', but {where} has validation images of its own", hint="leave --val out")

    classes = tuple(sorted({file.label for file in files if file.split in ("", "train")}))
    _require_classes(classes, files, where)
    if bind:
        _require_whole_groups(files, where)
    grouped = bind and any(file.group for file in files)
    if bound or not bind:
        names = bound if bind else [""] * len(files)
        files = [replace(file, group=name) for file, name in zip(files, names, strict=True)]
    train = _image_set([file for file in files if file.split in ("", "train")], classes)
    held_out = _image_set([file for file in files if file.split == "val"], classes)
    test = _image_set([file for file in files if file.split == "test"], classes)

    if not grouped:
        parts = ["training"] + ["test"] * (not decided) + ["validation"] * (share > 0 and not len(held_out))
        require_images(train, tuple(parts))
    if not decided:
        train, test = hold_out(train, DEFAULT_TEST, seed=seed, purpose="test")
    if share and not len(held_out):
        train, held_out = hold_out(train, share, seed=seed, purpose="validation")
    val_or_none, test_or_none = (images if len(images) else None for images in (held_out, test))
    splits = Splits(listing.name, train, val_or_none, test_or_none, unused=tuple(listing.unused))
    return replace(splits, warnings=(*listing.warnings, *_missing(splits)))


def scored_images(listing: Listing) -> ImageSet:
    """The images to score a classifier on: those for testing where some are, otherwise all; of any classes, even one.

    Raises DataError when there is not one image.
    """
    files = _files(listing)
    files = [file for file in files if file.split == "test"] or files
    return _image_set(files, tuple(sorted({file.label for file in files})))


def all_images(listing: Listing) -> ImageSet:
    """Every listed image in the order of the listing, whatever its split. Raises DataError when there is not one."""
    files = _files(listing)
    return _image_set(files, tuple(sorted({file.label for file in files})))


def why_unusable(path: Path) -> str:
    """Why a file cannot be an image Sightline reads, judged by its first bytes; empty when it may be one.

    Damage further inside is found when the image is decoded.
    """
    try:
        # Asked first: opening a named pipe would wait for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            return "not a regular file"
        with open(path, "rb", buffering=0) as file:
            start = file.read(HEADER)
    except FileNotFoundError:
        return "a link to nothing" if path.is_symlink() else "there is no such file"
    except (OSError, ValueError) as error:  # ValueError: a NUL character in a table's path
        return str(getattr(error, "strerror", None) or error).lower()
    if not start:
        return "empty file"
    if any(signature.match(start) for _, signature, _ in READERS):
        return ""
    return next((what for signature, what in STRANGERS if signature.match(start)), "not an image of a supported type")


def printable(name: str) -> str:
    """A file name as text that compares and prints alike on every system.

    macOS takes accents apart (NFD) where Linux leaves them whole (NFC); Linux allows bytes that are no text at all.
    """
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", text)


def _files(listing: Listing) -> Sequence[LabelledFile]:
    """The listed images. Raises DataError when there are none."""
    if not listing.files:
        raise DataError(f"there are no images in {listing.where}", hint=_why_unused(listing.unused))
    return listing.files


def _require_classes(classes: tuple[str, ...], files: Sequence[LabelledFile], where: str) -> None:
    """Raise DataError unless there are two classes to train on and every other split keeps to them."""
    if not classes:
        raise DataError(f"there are no training images in {where}", hint="every image is for validation or test")
    for split in ("val", "test"):
        extra = sorted({file.label for file in files if file.split == split} - set(classes))
        if extra:
            what = f"class '{extra[0]}' has {PURPOSES[split]} images but no training images"
            more = f" (so have {len(extra) - 1} more: {', '.join(extra[1:10])})" if extra[1:] else ""
            raise DataError(what + more, where=where, hint=near(extra[0], classes))
    if len(classes) == 1:
        hint = "a classifier needs at least two: add images of something else"
        raise DataError(f"there is only one class, '{classes[0]}', in {where}", hint=hint)


def _require_whole_groups(files: Sequence[LabelledFile], where: str) -> None:
    """Raise DataError when images of one group were given to different splits."""
    split_of: dict[str, str] = {}
    for file in files:
        if file.group and split_of.setdefault(file.group, file.split) != file.split:
            splits = " and ".join(sorted({split_of[file.group], file.split}))
            hint = "a group must be wholly in one split, or the score is of images the network has all but seen"
            raise DataError(f"group '{file.group}' is in both {splits}", where=where, hint=hint)


def _image_set(files: Sequence[LabelledFile], classes: tuple[str, ...]) -> ImageSet:
    label_of = {name: label for label, name in enumerate(classes)}
    return ImageSet(
        images=look_at(Files(file.path for file in files)),
        labels=torch.tensor([label_of[file.label] for file in files], dtype=torch.int64),
        classes=classes,
        ids=tuple(file.id for file in files),
        groups=tuple(file.group for file in files) if any(file.group for file in files) else (),
    )


def _missing(splits: Splits) -> list[str]:
    """A sentence for each split that lacks classes, or is lacking itself though nothing was said about it."""
    sentences = []
    for purpose, images in (("validation", splits.val), ("test", splits.test)):
        absent = [name for name, count in images.counts().items() if not count] if images else []
        if absent:
            names = ", ".join(absent[:10]) + (", ..." if absent[10:] else "")
            plural = "class has" if len(absent) == 1 else "classes have"
            sentences.append(f"{len(absent)} {plural} no {purpose} images: {names}")
    if splits.test is None:
        sentences.append("there are no test images: no accuracy on images that training never touched can be given")
    return sentences


def _why_unused(unused: Sequence[Unused]) -> str:
    """The commonest reasons why there are no images, as a hint."""
    reasons = Counter(item.reason for item in unused).most_common(3)
    causes = f"found {'; '.join(f'{count} x {reason}' for reason, count in reasons)}; " if reasons else ""
    return f"{causes}put the images of each class into a folder named after the class, or list them in a CSV table"


def look_at(originals: Originals) -> EncodedImages:
    """The originals as images, grey or in colour and small or not, as a few of them, evenly spaced, turn out to be.

    One that cannot be read tells nothing here; it is reported when all are decoded.
    """
    images = EncodedImages(originals)
    looked = []
    for index in range(0, len(images), max(1, len(images) // LOOKED_AT)):
        with contextlib.suppress(ImageError):
            looked.append(images.read(index, min_size=SMALL + 1))  # a photo need not be decoded in full for this
    if not looked:
        return images
    grey = all((image == image[:, :, :1]).all() for image in looked)
    size = max(max(image.shape[:2]) for image in looked)
    return EncodedImages(originals, channels=1 if grey else 3, size=size if size <= SMALL else None)
