"""Where in the image the values of a network come from, and what they cost: every operation followed without computing.

The network runs on tensors that have a shape but no memory (torch's meta device), so that the largest VGG takes a
fraction of a second and nothing about it changes.
"""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sightline.models.contract import Network

aten = torch.ops.aten


class _Window(NamedTuple):
    """Along one axis: how many values an operation looks at, how far it moves to the next output, and how many places
    before the first value the first window begins."""

    kernel: float
    stride: float
    before: float = 0


class Field(NamedTuple):
    """Along one axis, in pixels of the image: how many a value depends on, how far its neighbour's are from them, and
    where the first value's begin, below 0 where the network pads. Infinite when it is the whole image."""

    size: float
    stride: float
    start: float

    def through(self, window: _Window) -> "Field":
        """The field of what an operation with this window makes of such values."""
        if math.isinf(self.size) or math.isinf(window.kernel):
            return WHOLE
        size = self.size + (window.kernel - 1) * self.stride
        return Field(size, self.stride * window.stride, self.start - window.before * self.stride)


WHOLE = Field(math.inf, math.inf, -math.inf)
POINT = (_Window(1, 1), _Window(1, 1))
EVERYTHING = (_Window(math.inf, math.inf), _Window(math.inf, math.inf))


# Operations that enlarge, and how many inputs on either side an output is mixed from besides the nearest.
ENLARGING = {
    aten.upsample_nearest2d.default: 0,
    aten.upsample_nearest2d.vec: 0,
    aten.upsample_bilinear2d.default: 1,
    aten.upsample_bilinear2d.vec: 1,
}


class Trace(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves this class untyped
    """Follows every tensor operation: adds up multiply-adds and knows the receptive field of every tensor."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.multiply_adds = 0
        # Height and width, by id, beside the tensor itself: while that is kept (on meta it costs nothing) no other
        # tensor can get its id.
        self._fields: dict[int, tuple[Tensor, tuple[Field, Field]]] = {}

    def run(self, network: Network, shape: tuple[int, int, int]) -> None:
        """Send an image of this shape (C, H, W) through. Raises RuntimeError when the network cannot take it."""
        tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
        shadows = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
        with torch.no_grad(), self:
            image = torch.empty((1, *shape), dtype=next(network.parameters()).dtype, device="meta")
            self._fields[id(image)] = (image, (Field(1, 1, 0), Field(1, 1, 0)))
            functional_call(network, shadows, (image,))

    def fields_of(self, tensor: Tensor) -> tuple[Field, Field]:
        """The receptive field of a tensor's values along height and along width."""
        return self._fields[id(tensor)][1]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.multiply_adds += _multiply_adds(func, args, result)
        inputs = [self._fields[id(leaf)][1] for leaf in tree_leaves(args) if id(leaf) in self._fields]
        if inputs:
            height, width = (_together(fields) for fields in zip(*inputs, strict=True))
            for output in tree_leaves(result):
                if isinstance(output, Tensor):
                    down, across = _windows(func, args, output)
                    self._fields[id(output)] = (output, (height.through(down), width.through(across)))
        return result


def _together(fields: Iterable[Field]) -> Field:
    """Where branches meet: from where the first begins to where the last ends."""
    fields = list(fields)
    if any(math.isinf(field.size) for field in fields):
        return WHOLE
    start, end = min(field.start for field in fields), max(field.start + field.size for field in fields)
    return Field(end - start, max(field.stride for field in fields), start)


def _multiply_adds(func: Any, args: Any, result: Any) -> int:
    if func is aten.convolution.default:
        weight = args[1]  # (C_out, C_in / groups, k, k): every output value is a sum over all but C_out
        return int(result.numel() * weight[0].numel())
    if func in (aten.mm.default, aten.bmm.default):
        return int(result.numel() * args[0].shape[-1])
    if func in (aten.addmm.default, aten.baddbmm.default):
        return int(result.numel() * args[1].shape[-1])
    return 0


def _windows(func: Any, args: Any, output: Tensor) -> tuple[_Window, _Window]:
    """What one value of `output` looks at in the input of this operation, along height and width."""
    if output.ndim < 4:
        return EVERYTHING
    if func is aten.convolution.default:
        weight, stride, padding, dilation = args[1], args[3], args[4], args[5]
        kernel = [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilation, strict=True)]
        return _Window(kernel[0], stride[0], padding[0]), _Window(kernel[1], stride[1], padding[1])
    if func in (aten.max_pool2d_with_indices.default, aten.avg_pool2d.default):
        kernel = args[1]
        stride = args[2] if len(args) > 2 and args[2] else kernel
        padding = args[3] if len(args) > 3 else [0, 0]
        return _Window(kernel[0], stride[0], padding[0]), _Window(kernel[-1], stride[-1], padding[-1])
    if func in (aten.constant_pad_nd.default, aten.reflection_pad2d.default, aten.replication_pad2d.default):
        left, _, top, _ = (*args[1], 0, 0, 0, 0)[:4]
        return _Window(1, 1, top), _Window(1, 1, left)
    if func in ENLARGING:
        (height, width), (h, w) = args[0].shape[2:], output.shape[2:]
        return _between(height / h, ENLARGING[func]), _between(width / w, ENLARGING[func])
    if func is aten.slice.Tensor and args[1] in (2, 3):
        start = args[2] or 0 if len(args) > 2 else 0
        first = max(0, start + args[0].shape[args[1]]) if start < 0 else start
        step = _Window(1, args[4] if len(args) > 4 else 1, -first)
        return (step, POINT[1]) if args[1] == 2 else (POINT[0], step)
    if func in (aten.mean.dim, aten.amax.default, aten._adaptive_avg_pool2d.default, aten.adaptive_max_pool2d.default):
        (height, width), (h, w) = args[0].shape[2:], output.shape[2:]
        return _bin(height, h), _bin(width, w)
    return POINT


def _between(step: float, neighbours: float) -> _Window:
    """The window of enlarging: outputs are `step` inputs apart, and lie between inputs; each depends on so many of its
    neighbours on either side, besides the one it lies in."""
    return _Window(2 - step + 2 * neighbours, step, 1 - step + neighbours)


def _bin(inputs: int, outputs: int) -> _Window:
    """The window of adaptive pooling. Where the sizes do not divide, bins differ: the widest, at the mean distance."""
    if outputs == 1 < inputs:
        return EVERYTHING[0]
    widest = max(-(-(i + 1) * inputs // outputs) - i * inputs // outputs for i in range(outputs))
    return _Window(widest, inputs / outputs)
