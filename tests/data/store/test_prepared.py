"""Images decoded once: what the cache keeps, finds again, survives and throws away; what happens without it."""

import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import Timeout
from PIL import Image

from sightline.data.batches import to_resident
from sightline.data.images import EncodedImages
from sightline.data.imageset import ArrayImages, CachedImages, ImageSet, Splits
from sightline.data.originals import Files
from sightline.data.store import pixel_cache, prepared
from sightline.data.store.pixel_cache import (
    PixelCache,
    cache_size,
    clear,
    open_cache,
    pixel_folder,
)
from sightline.data.store.prepared import prepare, record_bytes
from sightline.data.store.stamps import changed_files
from sightline.errors import DataError
from sightline.pixels.preprocess import Preprocess

SEEN = Preprocess(size=(16, 16), mean=(0.5,) * 3, std=(0.5,) * 3)


@pytest.fixture(autouse=True)
def small_sets_are_cached_too(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(prepared, "SMALL", 0)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for every image that is decoded."""
    counts: list[int] = []
    read = Preprocess.read

    def counted(self: Preprocess, source: bytes) -> np.ndarray:
        counts.append(1)
        return read(self, source)

    monkeypatch.setattr(Preprocess, "read", counted)
    return counts


def photo(path: Path, seed: int) -> Path:
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((50, 40), Image.Resampling.BICUBIC).save(path)
    return path


def image_set(paths: list[Path]) -> ImageSet:
    return ImageSet(
        EncodedImages(Files(paths)), torch.arange(len(paths)) % 2, ("even", "odd"), tuple(p.name for p in paths)
    )


@pytest.fixture
def splits(tmp_path: Path) -> Splits:
    paths = [photo(tmp_path / f"{index:02}.jpg", index) for index in range(20)]
    return Splits("photos", image_set(paths[:12]), image_set(paths[12:16]), image_set(paths[16:]))


def expected(images: ImageSet, paths: list[Path]) -> torch.Tensor:
    assert images.ids == tuple(path.name for path in paths)
    return torch.from_numpy(np.stack([SEEN.read(path) for path in paths]))


def test_pixels_from_the_cache_are_exactly_those_of_the_file(splits: Splits, tmp_path: Path) -> None:
    paths = sorted(tmp_path.glob("*.jpg"))
    for again in (False, True):
        made = prepare(splits, SEEN)
        assert made.unused == made.warnings == ()
        assert made.val is not None
        assert made.test is not None
        for part, files in ((made.train, paths[:12]), (made.val, paths[12:16]), (made.test, paths[16:])):
            assert isinstance(part.images, CachedImages)
            assert part.images.pixels.is_contiguous(memory_format=torch.channels_last)
            assert torch.equal(to_resident(part, SEEN), expected(part, files)), again
            assert torch.equal(
                torch.from_numpy(part.images.read(1)), part.images.pixels[part.images.rows[1]].permute(1, 2, 0)
            )
    assert cache_size() >= 20 * record_bytes(SEEN)


def test_the_second_time_no_file_is_opened(splits: Splits, reads: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(splits, SEEN)
    assert len(reads) == 20
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was opened"))
    prepare(splits, SEEN)
    assert len(reads) == 20


def test_moved_copied_and_touched_files_are_known_by_their_content(
    splits: Splits, reads: list[int], tmp_path: Path
) -> None:
    prepare(splits, SEEN)
    moved = tmp_path / "moved"
    moved.mkdir()
    paths = [Path(shutil.copy(path, moved)) for path in sorted(tmp_path.glob("*.jpg"))]
    os.utime(paths[0], ns=(1, 1))
    made = prepare(Splits("moved", image_set(paths), None, None), SEEN)
    assert len(reads) == 20
    assert torch.equal(to_resident(made.train, SEEN), expected(made.train, paths))


def test_a_rewritten_file_is_decoded_again(splits: Splits, tmp_path: Path, reads: list[int]) -> None:
    prepare(splits, SEEN)
    path = photo(tmp_path / "03.jpg", 99)
    made = prepare(splits, SEEN)
    assert len(reads) == 21
    assert torch.equal(made.train.images.pixels[made.train.images.rows[3]], torch.from_numpy(SEEN.read(path)))  # type: ignore[union-attr]


def test_equal_files_share_a_record(tmp_path: Path) -> None:
    paths = [photo(tmp_path / f"{index}.png", index % 2) for index in range(6)]
    made = prepare(Splits("twins", image_set(paths), None, None), SEEN)
    assert isinstance(made.train.images, CachedImages)
    assert made.train.images.rows.tolist() == [0, 1, 0, 1, 0, 1]
    assert len(made.train.images.pixels) == 2
    assert torch.equal(to_resident(made.train, SEEN), expected(made.train, paths))
    chosen = made.train.take([3, 2])
    assert torch.equal(to_resident(chosen, SEEN), expected(chosen, [paths[3], paths[2]]))


def test_room_keeps_larger_training_images(splits: Splits) -> None:
    made = prepare(splits, SEEN, room=1.25)
    assert made.val is not None
    assert made.train.images.pixels.shape[1:] == (3, 20, 20)  # type: ignore[union-attr]
    assert made.val.images.pixels.shape[1:] == (3, 16, 16)  # type: ignore[union-attr]


@pytest.mark.parametrize("keep", ["memory", "cache", "disk"])
def test_unreadable_files_are_left_out_and_listed(
    splits: Splits, tmp_path: Path, keep: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "SMALL", 10**9 if keep == "memory" else 0)
    (tmp_path / "02.jpg").write_bytes(b"")
    (tmp_path / "05.jpg").unlink()
    whole = (tmp_path / "13.jpg").read_bytes()
    (tmp_path / "13.jpg").write_bytes(whole[: len(whole) // 2])
    made = prepare(splits, SEEN, budget=0 if keep == "disk" else None)
    assert isinstance(made.train.images, EncodedImages if keep == "disk" else CachedImages)
    assert [Path(file.path).name for file in made.unused] == ["02.jpg", "05.jpg", "13.jpg"]
    assert made.unused[0].reason == "the file is empty"
    assert made.unused[1].reason in ("there is no such file", "no such file or directory")
    assert "truncated" in made.unused[2].reason
    assert made.val is not None
    assert len(made.val) == 3
    rest = [tmp_path / name for name in made.train.ids]
    assert "02.jpg" not in made.train.ids
    assert made.train.labels.tolist() == [int(path.stem) % 2 for path in rest]
    assert torch.equal(to_resident(made.train, SEEN), expected(made.train, rest))


def test_not_one_readable_training_image_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="not one of 1 images can be read"):
        prepare(Splits("bad", image_set([tmp_path / "a.jpg"]), None, None), SEEN)


@pytest.mark.parametrize("budget", [0, None])
def test_a_class_of_broken_files_is_named(tmp_path: Path, splits: Splits, budget: int | None) -> None:
    assert isinstance(splits.train.images, EncodedImages)
    for path, label in zip(splits.train.images.originals, splits.train.labels.tolist(), strict=True):
        if label:
            path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError) as caught:
        prepare(splits, SEEN, budget=budget)
    assert str(caught.value) == ("no training image of class 'odd' can be read: replace its files or remove the class")


def test_over_the_budget_files_stay_files_and_it_is_said_once(splits: Splits) -> None:
    made = prepare(splits, SEEN, budget=20 * record_bytes(SEEN) - 1)
    assert isinstance(made.train.images, EncodedImages)
    assert len(made.warnings) == 1
    assert made.warnings[0].endswith("they are decoded in every epoch (--cache 1GB would keep them)")
    assert cache_size() == 0
    assert isinstance(prepare(splits, SEEN, budget=20 * record_bytes(SEEN)).train.images, CachedImages)


def test_what_was_used_longest_ago_makes_room(splits: Splits) -> None:
    sizes = [Preprocess(size=(size, size), mean=(0.5,) * 3, std=(0.5,) * 3) for size in (16, 17, 18)]
    folders = []
    for age, preprocess in zip((3, 1, 2), sizes, strict=True):
        prepare(splits, preprocess)
        folders.append(pixel_folder() / pixel_cache._key(preprocess))
        os.utime(folders[-1], (1e9 - age, 1e9 - age))
    large = Preprocess(size=(20, 20), mean=(0.5,) * 3, std=(0.5,) * 3)
    prepare(splits, large, budget=cache_size() + 1)
    assert [folder.exists() for folder in folders] == [False, True, False]


def test_other_data_in_the_same_folder_makes_room(splits: Splits, tmp_path: Path) -> None:
    before = prepare(splits, SEEN)
    mapped = to_resident(before.train, SEEN).clone()
    paths = [photo(tmp_path / f"new{index}.png", 100 + index) for index in range(15)]
    made = prepare(Splits("new", image_set(paths), None, None), SEEN, budget=20 * record_bytes(SEEN))
    assert torch.equal(to_resident(made.train, SEEN), expected(made.train, paths))
    assert made.train.images.pixels.shape[0] == 15  # type: ignore[union-attr]
    assert torch.equal(to_resident(before.train, SEEN), mapped)  # a training that is at work keeps what it has


def test_records_the_index_does_not_name_are_overwritten(splits: Splits, tmp_path: Path) -> None:
    prepare(Splits("a", splits.train, None, None), SEEN)
    (folder,) = pixel_cache._folders()
    with open(folder / "pixels.bin", "ab") as file:
        file.write(b"\xff" * 1_000)  # what a killed writer leaves behind
    made = prepare(splits, SEEN)
    assert made.test is not None
    assert torch.equal(to_resident(made.test, SEEN), expected(made.test, sorted(tmp_path.glob("*.jpg"))[16:]))
    assert (folder / "pixels.bin").stat().st_size == 20 * record_bytes(SEEN)


@pytest.mark.parametrize("damage", ["index", "records", "short records"])
def test_a_damaged_cache_is_made_anew(splits: Splits, tmp_path: Path, damage: str) -> None:
    prepare(splits, SEEN)
    (folder,) = pixel_cache._folders()
    if damage == "index":
        (folder / "index.sqlite").write_bytes(b"no database" * 1_000)
    elif damage == "records":
        (folder / "pixels.bin").unlink()
    else:
        os.truncate(folder / "pixels.bin", 100)
    made = prepare(splits, SEEN)
    assert torch.equal(to_resident(made.train, SEEN), expected(made.train, sorted(tmp_path.glob("*.jpg"))[:12]))


def test_a_disk_that_takes_nothing_is_said_and_training_goes_on(
    splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PixelCache, "add", full)
    made = prepare(splits, SEEN)
    assert isinstance(made.train.images, EncodedImages)
    assert made.warnings == (
        "decoded images cannot be kept (No space left on device): they are decoded in every epoch",
    )
    assert changed_files(made.train) == ()


def test_small_sets_leave_the_cache_alone(splits: Splits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(prepared, "SMALL", 10**9)
    made = prepare(splits, SEEN)
    assert not pixel_folder().exists()
    assert torch.equal(to_resident(made.train, SEEN), expected(made.train, sorted(tmp_path.glob("*.jpg"))[:12]))
    (tmp_path / "00.jpg").unlink()
    assert [Path(file.path).name for file in changed_files(made.train)] == ["00.jpg"]


def test_arrays_stay_as_they_are() -> None:
    images = ImageSet(
        ArrayImages(torch.zeros(2, 3, 4, 4, dtype=torch.uint8)), torch.tensor([0, 1]), ("a", "b"), ("0", "1")
    )
    assert prepare(Splits("arrays", images, None, None), SEEN).train is images


def test_clearing_frees_everything_but_what_is_being_written(splits: Splits) -> None:
    prepare(splits, SEEN)
    with open_cache(SEEN):
        assert clear() == 0
    size = cache_size()
    assert size > 20 * record_bytes(SEEN)
    assert clear() == size
    assert cache_size() == 0
    assert clear() == 0


def is_locked(folder: Path) -> bool:
    """Whether somebody is the folder's writer."""
    try:
        with pixel_cache._lock(folder).acquire(timeout=0):
            return False
    except Timeout:
        return True


def test_a_second_writer_waits(splits: Splits) -> None:
    with ThreadPoolExecutor(1) as pool:
        with open_cache(SEEN) as one:
            assert is_locked(one.folder)
            second = pool.submit(prepare, splits, SEEN)
            with pytest.raises(TimeoutError):
                second.result(timeout=0.3)
            clear()  # takes nothing away from who writes or from who waits
        assert isinstance(second.result().train.images, CachedImages)
    assert not is_locked(one.folder)
    with pytest.raises(sqlite3.ProgrammingError):
        one.slot_of(b"")


def test_a_folder_that_is_deleted_while_one_waits_for_it_is_made_anew(splits: Splits) -> None:
    prepare(splits, SEEN)
    (folder,) = pixel_cache._folders()
    with ThreadPoolExecutor(1) as pool:
        with pixel_cache._lock(folder):
            waiting = pool.submit(prepare, splits, SEEN)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
            shutil.rmtree(folder)
        made = waiting.result()
    assert made.warnings == ()
    assert isinstance(made.train.images, CachedImages)
    assert folder.exists()


def test_nobody_can_empty_the_cache_between_slots_and_records(splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(splits, SEEN)
    for name in ("find", "pixels"):
        work = getattr(PixelCache, name)

        def watched(self: PixelCache, *arguments: object, work: object = work) -> object:
            assert is_locked(self.folder)
            return work(self, *arguments)  # type: ignore[operator]

        monkeypatch.setattr(PixelCache, name, watched)
    assert isinstance(prepare(splits, SEEN).train.images, CachedImages)


def test_a_cache_that_cannot_be_locked_is_an_error_and_no_endless_wait(
    splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(splits, SEEN)
    (folder,) = pixel_cache._folders()
    folder.with_name(f"{folder.name}.lock").unlink()
    folder.with_name(f"{folder.name}.lock").mkdir()
    made = prepare(splits, SEEN)
    assert made.warnings == ("decoded images cannot be kept (Is a directory): they are decoded in every epoch",)
