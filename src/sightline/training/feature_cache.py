"""Features of images that a network has seen before, in the user's cache folder.

One folder a way of computing them (weights, scaling, precision), in it files of up to some thousand images each:

    keys     int64 (N,)       what the network saw; a hash of the pixels
    values   float32 (N, D)   what it said

Each file is written whole or not at all, so a computation that is killed loses no more than the file it was about to
write, and several may write at once.
"""

import contextlib
import hashlib
import secrets
import shutil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.errors import StorageError
from sightline.machine import cache
from sightline.machine.files import make_folder, write_bytes

IMAGES_PER_FILE = 4_096


def feature_folder() -> Path:
    """Where features are kept, e.g. ~/.cache/sightline/data/features."""
    return cache.cache_folder() / "features"


def features_size() -> int:
    """Bytes that kept features take on the disk."""
    return sum(file.stat().st_size for file in feature_folder().glob("*/*") if file.is_file())


def clear_features() -> int:
    """Delete all kept features; return how many bytes that frees. A training that has mapped some keeps them."""
    before = features_size()
    shutil.rmtree(feature_folder(), ignore_errors=True)
    return before - features_size()


def pixel_keys(images: Tensor) -> Tensor:
    """A number for the content of each image, uint8 (B, C, H, W) -> int64 (B,): equal pixels, equal numbers.

    64 bits of BLAKE2b: among ten million images, two different ones share a number with a probability of 3e-6.
    """
    # As the cache and the decoder lay them out; others are copied, so that the layout does not matter.
    together = images.permute(0, 2, 3, 1).contiguous().numpy()
    digests = [hashlib.blake2b(memoryview(image).cast("B"), digest_size=8).digest() for image in together]
    return torch.from_numpy(np.frombuffer(b"".join(digests), dtype=np.int64).copy())


class FeatureCache:
    """The features of `width` numbers an image in `folder`, and those that are added. A damaged file is passed over."""

    def __init__(self, folder: Path, width: int) -> None:
        self.folder = folder
        self.width = width
        self._values: list[Tensor] = []  # memory-mapped
        self._waiting: list[tuple[Tensor, Tensor]] = []
        keys = self._open()
        # Sorted: a search over numbers needs 16 bytes an image, where a dict needs 150.
        everything = np.concatenate([np.empty(0, np.int64), *keys])
        self._order = np.argsort(everything, kind="stable")
        self._sorted = everything[self._order]
        self._starts = np.cumsum([0, *map(len, keys)])

    def find(self, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Which of the images (B,) are known, bool (B,), and their features, float32 (B, D); 0 where they are not."""
        wanted = keys.numpy()
        values = torch.zeros(len(wanted), self.width)
        if not len(self._sorted):
            return torch.zeros(len(wanted), dtype=torch.bool), values
        positions = np.searchsorted(self._sorted, wanted).clip(max=len(self._sorted) - 1)
        known: NDArray[np.bool_] = self._sorted[positions] == wanted
        rows = self._order[positions]
        files = np.searchsorted(self._starts, rows, side="right") - 1
        for file in np.unique(files[known]):
            here = torch.from_numpy(np.flatnonzero(known & (files == file)))
            values[here] = self._values[file][torch.from_numpy(rows[here.numpy()] - self._starts[file])]
        return torch.from_numpy(known), values

    def add(self, keys: Tensor, values: Tensor) -> None:
        """Keep the features of some images, int64 (B,) and float32 (B, D)."""
        self._waiting.append((keys, values))
        if sum(len(keys) for keys, _ in self._waiting) >= IMAGES_PER_FILE:
            self.write()

    def write(self) -> None:
        """Write what is not written yet. Where the folder cannot be written, nothing is kept."""
        from safetensors.torch import save

        if not self._waiting:
            return
        keys, values = (torch.cat(column) for column in zip(*self._waiting, strict=True))
        self._waiting.clear()
        with contextlib.suppress(StorageError):
            make_folder(self.folder)
            write_bytes(self.folder / f"{secrets.token_hex(8)}.safetensors", save({"keys": keys, "values": values}))

    def _open(self) -> list[NDArray[np.int64]]:
        """Map the values of every readable file into memory; their keys."""
        from safetensors import SafetensorError, safe_open

        all_keys = []
        for path in sorted(self.folder.glob("*.safetensors")):
            with contextlib.suppress(OSError, SafetensorError), safe_open(path, "pt") as file:
                keys, values = file.get_tensor("keys"), file.get_tensor("values")
                if values.shape == (len(keys), self.width):
                    all_keys.append(keys.numpy())
                    self._values.append(values)
        return all_keys
