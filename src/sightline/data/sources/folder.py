"""A folder of class folders: photos/cat/1.jpg, or photos/train/cat/1.jpg and photos/test/cat/2.jpg.

Types are told by content, never by suffix. Every file that is not used is listed with its reason.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from sightline.data.imageset import Unused
from sightline.data.sources.grouping import grouped_by_pattern
from sightline.data.sources.listing import SPLIT_NAMES, LabelledFile, Listing, printable, why_unusable
from sightline.data.sources.quarantine import FILE_NAME as QUARANTINE
from sightline.errors import DataError


def list_folder(root: Path, *, group_by: str | None = None) -> Listing:
    """Every image below `root` with its class, and its split if the folders say so; and every file that is not used.

    group_by: a pattern that finds the group in an image's name (see `grouping`). Images in folders inside a class
    folder belong to the class. Raises DataError, ConfigError for an impossible pattern.
    """
    try:
        listed = list(_listed(root))
    except OSError as error:
        raise DataError(f"cannot list {error.filename or root}: {(error.strerror or str(error)).lower()}") from error
    listing = Listing(
        name=printable(root.resolve().name) or "data",
        where=str(root),
        files=[item for item in listed if isinstance(item, LabelledFile)],
        unused=[item for item in listed if isinstance(item, Unused)],
    )
    return grouped_by_pattern(listing, group_by) if group_by else listing


def _listed(root: Path) -> Iterator[LabelledFile | Unused]:
    """Everything below `root`, in an order that does not depend on the disk."""
    by_split = _split_folders(root)
    if not by_split:
        _forbid_extra_layer(root)
        yield from _class_folders(root, split="", prefix="")
        return
    for split, folder in by_split.items():
        yield from _class_folders(folder, split=split, prefix=f"{printable(folder.name)}/")
    for path in _entries(root):
        if path not in by_split.values() and path.name != QUARANTINE:
            name = printable(path.name)
            yield _hidden_file(name) if _hidden(path) else Unused(name, "beside the split folders", "beside")


def _split_folders(root: Path) -> dict[str, Path]:
    """The folder of each split, by "train", "val" and "test"; empty when the folders in `root` are classes."""
    folders = _folders(root)
    named = [(SPLIT_NAMES[path.name.lower()], path) for path in folders if path.name.lower() in SPLIT_NAMES]
    training = [path for split, path in named if split == "train"]
    if not any(_folders(path) for path in training):
        if named and len(named) == len(folders):
            names = ", ".join(path.name for path in folders)
            missing = "are no class folders in the training folder" if training else "is no training folder"
            hint = "put each class into a folder of its own, as in train/cat and test/cat"
            raise DataError(f"there {missing} in {root}, only {names}", hint=hint)
        return {}  # a class may well be called "train"
    by_split: dict[str, Path] = {}
    for split, path in named:
        if by_split.setdefault(split, path) != path:
            both = f"{by_split[split].name} and {path.name}"
            raise DataError(f"{both} are the same split", where=str(root), hint="put their class folders into one")
    return by_split


def _forbid_extra_layer(root: Path) -> None:
    """Raise DataError when `root` holds nothing but one folder of class folders, as archives often unpack."""
    folders = _folders(root)
    if len(folders) == 1 and len(_folders(folders[0])) > 1:
        raise DataError(f"there is only one class folder in {root}", hint=f"did you mean {folders[0]}?")


def _class_folders(parent: Path, *, split: str, prefix: str) -> Iterator[LabelledFile | Unused]:
    """The images of every class folder in `parent`. prefix: what comes before the class in an image's id."""
    taken: set[str] = set()
    for path in _entries(parent):
        name = prefix + printable(path.name)
        if _hidden(path):
            yield _hidden_file(name)
        elif not path.is_dir():
            if path.name != QUARANTINE:
                yield Unused(name, "not in a class folder", "beside")
        else:
            before, label = len(taken), printable(path.name)
            for item in _walk(path, name, {os.path.realpath(parent), os.path.realpath(path)}):
                if isinstance(item, Unused):
                    yield item
                else:
                    image, image_id = item
                    yield LabelledFile(str(image), _unique(image_id, taken), label, split)
            if len(taken) == before:
                yield Unused(name, "a class folder without images")


def _walk(folder: Path, name: str, real_folders: set[str]) -> Iterator[tuple[Path, str] | Unused]:
    """(path, id) of every image below `folder`, whose id is `name`, and the files there that are not used.

    real_folders: real paths of the folders that have been listed, so that links in a circle come to an end.
    """
    try:
        entries = sorted(os.listdir(folder))  # no paths: of a large folder they are much memory at once
    except OSError as error:
        yield Unused(name, (error.strerror or str(error)).lower())
        return
    for entry in entries:
        path = folder / entry
        path_id = f"{name}/{printable(path.name)}"
        if _hidden(path):
            yield _hidden_file(path_id)
        elif path.is_dir():
            real = os.path.realpath(path)
            if real in real_folders:
                yield Unused(path_id, "a link to a folder that is listed already")
            else:
                real_folders.add(real)
                yield from _walk(path, path_id, real_folders)
        else:
            reason = why_unusable(path)
            yield Unused(path_id, reason) if reason else (path, path_id)


def _unique(name: str, taken: set[str]) -> str:
    """`name`, marked when two files differ only in how their accents are written."""
    while name in taken:
        name += "~"
    taken.add(name)
    return name


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def _folders(folder: Path) -> list[Path]:
    """The visible folders in `folder`."""
    return [path for path in _entries(folder) if path.is_dir() and not _hidden(path)]


def _hidden_file(name: str) -> Unused:
    return Unused(name, "hidden", "hidden")


def _hidden(path: Path) -> bool:
    return path.name.startswith(".")
