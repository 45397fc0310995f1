"""Where data sets are looked for, and tensors that are decoded once and kept for the next time."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sightline.machine import cache as module
from sightline.machine.cache import cache_folder, data_folders, decode_once


def test_the_users_cache_follows_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "sightline" / "data"


def test_what_a_person_names_is_looked_at_first(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert data_folders() == (cache,)
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path / "mine"))
    assert data_folders() == (tmp_path / "mine", cache)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SIGHTLINE_DATA", "~/pictures")
    assert data_folders()[0] == tmp_path / "pictures"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "published" / "numbers.bin"
    path.parent.mkdir()
    path.write_bytes(bytes((1, 2, 3)))
    return path


class Decoder:
    """Makes a tensor of a file, and counts how often."""

    def __init__(self, path: Path) -> None:
        self.path, self.times = path, 0

    def __call__(self) -> dict[str, Tensor]:
        self.times += 1
        return {"values": torch.tensor(list(self.path.read_bytes()))}


def test_the_second_time_nothing_is_decoded(cache: Path, source: Path) -> None:
    decode = Decoder(source)
    for _ in range(2):
        assert decode_once("numbers", (source,), decode)["values"].tolist() == [1, 2, 3]
    assert decode.times == 1
    assert (cache / "decoded" / "numbers.safetensors").exists()


def rewritten(path: Path) -> None:
    path.write_bytes(bytes((1, 2, 3, 4)))


def touched(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


@pytest.mark.parametrize("change", [rewritten, touched])
def test_another_size_or_time_is_another_file(change: Callable[[Path], None], cache: Path, source: Path) -> None:
    decode = Decoder(source)
    decode_once("numbers", (source,), decode)
    change(source)
    assert decode_once("numbers", (source,), decode)["values"].tolist() == list(source.read_bytes())
    assert decode.times == 2


def test_another_place_is_another_file(cache: Path, source: Path) -> None:
    decode = Decoder(source)
    decode_once("numbers", (source,), decode)
    beside = source.with_name("others.bin")
    os.link(source, beside)  # the same in size and time
    decode_once("numbers", (beside,), decode)
    assert decode.times == 2


def test_the_files_of_a_folder_count(cache: Path, source: Path) -> None:
    decode = Decoder(source)
    for _ in range(2):
        decode_once("numbers", (source.parent,), decode)
    assert decode.times == 1
    (source.parent / "more.bin").touch()
    decode_once("numbers", (source.parent,), decode)
    assert decode.times == 2


def test_another_layout_makes_everything_anew(cache: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = Decoder(source)
    decode_once("numbers", (source,), decode)
    monkeypatch.setattr(module, "LAYOUT", module.LAYOUT + 1)
    decode_once("numbers", (source,), decode)
    assert decode.times == 2


@pytest.mark.parametrize("damage", [b"", b"not tensors", b"\xff" * 100])
def test_damaged_tensors_are_made_anew(damage: bytes, cache: Path, source: Path) -> None:
    decode = Decoder(source)
    decode_once("numbers", (source,), decode)
    file = cache / "decoded" / "numbers.safetensors"
    whole = file.read_bytes()
    file.unlink()
    file.write_bytes(damage)
    assert decode_once("numbers", (source,), decode)["values"].tolist() == [1, 2, 3]
    assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_does_no_harm(cache: Path, source: Path) -> None:
    decode = Decoder(source)
    cache.mkdir()
    (cache / "decoded").write_text("a file in the way")
    for _ in range(2):
        assert decode_once("numbers", (source,), decode)["values"].tolist() == [1, 2, 3]
    assert decode.times == 2
