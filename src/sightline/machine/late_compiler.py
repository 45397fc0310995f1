"""timm and torchvision imported without torch's compiler, which they touch in passing and a training never calls.

Importing torch._dynamo takes two seconds, three quarters of all that `import timm` takes. Two lines ask for it:
torchvision's roi_align takes one function out of it, and timm's naflexvit marks methods with torch.compiler.disable.
Within `late_compiler` both get stand-ins that do the same when they are called; where a later version asks for
something else it gets the real thing, and only the time is lost.
"""

import functools
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

MODULE, COMPILER = "torch._dynamo.utils", "torch._dynamo"

_lock = threading.RLock()


@contextmanager
def late_compiler() -> Iterator[None]:
    """Imports within it do not import torch's compiler. Afterwards everything is as it was."""
    import torch

    with _lock:
        if MODULE in sys.modules:  # too late: somebody has
            yield
            return
        disable = torch.compiler.disable
        sys.modules[MODULE] = stand_in = _StandIn(MODULE)
        torch.compiler.disable = _late(disable)
        try:
            yield
        finally:
            torch.compiler.disable = disable
            if sys.modules.get(MODULE) is stand_in:
                del sys.modules[MODULE]


class _StandIn(ModuleType):
    """What stands for torch._dynamo.utils until someone needs more of it than one function."""

    @staticmethod
    def is_compile_supported(device_type: str) -> Any:
        return importlib.import_module(MODULE).is_compile_supported(device_type)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python's own questions about a module
            raise AttributeError(name)
        if sys.modules.get(MODULE) is self:
            del sys.modules[MODULE]
        return getattr(importlib.import_module(MODULE), name)


def _late(disable: Callable[..., Any]) -> Callable[..., Any]:
    """`torch.compiler.disable`, whose functions ask the compiler to pass them by only where there is one."""

    def later(fn: Any = None, recursive: bool = True, **options: Any) -> Any:
        if fn is None:
            return lambda function: later(function, recursive, **options)
        disabled = functools.cache(lambda: disable(fn, recursive, **options))

        @functools.wraps(fn)
        def call(*args: Any, **kwargs: Any) -> Any:
            return (disabled() if COMPILER in sys.modules else fn)(*args, **kwargs)

        return call

    return later
