"""The operations of torch that look at windows of their input, caught as they are called.

Within `Calls` every convolution, pooling and reduction over height and width in two dimensions is kept, with its
tensors and with where its windows lie, in one form for all of them.
"""

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

Kind = Literal["convolution", "average", "maximum"]
Windows = Callable[[int, int], tuple[list[int], list[int]]]


class Call(NamedTuple):
    """One operation that a layer called, in one form for all kinds.

    x: its input (1, C, H, W). weight: (O, C / groups, kh, kw). windows: for (row, column) of its output, the places in
    `x` along height and along width, which may lie outside.
    """

    kind: Kind
    x: Tensor
    output: Tensor
    windows: Windows
    weight: Tensor | None = None
    bias: Tensor | None = None
    groups: int = 1
    divisor: Callable[[list[int], list[int]], float] = lambda rows, columns: len(rows) * len(columns)


def _convolution(
    output: Tensor,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Call | None:
    if input.ndim != 4:
        return None
    steps, spread = _pair(stride), _pair(dilation)
    sides = _pair(weight.shape[2:])
    if padding == "same":  # torch puts the odd one of an even total behind
        before = _pair([d * (k - 1) // 2 for d, k in zip(spread, sides, strict=True)])
    else:
        before = (0, 0) if padding == "valid" else _pair(padding)
    windows = _regular(sides, steps, before, spread)
    return Call("convolution", input, output, windows, weight, bias, groups)


def _max_pool(
    output: Tensor,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Call:
    sides = _pair(kernel_size)
    windows = _regular(sides, _pair(stride) if stride else sides, _pair(padding), _pair(dilation))
    return Call("maximum", input, output, windows)


def _average_pool(
    output: Tensor,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Call:
    sides, before = _pair(kernel_size), _pair(padding)
    height, width = input.shape[2:]

    def divisor(rows: list[int], columns: list[int]) -> float:
        if divisor_override:
            return divisor_override
        if count_include_pad:  # of a window that ceil_mode lets reach beyond the padding, what is within it
            bounds = zip((rows, columns), (height, width), before, strict=True)
            return math.prod(sum(place < side + pad for place in places) for places, side, pad in bounds)
        return math.prod(
            sum(0 <= place < side for place in places) for places, side in ((rows, height), (columns, width))
        )

    windows = _regular(sides, _pair(stride) if stride else sides, before, (1, 1))
    return Call("average", input, output, windows, divisor=divisor)


def _adaptive(kind: Kind) -> Callable[..., Call]:
    def read(output: Tensor, input: Tensor, output_size: Any, return_indices: bool = False) -> Call:
        (height, width), (h, w) = input.shape[2:], output.shape[2:]

        def windows(row: int, column: int) -> tuple[list[int], list[int]]:
            return _bin(row, height, h), _bin(column, width, w)

        return Call(kind, input, output, windows)

    return read


def _reduction(kind: Kind) -> Callable[..., Call | None]:
    def read(output: Tensor, input: Tensor, dim: Any = None, keepdim: bool = False, **_: Any) -> Call | None:
        axes = {axis % input.ndim for axis in ((dim,) if isinstance(dim, int) else dim or ())}
        if input.ndim != 4 or axes != {2, 3}:
            return None
        height, width = input.shape[2:]
        return Call(kind, input, output, lambda row, column: (list(range(height)), list(range(width))))

    return read


READERS: dict[Any, Callable[..., Call | None]] = {
    F.conv2d: _convolution,
    F.max_pool2d: _max_pool,
    F.max_pool2d_with_indices: _max_pool,
    F.avg_pool2d: _average_pool,
    F.adaptive_avg_pool2d: _adaptive("average"),
    F.adaptive_max_pool2d: _adaptive("maximum"),
    Tensor.mean: _reduction("average"),
    torch.mean: _reduction("average"),
    Tensor.amax: _reduction("maximum"),
    torch.amax: _reduction("maximum"),
}


class Calls(TorchFunctionMode):
    """Within it, every operation that looks at windows is kept, in the order they are called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))  # what it calls in turn is not seen here
        if func in READERS:
            call = READERS[func](output[0] if isinstance(output, tuple) else output, *args, **(kwargs or {}))
            self.calls += [call] if call is not None else []
        return output


def _regular(
    sides: tuple[int, int], steps: tuple[int, int], before: tuple[int, int], spread: tuple[int, int]
) -> Windows:
    """Windows of the same size everywhere, `steps` apart; the first begins `before` places outside."""

    def windows(row: int, column: int) -> tuple[list[int], list[int]]:
        starts = [index * step - pad for index, step, pad in zip((row, column), steps, before, strict=True)]
        down, across = (
            [start + gap * i for i in range(side)] for start, side, gap in zip(starts, sides, spread, strict=True)
        )
        return down, across

    return windows


def _bin(index: int, inputs: int, outputs: int) -> list[int]:
    """The places that adaptive pooling of `inputs` values looks at for one of `outputs`."""
    return list(range(index * inputs // outputs, -(-(index + 1) * inputs // outputs)))


def _pair(value: Any) -> tuple[int, int]:
    both = (value, value) if isinstance(value, int) else tuple(value)
    return (int(both[0]), int(both[-1]))
