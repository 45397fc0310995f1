"""What images are decoded from: files, members of an archive, rows of a table - whatever has names and bytes."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol, overload

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sightline.pixels.decode import image_errors

GONE = -1  # as size and time of an original that is not there


class Originals(Protocol):
    """Encoded images, in an order of their own. Threads ask for several at once."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What messages call it, and the cache of decoded images: no other original on this machine has this name."""
        ...

    def open(self, index: int) -> BinaryIO:
        """Its bytes, from the first on. Raises what its storage raises, which `image_errors` puts into words."""
        ...

    def stamp(self, index: int) -> tuple[int, int]:
        """Two numbers that change when the bytes do, e.g. size and time; (GONE, GONE) when it is not there any more."""
        ...

    def take(self, indices: Tensor) -> "Originals":
        """Those at `indices` (N,) int64, in that order."""
        ...


class Files(Sequence[Path]):
    """Files, as originals and as their paths.

    Paths are kept as strings, which are smaller, and made when they are asked for. Figures: docs/experiments.md.
    """

    __slots__ = ("_names",)

    def __init__(self, paths: Iterable[str | os.PathLike[str]]) -> None:
        names = paths._names if isinstance(paths, Files) else tuple(os.fspath(path) for path in paths)
        self._names: tuple[str, ...] = names

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> "Files": ...
    def __getitem__(self, index: int | slice) -> "Path | Files":
        return Files(self._names[index]) if isinstance(index, slice) else Path(self._names[index])

    def name(self, index: int) -> str:
        return self._names[index]

    def open(self, index: int) -> BinaryIO:
        return open(self._names[index], "rb")

    def stamp(self, index: int) -> tuple[int, int]:
        """Bytes and modification time in ns."""
        try:
            stat = os.stat(self._names[index])
        except (OSError, ValueError):  # ValueError: a NUL character in the name
            return GONE, GONE
        return stat.st_size, stat.st_mtime_ns

    def take(self, indices: Tensor) -> "Files":
        return Files(self._names[i] for i in indices.numpy())


def content(originals: Originals, index: int) -> bytes:
    """All bytes of one. Raises ImageError, naming it and the reason, when they cannot be read."""
    with image_errors(originals.name(index)), originals.open(index) as file:
        return file.read()


def stamps(originals: Originals) -> NDArray[np.int64]:
    """The stamp of every one: int64 (N, 2)."""
    stamped = np.empty((len(originals), 2), dtype=np.int64)
    for index in range(len(originals)):
        stamped[index] = originals.stamp(index)
    return stamped
