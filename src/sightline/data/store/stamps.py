"""Whether files are still what they were: their size and time of modification, noted when they are read."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightline.data.imageset import CachedImages, FileImages, ImageSet, Unused

GONE = -1  # as size and time of a file that is not there


def stamp(path: Path) -> tuple[int, int]:
    """Bytes and modification time in ns of the file; (GONE, GONE) when it cannot be looked at."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # ValueError: a NUL character in the name
        return GONE, GONE
    return found.st_size, found.st_mtime_ns


def stamps(paths: Sequence[Path]) -> NDArray[np.int64]:
    """`stamp` of every file: int64 (N, 2)."""
    found = np.empty((len(paths), 2), dtype=np.int64)
    for index, path in enumerate(paths):
        found[index] = stamp(path)
    return found


def changed_files(image_set: ImageSet | None) -> tuple[Unused, ...]:
    """The files that were deleted or rewritten since they were read, each with what happened to it.

    Only for images that `prepare` has brought into training; for others, and for arrays, there is nothing to compare
    with. What this cannot see: a file rewritten with as many bytes and its old time put back.
    """
    if image_set is None:
        return ()
    images = image_set.images
    files = images.files if isinstance(images, CachedImages) else images
    if not isinstance(files, FileImages) or files.stats is None:
        return ()
    changed = []
    for name, path, before in zip(image_set.ids, files.paths, files.stats, strict=True):
        now = stamp(path)
        if now != tuple(before.tolist()):
            what = "deleted" if now[0] == GONE else "rewritten"
            changed.append(Unused(name, f"{what} during the training", "changed"))
    return tuple(changed)
