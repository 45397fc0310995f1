"""Running out of memory is told from other errors, and halves what goes at once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from sightline.errors import DataError, TrainingError
from sightline.machine.memory import Shortage, available_memory, in_chunks, is_out_of_memory, require_memory

FAR_TOO_MANY = 10**15


def test_real_failures_are_recognised() -> None:
    for allocate in (torch.empty, np.empty):
        with Shortage() as shortage:
            allocate(FAR_TOO_MANY)
        assert shortage
        assert shortage.reason
    with Shortage() as nothing:
        pass
    assert not nothing


def test_other_errors_pass() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."))
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 18.11 GB)"))
    assert not is_out_of_memory(ValueError("can't allocate memory"))
    with pytest.raises(RuntimeError, match="mat1 and mat2"), Shortage():
        torch.ones(2, 3) @ torch.ones(2, 3)


def limited(largest: int, asked: list[int]) -> Tensor:
    """Ten numbers squared in chunks of at most eight, with memory for `largest` at once; `asked` gets every chunk."""

    def square(part: slice) -> Tensor:
        numbers = torch.arange(10)[part]
        asked.append(len(numbers))
        return numbers.square() if len(numbers) <= largest else torch.empty(FAR_TOO_MANY)

    return in_chunks(square, 10, chunk=8)


@pytest.mark.parametrize(
    ("largest", "chunks"), [(10, [8, 2]), (5, [8, 4, 4, 2]), (1, [8, 4, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])]
)
def test_chunks_halve_until_they_fit(largest: int, chunks: list[int]) -> None:
    asked: list[int] = []
    assert limited(largest, asked).tolist() == [number**2 for number in range(10)]
    assert asked == chunks


def test_one_that_does_not_fit() -> None:
    with pytest.raises(TrainingError) as caught:
        limited(0, [])
    assert caught.value.what == "out of memory: the network does not fit with even one image at a time"
    assert "can't allocate memory" in caught.value.where


def test_a_fifth_of_the_memory_stays_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.machine.memory.available_memory", lambda: 1_000_000_000)
    require_memory(800_000_000, what="images")
    with pytest.raises(DataError, match=r"images need 0\.8 GB, and 1\.0 GB of memory are available"):
        require_memory(800_000_001, what="images")


def test_available_memory_is_what_linux_says() -> None:
    meminfo = Path("/proc/meminfo")
    available = available_memory()
    assert 10**6 < available < 10**15
    if meminfo.exists():
        said = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())["MemAvailable"]
        assert available == pytest.approx(int(said.split()[0]) * 1024, rel=0.2)


def test_memory_is_guarded_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda path: False)  # no /proc, as on a Mac
    with pytest.raises(DataError, match="images need 1000000000"):
        require_memory(10**18, what="images")
