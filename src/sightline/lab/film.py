"""A run's snapshots and history as the time machine draws them: numbers in few bytes, one answer a snapshot."""

from typing import Any

import numpy as np

from sightline.errors import RunError
from sightline.inspection.snapshots import PROBES, Snapshot, read_probes, read_snapshot, snapshot_paths
from sightline.lab.packing import packed
from sightline.runs.run import Run

FILTERS, CHANNELS, MAPS = 24, 3, 8  # that are shown, at most
CURVES = ("epoch", "train_loss", "val_loss", "val_accuracy", "val_interval", "lr", "seconds")


def index(run: Run) -> dict[str, Any]:
    """Which epochs have snapshots, the curves so far, and the probes; `probes` is None before the first snapshot.

    Raises RunError when the probes or the history are damaged.
    """
    epochs = list(snapshot_paths(run.snapshots_folder))
    return {"epochs": epochs, **progress(run), "probes": _probes(run) if epochs else None}


def progress(run: Run) -> dict[str, Any]:
    """The curves so far, and whether the training is over."""
    history = [{name: record.get(name) for name in CURVES} for record in run.history]
    return {"history": history, "complete": run.is_complete}


def frame(run: Run, epoch: int) -> dict[str, Any]:
    """One snapshot. Raises RunError when there is none of that epoch, or it is damaged."""
    if epoch not in snapshot_paths(run.snapshots_folder):
        raise RunError(f"there is no snapshot of epoch {epoch}")
    kept = read_snapshot(run.snapshots_folder, epoch)
    return {
        "epoch": kept.epoch,
        "kernels": _kernels(kept) if kept.kernels.size else None,
        "maps": _maps(kept) if kept.maps.size else None,
        "cams": packed(kept.cams) if kept.cams.size else None,
        "probabilities": np.round(kept.probabilities.astype(float), 5).tolist(),
        "confusion": kept.confusion.tolist() if len(kept.truth) else None,
        "right": [int((kept.truth == kept.predicted).sum()), len(kept.truth)],
    }


def _probes(run: Run) -> dict[str, Any]:
    probes = read_probes(run.snapshots_folder / PROBES)
    return {
        "images": packed(probes.images),
        "ids": probes.ids,
        "labels": probes.labels.tolist(),
        "split": probes.split,
        "classes": probes.classes,
    }


def _kernels(kept: Snapshot) -> dict[str, Any]:
    """Weights as they are; the page scales them over all snapshots."""
    kernels = kept.kernels[:FILTERS, :CHANNELS]
    return {"layer": kept.kernel_layer, "of": len(kept.kernels), "values": np.round(kernels.astype(float), 4).tolist()}


def _maps(kept: Snapshot) -> dict[str, Any]:
    return {"layer": kept.map_layer, "range": kept.map_range, **packed(kept.maps[:, :MAPS])}
