"""The layers of a network: found by name or number, and which of them give feature maps."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sightline.classifier.classifier import Classifier
from sightline.errors import ModelError, near
from sightline.inspection.capture import undisturbed
from sightline.inspection.subject import Subject
from sightline.models.contract import Network
from sightline.models.watching import layer_hooks

Role = Literal["convolution", "pooling", "other"]
LayerName = str | int  # a name ("stages.layer1.0.conv1"), positions ("stages.1.0"), or the number of a stage


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer, or a block of them.

    stage: the number of the stage it is in, from 0; None in the head.
    maps: (C, h, w) of the feature maps it gives for the images the network was built for; None when it gives none.
    """

    name: str
    kind: str
    role: Role
    stage: int | None
    maps: tuple[int, int, int] | None


def list_layers(net: Classifier | Network) -> tuple[Layer, ...]:
    """Every layer and block that runs, in the order they finish; one that runs twice is listed once."""
    subject = Subject.of(net)
    network = subject.network
    stages = [name for name, _ in network.stages.named_children()]
    with undisturbed(network), finished(network) as outputs:
        x = torch.zeros((1, *network.input_shape), dtype=subject.weight.dtype, device=subject.weight.device)
        subject.forward(x)
    square = _is_square(x)
    layers = []
    for name, output in outputs.items():
        parts = name.split(".")
        module = network.get_submodule(name)
        layers.append(
            Layer(
                name=name,
                kind=type(module).__name__,
                role=role_of(module),
                stage=stages.index(parts[1]) if parts[0] == "stages" and len(parts) > 1 else None,
                maps=_shape(module, output, square),
            )
        )
    return tuple(layers)


def find_layer(network: Network, layer: LayerName) -> str:
    """The full name of a layer, as `network.get_submodule` takes it.

    layer: a name, in which positions may stand for names ("stages.1.0"); a stage's number, from 0, -1 is the last; or
        the name that timm gives to a layer with weights. Raises ModelError with the nearest names.
    """
    if isinstance(layer, int):
        return _stage(network, layer)
    if layer.lstrip("-").isdecimal():
        return _stage(network, int(layer))
    module: nn.Module = network
    names = []
    for part in layer.split("."):
        children = dict(module.named_children())
        if part.isdecimal() and part not in children and int(part) < len(children):
            part = list(children)[int(part)]
        if part not in children:
            break
        module = children[part]
        names.append(part)
    else:
        return ".".join(names)
    if layer in (timm := _timm_layers(network)):
        return timm[layer]
    every = [name for name, _ in network.named_modules() if name]
    last = layer.rpartition(".")[2]
    alike = [name for name in every if name.endswith(f".{layer}")] or [
        name for name in every if last and name.rpartition(".")[2] == last and "." in layer
    ]
    hint = f"did you mean {' or '.join(alike[:3])}?" if alike else near(layer, every)
    raise ModelError(f"there is no layer '{layer}'", where=type(network).__name__, hint=hint)


def role_of(module: nn.Module) -> Role:
    if isinstance(module, nn.Conv2d):
        return "convolution"
    # timm has pooling layers of many classes; their names all say so.
    kind = type(module).__name__.lower()
    return "pooling" if "pool" in kind and "attention" not in kind else "other"


def last_maps(subject: Subject, x: Tensor) -> str:
    """The name of the layer whose feature maps come last before the head, for network input (1, C, H, W).

    Larger than 1 x 1: where the stages end in less, the last layer within them that gives more. Raises ModelError when
    there is none.
    """
    network = subject.network
    with torch.no_grad(), finished(network) as outputs:
        subject.forward(x)
    square = _is_square(x)
    for name, output in reversed(outputs.items()):
        if name.split(".")[0] == "stages":
            shape = _shape(network.get_submodule(name), output, square)
            if shape and shape[1] * shape[2] > 1:
                return name
            if isinstance(output, torch.Size) and len(output) == 4 and output[2] == 1 < output[3]:
                break  # a row of tokens: maps of layers before them are not what decides
    raise ModelError(
        f"{type(network).__name__} has no feature maps larger than 1 x 1 before its head",
        hint="class activation maps need a convolutional network and an image that is not shrunk to one value",
    )


def as_maps(network: Network, name: str, output: Any, image: Tensor) -> Tensor:
    """What layer `name` gave for network input `image`, as feature maps (B, C, h, w).

    Raises ModelError when these are no feature maps: after flattening or global vectors, tokens, several tensors.
    """
    module = network.get_submodule(name)
    if isinstance(output, Tensor) and _shape(module, output.shape, _is_square(image)):
        return output.permute(0, 3, 1, 2) if _channels_last(module, output.shape, _is_square(image)) else output
    gave = " x ".join(map(str, output.shape[1:])) if isinstance(output, Tensor) else f"a {type(output).__name__}"
    raise ModelError(
        f"layer '{name}' ({type(module).__name__}) gives no feature maps but {gave}",
        where=type(network).__name__,
        hint="choose a layer before flattening, e.g. one of `stages`: `sightline.inspection.list_layers(net)`",
    )


@contextmanager
def finished(network: Network) -> Iterator[dict[str, Any]]:
    """Within it, every layer that has run adds the shape of its first output, in the order they finish."""
    outputs: dict[str, Any] = {}

    def leave(name: str, inputs: Any, output: Any) -> None:
        outputs.setdefault(name, output.shape if isinstance(output, Tensor) else None)

    with layer_hooks({name: module for name, module in network.named_modules() if name}, after=leave):
        yield outputs


def _stage(network: Network, number: int) -> str:
    names = [name for name, _ in network.stages.named_children()]
    if not -len(names) <= number < len(names):
        listed = ", ".join(f"{i} {name}" for i, name in enumerate(names[:10]))
        raise ModelError(f"there is no stage {number}", where=type(network).__name__, hint=f"choose from {listed}")
    return f"stages.{names[number]}"


def _timm_layers(network: Network) -> dict[str, str]:
    """timm's name of each layer with weights -> ours."""
    names: dict[str, str] = getattr(network, "timm_names", {})
    return {timm.rpartition(".")[0]: ours.rpartition(".")[0] for ours, timm in names.items()}


def _is_square(image: Tensor) -> bool:
    return image.shape[2] == image.shape[3]


def _shape(module: nn.Module, shape: torch.Size | None, square: bool) -> tuple[int, int, int] | None:
    """(C, h, w) of a layer's output of this shape, None when these are no feature maps."""
    if shape is None or len(shape) != 4:
        return None
    channels, height, width = shape[1:]
    if _channels_last(module, shape, square):
        height, width, channels = shape[1:]
    tokens = square and min(height, width) == 1 < max(height, width)
    return None if tokens else (channels, height, width)


def _channels_last(module: nn.Module, shape: torch.Size, square: bool) -> bool:
    """Whether an output with four axes is (B, h, w, C). timm's layers do not say, so their kind and the sides must."""
    if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
        return False
    if isinstance(module, nn.Linear):
        return True
    return square and shape[1] == shape[2] != shape[3]
