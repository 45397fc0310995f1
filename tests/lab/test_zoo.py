"""zoo.json has what every network is made of: layers by hand, joins and heads, and that the file is current."""

import json

import pytest
from torch import nn

from sightline.lab import zoo
from sightline.lab.zoo import from_text, network_layers, to_text
from sightline.models.registry import list_models

NETWORKS = from_text(zoo.FILE.read_text(encoding="utf-8"))


def test_every_network_is_there() -> None:
    assert [network["name"] for network in NETWORKS] == [entry.name for entry in list_models()]


# All of them take 20 s; these have every kind of layer, join and head, and a change of models/ shows in them.
@pytest.mark.parametrize(
    "name", ["lenet5", "resnet20", "resnet18_small", "speednet_xs", "vgg11_small_bn", "custom_cnn"]
)
def test_the_file_is_current(name: str) -> None:
    stored = next(network for network in NETWORKS if network["name"] == name)
    entry = next(entry for entry in list_models() if entry.name == name)
    assert zoo.from_text(zoo.to_text([stored])) == [stored]
    assert stored == json.loads(json.dumps(zoo._network(entry))), "run `python -m sightline.lab.zoo`"


@pytest.mark.slow
def test_the_whole_file_is_current() -> None:
    assert zoo.FILE.read_text(encoding="utf-8") == zoo.to_text(zoo.zoo()), "run `python -m sightline.lab.zoo`"


def test_lenet_by_hand() -> None:
    assert network_layers("lenet5", 32) == [
        {"name": "stages.c1.conv", "kind": "Conv2d", "in": 1, "out": 6, "kernel": 5},
        {"name": "stages.c1.tanh", "kind": "Tanh"},
        {"name": "stages.s2", "kind": "AvgPool2d", "kernel": 2, "stride": 2, "padding": 0},
        {"name": "stages.c3.conv", "kind": "Conv2d", "in": 6, "out": 16, "kernel": 5},
        {"name": "stages.c3.tanh", "kind": "Tanh"},
        {"name": "stages.s4", "kind": "AvgPool2d", "kernel": 2, "stride": 2, "padding": 0},
        {"name": "head.flatten", "kind": "Flatten"},
        {"name": "head.c5", "kind": "Linear", "in": 400, "out": 120},
        {"name": "head.tanh5", "kind": "Tanh"},
        {"name": "head.f6", "kind": "Linear", "in": 120, "out": 84},
        {"name": "head.tanh6", "kind": "Tanh"},
        {"name": "head.output", "kind": "Linear", "in": 84, "out": 10},
    ]
    padded = network_layers("lenet5", 28)
    assert padded[0]["padding"] == 2  # MNIST's pixels are padded to the paper's 32
    assert padded[1:] == network_layers("lenet5", 32)[1:]


def test_where_branches_meet_is_a_layer_without_a_name() -> None:
    layers = network_layers("resnet18", 224)
    joins = [place for place, layer in enumerate(layers) if layer["kind"] == "Add"]
    assert len(joins) == 8  # one for each block
    for place in joins:
        assert layers[place]["name"] == ""
        sources = layers[place]["from"]
        assert sources == sorted(set(sources))
        assert len(sources) == 2
        assert sources[-1] < place
    # The first block's shortcut is the output of the stem, which its first convolution sees, too.
    first = next(layer for layer in layers if layer["name"].endswith("0.conv1"))
    assert layers[joins[0]]["from"][0] == first.get("from", [layers.index(first) - 1])[0]
    narrowing = [layer for layer in layers if layer["kind"] == "Conv2d" and layer["kernel"] == 1]
    assert len(narrowing) == 3
    assert all(layer["stride"] == 2 and layer["bias"] is False for layer in narrowing)


@pytest.mark.parametrize("entry", list_models(), ids=lambda entry: entry.name)
def test_every_layer_sees_what_comes_before_it(entry) -> None:  # type: ignore[no-untyped-def]
    network = next(one for one in NETWORKS if one["name"] == entry.name)
    for layers in (network["layers"], *network["layers_at"].values()):
        assert layers[-1]["out"] == entry.num_classes
        for place, layer in enumerate(layers):
            assert all(-1 <= source < place for source in layer.get("from", [place - 1]))
    assert (network["size"], network["min_size"], network["in_channels"]) == (
        entry.size,
        entry.min_size,
        entry.in_channels,
    )


@pytest.mark.parametrize(
    ("layer", "settings"),
    [
        (nn.Conv2d(4, 8, 3), {"in": 4, "out": 8, "kernel": 3}),
        (
            nn.Conv2d(4, 8, 3, stride=2, padding=1, dilation=2, groups=4, bias=False),
            {"in": 4, "out": 8, "kernel": 3, "stride": 2, "padding": 1, "dilation": 2, "groups": 4, "bias": False},
        ),
        (nn.Conv2d(4, 8, 3, padding="same"), {"in": 4, "out": 8, "kernel": 3, "padding": "same"}),
        (nn.MaxPool2d(3, 2, 1), {"kernel": 3, "stride": 2, "padding": 1}),
        (nn.AdaptiveAvgPool2d(6), {"size": 6}),
        (nn.AdaptiveAvgPool2d((1, 1)), {"size": 1}),
        (nn.Linear(3, 2), {"in": 3, "out": 2}),
        (nn.Linear(3, 2, bias=False), {"in": 3, "out": 2, "bias": False}),
        (nn.BatchNorm1d(3), {}),
        (nn.BatchNorm2d(3), {}),
        (nn.ReLU(), {}),
    ],
    ids=str,
)
def test_settings_are_those_that_are_not_usual(layer: nn.Module, settings: dict[str, object]) -> None:
    assert zoo._settings(layer) == (type(layer).__name__, settings)


def test_a_layer_whose_parameters_the_page_would_not_count_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="the page would not count the parameters of PReLU"):
        zoo._settings(nn.PReLU())


def test_each_sort_of_layer_is_in_the_file_once() -> None:
    networks = [
        {
            "name": "two",
            "layers": [{"name": "a", "kind": "ReLU"}, {"name": "b", "kind": "ReLU", "from": [-1, 0]}],
            "layers_at": {"28": [{"name": "a", "kind": "Conv2d", "in": 1}]},
        },
        {"name": "one", "layers": [{"name": "a", "kind": "Conv2d", "in": 1}], "layers_at": {}},
    ]
    text = to_text(networks)
    assert json.loads(text) == {
        "sorts": [{"kind": "ReLU"}, {"kind": "Conv2d", "in": 1}],
        "networks": [
            {"name": "two", "layers": [["a", 0], ["b", 0, [-1, 0]]], "layers_at": {"28": [["a", 1]]}},
            {"name": "one", "layers": [["a", 1]], "layers_at": {}},
        ],
    }
    assert len(text.splitlines()) == 4  # a network a line
    assert from_text(text) == networks
