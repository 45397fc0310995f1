"""What a network does to an image, layer by layer: shapes, parameters, multiply-adds, receptive field.

The network is run once on tensors that have a shape but no memory (torch's meta device), watched from outside: its
weights, batch-norm statistics, mode and device stay as they are, and the largest VGG takes a fraction of a second.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from sightline import config
from sightline.errors import ModelError
from sightline.models.contract import Network
from sightline.models.tracing import Trace
from sightline.models.watching import evaluation_mode, layer_hooks, leaf_layers


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
    trace = Trace()
    try:
        with _watched(network, trace) as rows:
            trace.run(network, shape)
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


@contextmanager
def _watched(network: nn.Module, trace: Trace) -> Iterator[list[LayerRow]]:
    """The network in eval mode; every layer that runs adds its row. Modes and hooks are put back, also on error."""
    rows: list[LayerRow] = []
    layers = leaf_layers(network)
    multiply_adds = 0  # of all layers before the one that runs

    def enter(name: str, inputs: Any) -> None:
        nonlocal multiply_adds
        multiply_adds = trace.multiply_adds

    def leave(name: str, inputs: Any, output: Tensor) -> None:
        layer = layers[name]
        field = max(trace.fields_of(output), key=lambda field: field.size)  # along the axis where it is larger
        known = math.isfinite(field.size)
        rows.append(
            LayerRow(
                name=name,
                kind=type(layer).__name__,
                output_shape=tuple(output.shape[1:]),
                parameters=sum(parameter.numel() for parameter in layer.parameters()),
                multiply_adds=trace.multiply_adds - multiply_adds,
                receptive_field=round(field.size) if known else None,
                stride=round(field.stride) if known else None,
            )
        )

    with evaluation_mode(network), layer_hooks(layers, before=enter, after=leave):
        yield rows


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
