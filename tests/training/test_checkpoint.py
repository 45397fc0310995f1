"""Checkpoints are whole or not there, and reading one runs no code."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from sightline.errors import RunError, StorageError
from sightline.training.checkpoint import Checkpoints

STATE = {"step": 7, "names": ["a", "b"], "nested": {"rate": 0.5, "best": None}, "weight": torch.arange(6.0).view(2, 3)}


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoint")


def test_nothing_saved_is_none(checkpoints: Checkpoints) -> None:
    assert checkpoints.load() is None


def test_what_is_saved_is_read_back(checkpoints: Checkpoints) -> None:
    checkpoints.save(STATE)
    loaded = checkpoints.load()
    assert loaded is not None
    assert torch.equal(loaded.pop("weight"), STATE["weight"])
    assert loaded == {"format": 1, "step": 7, "names": ["a", "b"], "nested": {"rate": 0.5, "best": None}}


def test_memory_formats_survive(checkpoints: Checkpoints) -> None:
    # An optimiser's fused step walks weights and momentum in memory order: both must keep theirs.
    filters = torch.rand(4, 3, 2, 2).to(memory_format=torch.channels_last)
    checkpoints.save({"filters": filters})
    loaded = checkpoints.load()
    assert loaded is not None
    assert loaded["filters"].stride() == filters.stride() != filters.contiguous().stride()


def test_a_newer_save_replaces_the_older(checkpoints: Checkpoints) -> None:
    for step in (1, 2):
        checkpoints.save({"step": step})
    assert checkpoints.load() == {"format": 1, "step": 2}
    assert [path.name for path in checkpoints.path.parent.iterdir()] == ["state.pt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(28, "No space left on device")])
def test_a_crash_while_writing_leaves_the_old_one(
    error: Any, checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save({"step": 1})

    def crash(state: object, file: Any) -> None:
        file.write(b"half of it")
        raise error

    monkeypatch.setattr(torch, "save", crash)
    with pytest.raises((KeyboardInterrupt, MemoryError, StorageError)):
        checkpoints.save({"step": 2})
    assert checkpoints.load() == {"format": 1, "step": 1}
    assert [path.name for path in checkpoints.path.parent.iterdir()] == ["state.pt"]


def test_a_full_disk_is_said(checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(state: object, file: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(StorageError) as caught:
        checkpoints.save({"step": 2})
    assert str(caught.value) == (
        f"cannot write {checkpoints.path}: no space left on device: "
        "free some space, or choose another folder with --out"
    )


def test_what_a_kill_left_behind_is_cleared_away(checkpoints: Checkpoints) -> None:
    checkpoints.save({"step": 1})
    (checkpoints.path.parent / ".state.pt.0a1b2c3d.part").write_bytes(b"half of it")
    assert checkpoints.load() == {"format": 1, "step": 1}
    assert [path.name for path in checkpoints.path.parent.iterdir()] == ["state.pt"]


class Malicious:
    """Unpickled, it would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.touch, (self.path,))


def test_no_pickled_code_runs(checkpoints: Checkpoints, tmp_path: Path) -> None:
    checkpoints.path.parent.mkdir()
    torch.save({"format": 1, "step": Malicious(tmp_path / "owned")}, checkpoints.path)
    with pytest.raises(RunError, match="the checkpoint is damaged"):
        checkpoints.load()
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "no memo", "no stack", "a list"])
def test_damage_is_said(damage: str, checkpoints: Checkpoints) -> None:
    checkpoints.save(STATE)
    whole = checkpoints.path.read_bytes()
    if damage == "a list":
        torch.save([1, 2], checkpoints.path)
    else:
        damaged = {"empty": b"", "cut": whole[: len(whole) // 2], "noise": b"\x07" * 999}
        damaged |= {"no memo": b"\x80\x02h\x09.", "no stack": b"\x80\x02."}  # a KeyError, an IndexError
        checkpoints.path.write_bytes(damaged[damage])
    with pytest.raises(RunError) as caught:
        checkpoints.load()
    hint = "delete it to train again from the start"
    assert str(caught.value) == f"the checkpoint is damaged ({checkpoints.path}): {hint}"


def test_a_newer_format_is_said(checkpoints: Checkpoints) -> None:
    checkpoints.path.parent.mkdir()
    torch.save({"format": 2}, checkpoints.path)
    with pytest.raises(RunError) as caught:
        checkpoints.load()
    assert str(caught.value) == (
        f"the checkpoint has format 2, this version reads 1 ({checkpoints.path}): "
        "go on with the version of Sightline that wrote it, or train again"
    )


def test_age_is_counted_from_the_last_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A clock that reads 5 when the object is made, 29 when asked, 40 after saving, and 69 when asked. The module's own:
    # other threads read the real one.
    readings = iter([5.0, 29.0, 40.0, 69.0])
    monkeypatch.setattr("sightline.training.checkpoint.time", SimpleNamespace(monotonic=lambda: next(readings)))
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.age == 24
    checkpoints.save({})
    assert checkpoints.age == 29
