"""Files are the old version or the new one, and a disk that refuses gives one sentence."""

import errno
import json
import os
from pathlib import Path

import pytest

from sightline.errors import StorageError
from sightline.machine import files


def test_write_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    files.write_text(path, "a long first version of the file")
    files.write_json(path, {"accuracy": 0.5, "name": "café"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"accuracy": 0.5, "name": "café"}
    assert "café" in path.read_text(encoding="utf-8")  # readable, not \u00e9
    assert os.listdir(tmp_path) == ["metrics.json"]


def test_new_file_has_the_permissions_of_a_plain_open(tmp_path: Path) -> None:
    files.write_bytes(tmp_path / "ours", b"")
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_error_in_the_block_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with files.replacing(path) as file:
            file.write(b"half of the ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["weights"]


@pytest.mark.parametrize(
    ("number", "reason", "hint"),
    [
        (errno.ENOSPC, "no space left on device", "free some space"),
        (errno.EROFS, "read-only file system", "the disk is read-only"),
        (errno.EACCES, "permission denied", "you may not write there"),
    ],
)
def test_refusing_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str, hint: str) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"old")

    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError) as caught:
        files.write_bytes(path, b"new")
    assert str(caught.value).startswith(f"cannot write {path}: {reason}: {hint}")
    assert caught.value.exit_code == 2
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["weights"]


def test_missing_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "weights"
    with pytest.raises(StorageError, match="no such file or directory"):
        files.write_bytes(path, b"new")


def test_rename_is_flushed_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is flushed before it takes the name, and the folder after: the order is what makes it safe."""
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def recording_fsync(descriptor: int) -> None:
        steps.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        fsync(descriptor)

    def recording_replace(source: Path, target: Path) -> None:
        steps.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recording_fsync)
    monkeypatch.setattr(os, "replace", recording_replace)
    files.write_bytes(tmp_path / "weights", b"new")
    assert steps == ["file", "rename", "folder"]


def test_make_folder_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(StorageError, match=f"cannot write {tmp_path / 'runs' / 'one'}: not a directory"):
        files.make_folder(tmp_path / "runs" / "one")
