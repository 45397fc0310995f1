"""Files that were deleted or rewritten since they were read."""

import os
from pathlib import Path

import pytest
import torch

from sightline.data.images import EncodedImages
from sightline.data.imageset import CachedImages, ImageSet
from sightline.data.originals import Files, stamps
from sightline.data.store.stamps import changed_files


def image_set(paths: list[Path], *, looked_at: bool, cached: bool = False) -> ImageSet:
    files = EncodedImages(Files(paths), stamps=stamps(Files(paths)) if looked_at else None)
    rows = torch.arange(len(paths))
    images = CachedImages(files, torch.zeros(len(paths), 1, 1, 1, dtype=torch.uint8), rows) if cached else files
    return ImageSet(images, rows, tuple(map(str, rows.tolist())), tuple(f"pets/{path.name}" for path in paths))


@pytest.mark.parametrize("cached", [False, True])
def test_deleted_and_rewritten_files_are_named(tmp_path: Path, cached: bool) -> None:
    paths = [tmp_path / name for name in "abcd"]
    for path in paths:
        path.write_bytes(b"old")
    before = image_set(paths, looked_at=True, cached=cached)
    assert changed_files(before) == ()
    paths[1].unlink()
    paths[2].write_bytes(b"newer")
    os.utime(paths[3], ns=(1, 1))
    changed = {file.path: file.reason for file in changed_files(before)}
    assert changed == {
        "pets/b": "deleted during the training",
        "pets/c": "rewritten during the training",
        "pets/d": "rewritten during the training",
    }
    assert [file.path for file in changed_files(before.take([3, 0]))] == ["pets/d"]


def test_what_was_never_looked_at_has_not_changed(tmp_path: Path) -> None:
    assert changed_files(image_set([tmp_path / "absent"], looked_at=False)) == ()
    assert changed_files(None) == ()
