"""The two files of a saved model, neither of which can hold code.

model.safetensors   the weights, float32
model.json          what they are the weights of, and how to use them
"""

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sightline import __version__, config
from sightline.classifier.confidence import ConformalRule, UnknownRule
from sightline.config import ViewsName, require
from sightline.errors import ConfigError, ModelError, RunError
from sightline.machine import files
from sightline.models.contract import Network
from sightline.models.registry import Architecture
from sightline.pixels.preprocess import Preprocess

FORMAT = 2  # of model.json; what is newer than this is refused, what is older goes through MIGRATIONS
RESTORE = "restore it from a copy, or train again"


@dataclass(frozen=True, kw_only=True)
class ModelDescription:
    """The contents of model.json. Raises ConfigError for values that make no sense.

    The meaning of the fields is told in `Classifier`.
    """

    format: int = FORMAT
    architecture: Architecture
    classes: tuple[str, ...]
    preprocess: Preprocess
    temperature: float = 1.0
    views: ViewsName = "plain"
    unknown: UnknownRule | None = None
    conformal: ConformalRule | None = None
    note: str = ""
    provenance: Mapping[str, str]

    def __post_init__(self) -> None:
        outputs, names = self.architecture.num_classes, len(self.classes)
        require(outputs == names, f"{outputs} outputs have {names} class names", "give one name for each output")
        require(len(set(self.classes)) == names, "two classes have the same name", "give each its own")
        channels, image_channels = self.architecture.in_channels, self.preprocess.channels
        require(
            channels == image_channels,
            f"the network takes {channels} channels, its images have {image_channels}",
            "make them equal",
        )
        require(self.temperature > 0, f"temperature is {self.temperature}", "use a number above 0; 1 changes nothing")


def write_model(folder: Path, description: ModelDescription, network: Network) -> None:
    """Save a network and its description into `folder`, each file atomically. Raises StorageError."""
    from safetensors.torch import save

    files.make_folder(folder)
    weights = {name: _as_saved(tensor) for name, tensor in network.state_dict().items()}
    files.write_bytes(folder / "model.safetensors", save(weights, metadata={"format": "pt"}))
    files.write_json(folder / "model.json", config.to_json(description))


def find_model_folder(folder: Path) -> Path:
    """`folder`, or its model/ when it is a run folder. Raises RunError when the two files are not there."""
    if not folder.is_dir():
        raise RunError(f"there is no folder {folder}", hint="give a run folder, e.g. runs/digits-convnet-1")
    hint = "give a run folder whose training has saved a model"
    if (folder / "config.json").exists() and not (folder / "model").exists():  # a run that was stopped, or goes on
        hint = f"its training has not come to its end; go on with: sightline train --resume {shlex.quote(str(folder))}"
    if not (folder / "model.json").exists() and (folder / "model").is_dir():
        folder = folder / "model"
    for name in ("model.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise RunError(f"{folder} has no {name}", hint=hint)
    return folder


def read_description(path: Path) -> ModelDescription:
    """A model.json. Raises RunError when it is damaged or newer than this version."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"not valid JSON: {error}", where=str(path), hint=RESTORE) from error
    if not isinstance(data, dict) or not isinstance(data.get("format"), int):
        raise RunError("not a model description: it has no format number", where=str(path), hint=RESTORE)
    if data["format"] > FORMAT:
        raise RunError(
            f"written by a newer Sightline ({_version(data)}, format {data['format']}); "
            f"this is {__version__}, which reads format {FORMAT}",
            where=str(path),
            hint="upgrade with `pip install --upgrade sightline`",
        )
    try:
        while migrate := MIGRATIONS.get(data["format"]):
            data = migrate(data)
        return config.from_json(ModelDescription, data)
    except (ConfigError, ModelError) as error:
        raise RunError(f"damaged model description: {error}", where=str(path), hint=RESTORE) from error


def unknown_below_became_a_rule(data: dict[str, Any]) -> dict[str, Any]:
    """Format 2 of a model.json of format 1, whose `unknown_below` was the least probability that is believed, or 0.

    That probability was taken at the classifier's temperature. Raises ConfigError when it was none.
    """
    old = dict(data)
    below, temperature = old.pop("unknown_below", 0.0), old.get("temperature", 1.0)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (below, temperature))
    config.require(numbers and 0 <= below <= 1, f"unknown_below is {below!r}", "use a probability, 0 to 1")
    rule = {"score": "probability", "threshold": below, "temperature": temperature, "accepted": 0.0} if below else None
    return old | {"format": 2, "unknown": rule}


MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: unknown_below_became_a_rule}


def read_weights(network: Network, path: Path) -> None:
    """Put the weights of a model.safetensors into the network, which must fit exactly.

    Raises RunError for a damaged file, ModelError naming the tensor and both shapes where they differ.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise RunError(f"damaged weights: {error}", where=str(path), hint=RESTORE) from error
    tensors = network.state_dict()
    hint = f"these are the weights of another network; {RESTORE}"
    for name in sorted(tensors.keys() - weights.keys()):
        raise ModelError(f"the tensor {name} is missing", where=str(path), hint=hint)
    for name in sorted(weights.keys() - tensors.keys()):
        raise ModelError(f"the tensor {name} has no place in the network", where=str(path), hint=hint)
    for name, tensor in tensors.items():
        if weights[name].shape != tensor.shape:
            shape, expected = tuple(weights[name].shape), tuple(tensor.shape)
            raise ModelError(f"{name} is {shape} in the file, {expected} in the network", where=str(path), hint=hint)
    network.load_state_dict(weights)


def _as_saved(tensor: Tensor) -> Tensor:
    """A tensor as it is written: on the CPU, contiguous, sharing no memory, float32 where it is floating."""
    dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
    return tensor.detach().to("cpu", dtype, copy=True).contiguous()


def _version(data: dict[str, Any]) -> str:
    """The version of Sightline that wrote a description, as far as it says."""
    provenance = data.get("provenance")
    return str(provenance.get("sightline", "unknown")) if isinstance(provenance, dict) else "unknown"
