"""Networks that have learnt before: the weights, the preprocessing they want, and where they come from."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from sightline.errors import ConfigError, ModelError
from sightline.models.comparison import named_by_parameters
from sightline.models.contract import Network, Options
from sightline.models.hub import fetch_weights, find_weights, hub_repository, timm_config
from sightline.models.registry import find_architecture, find_model, is_ours
from sightline.models.timm_network import TimmNetwork, present_layout
from sightline.models.weights import (
    WeightsFile,
    differences,
    fit_channels,
    parameters_in,
    read_weights_file,
    timm_vgg_to_torchvision,
)
from sightline.models.zoo.alexnet import from_torchvision as alexnet_from_torchvision
from sightline.models.zoo.resnet import from_torchvision as resnet_from_torchvision
from sightline.models.zoo.vgg import from_torchvision as vgg_from_torchvision
from sightline.pixels.preprocess import IMAGENET_MEAN, IMAGENET_STD, RESAMPLING, Preprocess

NO_WEIGHTS = "none"
FETCH = "imagenet"
HEAD = "head.output.weight"
TRAINING_ONLY = ("AuxLogits.", "aux1.", "aux2.")  # second classifiers of the Inceptions, which only help to train them


def _vgg_from_timm(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return vgg_from_torchvision(timm_vgg_to_torchvision(state_dict))


# How published weights come into our own networks. timm's ResNet-18 and 34 have torchvision's names.
CONVERTERS: dict[str, Callable[[Mapping[str, Tensor]], dict[str, Tensor]]] = {
    "alexnet": alexnet_from_torchvision,
    **dict.fromkeys(("resnet18", "resnet34"), resnet_from_torchvision),
    **dict.fromkeys((f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")), _vgg_from_timm),
}


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """A network that has learnt before, and what must be known to use and to cite it.

    network: with a fresh head for the classes asked for, or with its own.
    preprocess: how the weights want to see images; "crop" keeps the whole short side.
    licence, source: of the weights; "not stated" where nobody says.
    digest: BLAKE2b of the file of weights, which the model file records; empty when there are no weights.
    """

    network: Network
    preprocess: Preprocess
    licence: str
    source: str
    digest: str

    @property
    def provenance(self) -> dict[str, str]:
        """What a model file says about its origin."""
        if not self.digest:
            return {}
        return {"weights": self.source, "weights licence": self.licence, "weights digest": self.digest}


def load_pretrained(
    name: str,
    *,
    weights: str | Path | None = None,
    num_classes: int | None,
    size: int | None = None,
    in_channels: int = 3,
) -> Pretrained:
    """The network `name` with trained weights.

    weights: a file: safetensors, whose metadata may name the preprocessing and timm's options, or a plain state dict;
        by timm, torchvision or Sightline. "imagenet": those that lie on this machine, else fetched from timm's hub.
        "none": fresh ones. None: those that lie on this machine.
    num_classes: of a fresh head; None keeps the head that the weights have.
    size: height and width in pixels; by default what the weights were trained for.
    in_channels: filters for RGB are turned into filters for grey (1) or more channels.

    Raises ModelError when there are no such weights, or naming what differs when they are another network's.
    """
    entry = find_model(name)
    if weights == NO_WEIGHTS:
        architecture = find_architecture(
            name, num_classes=num_classes or entry.num_classes, in_channels=in_channels, size=size
        )
        preprocess = _preprocess(name, None, architecture.size, in_channels)
        return Pretrained(network=architecture.build(), preprocess=preprocess, licence="", source="", digest="")
    file = read_weights_file(_find(name, weights))
    _check_architecture(name, file)
    size = size or _published_size(file) or entry.size
    network = _filled(name, file, in_channels, size)
    if num_classes is not None:
        network.replace_head(num_classes)
    elif HEAD not in _in_our_names(network, name, file):
        raise ModelError(f"the weights of {name} have no classifier of their own", hint="say how many classes you want")
    licence, source = _origin(name, file)
    preprocess = _preprocess(name, file, size, in_channels)
    return Pretrained(network=network, preprocess=preprocess, licence=licence, source=source, digest=file.digest)


def _find(name: str, weights: str | Path | None) -> Path:
    if weights is not None and weights != FETCH:
        return Path(weights).expanduser()
    path = find_weights(name)
    if path:
        return path
    if weights == FETCH:
        return fetch_weights(name)
    raise ModelError(
        f"there are no weights of {name} on this machine",
        hint="fetch them with `--weights imagenet`, give a file with `--weights FILE`, "
        "or train from scratch with `--weights none`",
    )


def _check_architecture(name: str, file: WeightsFile) -> None:
    """Raise where the file itself says that it is another network's."""
    architecture = file.about.get("architecture", "").removeprefix("timm:")
    if architecture and architecture.partition(".")[0] != name.partition(".")[0]:
        what = f"the weights are those of {architecture}, not of {name}"
        raise ModelError(what, where=str(file.path), hint=f"use `--model {architecture}`")


def _filled(name: str, file: WeightsFile, in_channels: int, size: int) -> Network:
    """The network with the weights of the file, and as many classes as they have. Raises ModelError."""
    classes = find_model(name).num_classes
    architecture = find_architecture(
        name, num_classes=classes, in_channels=in_channels, size=size, options=_options(file)
    )
    network = architecture.outline()
    tensors = _in_our_names(network, name, file)
    if HEAD in tensors and len(tensors[HEAD]) != classes:
        network.replace_head(len(tensors[HEAD]))
    names: Mapping[str, str] = network.timm_names if isinstance(network, TimmNetwork) else {}
    tensors, problem = _fitted(tensors, network, names)
    if problem and isinstance(network, TimmNetwork):
        # Weights as their makers published them, under older names or for another size: timm knows how to read many.
        converted = present_layout(name, file.tensors, len(network.state_dict()[HEAD]), network)
        if converted is not None:
            tensors, problem = _fitted(network.from_timm(converted), network, names)
    if problem:
        likely = named_by_parameters(parameters_in(file.tensors))
        hint = f"they look like those of {likely}" if likely else "use weights of the same architecture"
        raise ModelError(f"these are not the weights of {name}: {problem}", where=str(file.path), hint=hint)
    network.load_state_dict(tensors, strict=False)
    return network


def _fitted(tensors: Mapping[str, Tensor], network: Network, names: Mapping[str, str]) -> tuple[dict[str, Tensor], str]:
    """The tensors for the network's channels, and what still differs. A classifier may be missing."""
    wanted = network.state_dict()
    fitted = fit_channels(tensors, wanted)
    headless = {key: tensor for key, tensor in wanted.items() if HEAD in fitted or not key.startswith("head.output.")}
    return fitted, differences(fitted, headless, names)


def _in_our_names(network: Network, name: str, file: WeightsFile) -> dict[str, Tensor]:
    """The tensors of a file in one of the layouts we know, under our names; what has no name here keeps its own."""
    tensors = {key: tensor for key, tensor in file.tensors.items() if not key.startswith(TRAINING_ONLY)}
    if any(key.startswith("stages.") and key in network.state_dict() for key in tensors):
        # A model of Sightline. A head with a hidden layer is of use to nobody who asks for fresh or published ones.
        return {key: tensor for key, tensor in tensors.items() if HEAD in tensors or not key.startswith("head.output.")}
    if isinstance(network, TimmNetwork):
        return network.from_timm(tensors)
    if name not in CONVERTERS:
        raise ModelError(f"weights of {name} can only be those that Sightline saved", where=str(file.path))
    try:
        return CONVERTERS[name](tensors)
    except ModelError as error:
        likely = named_by_parameters(parameters_in(file.tensors))
        hint = f"they look like those of {likely}" if likely else error.hint
        raise ModelError(
            f"these are not the weights of {name}: {error.what}", where=str(file.path), hint=hint
        ) from error


def _options(file: WeightsFile) -> Options:
    options = _setting(file, "kwargs") or {}
    if not isinstance(options, dict):
        raise ModelError("its kwargs are no JSON object", where=str(file.path), hint="correct the file's metadata")
    return options


def _published_size(file: WeightsFile) -> int | None:
    """Height and width that the file's metadata name, as 224 or as [3, 224, 224]."""
    size = _setting(file, "input_size")
    size = size[-1] if isinstance(size, list) else size
    if size is not None and not isinstance(size, int):
        raise ModelError(f"its input_size is {size!r}", where=str(file.path), hint="correct the file's metadata")
    return size


def _preprocess(name: str, file: WeightsFile | None, size: int, in_channels: int) -> Preprocess:
    """What the file says; else what timm says of its own weights; else what nearly all weights want."""
    settings = {key: _setting(file, key) for key in ("mean", "std")} if file else {}
    interpolation: Any = file.about.get("interpolation", "") if file else ""
    config = timm_config(name) if not is_ours(name) or (file and _from_hub(file)) else None
    mean = settings.get("mean") or (config.mean if config else IMAGENET_MEAN)
    std = settings.get("std") or (config.std if config else IMAGENET_STD)
    interpolation = interpolation or (config.interpolation if config else "bilinear")
    if interpolation not in RESAMPLING:  # "random" in timm: any will do
        interpolation = "bicubic"
    try:
        if in_channels == 1:
            mean, std = (sum(mean) / len(mean),), (sum(std) / len(std),)
        return Preprocess(
            size=(size, size),
            channels=in_channels,
            interpolation=interpolation,
            mean=tuple(mean),
            std=tuple(std),
        )
    except (ConfigError, TypeError) as error:
        where = str(file.path) if file else name
        raise ModelError(
            f"the preprocessing makes no sense: {error}", where=where, hint="give other weights"
        ) from error


def _origin(name: str, file: WeightsFile) -> tuple[str, str]:
    """Licence and source of the weights."""
    if _from_hub(file):
        return timm_config(name).license or "not stated", f"huggingface.co/{hub_repository(name)}"
    licence = file.about.get("licence") or file.about.get("license") or "not stated"
    return licence, file.about.get("source") or file.path.name


def _from_hub(file: WeightsFile) -> bool:
    return any(part.startswith("models--") for part in file.path.parts)  # the folders of the hub's cache


def _setting(file: WeightsFile, key: str) -> Any:
    """A value of the file's metadata that is JSON; None where there is none."""
    text = file.about.get(key)
    try:
        return None if text is None else json.loads(text)
    except ValueError as error:
        raise ModelError(
            f"its {key} is not valid JSON: {text}", where=str(file.path), hint="correct the file's metadata"
        ) from error
