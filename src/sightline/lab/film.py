"""A run's snapshots and history as the time machine draws them: numbers in few bytes, one answer a snapshot."""

from typing import Any

import numpy as np

from sightline.errors import RunError
from sightline.inspection.snapshots import PROBES, Snapshot, read_probes, read_snapshot, snapshot_paths
from sightline.lab.packing import packed
from sightline.runs.run import Run

FILTERS, CHANNELS, MAPS = 24, 3, 8  # shown at most
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
    snapshot = read_snapshot(run.snapshots_folder, epoch)
    return {
        "epoch": snapshot.epoch,
        "kernels": _kernels(snapshot) if snapshot.kernels.size else None,
        "maps": _maps(snapshot) if snapshot.maps.size else None,
        "cams": packed(snapshot.cams) if snapshot.cams.size else None,
        "probabilities": np.round(snapshot.probabilities.astype(float), 5).tolist(),
        "confusion": snapshot.confusion.tolist() if len(snapshot.truth) else None,
        "right": [int((snapshot.truth == snapshot.predicted).sum()), len(snapshot.truth)],
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


def _kernels(snapshot: Snapshot) -> dict[str, Any]:
    """Weights as they are; the page scales them over all snapshots."""
    kernels = snapshot.kernels[:FILTERS, :CHANNELS]
    return {
        "layer": snapshot.kernel_layer,
        "of": len(snapshot.kernels),
        "values": np.round(kernels.astype(float), 4).tolist(),
    }


def _maps(snapshot: Snapshot) -> dict[str, Any]:
    return {"layer": snapshot.map_layer, "range": snapshot.map_range, **packed(snapshot.maps[:, :MAPS])}
