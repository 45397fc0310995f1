"""MNIST, Fashion-MNIST and CIFAR-10 from $SIGHTLINE_DATA as Keras wants them, with numpy alone."""

import gzip
import os
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]  # (N, H, W, C)
Labels = NDArray[np.uint8]  # (N,)


def read_idx_set(name: str) -> tuple[Images, Labels, Images, Labels]:
    """Training images and labels, test images and labels of `mnist` or `fashion-mnist`."""
    folder = data_folder() / name
    train, test = (_read_idx(folder / f"{split}-images-idx3-ubyte.gz", 16) for split in ("train", "t10k"))
    train_labels, test_labels = (_read_idx(folder / f"{split}-labels-idx1-ubyte.gz", 8) for split in ("train", "t10k"))
    return train.reshape(-1, 28, 28, 1), train_labels, test.reshape(-1, 28, 28, 1), test_labels


def read_cifar10() -> tuple[Images, Labels, Images, Labels]:
    """Training images and labels, test images and labels; the archive may hold a part of the test images."""
    batches = {}
    archive = next((path for path in sorted(data_folder().glob("cifar-10-binary.tar*"))), None)
    if archive is None:
        raise SystemExit(f"there is no cifar-10-binary.tar.gz in {data_folder()}")
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.name.endswith(".bin") else None
            if file:
                batches[Path(member.name).stem] = np.frombuffer(file.read(), np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    train = np.concatenate([batches[f"data_batch_{i}"] for i in range(1, 6)])
    test = batches["test_batch"]
    return _images(train), train[:, 0], _images(test), test[:, 0]


def data_folder() -> Path:
    if "SIGHTLINE_DATA" not in os.environ:
        raise SystemExit("SIGHTLINE_DATA is not set: name the folder with the data sets")
    return Path(os.environ["SIGHTLINE_DATA"])


def _read_idx(path: Path, header: int) -> NDArray[np.uint8]:
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)


def _images(rows: NDArray[np.uint8]) -> Images:
    """One label and three planes a row, uint8 (N, 3073), as (N, 32, 32, 3)."""
    return rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
