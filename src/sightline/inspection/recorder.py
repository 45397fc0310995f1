"""Snapshots taken while a network trains, at most 20 and for at most 3 % of the training's time.

After epoch e of E the share sqrt(e / E) of them has been taken: the first epochs, in which most changes, lie close
together. E is planned, or for a training with a time budget what its speed promises. When snapshots turn out to cost
more than their budget, fewer are taken. Those after the first and the last epoch are taken in any case: they take some
hundredths of a second, which only a training of a second or two notices.

The training itself never notices: nothing random is drawn, and mode, weights and gradients are left as they were.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sightline.classifier.classifier import Classifier
from sightline.data.class_turns import in_class_turns
from sightline.data.imageset import ImageSet, Splits
from sightline.data.randomness import derived_seed
from sightline.data.store.stream import stream
from sightline.errors import ModelError
from sightline.inspection.cam import grad_cam_batch
from sightline.inspection.capture import output_of, undisturbed, watched
from sightline.inspection.layers import as_maps
from sightline.inspection.snapshots import (
    Probes,
    Snapshot,
    cost_and_answers,
    snapshot_paths,
    write_probes,
    write_snapshot,
)
from sightline.machine.device import Precision
from sightline.machine.memory import in_chunks
from sightline.models.contract import Network
from sightline.pixels.preprocess import Preprocess
from sightline.training.fit import Epoch
from sightline.training.listener import Listener

MOST, SHARE = 20, 0.03  # snapshots of a training, and their share of its time
PROBE_COUNT = 6
# The answers to at most so many validation images are kept, in at most so much memory; to fewer where looking at them
# would cost more than this share of the budget, but not to fewer than the least.
CONFUSION, CONFUSION_BYTES = 1_000, 64 * 2**20
CONFUSION_SHARE, LEAST_CONFUSION = 0.5, 100
PASSES = 3  # a training step costs about as much as three looks at its images
FILTERS, CHANNELS, MAPS = 64, 16, 16
MAP_SIDE, CAM_SIDE = 32, 56
CHUNK_PIXELS = 32 * 224 * 224


@dataclass(frozen=True, eq=False)
class _Watched:
    """What is looked at after every epoch that is kept.

    pixels: uint8 (P, C, H, W). map_layer: a name, empty when there is none. images, truth: validation images, uint8
    (N, C, H, W), and their labels (N,).
    """

    probes: Probes
    pixels: Tensor
    map_layer: str
    images: Tensor
    truth: Tensor


class SnapshotRecorder(Listener):
    """Keeps snapshots of `network`, which `fit` trains on `splits`, in `folder`; see `snapshots.read_snapshots`.

    share: of the training's time that they may take.
    """

    def __init__(
        self,
        folder: Path,
        network: Network,
        splits: Splits,
        *,
        preprocess: Preprocess,
        precision: Precision,
        seed: int = 0,
        share: float = SHARE,
    ) -> None:
        self.folder = folder
        self.network = network
        self.splits = splits
        self.preprocess = preprocess
        self.precision = precision
        self.seed = seed
        self.share = share
        self.kernel_layer = _first_learning(network)
        self.count = self.last_epoch = 0
        self.spent = self.cost = 0.0  # seconds, over all; of the latest snapshot
        self._answers_kept = 0  # of validation images in the snapshots of an earlier part of this training
        self._watched: _Watched | None = None

    def epoch(self, epoch: Epoch) -> None:
        """Keep a snapshot if it is time for one. Raises StorageError, DataError.

        Of a training that goes on from a checkpoint, the snapshots of this epoch and those behind it are replaced.
        """
        started = time.perf_counter()
        if self._watched is None:
            self._go_on(epoch.epoch)
        if not self._is_due(epoch):
            return
        with undisturbed(self.network):
            if self._watched is None:
                self._watched = self._choose(epoch)
                write_probes(self.folder, self._watched.probes)
            snapshot = self._take(self._watched, epoch, started)
        write_snapshot(self.folder, snapshot)
        self.cost = time.perf_counter() - started
        self.spent += self.cost
        self.count, self.last_epoch = self.count + 1, epoch.epoch

    def _go_on(self, epoch: int) -> None:
        """Take up where an earlier part of this training stopped, before its epoch `epoch`."""
        paths = snapshot_paths(self.folder)
        for number, path in paths.items():
            if number >= epoch:
                path.unlink(missing_ok=True)
        earlier = [cost_and_answers(path) for number, path in paths.items() if number < epoch]
        costs = [cost for cost, _ in earlier]
        self.count, self.spent, self.cost = len(costs), sum(costs), costs[-1] if costs else 0.0
        self._answers_kept = max((answers for _, answers in earlier), default=0)
        self.last_epoch = max((number for number in paths if number < epoch), default=0)

    def _is_due(self, epoch: Epoch) -> bool:
        if epoch.progress >= 1 or self.count == 0:
            return True
        seconds_left = self.share * epoch.seconds / epoch.progress - self.spent
        more = math.floor(seconds_left / self.cost) if self.cost else MOST
        points = min(MOST, self.count + more)  # with the last epoch's
        if self.count + 1 >= points:
            return False
        epochs = epoch.epoch / epoch.progress
        now, before = (math.floor((points - 1) * math.sqrt(e / epochs)) for e in (epoch.epoch, self.last_epoch))
        return now > before

    def _choose(self, epoch: Epoch) -> _Watched:
        """Decide on what every snapshot looks at, and read it."""
        source = self.splits.val or self.splits.train
        chosen = source.take(_of_many_classes(source.labels, PROBE_COUNT, self.seed))
        pixels = _pixels(chosen, self.preprocess)
        probes = Probes(
            images=pixels.permute(0, 2, 3, 1).numpy(),
            ids=chosen.ids,
            labels=chosen.labels.numpy(),
            split="validation" if self.splits.val else "training",
            classes=self.splits.classes,
        )
        val = self.splits.val
        count = self._affordable(len(val), pixels[0].nbytes, epoch) if val else 0
        some = val.take(torch.arange(count) * len(val) // count) if val and count else None
        return _Watched(
            probes=probes,
            pixels=pixels,
            map_layer=_early_stage(self.network, self._ready(pixels[:1]), self.kernel_layer),
            images=_pixels(some, self.preprocess) if some else pixels[:0],
            truth=some.labels if some else torch.empty(0, dtype=torch.int64),
        )

    def _affordable(self, images: int, image_bytes: int, epoch: Epoch) -> int:
        """How many of the validation images every snapshot can look at: as many as the earlier ones did."""
        if self._answers_kept:
            return min(images, self._answers_kept)
        epochs = epoch.epoch / epoch.progress
        seconds = CONFUSION_SHARE * self.share * epoch.seconds / epoch.progress / min(MOST, epochs)
        by_time = max(LEAST_CONFUSION, int(seconds * PASSES * epoch.images_per_second))
        return min(images, CONFUSION, by_time, max(1, CONFUSION_BYTES // image_bytes))

    def _take(self, watched_: _Watched, epoch: Epoch, started: float) -> Snapshot:
        probes, network = watched_.probes, self.network
        maps, map_range, probabilities = self._maps(watched_)
        kernels = network.get_submodule(self.kernel_layer).weight if self.kernel_layer else torch.zeros(0, 0, 0, 0)
        assert isinstance(kernels, Tensor)
        return Snapshot(
            epoch=epoch.epoch,
            seconds=epoch.seconds,
            kernel_layer=self.kernel_layer,
            kernels=kernels[:FILTERS, :CHANNELS].detach().half().cpu().numpy(),
            map_layer=watched_.map_layer,
            maps=maps,
            map_range=map_range,
            cams=self._cams(watched_),
            probabilities=probabilities,
            truth=watched_.truth.numpy(),
            predicted=self._answers(watched_.images),
            cost=time.perf_counter() - started,
            probes=probes,
        )

    def _maps(self, watched_: _Watched) -> tuple[NDArray[np.uint8], tuple[float, float], NDArray[np.float32]]:
        """Feature maps of the probes, uint8 (P, M, h, w), the values that 0 and 255 stand for, the probabilities."""
        inputs, layer = self._ready(watched_.pixels), watched_.map_layer
        with watched(self.network, [layer] if layer else []) as runs:
            probabilities = self.network(inputs).float().softmax(1).cpu().numpy()
        if not layer:
            return np.zeros((len(inputs), 0, 0, 0), np.uint8), (0.0, 0.0), probabilities
        maps = _at_most(as_maps(self.network, layer, output_of(layer, runs), inputs)[:, :MAPS].float(), MAP_SIDE)
        low, high = float(maps.min()), float(maps.max())
        scaled = (maps - low) * (255 / (high - low) if high > low else 0)
        return scaled.round().to(torch.uint8).cpu().numpy(), (low, high), probabilities

    def _cams(self, watched_: _Watched) -> NDArray[np.uint8]:
        """Grad-CAM of each probe for its own class, uint8 (P, h, w)."""
        probes, architecture = watched_.probes, self.network.architecture
        assert architecture is not None
        classifier = Classifier(self.network, probes.classes, self.preprocess, architecture)
        try:
            maps = grad_cam_batch(classifier, watched_.pixels, probes.labels)
        except ModelError:  # there is no place to look at: the network is dense, or shrinks images to one value
            return np.zeros((len(probes.labels), 0, 0), np.uint8)
        small = _at_most(torch.from_numpy(maps)[:, None], CAM_SIDE)[:, 0]
        return (255 * small).round().to(torch.uint8).numpy()

    def _answers(self, images: Tensor) -> NDArray[np.int64]:
        """The classes the network sees on uint8 (N, C, H, W), in the training's precision: int64 (N,)."""
        if not len(images):
            return np.zeros(0, np.int64)
        device = next(self.network.parameters()).device

        def some(part: slice) -> Tensor:
            with self.precision.autocast(device):
                logits: Tensor = self.network(self._ready(images[part]))
            return logits.argmax(1).cpu()

        height, width = images.shape[2:]
        answers = in_chunks(some, len(images), chunk=max(1, CHUNK_PIXELS // (height * width)))
        return answers.numpy()

    def _ready(self, pixels: Tensor) -> Tensor:
        return self.preprocess.normalise(pixels.to(next(self.network.parameters()).device))


def _of_many_classes(labels: Tensor, count: int, seed: int) -> list[int]:
    """Which images to look at: one of each of the first classes; when there are few, more of each. By class."""
    generator = Generator().manual_seed(derived_seed(seed, "probes", 0))
    chosen = in_class_turns(labels, generator)[:count].tolist()
    return sorted(chosen, key=lambda index: (int(labels[index]), index))


def _pixels(images: ImageSet, preprocess: Preprocess) -> Tensor:
    """As the network sees them, uint8 (N, C, H, W)."""
    return next(stream(images.images, preprocess, chunk=len(images))).clone()


def _first_learning(network: Network) -> str:
    """The first convolution that learns and sees more than one place, or else the first; empty when there is none."""
    every = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)]
    learning = [name for name, layer in every if layer.weight.requires_grad and max(layer.kernel_size) > 1]
    return next(iter(learning or [name for name, _ in every]), "")


def _early_stage(network: Network, inputs: Tensor, kernel_layer: str) -> str:
    """A stage whose maps change and still look like the image: the last with a third of its sides or more.

    inputs: (1, C, H, W). Stages before the first that learns never change. Where no map is so large, the first one;
    empty where there are none.
    """
    names = [f"stages.{name}" for name, _ in network.stages.named_children()]
    learning = next((i for i, name in enumerate(names) if f"{kernel_layer}.".startswith(f"{name}.")), 0)
    sides = {}
    with watched(network, names[learning:]) as runs:
        network(inputs)
    for name in names[learning:]:
        try:
            sides[name] = as_maps(network, name, output_of(name, runs), inputs).shape[2]
        except ModelError:
            continue
    large = [name for name, side in sides.items() if 3 * side >= inputs.shape[2]]
    return large[-1] if large else next(iter(sides), "")


def _at_most(maps: Tensor, side: int) -> Tensor:
    """(B, C, h, w) with larger sides averaged down to `side`."""
    height, width = maps.shape[2:]
    return F.adaptive_avg_pool2d(maps, (min(height, side), min(width, side)))
