"""The training time machine's files: what a network looked like after chosen epochs, to scrub through later.

snapshots/ of a run folder
    probes.npz    a few images that every snapshot looks at
    0001.npz      the network after epoch 1
    0004.npz      ...

NumPy archives without pickle, each written whole or not at all. `inspection/recorder.py` makes them.
"""

import dataclasses
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.errors import RunError
from sightline.machine import files

PROBES = "probes.npz"
DAMAGE = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)  # what reading a broken archive raises


@dataclass(frozen=True, kw_only=True, eq=False)
class Probes:
    """The images that every snapshot of a training looks at, of different classes as far as there are some.

    images: uint8 (P, H, W, C), as the network sees them. ids: their names in the data set. labels: int64 (P,).
    split: "validation", or "training" where there are no validation images. classes: the name of each label.
    """

    images: NDArray[np.uint8]
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    split: str
    classes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """A network after one epoch: with the weights of that epoch's last step, not their average, in eval mode.

    epoch: counted from 1. seconds: of training until then. cost: seconds that taking the snapshot took.
    kernel_layer, kernels: the first convolution that learns, float16 (O, C, kh, kw), of at most 64 filters and 16
        channels; none, with size 0, when there is no convolution.
    map_layer, maps: feature maps of an early stage, uint8 (P, M, h, w), of at most 16 channels and 32 x 32 places;
        size 0 when no stage gives any. map_range: the values that 0 and 255 stand for, one scale a snapshot.
    cams: Grad-CAM of each probe for its own class, uint8 (P, h, w), at most 56 x 56; 255 speaks for the class most.
        Size 0 when there are no feature maps.
    probabilities: float32 (P, K), the probes' classes as the network sees them, without temperature.
    truth, predicted: int64 (N,) of at most 1,000 validation images, evenly spaced; N may be 0.
    """

    epoch: int
    seconds: float
    cost: float
    kernel_layer: str
    kernels: NDArray[np.float16]
    map_layer: str
    maps: NDArray[np.uint8]
    map_range: tuple[float, float]
    cams: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probes: Probes

    @property
    def confusion(self) -> NDArray[np.int64]:
        """How many validation images of each class (row) were called what (column), (K, K)."""
        count = len(self.probes.classes)
        return np.bincount(self.truth * count + self.predicted, minlength=count * count).reshape(count, count)


def snapshot_path(folder: Path, epoch: int) -> Path:
    return folder / f"{epoch:04}.npz"


def snapshot_paths(folder: Path) -> dict[int, Path]:
    """The snapshots' files by epoch, the earliest first; of a folder that does not exist none."""
    paths = {int(path.stem): path for path in folder.glob("*.npz") if path.stem.isdecimal()}
    return dict(sorted(paths.items()))


def read_snapshots(folder: str | os.PathLike[str]) -> tuple[Snapshot, ...]:
    """The snapshots in a run's `snapshots_folder`, the earliest first; none when there is no such folder.

    A damaged snapshot is left out. Raises RunError when the probes are gone or damaged, which all of them need.
    """
    paths = snapshot_paths(Path(folder))
    if not paths:
        return ()
    probes = read_probes(Path(folder, PROBES))
    snapshots = []
    for path in paths.values():
        try:
            snapshots.append(_read(path, probes))
        except DAMAGE:
            continue
    return tuple(snapshots)


def read_snapshot(folder: Path, epoch: int) -> Snapshot:
    """The snapshot of one epoch in a run's `snapshots_folder`. Raises RunError when it or the probes are damaged."""
    probes = read_probes(folder / PROBES)
    path = snapshot_path(folder, epoch)
    try:
        return _read(path, probes)
    except DAMAGE as error:
        raise RunError(f"the snapshot of epoch {epoch} cannot be read", where=str(path)) from error


def write_snapshot(folder: Path, snapshot: Snapshot) -> Path:
    """Write one snapshot, without its probes, into `folder`. Raises StorageError."""
    fields = {f.name: getattr(snapshot, f.name) for f in dataclasses.fields(snapshot) if f.name != "probes"}
    path = snapshot_path(folder, snapshot.epoch)
    files.write_bytes(path, _archive(fields))
    return path


def write_probes(folder: Path, probes: Probes) -> None:
    """Write what all snapshots in `folder` look at. Raises StorageError."""
    files.make_folder(folder)
    files.write_bytes(folder / PROBES, _archive(vars(probes)))


def cost_and_answers(path: Path) -> tuple[float, int]:
    """Seconds that taking the snapshot in `path` took, and how many validation images it has; 0 for a damaged file."""
    try:
        with _opened(path) as archive:
            return float(archive["cost"]), len(archive["truth"])
    except DAMAGE:
        return 0.0, 0


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    # NumPy closes a file that it has opened itself only when it can read it.
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
        yield archive


def _archive(fields: dict[str, Any]) -> bytes:
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, **{name: np.asarray(value) for name, value in fields.items()})
    return file.getvalue()


def read_probes(path: Path) -> Probes:
    """What all snapshots beside `path` look at. Raises RunError when it is gone or damaged."""
    try:
        with _opened(path) as archive:
            probes = Probes(
                images=archive["images"],
                ids=tuple(archive["ids"].tolist()),
                labels=archive["labels"],
                split=str(archive["split"]),
                classes=tuple(archive["classes"].tolist()),
            )
    except DAMAGE as error:
        reason = "it is gone" if isinstance(error, FileNotFoundError) else "it is damaged"
        raise RunError(
            f"the snapshots' {PROBES} cannot be read: {reason}", where=str(path), hint="restore it from a copy"
        ) from error
    if len({len(probes.images), len(probes.ids), len(probes.labels)}) != 1 or probes.images.ndim != 4:
        raise RunError(f"the snapshots' {PROBES} contradicts itself", where=str(path), hint="restore it from a copy")
    return probes


def _read(path: Path, probes: Probes) -> Snapshot:
    """Raises one of DAMAGE for a file that is broken or of other probes."""
    with _opened(path) as archive:
        low, high = archive["map_range"].tolist()
        snapshot = Snapshot(
            epoch=int(archive["epoch"]),
            seconds=float(archive["seconds"]),
            cost=float(archive["cost"]),
            kernel_layer=str(archive["kernel_layer"]),
            kernels=archive["kernels"],
            map_layer=str(archive["map_layer"]),
            maps=archive["maps"],
            map_range=(low, high),
            cams=archive["cams"],
            probabilities=archive["probabilities"],
            truth=archive["truth"],
            predicted=archive["predicted"],
            probes=probes,
        )
    count, classes = len(probes.images), len(probes.classes)
    answers = np.concatenate([snapshot.truth, snapshot.predicted])
    consistent = (
        snapshot.kernels.ndim == snapshot.maps.ndim == 4
        and snapshot.probabilities.shape == (count, classes)
        and len(snapshot.cams) == len(snapshot.maps) == count
        and len(snapshot.truth) == len(snapshot.predicted)
        and (not len(answers) or (answers.min() >= 0 and answers.max() < classes))
    )
    if not consistent:
        raise ValueError(f"{path} does not fit its probes")
    return snapshot
