"""Where the arithmetic runs, in which precision, and why."""

import ctypes
import platform
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch

from sightline.config import PrecisionName
from sightline.errors import ConfigError

# The numbers are those of glibc's malloc.h.
M_TRIM_THRESHOLD = -1
M_TOP_PAD = -2
M_MMAP_MAX = -4


@dataclass(frozen=True)
class Precision:
    """The number format of convolutions and matrix products; weights, sums and the loss stay float32.

    reason: one clause for the user, e.g. "this CPU multiplies bf16 natively (AMX)".
    """

    name: Literal["bf16", "fp32"]
    reason: str

    @property
    def dtype(self) -> torch.dtype:
        """As torch calls it."""
        return torch.bfloat16 if self.name == "bf16" else torch.float32

    def autocast(self, device: torch.device) -> torch.autocast:
        """The context a forward pass runs in."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.name == "bf16")


def find_device(name: str) -> torch.device:
    """The device called `name`: auto, cpu, cuda, cuda:1, mps. Auto takes a GPU where there is one.

    Raises ConfigError when there is no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"there is no device '{name}'", hint="use auto, cpu, cuda, cuda:1 or mps") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device '{name}' is not there", hint=f"{torch.cuda.device_count()} CUDA devices are visible")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device 'mps' is not there", hint="use auto or cpu")
    if device.type not in ("cpu", "cuda", "mps"):
        raise ConfigError(f"device '{name}' is not supported", hint="use auto, cpu, cuda, cuda:1 or mps")
    return device


def find_precision(name: PrecisionName, device: torch.device) -> Precision:
    """The precision called `name`; auto takes bf16 exactly where the hardware multiplies it natively.

    Raises ConfigError when bf16 is asked of a device that has none.
    """
    native = _native_bf16(device)
    if name == "fp32":
        return Precision("fp32", "as asked")
    if name == "bf16":
        if device.type == "mps":
            raise ConfigError("bf16 training is not supported on mps", hint="use --precision auto or fp32")
        return Precision("bf16", "as asked" if native else "as asked, though this hardware only emulates it")
    if native:
        return Precision("bf16", native)
    return Precision("fp32", f"this {device.type.upper()} has no native bf16")


def _native_bf16(device: torch.device) -> str:
    """How `device` multiplies bf16 in hardware, as a clause; empty when it does not."""
    if device.type == "cuda":
        fast = torch.cuda.get_device_capability(device) >= (8, 0)
        return f"{torch.cuda.get_device_name(device)} multiplies bf16 natively" if fast else ""
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        if capabilities.get("amx_bf16"):
            return "this CPU multiplies bf16 natively (AMX)"
        if capabilities.get("avx512_bf16"):
            return "this CPU multiplies bf16 natively (AVX-512 BF16)"
    return ""


@cache
def keep_freed_memory() -> bool:
    """Let the C library keep memory that was freed instead of handing it back to the system; whether it could.

    A training step frees and allocates the same gigabyte of activations again and again. By default glibc maps large
    blocks afresh each time, and the kernel clears every page on first touch: on two cores that took a third of a step
    at batch 2,000 (docs/experiments.md). The process's peak memory stays the same. Only glibc on Linux is changed.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    never_map, never_trim, grow_by = (M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, 64 * 2**20)
    return all(libc.mallopt(option, value) for option, value in (never_map, never_trim, grow_by))
