"""Frozen backbones run once: what the output layer would see of every image, computed, kept, and found again.

A head can then train on these features in seconds, where running the network again in every epoch takes minutes.
"""

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from sightline.config import AugmentConfig
from sightline.data.augment.augment import augment
from sightline.data.images import rows_of
from sightline.data.imageset import ImageSet
from sightline.data.randomness import derived_seed
from sightline.data.store.stream import stream
from sightline.machine.device import Precision, keep_freed_memory
from sightline.machine.memory import in_chunks
from sightline.models.contract import Network
from sightline.models.folding import folded
from sightline.pixels.preprocess import Preprocess
from sightline.training.feature_cache import FeatureCache, feature_folder, pixel_keys

LAYOUT = 1  # raise it when kept features should be computed anew
LARGE = 64 * 2**20  # bytes of features that may stay in memory; more are memory-mapped from a temporary file
STREAM = 128  # images that are decoded and hashed together
CHUNKS = {"cpu": 16, "cuda": 256, "mps": 64}  # images through the network at once; on a CPU small chunks stay in cache


@dataclass(frozen=True, eq=False)
class Features:
    """What a network's output layer sees of every image of a set.

    values: float32 (N, D), memory-mapped when large. labels: int64 (N,). computed: how many of the N images went
    through the network now; the others were known. seconds: that it took, decoding included.
    """

    values: Tensor
    labels: Tensor
    computed: int
    seconds: float

    def __len__(self) -> int:
        return len(self.labels)


def extract(
    network: Network,
    image_set: ImageSet,
    preprocess: Preprocess,
    *,
    device: torch.device,
    precision: Precision,
    view: int = 0,
    variation: AugmentConfig | None = None,
    seed: int = 0,
    keep: bool = True,
    progress: Callable[[int, int], object] | None = None,
) -> Features:
    """The network's embeddings of all images, in eval mode; those that were computed before are not computed again.

    view: 0 for the images as they are, 1 and up for images varied as `variation` says, differently in each view.
    keep: use and fill the cache in the user's cache folder. Its keys are the network's weights but the output layer's,
    the scaling, the precision, and the pixels themselves: a view, another crop or a corrected file is another image.
    progress: told (images done, of how many) now and then.

    The network stays as it is. Raises DataError naming a file that cannot be read, TrainingError when memory is too
    small for one image.
    """
    started = time.perf_counter()
    keep_freed_memory()
    backbone = _backbone(network, device, precision)
    width = network.embedding_size
    cache = FeatureCache(_folder(network, preprocess, precision), width) if keep else None
    values = _room(len(image_set), width)
    done = computed = 0
    pixels = _views(image_set, preprocess, view, variation or AugmentConfig(), seed) if view else None
    try:
        for images in pixels or stream(image_set.images, preprocess, chunk=STREAM):
            rows = slice(done, done + len(images))
            keys = pixel_keys(images) if cache else torch.empty(0)
            known, stored = cache.find(keys) if cache else (torch.zeros(len(images), dtype=torch.bool), torch.empty(0))
            if known.any():
                values[rows] = stored
            if not known.all():
                new = ~known
                answers = _embed(backbone, rows_of(images, new.nonzero().flatten()), preprocess, device)
                values[rows][new] = answers
                computed += len(answers)
                if cache:
                    cache.add(keys[new], answers)
            done = rows.stop
            if progress:
                progress(done, len(image_set))
    finally:  # whoever is interrupted need not compute these again
        if cache:
            cache.write()
    return Features(values, image_set.labels, computed, time.perf_counter() - started)


def views_within(seconds: float, plain: Features, *, at_most: int) -> int:
    """How many varied views can be computed in `seconds`, 0 to `at_most`, judged by the pass over the plain images.

    When that pass found its features in the cache, nobody knows what a pass takes; the views may be there as well, so
    `at_most` are allowed.
    """
    if plain.computed < len(plain) / 2:
        return at_most
    pass_seconds = plain.seconds * len(plain) / plain.computed
    return max(0, min(at_most, int(seconds / pass_seconds)))


def _backbone(network: Network, device: torch.device, precision: Precision) -> Network:
    """A copy that only answers: batch norms folded, weights in the precision, channels last."""
    dtype = torch.bfloat16 if precision.name == "bf16" else torch.float32
    backbone: Network = folded(network).to(device, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return backbone


@torch.inference_mode()
def _embed(backbone: Network, images: Tensor, preprocess: Preprocess, device: torch.device) -> Tensor:
    """uint8 (B, C, H, W) -> float32 (B, D) on the CPU."""
    dtype = next(backbone.parameters()).dtype

    def compute(rows: slice) -> Tensor:
        inputs = preprocess.normalise(images[rows].to(device, non_blocking=True))
        return backbone.embed(inputs.to(dtype)).flatten(1).float().cpu()

    return in_chunks(compute, len(images), chunk=CHUNKS.get(device.type, 16))


def _views(
    image_set: ImageSet, preprocess: Preprocess, view: int, variation: AugmentConfig, seed: int
) -> Iterator[Tensor]:
    """The images as this view shows them, some at a time: uint8 (B, C, h, w)."""
    first = 0
    for chunk in stream(image_set.images, preprocess, chunk=STREAM, room=True):
        yield augment(
            chunk,
            variation,
            indices=torch.arange(first, first + len(chunk)),
            epoch=view,
            generator=Generator().manual_seed(derived_seed(seed, f"view {view}", first)),
            size=preprocess.size,
        )
        first += len(chunk)


def _room(count: int, width: int) -> Tensor:
    """Zeros, float32 (count, width): in memory, or when large in a temporary file that vanishes with them."""
    if 4 * count * width <= LARGE:
        return torch.zeros(count, width)
    with tempfile.TemporaryFile() as file:
        return torch.from_numpy(np.memmap(file, dtype=np.float32, mode="w+", shape=(count, width)))


def _folder(network: Network, preprocess: Preprocess, precision: Precision) -> Path:
    """Where features computed in this way are kept: its name is a digest of all that matters but the pixels."""
    digest = hashlib.blake2b(digest_size=16)
    scaling = (preprocess.mean, preprocess.std)
    # The layers' own description tells strides, padding and pooling, which no weight does.
    pooling = [layer for name, layer in network.head.named_children() if name != "output"]
    digest.update(repr((LAYOUT, precision.name, scaling, network.stages, pooling)).encode())
    for name, tensor in network.state_dict().items():
        if not name.startswith("head.output."):
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(memoryview(tensor.detach().cpu().contiguous().view(-1).numpy()).cast("B"))
    return feature_folder() / digest.hexdigest()
