"""Files as originals: paths that are made when they are asked for, bytes, and stamps."""

import os
from pathlib import Path

import pytest
import torch

from sightline.data.originals import GONE, Files, content, stamps
from sightline.errors import ImageError

NAMES = [f"/photos/cat/{number:07}.jpg" for number in range(10)]


def test_it_is_a_sequence_of_paths() -> None:
    paths = Files([NAMES[0], *map(Path, NAMES[1:])])
    assert list(paths) == [Path(name) for name in NAMES]
    assert (len(paths), paths[-1]) == (10, Path(NAMES[-1]))
    assert list(paths[::4]) == [Path(name) for name in NAMES[::4]]
    assert Path(NAMES[3]) in paths
    with pytest.raises(IndexError):
        paths[10]


def test_some_of_them_share_their_strings() -> None:
    paths = Files(NAMES)
    taken = paths.take(torch.tensor([7, 2, 2]))
    assert list(taken) == [Path(NAMES[7]), Path(NAMES[2]), Path(NAMES[2])]
    assert all(name is NAMES[i] for name, i in zip(taken._names, (7, 2, 2), strict=True))
    assert Files(paths)._names is paths._names


@pytest.mark.skipif(os.name != "posix", reason="names there are not bytes")
def test_names_that_are_no_text_come_back(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg"))
    assert Files([path])[0] == path


def test_a_stamp_is_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    os.utime(path, ns=(1, 2_000))
    files = Files([path, tmp_path / "absent", "nul\0"])
    assert files.stamp(0) == (5, 2_000)
    assert files.stamp(1) == files.stamp(2) == (GONE, GONE)
    assert stamps(files).tolist() == [[5, 2_000], [-1, -1], [-1, -1]]
    assert stamps(Files([])).shape == (0, 2)


def test_bytes_that_cannot_be_read_are_an_error_with_name_and_reason(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    files = Files([tmp_path / "a", tmp_path / "absent", tmp_path, "nul\0"])
    assert content(files, 0) == b"12345"
    for index, reason in ((1, "there is no such file"), (2, "it is a folder"), (3, "null byte")):
        with pytest.raises(ImageError, match=reason) as caught:
            content(files, index)
        assert files.name(index) in caught.value.what
