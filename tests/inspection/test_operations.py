"""Operations that look at windows, caught as they are called: which, with what, and where their windows lie."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.inspection.operations import Call, Calls


def caught(operation: Callable[[Tensor], Any], *shape: int) -> list[Call]:
    """The calls that an operation makes of an image of this shape."""
    with Calls() as calls:
        operation(torch.arange(float(torch.Size(shape).numel())).view(1, *shape))
    return calls.calls


def one(operation: Callable[[Tensor], Any], *shape: int) -> Call:
    [call] = caught(operation, *shape)
    return call


def computed(call: Call, channel: int, row: int, column: int) -> float:
    """A value of the output, computed from what the call says of itself."""
    rows, columns = call.windows(row, column)
    _, _, height, width = call.x.shape
    inside = [(i, j) for i in range(len(rows)) for j in range(len(columns))]
    inside = [(i, j) for i, j in inside if 0 <= rows[i] < height and 0 <= columns[j] < width]
    if call.kind == "maximum":
        return max(float(call.x[0, channel, rows[i], columns[j]]) for i, j in inside)
    if call.kind == "average":
        total = sum(float(call.x[0, channel, rows[i], columns[j]]) for i, j in inside)
        return total / call.divisor(rows, columns)
    assert call.weight is not None
    weight = call.weight.detach()
    total = float(call.bias[channel].detach()) if call.bias is not None else 0.0
    first = channel // (len(weight) // call.groups) * weight.shape[1]
    for kernel, values in zip(weight[channel], call.x[0, first:], strict=False):
        total += sum(float(kernel[i, j] * values[rows[i], columns[j]]) for i, j in inside)
    return total


WEIGHT = torch.arange(1.0, 4 * 1 * 3 * 2 + 1).view(4, 1, 3, 2)
BIAS = torch.tensor([0.5, -1.0, 2.0, 0.0])
KINDS: dict[str, tuple[str, Callable[[Tensor], Any]]] = {
    "convolution": ("convolution", lambda x: F.conv2d(x, WEIGHT, BIAS, (2, 1), (1, 0), (1, 2), 2)),
    "by keywords": ("convolution", lambda x: F.conv2d(x, weight=WEIGHT, groups=2, padding=1)),
    "same": ("convolution", lambda x: F.conv2d(x, WEIGHT, padding="same", groups=2)),
    "valid": ("convolution", lambda x: F.conv2d(x, WEIGHT, padding="valid", groups=2)),
    "a layer": ("convolution", nn.Conv2d(2, 3, (2, 3), stride=2, padding=1)),
    "maximum": ("maximum", lambda x: F.max_pool2d(x, 3, 2, 1)),
    "maximum without a stride": ("maximum", lambda x: F.max_pool2d(x, (2, 3))),
    "maximum with places": ("maximum", lambda x: F.max_pool2d(x, 2, return_indices=True)),
    "maximum of a layer": ("maximum", nn.MaxPool2d(3, 1, dilation=2)),
    "average": ("average", lambda x: F.avg_pool2d(x, 2)),
    "average with padding": ("average", lambda x: F.avg_pool2d(x, 3, 2, 1)),
    "average of what is inside": ("average", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)),
    "average beyond the padding": ("average", lambda x: F.avg_pool2d(x, 3, 3, 1, ceil_mode=True)),
    "average by five": ("average", lambda x: F.avg_pool2d(x, 2, divisor_override=5)),
    "adaptive average": ("average", lambda x: F.adaptive_avg_pool2d(x, (3, 4))),
    "adaptive maximum": ("maximum", lambda x: F.adaptive_max_pool2d(x, (4, 3))),
    "mean": ("average", lambda x: x.mean((2, 3), keepdim=True)),
    "mean of the last two": ("average", lambda x: torch.mean(x, dim=(-1, -2), keepdim=True)),
    "largest": ("maximum", lambda x: x.amax((2, 3), keepdim=True)),
    "torch's largest": ("maximum", lambda x: torch.amax(x, (2, 3), keepdim=True)),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name", KINDS)
def test_every_value_can_be_computed_from_the_call(name: str) -> None:
    kind, operation = KINDS[name]
    call = one(operation, 2, 7, 6)
    assert call.kind == kind
    _, channels, height, width = call.output.shape
    values = [
        computed(call, k, row, column) for k in range(channels) for row in range(height) for column in range(width)
    ]
    assert values == pytest.approx(call.output.flatten().tolist(), rel=1e-5, abs=1e-4)


def test_windows_by_hand() -> None:
    call = one(lambda x: F.conv2d(x, WEIGHT, stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2), 2, 7, 6)
    assert call.windows(0, 0) == ([-1, 0, 1], [0, 2])
    assert call.windows(3, 3) == ([5, 6, 7], [3, 5])
    adaptive = one(lambda x: F.adaptive_avg_pool2d(x, (3, 4)), 2, 7, 6)
    assert [adaptive.windows(row, 0)[0] for row in range(3)] == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    assert [adaptive.windows(0, column)[1] for column in range(4)] == [[0, 1], [1, 2], [3, 4], [4, 5]]


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x.mean(),
        lambda x: x.mean((1, 2)),
        lambda x: x.mean(2),
        lambda x: x[0].mean((1, 2)),
        lambda x: x.amax(1),
        lambda x: F.conv2d(x[0], torch.ones(1, 2, 1, 1)),  # one image without its batch
        lambda x: F.linear(x, torch.ones(3, 6)).relu(),
    ],
)
def test_what_looks_at_no_windows_is_not_kept(operation: Callable[[Tensor], Any]) -> None:
    assert caught(operation, 2, 7, 6) == []


def test_calls_are_kept_in_their_order_and_only_within() -> None:
    layers = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1))
    calls = caught(layers, 2, 7, 6)
    assert [call.kind for call in calls] == ["convolution", "maximum", "average"]
    assert calls[1].output is calls[2].x
    layers(torch.zeros(1, 2, 7, 6))
    assert len(calls) == 3
