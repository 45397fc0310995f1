"""timm without torch's compiler: sooner, and the same for everybody who uses it."""

import subprocess
import sys
import types

import pytest
import torch

from sightline.machine.late_compiler import MODULE, _late, _StandIn, late_compiler


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_a_network_of_timms_does_not_import_the_compiler() -> None:
    code = """
import sys, torch
from sightline.models.registry import create_model
network = create_model("test_resnet", num_classes=3, in_channels=3, size=64).eval()
network(torch.zeros(1, 3, 64, 64))
print("timm" in sys.modules, "torch._dynamo" in sys.modules, "torch._dynamo.utils" in sys.modules)
"""
    assert run(code).split() == ["True", "False", "False"]


def test_the_compiler_is_there_for_who_uses_it_afterwards() -> None:
    # torchvision's function finds the real one; timm's methods, and torch's own names, are what they were.
    code = """
import sys, torch
real = torch.compiler.disable
from sightline.machine.late_compiler import late_compiler
with late_compiler():
    import timm, torchvision
assert torch.compiler.disable is real and "torch._dynamo" not in sys.modules
boxes = torch.tensor([[0.0, 0.0, 0.0, 4.0, 4.0]])
pooled = torchvision.ops.roi_align(torch.ones(1, 1, 8, 8), boxes, 2)
print(pooled.sum().item())
print(torchvision.ops.roi_align.__globals__["is_compile_supported"]("cpu"))
from torch._dynamo.utils import counters, is_compile_supported
print(is_compile_supported("cpu"), type(counters).__name__)
"""
    assert run(code).split() == ["4.0", "True", "True", "defaultdict"]


def test_whoever_needs_more_within_gets_the_real_thing() -> None:
    code = """
import sys
from sightline.machine.late_compiler import late_compiler
with late_compiler():
    import torch._dynamo
    from torch._dynamo.utils import counters
import torch._dynamo.utils
print(torch._dynamo.utils.counters is counters, sys.modules["torch._dynamo.utils"].__file__ is not None)
"""
    assert run(code).split() == ["True", "True"]


def test_disabled_functions_run_and_the_compiler_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[object] = []

    def disable(fn: object, recursive: bool, reason: str | None = None) -> object:
        messages.append((fn, recursive, reason))
        return fn

    later = _late(disable)

    @later(recursive=False, reason="loops")  # type: ignore[untyped-decorator]
    def double(x: int) -> int:
        """Twice."""
        return 2 * x

    assert double.__doc__ == "Twice."
    monkeypatch.delitem(sys.modules, "torch._dynamo", raising=False)
    assert double(3) == 6
    assert messages == []
    monkeypatch.setitem(sys.modules, "torch._dynamo", types.ModuleType("torch._dynamo"))
    assert (double(4), double(5)) == (8, 10)
    assert messages == [(double.__wrapped__, False, "loops")]


def test_an_error_within_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    before = torch.compiler.disable

    def fail() -> None:
        assert isinstance(sys.modules[MODULE], _StandIn)
        assert torch.compiler.disable is not before
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), late_compiler():
        fail()
    assert MODULE not in sys.modules
    assert torch.compiler.disable is before
