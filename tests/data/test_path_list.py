"""Paths that are made when they are asked for."""

import os
from pathlib import Path

import pytest
import torch

from sightline.data.path_list import PathList

NAMES = [f"/photos/cat/{number:07}.jpg" for number in range(10)]


def test_it_is_a_sequence_of_paths() -> None:
    paths = PathList([NAMES[0], *map(Path, NAMES[1:])])
    assert list(paths) == [Path(name) for name in NAMES]
    assert (len(paths), paths[-1]) == (10, Path(NAMES[-1]))
    assert list(paths[::4]) == [Path(name) for name in NAMES[::4]]
    assert Path(NAMES[3]) in paths
    with pytest.raises(IndexError):
        paths[10]


def test_some_of_them_share_their_strings() -> None:
    paths = PathList(NAMES)
    taken = paths.take(torch.tensor([7, 2, 2]))
    assert list(taken) == [Path(NAMES[7]), Path(NAMES[2]), Path(NAMES[2])]
    assert all(name is NAMES[i] for name, i in zip(taken._names, (7, 2, 2), strict=True))
    assert PathList(paths)._names is paths._names


@pytest.mark.skipif(os.name != "posix", reason="names there are not bytes")
def test_names_that_are_no_text_come_back(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg"))
    assert PathList([path])[0] == path
