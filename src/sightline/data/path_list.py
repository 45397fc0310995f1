"""Paths of as many files as there are images, kept in little memory."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

from torch import Tensor


class PathList(Sequence[Path]):
    """Paths, kept as strings, which are smaller, and made when they are asked for. Figures: docs/experiments.md."""

    __slots__ = ("_names",)

    def __init__(self, paths: Iterable[str | os.PathLike[str]]) -> None:
        names = paths._names if isinstance(paths, PathList) else tuple(os.fspath(path) for path in paths)
        self._names: tuple[str, ...] = names

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> "PathList": ...
    def __getitem__(self, index: int | slice) -> "Path | PathList":
        return PathList(self._names[index]) if isinstance(index, slice) else Path(self._names[index])

    def take(self, indices: Tensor) -> "PathList":
        """The paths at `indices` (N,) int64, in that order."""
        return PathList(self._names[i] for i in indices.numpy())
