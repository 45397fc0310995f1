"""The binary files named data sets are published in: idx (MNIST and its kin) and the binary version of CIFAR.

Every reader checks sizes before it believes a file, and none of them unpickles anything. A file may hold fewer images
than the published one; what it holds must be whole.
"""

import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from sightline.errors import DataError

Pixels = NDArray[np.uint8]  # (N, C, H, W)
Labels = NDArray[np.uint8]  # (N,)

IDX_UINT8 = 0x08
DAMAGED = "delete it and fetch it again"
READ_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError)


def read_idx(path: Path, *, dimensions: int, largest: int) -> NDArray[np.uint8]:
    """The uint8 array in an idx file, gzipped or not.

    The format: two zero bytes, the type (8 is uint8), the number of dimensions, each size as a big-endian uint32, then
    the values. largest: no more than this many values are read, however much a compressed file pretends to hold.
    Raises DataError naming the file.
    """
    header = 4 + 4 * dimensions
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            data = file.read(header + largest + 1)
    except READ_ERRORS as error:
        raise DataError(f"cannot read {path}: {_reason(error)}", hint=DAMAGED) from error
    if len(data) < header or data[:4] != bytes((0, 0, IDX_UINT8, dimensions)):
        raise DataError(f"{path} is not an idx file of {dimensions}-dimensional uint8 values", hint=DAMAGED)
    shape = tuple(int(size) for size in np.frombuffer(data, dtype=">u4", count=dimensions, offset=4))
    expected = int(np.prod(shape, dtype=np.int64))
    if len(data) - header != expected:
        amount = f"more than {largest:,}" if len(data) - header > largest else f"{len(data) - header:,}"
        raise DataError(f"{path} should hold {expected:,} values and holds {amount}", hint=DAMAGED)
    return np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape)


def read_idx_pair(
    images: Path, labels: Path, *, shape: tuple[int, int, int], largest: int, num_classes: int
) -> tuple[Pixels, Labels]:
    """Grey images and their labels from two idx files.

    shape: (1, H, W); largest: the published number of images. Raises DataError naming the file that is wrong.
    """
    _, height, width = shape
    pixels = read_idx(images, dimensions=3, largest=largest * height * width)
    if pixels.shape[1:] != (height, width):
        size = " x ".join(map(str, pixels.shape[1:]))
        raise DataError(f"{images} holds images of {size} pixels, expected {height} x {width}", hint=DAMAGED)
    if not len(pixels):
        raise DataError(f"{images} holds no images", hint=DAMAGED)
    values = read_idx(labels, dimensions=1, largest=largest)
    if len(values) != len(pixels):
        raise DataError(f"{labels} holds {len(values):,} labels for {len(pixels):,} images", hint=DAMAGED)
    _check_labels(values, num_classes=num_classes, path=labels)
    return pixels[:, None], values


def read_cifar(
    source: Path, *, train: tuple[str, ...], test: str, label_bytes: int, num_classes: int, largest: tuple[int, int]
) -> tuple[tuple[Pixels, Labels], tuple[Pixels, Labels]]:
    """Training and test images of CIFAR's binary version, from its archive (.tar, .tar.gz, .tar.xz) or its folder.

    One record: `label_bytes` label bytes, of which the last is the (fine) class, then 3,072 pixel bytes, all red, then
    green, then blue, each row by row. train, test: names of the .bin files; training files that are missing are left
    out as long as one is there. largest: the published number of training and test images in one file.
    Raises DataError naming the file that is wrong.
    """
    record = label_bytes + 3 * 32 * 32
    contents: dict[str, NDArray[np.uint8]] = {}
    for name, size, file in _members(source):
        if name not in (*train, test):
            continue
        limit = record * (largest[1] if name == test else largest[0])
        if size == 0 or size % record or size > limit:
            reason = f"{name} has {size:,} bytes, expected a multiple of {record:,} up to {limit:,}"
            raise DataError(f"{source} is damaged: {reason}", hint=DAMAGED)
        try:
            data = file.read(size)
        except READ_ERRORS as error:
            raise DataError(f"cannot read {name} in {source}: {_reason(error)}", hint=DAMAGED) from error
        if len(data) != size:
            raise DataError(f"{source} is damaged: {name} ends after {len(data):,} bytes of {size:,}", hint=DAMAGED)
        contents[name] = np.frombuffer(data, dtype=np.uint8).reshape(-1, record)
    parts = [contents[name] for name in train if name in contents]
    if not parts or test not in contents:
        missing = [name for name in (*train, test) if name not in contents]
        raise DataError(f"{source} is incomplete: {', '.join(missing)} not found", hint=DAMAGED)

    def decode(records: NDArray[np.uint8]) -> tuple[Pixels, Labels]:
        labels = records[:, label_bytes - 1]
        _check_labels(labels, num_classes=num_classes, path=source)
        return records[:, label_bytes:].reshape(-1, 3, 32, 32), labels

    return decode(np.concatenate(parts)), decode(contents[test])


def _members(source: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and open file of every regular file in a folder or tar archive, one at a time, in stored order."""
    if source.is_dir():
        for path in sorted(source.iterdir()):
            if path.is_file():
                with open(path, "rb") as file:
                    yield path.name, path.stat().st_size, file
        return
    try:
        # "r|*" reads straight through: seeking back in an .xz stream would decompress it again from the start.
        with tarfile.open(source, "r|*") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is not None:
                    yield Path(member.name).name, member.size, content
    except READ_ERRORS as error:
        raise DataError(f"cannot read {source}: {_reason(error)}", hint=DAMAGED) from error


def _check_labels(labels: Labels, *, num_classes: int, path: Path) -> None:
    if len(labels) and int(labels.max()) >= num_classes:
        raise DataError(f"{path} has label {int(labels.max())}, expected 0 to {num_classes - 1}", hint=DAMAGED)


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__).lower()
