"""Snapshots on the disk: what is written is read back, and damage costs no more than it must."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from sightline.errors import RunError
from sightline.inspection.snapshots import (
    PROBES,
    Probes,
    Snapshot,
    cost_and_answers,
    read_snapshot,
    read_snapshots,
    snapshot_path,
    write_probes,
    write_snapshot,
)

CLASSES = ("cat", "dog", "Übermut\udcff")  # a file name that is no UTF-8 becomes such a class


def probes() -> Probes:
    images = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    return Probes(images=images, ids=("a/1", "b/2"), labels=np.array([0, 2]), split="validation", classes=CLASSES)


def snapshot(epoch: int) -> Snapshot:
    return Snapshot(
        epoch=epoch,
        seconds=epoch * 1.5,
        cost=0.02,
        kernel_layer="stages.conv1",
        kernels=np.full((4, 3, 3, 3), epoch, dtype=np.float16),
        map_layer="stages.pool1",
        maps=np.full((2, 5, 6, 6), epoch, dtype=np.uint8),
        map_range=(-1.0, 2.5),
        cams=np.full((2, 4, 4), 9, dtype=np.uint8),
        probabilities=np.array([[0.5, 0.25, 0.25], [0, 0, 1]], dtype=np.float32),
        truth=np.array([0, 0, 1, 2]),
        predicted=np.array([0, 1, 1, 0]),
        probes=probes(),
    )


def written(folder: Path, *epochs: int) -> None:
    write_probes(folder, probes())
    for epoch in epochs:
        write_snapshot(folder, snapshot(epoch))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written(tmp_path / "snapshots", 12, 3)
    third, twelfth = read_snapshots(tmp_path / "snapshots")
    assert (third.epoch, twelfth.epoch) == (3, 12)
    expected = snapshot(3)
    for field in dataclasses.fields(Snapshot):
        if field.name != "probes":
            np.testing.assert_array_equal(getattr(third, field.name), getattr(expected, field.name))
    for field in dataclasses.fields(Probes):
        np.testing.assert_array_equal(getattr(third.probes, field.name), getattr(probes(), field.name))
    assert third.kernels.dtype == np.float16
    assert third.maps.dtype == np.uint8


def test_the_confusion_is_counted_by_hand() -> None:
    np.testing.assert_array_equal(snapshot(1).confusion, [[1, 1, 0], [0, 1, 0], [1, 0, 0]])


def test_no_snapshots(tmp_path: Path) -> None:
    assert read_snapshots(tmp_path) == ()
    assert read_snapshots(tmp_path / "nowhere") == ()


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_damaged_snapshot_is_left_out(tmp_path: Path, keep: float) -> None:
    written(tmp_path, 1, 2, 3)
    path = snapshot_path(tmp_path, 2)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep if keep >= 1 else keep * len(whole))])
    assert [snapshot.epoch for snapshot in read_snapshots(tmp_path)] == [1, 3]


def test_a_snapshot_of_other_probes_is_left_out(tmp_path: Path) -> None:
    written(tmp_path, 1)
    write_snapshot(tmp_path, dataclasses.replace(snapshot(2), predicted=np.array([0, 1, 1, 3])))
    write_snapshot(tmp_path, dataclasses.replace(snapshot(4), probabilities=np.zeros((3, 3), np.float32)))
    assert [snapshot.epoch for snapshot in read_snapshots(tmp_path)] == [1]


def test_a_pickle_is_never_read(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return pytest.fail, ("a pickle was read",)

    written(tmp_path, 1, 2)
    fields = dict(np.load(snapshot_path(tmp_path, 2)))
    fields["kernel_layer"] = np.array(Bomb(), dtype=object)
    with open(snapshot_path(tmp_path, 2), "wb") as file:
        np.savez(file, **fields)
    assert [snapshot.epoch for snapshot in read_snapshots(tmp_path)] == [1]


def test_without_its_probes_there_is_nothing_to_see(tmp_path: Path) -> None:
    written(tmp_path, 1)
    (tmp_path / PROBES).write_bytes(b"PK")
    with pytest.raises(RunError, match=r"probes.npz cannot be read: it is damaged .*probes.npz\): restore it"):
        read_snapshots(tmp_path)
    (tmp_path / PROBES).unlink()
    with pytest.raises(RunError, match=r"probes\.npz cannot be read: it is gone"):
        read_snapshots(tmp_path)


def test_a_snapshot_that_is_damaged_is_named(tmp_path: Path) -> None:
    write_probes(tmp_path, probes())
    path = write_snapshot(tmp_path, snapshot(1))
    write_snapshot(tmp_path, snapshot(2))
    path.write_bytes(b"damaged")
    with pytest.raises(RunError) as caught:
        read_snapshot(tmp_path, 1)
    assert str(caught.value) == f"the snapshot of epoch 1 cannot be read ({path})"
    assert cost_and_answers(path) == (0.0, 0)
    assert read_snapshot(tmp_path, 2).epoch == 2


def test_probes_that_contradict_themselves_are_named(tmp_path: Path) -> None:
    write_probes(tmp_path, dataclasses.replace(probes(), labels=np.array([0])))
    write_snapshot(tmp_path, snapshot(1))
    with pytest.raises(RunError) as caught:
        read_snapshots(tmp_path)
    assert str(caught.value) == (
        f"the snapshots' {PROBES} contradicts itself ({tmp_path / PROBES}): restore it from a copy"
    )
