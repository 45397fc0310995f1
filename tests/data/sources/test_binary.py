"""idx and CIFAR's binary files, byte by byte; and every way in which they may be damaged."""

import gzip
import io
import re
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from sightline.data.sources.binary import read_cifar, read_idx, read_idx_pair
from sightline.errors import DataError

REMEDY = "delete it and fetch it again"


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def test_idx_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "two-images"
    path.write_bytes(bytes((0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3)) + bytes((1, 2, 3, 4, 5, 255)))
    array = read_idx(path, dimensions=3, largest=6)
    assert array.dtype == np.uint8
    assert array.tolist() == [[[1, 2, 3]], [[4, 5, 255]]]
    path.with_suffix(".gz").write_bytes(gzip.compress(path.read_bytes()))
    assert read_idx(path.with_suffix(".gz"), dimensions=3, largest=6).tolist() == array.tolist()


def test_a_pair_is_images_with_a_channel_and_labels(tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(idx(np.arange(12, dtype=np.uint8).reshape(2, 2, 3)))
    (tmp_path / "labels").write_bytes(idx(np.array([1, 0], np.uint8)))
    pixels, labels = read_idx_pair(tmp_path / "images", tmp_path / "labels", shape=(1, 2, 3), largest=2, num_classes=2)
    assert pixels.tolist() == [[[[0, 1, 2], [3, 4, 5]]], [[[6, 7, 8], [9, 10, 11]]]]
    assert labels.tolist() == [1, 0]


LABELS, IMAGES = "labels.gz", "images.gz"
DAMAGED_IDX = [
    (LABELS, b"", "is not an idx file of 1-dimensional uint8 values"),
    (LABELS, b"<html>404</html>", "cannot read .*not a gzipped file"),
    (LABELS, gzip.compress(idx(np.zeros(20, np.uint8)))[:25], "cannot read"),
    (LABELS, gzip.compress(b"\0\0\x0d\1\0\0\0\0"), "is not an idx file of 1-dimensional uint8 values"),
    (LABELS, gzip.compress(idx(np.zeros(20, np.uint8))[:-3]), "should hold 20 values and holds 17"),
    (LABELS, gzip.compress(idx(np.zeros(19, np.uint8))), "holds 19 labels for 20 images"),
    (LABELS, gzip.compress(idx(np.full(20, 10, np.uint8))), "has label 10, expected 0 to 9"),
    (IMAGES, gzip.compress(idx(np.zeros((20, 27, 28), np.uint8))), "images of 27 x 28 pixels, expected 28 x 28"),
    (IMAGES, gzip.compress(idx(np.zeros((0, 28, 28), np.uint8))), "holds no images"),
    (IMAGES, gzip.compress(idx(np.zeros(20, np.uint8))), "is not an idx file of 3-dimensional uint8 values"),
    (LABELS, gzip.compress(bytes(10_000_000)), "is not an idx file"),
    (LABELS, gzip.compress(idx(np.zeros(20, np.uint8)) + bytes(10**6)), "hold 20 values and holds more than 20"),
]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    DAMAGED_IDX,
    # Gzipped bytes hold the time at which they were made, and xdist wants the same names in every process.
    ids=[str(number) for number in range(len(DAMAGED_IDX))],
)
def test_damaged_idx_files_are_named(name: str, data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / IMAGES).write_bytes(gzip.compress(idx(np.zeros((20, 28, 28), np.uint8))))
    (tmp_path / LABELS).write_bytes(gzip.compress(idx(np.zeros(20, np.uint8))))
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_idx_pair(tmp_path / IMAGES, tmp_path / LABELS, shape=(1, 28, 28), largest=20, num_classes=10)
    assert re.search(message, str(caught.value))
    assert str(tmp_path / name) in str(caught.value)
    assert str(caught.value).endswith(REMEDY)


def record(*labels: int) -> bytes:
    """Red counts up along the rows, green is 7 and blue is the last label."""
    red = bytes(i % 256 for i in range(1024))
    return bytes(labels) + red + bytes([7]) * 1024 + bytes([labels[-1]]) * 1024


def write_tar(path: Path, files: dict[str, bytes], mode: str) -> None:
    with tarfile.open(path, mode) as archive:
        folder = tarfile.TarInfo("a folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in files.items():
            info = tarfile.TarInfo(f"a folder/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


TRAIN, TEST = ("one.bin", "two.bin", "three.bin"), "test.bin"
FILES = {"two.bin": record(9), "about.txt": b"airplane\n", "one.bin": record(3) + record(0), "test.bin": record(5)}


def read(source: Path, *, label_bytes: int = 1, num_classes: int = 10, largest: tuple[int, int] = (2, 1)):  # type: ignore[no-untyped-def]
    return read_cifar(source, train=TRAIN, test=TEST, label_bytes=label_bytes, num_classes=num_classes, largest=largest)


@pytest.mark.parametrize("suffix", ["", "tar", "tar.gz", "tar.xz"])
def test_cifar_from_an_archive_or_its_folder(suffix: str, tmp_path: Path) -> None:
    source = tmp_path / f"cifar.{suffix}" if suffix else tmp_path
    if suffix:
        write_tar(source, FILES, f"w:{suffix.removeprefix('tar').removeprefix('.')}")
    else:
        (source / "a folder.bin").mkdir()
        for name, data in FILES.items():
            (source / name).write_bytes(data)
    (images, labels), (test_images, test_labels) = read(source)
    assert labels.tolist() == [3, 0, 9]  # in the order of `train`, not of the archive; three.bin is not there
    assert test_labels.tolist() == [5]
    assert images.shape == (3, 3, 32, 32)
    assert images[0, 0, 0].tolist() == list(range(32))
    assert images[0, 0, 1].tolist() == list(range(32, 64))
    assert (images[:, 1] == 7).all()
    assert images[:, 2, 31, 31].tolist() == [3, 0, 9]
    assert test_images.shape == (1, 3, 32, 32)


def test_of_two_labels_the_last_is_the_class(tmp_path: Path) -> None:
    (tmp_path / "one.bin").write_bytes(record(19, 99))
    (tmp_path / TEST).write_bytes(record(1, 42))
    (_, labels), (_, test_labels) = read(tmp_path, label_bytes=2, num_classes=100)
    assert (labels.tolist(), test_labels.tolist()) == ([99], [42])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"one.bin": bytes(3000), TEST: bytes(3073)}, "one.bin has 3,000 bytes, expected a multiple of 3,073 up to"),
        ({"one.bin": bytes(0), TEST: bytes(3073)}, "one.bin has 0 bytes"),
        ({"one.bin": bytes(3 * 3073), TEST: bytes(3073)}, "one.bin has 9,219 bytes, .* up to 6,146"),
        ({"one.bin": bytes(3073), TEST: bytes(2 * 3073)}, "test.bin has 6,146 bytes, .* up to 3,073"),
        ({"one.bin": bytes(3073)}, "is incomplete: two.bin, three.bin, test.bin not found"),
        ({TEST: bytes(3073)}, "is incomplete: one.bin, two.bin, three.bin not found"),
        ({"one.bin": b"\x0a" + bytes(3072), TEST: bytes(3073)}, "has label 10, expected 0 to 9"),
    ],
)
def test_damaged_cifar_archives_are_named(files: dict[str, bytes], message: str, tmp_path: Path) -> None:
    source = tmp_path / "cifar.tar.gz"
    write_tar(source, files, "w:gz")
    with pytest.raises(DataError, match=message) as caught:
        read(source)
    assert str(source) in str(caught.value)
    assert str(caught.value).endswith(REMEDY)


@pytest.mark.parametrize("keep", [0, 30, 0.5, 0.9])
@pytest.mark.parametrize("suffix", ["gz", "xz"])
def test_truncated_cifar_archives_are_named(keep: float, suffix: str, tmp_path: Path) -> None:
    source = tmp_path / f"cifar.tar.{suffix}"
    noise = np.random.default_rng(0).integers(0, 10, 3073 * 20, dtype=np.uint8).tobytes()
    write_tar(source, {"one.bin": noise, TEST: noise}, f"w:{suffix}")
    whole = source.read_bytes()
    source.write_bytes(whole[: int(keep * len(whole)) if keep < 1 else int(keep)])
    with pytest.raises(DataError) as caught:
        read(source, largest=(20, 20))
    assert str(source) in str(caught.value)


def test_a_file_that_shrank_since_it_was_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.bin").write_bytes(record(1))
    (tmp_path / TEST).write_bytes(record(1))
    whole = Path.stat

    class Larger:
        st_size = 2 * 3073

    monkeypatch.setattr(Path, "stat", lambda self, **options: Larger() if self.name == "one.bin" else whole(self))
    monkeypatch.setattr(Path, "is_file", lambda self: True)
    with pytest.raises(DataError, match=r"is damaged: one\.bin ends after 3,073 bytes of 6,146"):
        read(tmp_path)
