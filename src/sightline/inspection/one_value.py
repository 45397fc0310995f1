"""The arithmetic behind one value: what a convolution or pooling layer looked at, and what it made of it.

How a layer pads, standardises its weights or computes its sizes is not read from its attributes but seen: the layer is
run again on its input, and the one operation it calls is caught with the very tensors and settings that it is given.
Where each of the padded values comes from is seen by running it on an input that numbers its places. So the layers of
timm (SAME padding, scaled and standardised weights, pooling of its own) need no code here.
"""

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sightline.classifier.classifier import Classifier
from sightline.errors import ConfigError, ModelError
from sightline.inspection.capture import output_of, undisturbed, watched
from sightline.inspection.layers import LayerName, find_layer, role_of
from sightline.inspection.operations import Call, Calls, Kind
from sightline.inspection.subject import Image, Subject
from sightline.models.contract import Network
from sightline.models.watching import LayerRun


@dataclass(frozen=True, eq=False, kw_only=True)
class Arithmetic:
    """One value of a layer, taken apart: `value` is the sum of `products`, plus `bias`.

    layer, kind, channel, row, column: which value, of which operation.
    channels: (c,) the channels of the layer's input that it looks at: of a convolution those of its group, of pooling
        the one.
    rows, columns: (kh,), (kw,) where the window lies in the layer's input; outside of it where the layer pads.
    source_rows, source_columns: (kh,), (kw,) whose values are there: the same inside, others where padding reflects or
        repeats, -1 where it is a constant.
    patch: float32 (c, kh, kw) the values in the window. Padding of a maximum is -inf.
    kernel: float32 (c, kh, kw) what they are multiplied by: the weights; one over the count for an average; for a
        maximum 1 for the largest value and 0 for all others.
    products: float32 (c, kh, kw). bias: 0 where there is none.
    value: the sum, added up in float64. output: what the network computed, which differs by rounding only.
    """

    layer: str
    kind: Kind
    channel: int
    row: int
    column: int
    channels: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    source_rows: NDArray[np.int64]
    source_columns: NDArray[np.int64]
    patch: NDArray[np.float32]
    kernel: NDArray[np.float32]
    products: NDArray[np.float32]
    bias: float
    value: float
    output: float

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Which places of the window lie inside the layer's input: bool (kh, kw)."""
        pairs = ((self.rows, self.source_rows), (self.columns, self.source_columns))
        rows, columns = ((places == sources) & (sources >= 0) for places, sources in pairs)
        both: NDArray[np.bool_] = rows[:, None] & columns[None, :]
        return both

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types; -inf, which JSON lacks, is null."""
        plain = {name: _plain(value) for name, value in vars(self).items()}
        return plain | {"inside": self.inside.tolist()}


def arithmetic(
    net: Classifier | Network, image: Image, layer: LayerName, channel: int, row: int, column: int
) -> Arithmetic:
    """How a layer came by one value for an image: see `Arithmetic`.

    layer: a convolution or pooling (maximum, average, adaptive, global) in two dimensions, ours or timm's, or a
        block that has one and does nothing else. Of a layer that runs more than once, the first run.
    channel, row, column: which value of its output, counted from 0.

    Raises ModelError for a layer that does not exist or computes something else, ConfigError for a place outside of its
    output, DataError for an image the network cannot take.
    """
    subject = Subject.of(net)
    network = subject.network
    name = find_layer(network, layer)
    module = network.get_submodule(name)
    with undisturbed(network):
        with watched(network, [name]) as runs:
            subject.forward(subject.input(image))
        output = output_of(name, runs)
        call = _only_operation(network, name, module, runs[name].inputs, output)
        _check_place(name, call.output, channel, row, column)
        return _taken_apart(name, call, module, runs[name], (channel, row, column))


def _only_operation(network: Network, name: str, module: nn.Module, inputs: Any, output: Any) -> Call:
    """The one operation whose result is the layer's output. Raises ModelError when there is none, or more than one."""
    with Calls() as log:
        module(*inputs)
    call: Call | None = log.calls[0] if len(log.calls) == 1 else None
    if call is not None and isinstance(output, Tensor) and _is_result(call.output, output):
        return call
    within = [
        f"{name}.{path}" for path, part in module.named_modules() if path and role_of(part) != "other"
    ]  # a block: what is in it
    every = [path for path, part in network.named_modules() if path and role_of(part) != "other"]
    names = within or every
    raise ModelError(
        f"layer '{name}' ({type(module).__name__}) is no single convolution or pooling",
        where=type(network).__name__,
        hint=f"choose from {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
        if names
        else "this network has no convolution or pooling layer",
    )


def _is_result(result: Tensor, output: Tensor) -> bool:
    """Whether the layer returned what the operation gave, perhaps without the sides of 1 x 1."""
    return result.numel() == output.numel() and torch.equal(result.flatten(), output.flatten())


def _check_place(name: str, output: Tensor, channel: int, row: int, column: int) -> None:
    channels, height, width = _maps_shape(output)
    for what, index, count in (("channel", channel, channels), ("row", row, height), ("column", column, width)):
        if not 0 <= index < count:
            raise ConfigError(
                f"{what} is {index}", where=f"layer '{name}'", hint=f"it has {count}: use 0 to {count - 1}"
            )


def _maps_shape(output: Tensor) -> tuple[int, int, int]:
    """(C, h, w) of what an operation gave for one image; a reduction may have left out the sides of 1 x 1."""
    channels, height, width = (*output.shape[1:], 1, 1)[:3]
    return channels, height, width


def _taken_apart(name: str, call: Call, module: nn.Module, run: LayerRun, place: tuple[int, int, int]) -> Arithmetic:
    channel, row, column = place
    x = call.x[0]
    rows, columns = call.windows(row, column)
    channels = _channels(call, channel)
    patch = _patch(x[channels], rows, columns, -math.inf if call.kind == "maximum" else 0.0)
    kernel = _kernel(call, channel, patch, rows, columns)
    products = np.zeros(patch.shape)  # 0 also where padding of a maximum, -inf, is not chosen
    np.multiply(kernel, patch, out=products, where=kernel != 0, dtype=np.float64)
    bias = float(call.bias[channel]) if call.bias is not None else 0.0
    source_rows, source_columns = _sources(module, run, call)
    return Arithmetic(
        layer=name,
        kind=call.kind,
        channel=channel,
        row=row,
        column=column,
        channels=np.array(channels),
        rows=np.array(rows) - _shift(source_rows, run.inputs[0].shape[2]),
        columns=np.array(columns) - _shift(source_columns, run.inputs[0].shape[3]),
        source_rows=_looked_up(source_rows, rows),
        source_columns=_looked_up(source_columns, columns),
        patch=patch,
        kernel=kernel,
        products=products.astype(np.float32),
        bias=bias,
        value=float(products.sum() + bias),
        output=float(run.output.reshape(_maps_shape(call.output))[channel, row, column]),
    )


def _channels(call: Call, channel: int) -> list[int]:
    """Which channels of its input an output channel looks at."""
    if call.weight is None:
        return [channel]
    width = call.weight.shape[1]
    group = channel // (len(call.weight) // call.groups)
    return list(range(group * width, (group + 1) * width))


def _patch(x: Tensor, rows: list[int], columns: list[int], outside: float) -> NDArray[np.float32]:
    """The values of (c, h, w) at these places, (c, kh, kw)."""
    height, width = x.shape[1:]
    patch = np.full((len(x), len(rows), len(columns)), outside, np.float32)
    down = [i for i, row in enumerate(rows) if 0 <= row < height]
    across = [i for i, column in enumerate(columns) if 0 <= column < width]
    if down and across:
        inner = x[:, [rows[i] for i in down]][:, :, [columns[i] for i in across]]
        patch[:, down[0] : down[-1] + 1, across[0] : across[-1] + 1] = inner.float().cpu().numpy()
    return patch


def _kernel(
    call: Call, channel: int, patch: NDArray[np.float32], rows: list[int], columns: list[int]
) -> NDArray[np.float32]:
    """What the values are multiplied by, (c, kh, kw)."""
    if call.weight is not None:
        weights: NDArray[np.float32] = call.weight[channel].float().cpu().numpy()
        return weights
    if call.kind == "average":
        return np.full_like(patch, 1 / call.divisor(rows, columns))
    chosen = np.zeros_like(patch)
    chosen.flat[patch.argmax()] = 1
    return chosen


def _sources(module: nn.Module, run: LayerRun, call: Call) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each row and of each column that the operation saw, which one of the layer's input it is; -1 for none.

    The layer itself may have padded its input before the operation.
    """
    x = run.inputs[0]
    height, width = x.shape[2:]
    if call.x.shape[2:] == x.shape[2:]:
        return np.arange(height), np.arange(width)
    numbers = torch.arange(1, height * width + 1, dtype=torch.float32, device=x.device)
    exact = module if x.dtype == torch.float32 else copy.deepcopy(module).float()
    with Calls() as log:
        exact(numbers.view(height, width).expand_as(x).clone(), *run.inputs[1:])
    which = log.calls[0].x[0, 0].cpu().numpy()  # numbered row by row from 1
    which = np.where(np.isfinite(which), which, 0).astype(np.int64)
    rows, columns = which.max(axis=1), which.max(axis=0)  # 0 where all is constant padding
    return np.where(rows > 0, (rows - 1) // width, -1), np.where(columns > 0, (columns - 1) % width, -1)


def _shift(sources: NDArray[np.int64], count: int) -> int:
    """How many places were put before the layer's input: where all of it follows, in order."""
    whole = np.arange(count)
    starts = [i for i in range(len(sources) - count + 1) if np.array_equal(sources[i : i + count], whole)]
    return starts[0] if starts else 0


def _looked_up(sources: NDArray[np.int64], places: list[int]) -> NDArray[np.int64]:
    return np.array([sources[place] if 0 <= place < len(sources) else -1 for place in places])


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if not isinstance(value, float) or math.isfinite(value) else None
