"""static/zoo.json: every network of ours as layers and what feeds them, from which the page computes all the rest.

The page knows the rules (`static/rooms/architectures/shapes.js`) and needs only what a network is made of; so it shows
any input size without torch, in the static export as well. Made by

    python -m sightline.lab.zoo

and a test says when that must be done again. Only this module of the lab imports torch.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sightline.machine.files import write_text
from sightline.models.contract import Network
from sightline.models.registry import Architecture, ModelEntry, list_models
from sightline.models.watching import layer_hooks, leaf_layers

FILE = Path(__file__).parent / "static" / "zoo.json"

# Sizes at which a network may be built with other layers than at its published size: LeNet-5 pads MNIST's 28 pixels.
SPECIAL_SIZES = (28,)

Layer = dict[str, Any]


def zoo() -> list[dict[str, Any]]:
    """Every network: name, words, published sizes, `layers`, and `layers_at` for sizes where they differ."""
    return [_network(entry) for entry in list_models()]


def _network(entry: ModelEntry) -> dict[str, Any]:
    layers = network_layers(entry.name, entry.size)
    others = {size: network_layers(entry.name, size) for size in SPECIAL_SIZES if size >= entry.min_size}
    return {
        "name": entry.name,
        "description": entry.description,
        "paper": entry.paper,
        "size": entry.size,
        "min_size": entry.min_size,
        "in_channels": entry.in_channels,
        "num_classes": entry.num_classes,
        "layers": layers,
        "layers_at": {str(size): of_size for size, of_size in others.items() if _unsized(of_size) != _unsized(layers)},
    }


def _unsized(layers: list[Layer]) -> list[Layer]:
    """Without what follows from the size: how many numbers a flattened image has."""
    return [{key: value for key, value in layer.items() if key != "in"} for layer in layers]


def network_layers(name: str, size: int) -> list[Layer]:
    """The layers in the order they run; a layer that runs twice is there twice.

    Keys: name, kind (torch's class), from (positions of the layers whose outputs it sees, where that is not the one
    before; -1 is the image) and what `_settings` says.
    """
    entry = next(one for one in list_models() if one.name == name)
    network = Architecture(name=name, num_classes=entry.num_classes, in_channels=entry.in_channels, size=size).outline()
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    shadows = {key: torch.empty_like(tensor, device="meta") for key, tensor in tensors.items()}
    sources = _Sources()
    network.eval()
    with _watched(network, sources), torch.no_grad(), sources:
        image = torch.empty((1, entry.in_channels, size, size), device="meta")
        sources.set(image, {-1})
        functional_call(network, shadows, (image,))
    return sources.layers


class _Sources(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves this class untyped
    """Knows of every tensor which layers' outputs it was made from, without another layer between.

    Where branches meet outside of all layers (x + shortcut), that is a layer of kind Add, without a name.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.layers: list[Layer] = []
        self.inside: list[frozenset[int]] = []  # of the layer that runs now: what it sees
        self.known: dict[int, tuple[Tensor, frozenset[int]]] = {}  # the tensor too, so that its id is not used again

    def set(self, tensor: Tensor, layers: set[int]) -> None:
        self.known[id(tensor)] = (tensor, frozenset(layers))

    def of(self, tensors: Any) -> frozenset[int]:
        origins = [self.known[id(leaf)][1] for leaf in tree_leaves(tensors) if id(leaf) in self.known]
        return frozenset().union(*origins)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        layers = self.of((args, kwargs))
        if len(layers) > 1 and not self.inside:
            self.layers.append({"name": "", "kind": "Add", "from": sorted(layers)})
            layers = frozenset({len(self.layers) - 1})
        if layers:
            for output in tree_leaves(result):
                if isinstance(output, Tensor):
                    self.set(output, set(layers))
        return result


@contextmanager
def _watched(network: Network, sources: _Sources) -> Iterator[None]:
    """Every layer that runs adds itself to `sources.layers`."""
    layers = leaf_layers(network)

    def enter(name: str, inputs: Any) -> None:
        sources.inside.append(sources.of(inputs))

    def leave(name: str, inputs: Any, output: Tensor) -> None:
        kind, settings = _settings(layers[name])
        origins = sorted(sources.inside.pop())
        before = {} if origins == [len(sources.layers) - 1] else {"from": origins}
        sources.layers.append({"name": name, "kind": kind, **before, **settings})
        sources.set(output, {len(sources.layers) - 1})

    with layer_hooks(layers, before=enter, after=leave):
        yield


def _settings(module: nn.Module) -> tuple[str, dict[str, Any]]:
    """What shapes and counts follow from: torch's name of the layer, and its settings that are not the usual ones."""
    match module:
        case nn.Conv2d():
            settings = {
                "in": module.in_channels,
                "out": module.out_channels,
                "kernel": module.kernel_size[0],
                "stride": module.stride[0],
                "padding": module.padding if isinstance(module.padding, str) else module.padding[0],
                "dilation": module.dilation[0],
                "groups": module.groups,
                "bias": module.bias is not None,
            }
            usual = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True}
            return "Conv2d", {key: value for key, value in settings.items() if usual.get(key) != value}
        case nn.MaxPool2d() | nn.AvgPool2d():
            kind = "MaxPool2d" if isinstance(module, nn.MaxPool2d) else "AvgPool2d"
            return kind, {"kernel": module.kernel_size, "stride": module.stride, "padding": module.padding}
        case nn.AdaptiveAvgPool2d():
            size = module.output_size
            return "AdaptiveAvgPool2d", {"size": size[0] if isinstance(size, tuple) else size}
        case nn.Linear():
            bias: dict[str, Any] = {} if module.bias is not None else {"bias": False}
            return "Linear", {"in": module.in_features, "out": module.out_features, **bias}
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return ("BatchNorm2d" if isinstance(module, nn.BatchNorm2d) else "BatchNorm1d"), {}
        case _:
            assert not list(module.parameters()), f"the page would not count the parameters of {type(module).__name__}"
            return type(module).__name__, {}


def to_text(networks: list[dict[str, Any]]) -> str:
    """The file, one network a line. Each sort of layer is there once: a layer is its name, its sort's place, its from.

    That halves the file, which every visitor of the room loads.
    """
    sorts: list[Layer] = []

    def row(layer: Layer) -> list[Any]:
        sort = {key: value for key, value in layer.items() if key not in ("name", "from")}
        if sort not in sorts:
            sorts.append(sort)
        return [layer["name"], sorts.index(sort), *([layer["from"]] if "from" in layer else [])]

    rows = [
        network
        | {"layers": list(map(row, network["layers"]))}
        | {"layers_at": {size: list(map(row, layers)) for size, layers in network["layers_at"].items()}}
        for network in networks
    ]
    lines = ",\n".join(json.dumps(network, separators=(",", ":")) for network in rows)
    return f'{{"sorts":{json.dumps(sorts, separators=(",", ":"))},"networks":[\n{lines}\n]}}\n'


def from_text(text: str) -> list[dict[str, Any]]:
    """The networks of the file, as `zoo` made them."""
    file = json.loads(text)

    def layer(name: str, sort: int, *sources: list[int]) -> Layer:
        return {"name": name, **file["sorts"][sort], **({"from": sources[0]} if sources else {})}

    return [
        network
        | {"layers": [layer(*row) for row in network["layers"]]}
        | {"layers_at": {size: [layer(*row) for row in rows] for size, rows in network["layers_at"].items()}}
        for network in file["networks"]
    ]


if __name__ == "__main__":
    write_text(FILE, to_text(zoo()))
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")
