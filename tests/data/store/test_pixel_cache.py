"""Records of decoded images by hand: kept, found again by name and by content, forgotten, and safe from crashes."""

import multiprocessing
import os
import signal
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import Timeout
from numpy.typing import NDArray

from sightline.data.originals import Files
from sightline.data.store import pixel_cache
from sightline.data.store.pixel_cache import (
    BATCH,
    UNKNOWN,
    PixelCache,
    cache_size,
    clear,
    default_budget,
    digest,
    open_cache,
    pixel_folder,
)
from sightline.pixels.preprocess import Preprocess

SEEN = Preprocess(size=(16, 16), mean=(0.5,) * 3, std=(0.5,) * 3)
RECORD = 3 * 16 * 16  # bytes


@pytest.fixture(autouse=True)
def own_cache(cache: Path) -> None:
    """An empty cache for every test."""


def images(*values: int) -> NDArray[np.uint8]:
    """Plain images, uint8 (B, 3, 16, 16), each filled with its value."""
    return np.array(values, dtype=np.uint8)[:, None, None, None].repeat(3, 1).repeat(16, 2).repeat(16, 3)


def stamps(*times: int) -> NDArray[np.int64]:
    """Sizes and times of files: 100 bytes, and these times."""
    return np.array([(100, time) for time in times], dtype=np.int64).reshape(-1, 2)


def content(value: int) -> bytes:
    """By what the content of a file with this one byte is known."""
    return digest(bytes([value]))


def keep(cache: PixelCache, *values: int) -> list[int]:
    """Add files /VALUE with one plain image each, all of time 1; return their slots."""
    names, contents = [f"/{value}" for value in values], [content(value) for value in values]
    return cache.add(names, stamps(*[1] * len(values)), contents, images(*values)).tolist()


def test_what_is_kept_is_found_by_name_and_by_content() -> None:
    with open_cache(SEEN) as cache:
        assert (cache.slots, cache.pixels().shape) == (0, (0, 3, 16, 16))
        assert cache.slot_of(content(7)) == UNKNOWN
        assert keep(cache, 7, 8) == [0, 1]
        assert keep(cache, 9) == [2]
    with open_cache(SEEN) as cache:  # another process would find the same
        assert cache.slots == 3
        assert cache.find(Files(["/9", "/7", "/5"]), stamps(1, 1, 1)).tolist() == [2, 0, UNKNOWN]
        assert [cache.slot_of(content(value)) for value in (7, 8, 9, 5)] == [0, 1, 2, UNKNOWN]
        pixels = cache.pixels()
        assert pixels.dtype == torch.uint8
        assert pixels.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(pixels, torch.from_numpy(images(7, 8, 9)))
        assert cache_size() >= 3 * RECORD


def test_another_size_or_time_is_another_file() -> None:
    with open_cache(SEEN) as cache:
        keep(cache, 7)
        assert cache.find(Files(["/7"]), stamps(2)).tolist() == [UNKNOWN]
        assert cache.find(Files(["/7"]), np.array([[101, 1]])).tolist() == [UNKNOWN]
        cache.add(["/7"], stamps(2), [content(8)], images(8))  # it was rewritten
        assert cache.find(Files(["/7"]), stamps(2)).tolist() == [1]
        assert cache.find(Files(["/7"]), stamps(1)).tolist() == [UNKNOWN]
        assert cache.slot_of(content(7)) == 0  # another file may still have that content


def test_equal_contents_share_a_record_whenever_they_come() -> None:
    with open_cache(SEEN) as cache:
        same = [content(1), content(1), content(2)]
        assert cache.add(["/a", "/b", "/c"], stamps(1, 1, 1), same, images(1, 1, 2)).tolist() == [0, 0, 1]
        assert cache.add(["/d"], stamps(1), [content(1)], images(99)).tolist() == [0]
        assert cache.slots == 2
        assert cache.find(Files(["/a", "/b", "/c", "/d"]), stamps(1, 1, 1, 1)).tolist() == [0, 0, 1, 0]
        assert torch.equal(cache.pixels(), torch.from_numpy(images(1, 2)))  # a known content keeps its pixels


def test_more_files_than_a_question_may_name() -> None:
    count = 2 * BATCH + 1
    names, stamped = [f"/{i}" for i in range(count)], stamps(*range(count))
    with open_cache(SEEN) as cache:
        contents = [digest(name.encode()) for name in names]
        slots = cache.add(names, stamped, contents, np.zeros((count, 3, 16, 16), np.uint8))
        assert slots.tolist() == list(range(count))
        assert cache.find(Files(names), stamped).tolist() == list(range(count))


def test_writing_to_the_pixels_changes_no_record() -> None:
    with open_cache(SEEN) as cache:
        keep(cache, 7)
        cache.pixels().zero_()
        assert torch.equal(cache.pixels(), torch.from_numpy(images(7)))


def test_names_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_cache(SEEN) as cache:
        cache.add(["photo.png"], stamps(1), [content(1)], images(1))
        assert cache.find(Files([str(tmp_path / "photo.png")]), stamps(1)).tolist() == [0]


def test_records_that_nothing_names_are_overwritten() -> None:
    with open_cache(SEEN) as cache:
        keep(cache, 7)
        with open(cache.folder / "pixels.bin", "ab") as file:
            file.write(b"\xff" * 1_000)  # what a killed writer leaves behind
        keep(cache, 8)
        assert (cache.folder / "pixels.bin").stat().st_size == 2 * RECORD
        assert torch.equal(cache.pixels(), torch.from_numpy(images(7, 8)))


@pytest.mark.parametrize("size", [None, 0, 2 * RECORD - 1])
def test_an_index_without_its_records_is_forgotten(size: int | None) -> None:
    with open_cache(SEEN) as cache:
        keep(cache, 7, 8)
        records = cache.folder / "pixels.bin"
    if size is None:
        records.unlink()
    else:
        os.truncate(records, size)
    with open_cache(SEEN) as cache:
        assert cache.slots == 0
        assert cache.find(Files(["/7"]), stamps(1)).tolist() == [UNKNOWN]
        assert keep(cache, 9) == [0]
        assert torch.equal(cache.pixels(), torch.from_numpy(images(9)))


def test_a_damaged_index_is_replaced() -> None:
    with open_cache(SEEN) as cache:
        keep(cache, 7)
        index = cache.folder / "index.sqlite"
    index.write_bytes(b"no database" * 1_000)
    with open_cache(SEEN) as cache:
        assert cache.slots == 0
        assert keep(cache, 8) == [0]


def test_an_index_that_cannot_be_opened_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_cache(SEEN) as cache:
        keep(cache, 7)
        folder = cache.folder

    def locked(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", locked)
        with pytest.raises(sqlite3.OperationalError, match="database is locked"), open_cache(SEEN):
            pass
    assert (folder / "pixels.bin").exists()


def other(size: int, *, used: int) -> Path:
    """The folder of images of another size, last used then."""
    with open_cache(Preprocess(size=(size, size), mean=(0.5,) * 3, std=(0.5,) * 3)) as cache:
        cache.add(["/1"], stamps(1), [content(1)], np.zeros((1, 3, size, size), np.uint8))
    os.utime(cache.folder, (used, used))
    return cache.folder


def test_what_was_used_longest_ago_makes_room_first() -> None:
    folders = [other(17, used=3), other(18, used=1), other(19, used=2)]
    with open_cache(SEEN) as cache:
        keep(cache, 7)
        cache.make_room(0, cache_size())
        assert all(folder.exists() for folder in folders)
        cache.make_room(1, cache_size())  # one byte more than there is room for
        assert [folder.exists() for folder in folders] == [True, False, True]
        cache.make_room(10**9, 10**9)
        assert not any(folder.exists() for folder in folders)
        assert torch.equal(cache.pixels(), torch.from_numpy(images(7)))  # its own are not deleted for that
        mapped = cache.pixels()
        cache.empty()
        assert (cache.slots, (cache.folder / "pixels.bin").exists()) == (0, False)
        assert torch.equal(mapped, torch.from_numpy(images(7)))  # whoever has mapped them keeps them


def test_opening_counts_as_use() -> None:
    folder = other(17, used=1)
    other(17, used=1)
    with open_cache(Preprocess(size=(17, 17), mean=(0.5,) * 3, std=(0.5,) * 3)):
        assert folder.stat().st_mtime > 10**9


def test_clearing_spares_what_is_being_written() -> None:
    folder = other(17, used=1)
    size = cache_size()
    with open_cache(SEEN) as cache:
        keep(cache, 7)
        assert clear() == size
        assert not folder.exists()
        assert torch.equal(cache.pixels(), torch.from_numpy(images(7)))
    rest = cache_size()
    assert rest >= RECORD
    assert clear() == rest
    assert (cache_size(), clear()) == (0, 0)


def test_there_is_one_writer_at_a_time() -> None:
    entered = threading.Event()

    def second() -> None:
        with open_cache(SEEN) as cache:
            assert cache.slots == 1
            entered.set()

    with open_cache(SEEN) as cache:
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.2)
        keep(cache, 7)
        with pytest.raises(Timeout):
            pixel_cache._lock(cache.folder).acquire(timeout=0)
    assert entered.wait(10)
    thread.join()
    with pytest.raises(sqlite3.ProgrammingError):  # it is closed
        cache.slot_of(b"")


def test_without_a_cache_there_is_nothing_to_count() -> None:
    assert not pixel_folder().exists()
    assert (cache_size(), clear()) == (0, 0)


def test_sizes_and_fits_do_not_mix_but_mean_and_deviation_do() -> None:
    other = Preprocess(size=(16, 16), mean=(0.1,) * 3, std=(0.2,) * 3)
    keys = {
        pixel_cache._key(preprocess)
        for preprocess in (
            SEEN,
            other,
            Preprocess(size=(16, 17), mean=(0.5,) * 3, std=(0.5,) * 3),
            Preprocess(size=(16, 16), fit="pad", mean=(0.5,) * 3, std=(0.5,) * 3),
            Preprocess(size=(16, 16), fit="pad", mean=(0.1,) * 3, std=(0.5,) * 3),
            Preprocess(size=(16, 16), channels=1, mean=(0.5,), std=(0.5,)),
            Preprocess(size=(16, 16), interpolation="bicubic", mean=(0.5,) * 3, std=(0.5,) * 3),
        )
    }
    assert len(keys) == 6


def write_forever(folder: Path, started: "multiprocessing.synchronize.Event") -> None:
    """In a process of its own: keep images until killed."""
    pixel_cache.cache.cache_folder = lambda: folder
    with open_cache(SEEN) as cache:
        for number in range(10**6):
            pixels = np.full((4, 3, 16, 16), number % 256, dtype=np.uint8)
            contents = [digest(f"{number}/{i}".encode()) for i in range(4)]
            cache.add([f"/{number}/{i}" for i in range(4)], np.full((4, 2), number), contents, pixels)
            if number == 3:
                started.set()


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03])
def test_a_killed_writer_leaves_nothing_wrong_behind(delay: float, cache: Path) -> None:
    context = multiprocessing.get_context("fork")
    started = context.Event()
    writer = context.Process(target=write_forever, args=(cache, started))
    writer.start()
    assert started.wait(30)
    writer.join(delay)
    os.kill(writer.pid or 0, signal.SIGKILL)
    writer.join()
    with open_cache(SEEN) as survivor:  # the dead process's lock is free
        count = survivor.slots
        assert count >= 16
        pixels = survivor.pixels()
        for number in range(count // 4):
            slots = survivor.find(Files(f"/{number}/{i}" for i in range(4)), np.full((4, 2), number))
            assert slots.tolist() == list(range(4 * number, 4 * number + 4))
            assert (pixels[4 * number : 4 * number + 4] == number % 256).all()


def test_the_default_budget_is_plausible() -> None:
    assert 0 < default_budget() < 10**15


def test_the_default_budget_is_a_part_of_the_disk_and_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_cache(SEEN) as cache:
        keep(cache, 7)

    class Disk:
        free = 4_000_000

    monkeypatch.setattr(pixel_cache.shutil, "disk_usage", lambda folder: Disk)
    monkeypatch.setattr(pixel_cache, "available_memory", lambda: 10**9)
    assert default_budget() == 1_000_000 + cache_size()  # what is there already may stay
    monkeypatch.setattr(pixel_cache, "available_memory", lambda: 1_000)
    assert default_budget() == 4_000
