"""Files that are either the old version or the new one, never half of it.

Every write goes to a temporary file in the same folder, is flushed to the disk (fsync), takes the old file's place by a
rename, and then the folder itself is flushed: a kill or a power cut at any moment leaves a whole file behind.
"""

import contextlib
import errno
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from sightline.errors import StorageError

HINTS = {
    errno.ENOSPC: "free some space, or choose another folder with --out",
    errno.EDQUOT: "free some space, or choose another folder with --out",
    errno.EROFS: "the disk is read-only; choose another folder with --out",
    errno.EACCES: "you may not write there; choose another folder with --out or change its permissions",
    errno.ENOTDIR: "a part of this path is a file; choose another",
    errno.EEXIST: "there is a file of this name; choose another",
    errno.EISDIR: "there is a folder of this name; choose another",
    errno.ENOENT: "make this folder first",
    errno.EPERM: "you may not write there; choose another folder with --out or change its permissions",
}


def make_folder(path: Path) -> None:
    """Create `path` and its parents where they are missing. Raises StorageError."""
    with storage_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Put `data` in place of the file at `path`. Raises StorageError."""
    with replacing(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Put `text`, as UTF-8, in place of the file at `path`. Raises StorageError."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Put `value`, as JSON a person can read, in place of the file at `path`. Raises StorageError."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which takes the place of the one at `path` when the block ends without an error.

    After an error the old file is untouched and the temporary one is gone. Raises StorageError.
    """
    # This is not mkstemp: its files are readable by their owner only, and the finished one would be too.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with storage_errors(path):
        try:
            with open(temporary, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _flush_folder(path.parent)


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a StorageError naming `path`, the system's reason and what to do."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StorageError(f"cannot write {path}: {reason}", hint=HINTS.get(error.errno or 0, "")) from error


def _flush_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut. Windows cannot open folders and needs no such step."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
