"""What a network does to an image, layer by layer: shapes, parameters, multiply-adds, receptive field.

The network is run once on tensors that have a shape but no memory (torch's meta device), watched from outside: its
weights, batch-norm statistics, mode and device stay as they are, and the largest VGG takes a fraction of a second.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sightline import config
from sightline.errors import ModelError
from sightline.models.contract import Network

aten = torch.ops.aten


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """One layer, in the order they run; a layer that runs twice has two rows.

    output_shape: without the batch: (C, h, w), or (features,).
    multiply_adds: in convolutions and matrix products, for one image; everything else is small beside them.
    receptive_field: side in pixels of the square of the image that one value depends on, through the longest branch;
        it may reach beyond the image. None: the whole image (after global pooling or flattening).
    stride: distance in pixels of the image between neighbouring values; None where receptive_field is.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    receptive_field: int | None
    stride: int | None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """All layers of a network and their totals for one image of `input_shape` (C, H, W). `str()` is a plain table."""

    network: str
    input_shape: tuple[int, ...]
    rows: tuple[LayerRow, ...]
    parameters: int
    trainable: int
    multiply_adds: int

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return config.to_json(self)

    def __str__(self) -> str:
        header = ("layer", "kind", "output", "parameters", "multiply-adds", "receptive field", "stride")
        table = [header, *(_cells(row) for row in self.rows)]
        table.append(("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", "", ""))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [_aligned(cells, widths) for cells in table]
        rule = "-" * max(map(len, lines))
        title = f"{self.network}, input {_shape(self.input_shape)}, {self.trainable:,} trainable parameters"
        return "\n".join([title, "", lines[0], rule, *lines[1:-1], rule, lines[-1]])


def summary(network: Network, size: int | None = None, in_channels: int | None = None) -> Summary:
    """The layers of `network` for images of `size` x `size` pixels; by default those it was built for.

    Raises ModelError when the network cannot take such images.
    """
    channels, height, width = network.input_shape
    shape = (
        channels if in_channels is None else in_channels,
        height if size is None else size,
        width if size is None else size,
    )
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    shadows = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
    trace = _Trace()
    try:
        with _watched(network, trace) as rows, torch.no_grad(), trace:
            image = torch.empty((1, *shape), dtype=next(network.parameters()).dtype, device="meta")
            trace.start(image)
            functional_call(network, shadows, (image,))
    except RuntimeError as error:
        raise ModelError(
            f"the network cannot take images of {_shape(shape)}: {str(error).splitlines()[0]}",
            where=type(network).__name__,
            hint=f"it was built for {_shape(network.input_shape)}; build another for this size and these channels",
        ) from error
    architecture = network.architecture
    return Summary(
        network=architecture.name if architecture else type(network).__name__,
        input_shape=shape,
        rows=tuple(rows),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        trainable=sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad),
        multiply_adds=trace.multiply_adds,
    )


class _Window(NamedTuple):
    """Along one axis: how many values an operation looks at, and how far it moves to the next output."""

    kernel: float
    stride: float


class _Field(NamedTuple):
    """Along one axis: how many pixels of the image a value depends on, and how far its neighbour's are from them."""

    size: float
    stride: float

    def through(self, window: _Window) -> "_Field":
        # A window of one value adds nothing, however far apart the values are: 0 * infinity would be no number.
        added = (window.kernel - 1) * self.stride if window.kernel > 1 else 0
        return _Field(self.size + added, self.stride * window.stride)


POINT = (_Window(1, 1), _Window(1, 1))
EVERYTHING = (_Window(math.inf, math.inf), _Window(math.inf, math.inf))


class _Trace(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves this class untyped
    """Follows every tensor operation: adds up multiply-adds and knows the receptive field of every tensor."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.multiply_adds = 0
        # Height and width, by id, beside the tensor itself: while that is kept (on meta it costs nothing) no other
        # tensor can get its id.
        self.fields: dict[int, tuple[Tensor, tuple[_Field, _Field]]] = {}

    def start(self, image: Tensor) -> None:
        self.fields[id(image)] = (image, (_Field(1, 1), _Field(1, 1)))

    def field(self, tensor: Tensor) -> _Field:
        """The receptive field of a tensor's values along the axis where it is larger."""
        return max(self.fields[id(tensor)][1])

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.multiply_adds += _multiply_adds(func, args, result)
        inputs = [self.fields[id(leaf)][1] for leaf in tree_leaves(args) if id(leaf) in self.fields]
        if inputs:
            height, width = (_largest(fields) for fields in zip(*inputs, strict=True))
            for output in tree_leaves(result):
                if isinstance(output, Tensor):
                    down, across = _windows(func, args, output)
                    self.fields[id(output)] = (output, (height.through(down), width.through(across)))
        return result


def _largest(fields: Iterable[_Field]) -> _Field:
    """Where branches meet, the longest counts."""
    sizes, strides = zip(*fields, strict=True)
    return _Field(max(sizes), max(strides))


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
        weight, stride, dilation = args[1], args[3], args[5]
        kernel = [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilation, strict=True)]
        return _Window(kernel[0], stride[0]), _Window(kernel[1], stride[1])
    if func in (aten.max_pool2d_with_indices.default, aten.avg_pool2d.default):
        kernel = args[1]
        stride = args[2] if len(args) > 2 and args[2] else kernel
        return _Window(kernel[0], stride[0]), _Window(kernel[1], stride[1])
    if func is aten.slice.Tensor and len(args) > 4:
        step = _Window(1, args[4])
        return (step if args[1] == 2 else POINT[0]), (step if args[1] == 3 else POINT[1])
    if func in (aten.mean.dim, aten.amax.default, aten._adaptive_avg_pool2d.default, aten.adaptive_max_pool2d.default):
        (height, width), (h, w) = args[0].shape[2:], output.shape[2:]
        return _bin(height, h), _bin(width, w)
    return POINT


def _bin(inputs: int, outputs: int) -> _Window:
    """The window of adaptive pooling. Where the sizes do not divide, bins differ: the widest, at the mean distance."""
    if outputs == 1 < inputs:
        return EVERYTHING[0]
    widest = max(-(-(i + 1) * inputs // outputs) - i * inputs // outputs for i in range(outputs))
    return _Window(widest, inputs / outputs)


@contextmanager
def _watched(network: nn.Module, trace: _Trace) -> Iterator[list[LayerRow]]:
    """The network in eval mode; every layer that runs adds its row. Modes and hooks are put back, also on error."""
    rows: list[LayerRow] = []
    names = {module: name for name, module in network.named_modules()}
    modes = {module: module.training for module in names}
    before = 0

    def enter(module: nn.Module, inputs: Any) -> None:
        nonlocal before
        before = trace.multiply_adds

    def leave(module: nn.Module, inputs: Any, output: Tensor) -> None:
        field = trace.field(output)
        known = math.isfinite(field.size)
        rows.append(
            LayerRow(
                name=names[module],
                kind=type(module).__name__,
                output_shape=tuple(output.shape[1:]),
                parameters=sum(parameter.numel() for parameter in module.parameters()),
                multiply_adds=trace.multiply_adds - before,
                receptive_field=round(field.size) if known else None,
                stride=round(field.stride) if known else None,
            )
        )

    # An identity (a shortcut, a dropout switched off for good) does nothing worth a row.
    layers = [module for module in names if not any(module.children()) and not isinstance(module, nn.Identity)]
    handles = [module.register_forward_pre_hook(enter) for module in layers]
    handles += [module.register_forward_hook(leave) for module in layers]
    try:
        network.eval()
        yield rows
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes.items():
            module.training = mode


def _cells(row: LayerRow) -> tuple[str, ...]:
    field = "whole image" if row.receptive_field is None else f"{row.receptive_field:,}"
    stride = "" if row.stride is None else f"{row.stride:,}"
    parameters, multiply_adds = (f"{n:,}" if n else "" for n in (row.parameters, row.multiply_adds))
    return (row.name, row.kind, _shape(row.output_shape), parameters, multiply_adds, field, stride)


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    """Words to the left, numbers to the right."""
    words = [cell.ljust(width) for cell, width in zip(cells[:3], widths[:3], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(cells[3:], widths[3:], strict=True)]
    return "  ".join(words + numbers).rstrip()


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
