"""Where training runs, and in which precision, with its reason."""

from typing import Any

import pytest
import torch

from sightline.config import PrecisionName
from sightline.errors import ConfigError
from sightline.machine.device import find_device, find_precision, keep_freed_memory

CPU = torch.device("cpu")


@pytest.mark.parametrize(("cuda", "mps", "device"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_auto_takes_a_gpu_where_there_is_one(
    cuda: bool, mps: bool, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert find_device("auto") == torch.device(device)


def test_devices_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert find_device("cpu") == CPU
    assert find_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", "there is no device 'gpu': use auto, cpu, cuda, cuda:1 or mps"),
        ("cuda:2", "device 'cuda:2' is not there: 2 CUDA devices are visible"),
        ("mps", "device 'mps' is not there: use auto or cpu"),
        ("meta", "device 'meta' is not supported: use auto, cpu, cuda, cuda:1 or mps"),
    ],
)
def test_impossible_devices(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ConfigError) as caught:
        find_device(name)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("capabilities", "asked", "name", "reason"),
    [
        ({"amx_bf16": True}, "auto", "bf16", "this CPU multiplies bf16 natively (AMX)"),
        ({"avx512_bf16": True}, "auto", "bf16", "this CPU multiplies bf16 natively (AVX-512 BF16)"),
        ({"amx_bf16": False}, "auto", "fp32", "this CPU has no native bf16"),
        ({"amx_bf16": True}, "fp32", "fp32", "as asked"),
        ({"amx_bf16": True}, "bf16", "bf16", "as asked"),
        ({}, "bf16", "bf16", "as asked, though this hardware only emulates it"),
    ],
)
def test_precision_and_its_reason(
    capabilities: dict[str, Any], asked: PrecisionName, name: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    precision = find_precision(asked, CPU)
    assert (precision.name, precision.reason) == (name, reason)


@pytest.mark.parametrize(("capability", "name"), [((9, 0), "bf16"), ((8, 0), "bf16"), ((7, 5), "fp32")])
def test_precision_on_cuda(capability: tuple[int, int], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Some GPU")
    precision = find_precision("auto", torch.device("cuda"))
    reason = "Some GPU multiplies bf16 natively" if name == "bf16" else "this CUDA has no native bf16"
    assert (precision.name, precision.reason) == (name, reason)


def test_no_bf16_on_mps() -> None:
    with pytest.raises(ConfigError) as caught:
        find_precision("bf16", torch.device("mps"))
    assert str(caught.value) == "bf16 training is not supported on mps: use --precision auto or fp32"
    assert find_precision("auto", torch.device("mps")).name == "fp32"


@pytest.mark.parametrize(("name", "dtype"), [("bf16", torch.bfloat16), ("fp32", torch.float32)])
def test_autocast_decides_what_is_multiplied(name: PrecisionName, dtype: torch.dtype) -> None:
    matrix = torch.eye(2)
    with find_precision(name, CPU).autocast(CPU):
        assert (matrix @ matrix).dtype == dtype


def test_only_glibc_is_told_to_keep_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    monkeypatch.setattr("ctypes.CDLL", lambda name: pytest.fail("no C library is touched"))
    assert keep_freed_memory.__wrapped__() is False
