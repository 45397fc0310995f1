"""Images decoded once, kept as raw pixels in the user's cache: what opens a file, but never decodes it, to train again.

A folder holds the images of one `Preprocess` (size, fit and the like, but not mean and deviation, which come later):

- `pixels.bin`: records of h * w * C bytes, appended and never changed, so that a reader may map them at any time;
- `index.sqlite`: which record (slot) holds which content (BLAKE2b of the file's bytes), and which content a file of
  this path, size and time had when it was read last: a file that has not changed is not even opened.

Records reach the disk before the index names them, so a kill or a power cut leaves records that nothing names, and the
next writer puts its own in their place. One process at a time looks for its images in a folder and adds what is
missing; the others wait for it, and then find what it made. Whatever was used longest ago makes room for the new.
"""

import contextlib
import hashlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor

from sightline.data.originals import Originals
from sightline.machine import cache
from sightline.machine.files import make_folder
from sightline.machine.memory import available_memory
from sightline.pixels.preprocess import Preprocess

FORMAT = 3  # raise it when the same file would give other pixels, or is kept or locked differently
UNKNOWN = -1
BATCH = 500  # paths asked for at once; SQLite takes 999 in a statement


def pixel_folder() -> Path:
    """Where decoded images are kept, e.g. ~/.cache/sightline/data/pixels."""
    return cache.cache_folder() / "pixels"


def digest(data: bytes) -> bytes:
    """By what a file's content is known: 16 bytes."""
    return hashlib.blake2b(data, digest_size=16).digest()


class PixelCache:
    """The records of one `Preprocess`, which `open_cache` opens.

    Raises OSError or sqlite3.Error where the disk does not play along.
    """

    def __init__(self, preprocess: Preprocess) -> None:
        self.shape = (preprocess.channels, *preprocess.size)
        self.record = int(np.prod(self.shape))
        self.folder = pixel_folder() / _key(preprocess)
        make_folder(self.folder)
        os.utime(self.folder)  # used now
        # Threads that decode ask for contents while the one that writes adds some: one connection, one at a time.
        self._turn = threading.Lock()
        self._index = sqlite3.connect(self.folder / "index.sqlite", check_same_thread=False, timeout=60)
        self._index.execute("CREATE TABLE IF NOT EXISTS images (content BLOB PRIMARY KEY, slot INTEGER) WITHOUT ROWID")
        self._index.execute(
            "CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, size INTEGER, time INTEGER, content BLOB)"
        )
        self._index.commit()
        records = self.folder / "pixels.bin"
        if self.slots * self.record > (records.stat().st_size if records.exists() else 0):  # someone deleted it
            self._index.execute("DELETE FROM images")
            self._index.commit()

    def close(self) -> None:
        self._index.close()

    @property
    def slots(self) -> int:
        """How many records the index knows of, by the last one's number."""
        with self._turn:
            return int(self._index.execute("SELECT COALESCE(MAX(slot) + 1, 0) FROM images").fetchone()[0])

    def find(self, originals: Originals, stamped: NDArray[np.int64]) -> NDArray[np.int64]:
        """The slot of each original that is as it was when it was read last, UNKNOWN for the others: int64 (N,).

        stamped: int64 (N, 2), their stamps now.
        """
        slots = np.full(len(originals), UNKNOWN, dtype=np.int64)
        query = "SELECT path, size, time, slot FROM files JOIN images USING (content) WHERE path IN ({})"
        for first in range(0, len(originals), BATCH):
            names = [_key_of(originals.name(i)) for i in range(first, min(first + BATCH, len(originals)))]
            with self._turn:
                rows = self._index.execute(query.format(",".join("?" * len(names))), names).fetchall()
            known = {(name, size, time): slot for name, size, time, slot in rows}
            for i, name in enumerate(names, first):
                slots[i] = known.get((name, *stamped[i].tolist()), UNKNOWN)
        return slots

    def slot_of(self, content: bytes) -> int:
        """The slot of this content, or UNKNOWN."""
        with self._turn:
            row = self._index.execute("SELECT slot FROM images WHERE content = ?", (content,)).fetchone()
        return UNKNOWN if row is None else int(row[0])

    def add(
        self, names: Sequence[str], stamped: NDArray[np.int64], contents: Sequence[bytes], pixels: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        """Keep images uint8 (B, C, h, w), and what their originals were; return their slots, int64 (B,).

        Contents that are known keep their slot, whatever `pixels` says.
        """
        end = self.slots
        slots = np.empty(len(names), dtype=np.int64)
        new: list[int] = []
        fresh: dict[bytes, int] = {}
        for i, content in enumerate(contents):
            slot = fresh.get(content, UNKNOWN)
            if slot == UNKNOWN:
                slot = self.slot_of(content)
            if slot == UNKNOWN:
                slot = fresh[content] = end + len(new)
                new.append(i)
            slots[i] = slot
        if new:
            with open(self.folder / "pixels.bin", "ab") as file:
                # What a killed writer left behind is overwritten.
                file.truncate(end * self.record)
                file.seek(0, os.SEEK_END)
                file.write(np.ascontiguousarray(pixels[new].transpose(0, 2, 3, 1)).data)
                file.flush()
                os.fsync(file.fileno())
        files = [(_key_of(n), *s.tolist(), c) for n, s, c in zip(names, stamped, contents, strict=True)]
        with self._turn, self._index:
            self._index.executemany("INSERT INTO images VALUES (?, ?)", fresh.items())
            self._index.executemany("REPLACE INTO files VALUES (?, ?, ?, ?)", files)
        return slots

    def pixels(self) -> Tensor:
        """All records, memory-mapped: uint8 (M, C, h, w), channels last. Writing to it changes no file."""
        channels, height, width = self.shape
        shape = (self.slots, height, width, channels)
        if not shape[0]:
            return torch.empty((0, *self.shape), dtype=torch.uint8)
        # Copy-on-write, because torch knows no tensors that must not be written.
        return torch.from_numpy(np.memmap(self.folder / "pixels.bin", np.uint8, "c", shape=shape)).permute(0, 3, 1, 2)

    def make_room(self, needed: int, budget: int) -> None:
        """Delete other folders, the one used longest ago first, until `needed` more bytes fit into `budget`."""
        others = sorted((f for f in _folders() if f != self.folder), key=lambda folder: folder.stat().st_mtime)
        while others and cache_size() + needed > budget:
            _remove(others.pop(0))

    def empty(self) -> None:
        """Forget every image. Whoever has mapped the records keeps them."""
        with self._turn, self._index:
            self._index.execute("DELETE FROM images")
        (self.folder / "pixels.bin").unlink(missing_ok=True)


@contextlib.contextmanager
def open_cache(preprocess: Preprocess) -> Iterator[PixelCache]:
    """The records of this `Preprocess`, of which this process is the only writer within the block: it waits its turn.

    A damaged index is replaced by an empty one.
    """
    folder = pixel_folder() / _key(preprocess)
    make_folder(folder.parent)
    with _lock(folder), contextlib.closing(_opened(preprocess)) as cache:
        yield cache


def _opened(preprocess: Preprocess) -> PixelCache:
    try:
        return PixelCache(preprocess)
    except sqlite3.OperationalError:  # busy, full or read-only
        raise
    except sqlite3.DatabaseError:
        shutil.rmtree(pixel_folder() / _key(preprocess), ignore_errors=True)
        return PixelCache(preprocess)


def default_budget() -> int:
    """Bytes the cache may take when nobody says: a quarter of what is free on its disk, and four times the memory.

    Far beyond the memory every epoch would read the disk from end to end.
    """
    existing = next(folder for folder in (pixel_folder(), *pixel_folder().parents) if folder.exists())
    disk = shutil.disk_usage(existing).free // 4 + cache_size()
    return min(disk, 4 * available_memory())


def clear() -> int:
    """Delete all decoded images that no training is just writing; return how many bytes that frees."""
    before = cache_size()
    for folder in _folders():
        _remove(folder)
    return before - cache_size()


def cache_size() -> int:
    """Bytes that decoded images take on the disk."""
    return sum(map(_size, _folders()))


def _key(preprocess: Preprocess) -> str:
    """A folder name, another one for every way of turning a file into pixels."""
    height, width = preprocess.size
    border = preprocess.mean if preprocess.fit == "pad" else ()
    settings = (FORMAT, preprocess.size, preprocess.channels, preprocess.fit, preprocess.interpolation, border)
    return f"{width}x{height}-{preprocess.fit}-{digest(repr(settings).encode()).hex()[:12]}"


def _key_of(name: str) -> bytes:
    """By what the index knows an original: for a file its absolute name, as the system has it."""
    return os.fsencode(os.path.abspath(name))


def _lock(folder: Path) -> FileLock:
    """What one process at a time may hold; the system frees a dead process's.

    It lies beside the folder, so that deleting the folder does not take it away from those who wait for it. Where the
    disk has no such locks, OSError: a mere file in place of a lock would outlive a process that is killed.
    """
    return FileLock(f"{folder}.lock", fallback_to_soft=False)


def _folders() -> list[Path]:
    return [entry for entry in pixel_folder().iterdir() if entry.is_dir()] if pixel_folder().is_dir() else []


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) if folder.is_dir() else 0


def _remove(folder: Path) -> None:
    """Delete a folder, unless a training is just writing to it. One that reads from it keeps what it has mapped."""
    with contextlib.suppress(OSError), _lock(folder).acquire(timeout=0):  # held: Timeout, which is an OSError
        shutil.rmtree(folder, ignore_errors=True)
