"""The arithmetic behind one value: equal to what the network computed, on every network, for every way of padding."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sightline.errors import ConfigError, ModelError
from sightline.inspection import arithmetic, list_layers
from sightline.models.blocks import sequential
from sightline.models.contract import Network


class One(Network):
    """A network of one layer to take apart, for images of 2 x 7 x 6 unless said otherwise."""

    def __init__(self, layer: nn.Module, shape: tuple[int, int, int] = (2, 7, 6)) -> None:
        super().__init__()
        self.input_shape = shape
        self.stages = sequential(layer=layer)
        self.head = sequential(flatten=nn.Flatten(), output=nn.LazyLinear(2))
        self.eval()(torch.zeros(1, *shape))


def numbered(*shape: int) -> Tensor:
    """0, 1, 2, ... in this shape."""
    return torch.arange(float(np.prod(shape))).view(shape)


def test_a_convolution_by_hand() -> None:
    layer = nn.Conv2d(1, 1, 3, stride=2, padding=1)
    layer.weight.data = numbered(1, 1, 3, 3)
    layer.bias = nn.Parameter(torch.tensor([0.5]))
    numbers = arithmetic(One(layer, (1, 4, 4)), numbered(1, 4, 4), "stages.layer", 0, 0, 1)
    assert numbers.patch.tolist() == [[[0, 0, 0], [1, 2, 3], [5, 6, 7]]]
    assert numbers.kernel.tolist() == [[[0, 1, 2], [3, 4, 5], [6, 7, 8]]]
    assert numbers.products.tolist() == [[[0, 0, 0], [3, 8, 15], [30, 42, 56]]]
    assert (numbers.kind, numbers.bias, numbers.value, numbers.output) == ("convolution", 0.5, 154.5, 154.5)
    assert (numbers.rows.tolist(), numbers.columns.tolist()) == ([-1, 0, 1], [1, 2, 3])
    assert (numbers.source_rows.tolist(), numbers.source_columns.tolist()) == ([-1, 0, 1], [1, 2, 3])
    assert numbers.inside.tolist() == [[False] * 3, [True] * 3, [True] * 3]
    assert numbers.channels.tolist() == [0]


def test_maximum_and_average_by_hand() -> None:
    x = numbered(2, 4, 4)
    most = arithmetic(One(nn.MaxPool2d(3, 2, 1), (2, 4, 4)), x, 0, 1, 0, 0)
    assert most.channels.tolist() == [1]
    assert most.patch[0, 0].tolist() == [-np.inf] * 3
    assert most.kernel.tolist() == [[[0, 0, 0], [0, 0, 0], [0, 0, 1]]]
    assert most.products.sum() == most.value == most.output == 21
    mean = arithmetic(One(nn.AvgPool2d(2), (2, 4, 4)), x, 0, 0, 1, 1)
    assert mean.products.tolist() == [[[2.5, 2.75], [3.5, 3.75]]]
    assert mean.value == mean.output == 12.5
    assert (mean.kind, mean.rows.tolist(), mean.columns.tolist()) == ("average", [2, 3], [2, 3])


def test_it_is_json() -> None:
    numbers = arithmetic(One(nn.MaxPool2d(3, 2, 1)), torch.ones(2, 7, 6), 0, 1, 0, 0).to_json()
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers
    assert numbers["patch"][0] == [[None, None, None], [None, 1, 1], [None, 1, 1]]
    assert numbers["inside"][0] == [False, False, False]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@settings(max_examples=60)
@given(data=st.data())
@torch.no_grad()
def test_any_convolution(data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
    groups = data.draw(st.sampled_from([1, 2]))
    kernel = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = data.draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    same = data.draw(st.booleans())
    stride = (1, 1) if same else data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding: Any = "same" if same else data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    layer = nn.Conv2d(2, 4, kernel, stride, padding, dilation, groups, bias=data.draw(st.booleans()), padding_mode=mode)
    x = torch.randn(2, 7, 6)
    place = [data.draw(st.integers(0, side - 1)) for side in layer(x[None]).shape[1:]]
    numbers = arithmetic(One(layer), x, 0, *place)
    _agrees(numbers, layer(x[None])[0], place)
    _is_where_it_says(numbers, x, constant=0)
    if mode != "zeros" and not same and padding != (0, 0):
        assert (numbers.source_rows >= 0).all(), "every value comes from the image"


@settings(max_examples=60)
@given(data=st.data())
@torch.no_grad()
def test_any_pooling(data: st.DataObject) -> None:
    kernel, stride = (data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) for _ in range(2))
    padding = tuple(data.draw(st.integers(0, side // 2)) for side in kernel)
    ceil, counted = data.draw(st.booleans()), data.draw(st.booleans())
    size = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    layer = data.draw(
        st.sampled_from(
            [
                nn.MaxPool2d(kernel, stride, padding, dilation=data.draw(st.integers(1, 2)), ceil_mode=ceil),
                nn.AvgPool2d(kernel, stride, padding, ceil_mode=ceil, count_include_pad=counted),
                nn.AvgPool2d(kernel, stride, padding, divisor_override=5),
                nn.AdaptiveAvgPool2d(size),
                nn.AdaptiveMaxPool2d(size),
            ]
        )
    )
    x = torch.randn(2, 7, 6)
    place = [data.draw(st.integers(0, side - 1)) for side in layer(x[None]).shape[1:]]
    numbers = arithmetic(One(layer), x, 0, *place)
    _agrees(numbers, layer(x[None])[0], place)
    _is_where_it_says(numbers, x, constant=-np.inf if numbers.kind == "maximum" else 0)


def _agrees(numbers: Any, output: Tensor, place: list[int]) -> None:
    assert numbers.output == pytest.approx(float(output[tuple(place)]), abs=1e-6)
    assert numbers.value == pytest.approx(numbers.output, abs=1e-5)
    assert float(numbers.products.sum()) + numbers.bias == pytest.approx(numbers.output, abs=1e-5)


def _is_where_it_says(numbers: Any, x: Tensor, constant: float) -> None:
    """The patch, read again from the layer's input at the places that are named."""
    for i, row in enumerate(numbers.source_rows):
        for j, column in enumerate(numbers.source_columns):
            for k, channel in enumerate(numbers.channels):
                expected = float(x[channel, row, column]) if row >= 0 and column >= 0 else constant
                assert numbers.patch[k, i, j] == np.float32(expected)
    rows, columns = (np.diff(places) for places in (numbers.rows, numbers.columns))
    assert (rows > 0).all()
    assert len(set(columns.tolist())) <= 1, "columns are evenly spaced"
    for places, sources, side in (
        (numbers.rows, numbers.source_rows, x.shape[1]),
        (numbers.columns, numbers.source_columns, x.shape[2]),
    ):
        inside = (places >= 0) & (places < side)
        assert (places[inside] == sources[inside]).all()


def test_every_convolution_and_pooling_of_a_network(net: Network, image: Tensor, untouched: Any) -> None:
    layers = [layer for layer in list_layers(net) if layer.role != "other"]
    assert any(layer.role == "convolution" for layer in layers)
    numbers = np.random.default_rng(0)
    chosen = [layers[i] for i in sorted(numbers.choice(len(layers), min(len(layers), 4), replace=False))]
    tried = 0
    with untouched(net):
        for layer in chosen:
            assert layer.maps is not None or layer.name.startswith("head.")
            place = [int(numbers.integers(side)) for side in layer.maps or (1, 1, 1)]
            try:
                value = arithmetic(net, image, layer.name, *place)
            except ModelError:
                # timm's blocks that pool and then flatten, or pool within attention
                assert layer.role == "pooling"
                continue
            tried += 1
            assert value.value == pytest.approx(value.output, rel=1e-5, abs=1e-5), layer
    assert tried >= len(chosen) - 2


def test_a_block_is_told_what_is_in_it() -> None:
    net = One(sequential(conv=nn.Conv2d(2, 3, 3), relu=nn.ReLU()))
    with pytest.raises(ModelError, match=r"no single convolution or pooling.*choose from stages.layer.conv"):
        arithmetic(net, torch.randn(2, 7, 6), "stages.layer", 0, 0, 0)
    with pytest.raises(ModelError, match="no single convolution"):
        arithmetic(net, torch.randn(2, 7, 6), "stages.layer.relu", 0, 0, 0)
    with pytest.raises(ModelError, match="this network has no convolution or pooling layer"):
        arithmetic(One(nn.ReLU()), torch.randn(2, 7, 6), "stages.layer", 0, 0, 0)


@pytest.mark.parametrize(
    ("place", "said"), [((3, 0, 0), "channel is 3"), ((0, 5, 0), "row is 5"), ((0, 0, -1), "column is -1")]
)
def test_a_place_outside_is_refused(place: tuple[int, int, int], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        arithmetic(One(nn.Conv2d(2, 3, 3)), torch.randn(2, 7, 6), 0, *place)


def test_a_layer_that_reduces_without_a_module_of_torch() -> None:
    class Mean(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean((2, 3))

    x = torch.randn(2, 7, 6)
    numbers = arithmetic(One(Mean()), x, 0, 1, 0, 0)
    assert numbers.patch.shape == (1, 7, 6)
    assert numbers.value == pytest.approx(float(x[1].mean()), abs=1e-6)


def test_half_precision_keeps_its_places() -> None:
    layer = nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")
    net = One(layer, (1, 40, 40)).to(torch.bfloat16)
    numbers = arithmetic(net, torch.randn(1, 40, 40), 0, 0, 39, 39)
    assert numbers.source_rows.tolist() == numbers.source_columns.tolist() == [38, 39, 38]
    assert numbers.value == pytest.approx(numbers.output, rel=1e-2, abs=1e-2)
