"""Weights that were saved by someone else's code: read without running any, renamed, and compared with a network."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sightline.errors import ModelError

WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")  # where training scripts keep the weights in a file
COUNTERS = "num_batches_tracked"  # of batch norm: old files lack it, and with a fixed momentum nothing reads it


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """What is in a file of weights.

    about: the metadata of a safetensors file; empty for others.
    digest: blake2b of the file's bytes, 32 hexadecimal digits.
    """

    path: Path
    tensors: dict[str, Tensor]
    about: Mapping[str, str]
    digest: str


def read_weights_file(path: Path) -> WeightsFile:
    """A safetensors file, or one of `torch.save` with nothing but tensors in it. Raises ModelError."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise ModelError(f"there is no file {path}", hint="give a file of weights, e.g. resnet50.safetensors")
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        if path.suffix == ".safetensors":
            return WeightsFile(path=path, tensors=load_file(path), about=read_metadata(path), digest=digest)
        return WeightsFile(path=path, tensors=_read_torch(path), about={}, digest=digest)
    except SafetensorError as error:
        raise ModelError(f"not a safetensors file: {error}", where=str(path), hint="fetch or copy it again") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ModelError(f"cannot read the weights: {reason}", where=str(path), hint="check the file") from error


def read_metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says about itself. Raises SafetensorError or OSError."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return dict(file.metadata() or {})


def _read_torch(path: Path) -> dict[str, Tensor]:
    hint = "give a state dict saved by torch.save, or better a safetensors file: neither can run code"
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # torch raises nearly everything here
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"no file of plain weights: {reason}", where=str(path), hint=hint) from error
    for key in WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
            break
    if not isinstance(loaded, Mapping) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise ModelError("no file of plain weights: it holds other things", where=str(path), hint=hint)
    return {str(key).removeprefix("module."): tensor for key, tensor in loaded.items()}  # module.: DataParallel


def rename_layers(state_dict: Mapping[str, Tensor], rules: Mapping[str, str], *, where: str) -> dict[str, Tensor]:
    """The same tensors under our names.

    rules: regular expression for a whole layer name -> our name, which may use groups (`\\1`); a key is a layer's
    name, a dot, and the tensor's own name ("weight"), which stays. The first rule that matches is used.
    Raises ModelError for a key that no rule knows: the file belongs to another architecture.
    """
    renamed = {}
    for key, tensor in state_dict.items():
        layer, _, own_name = key.rpartition(".")
        matches = ((re.fullmatch(pattern, layer), name) for pattern, name in rules.items())
        ours = next((match.expand(name) for match, name in matches if match), None)
        if ours is None:
            raise ModelError(f"unknown tensor '{key}'", where=where, hint="use the weights of the same architecture")
        renamed[f"{ours}.{own_name}"] = tensor
    return renamed


def timm_vgg_to_torchvision(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A VGG of timm under torchvision's names; any other state dict as it is.

    timm computes the hidden layers of the head as convolutions, fc1 7 x 7 and fc2 1 x 1; flat, they are linear layers.
    """
    layers = {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3", "head.fc": "classifier.6"}
    renamed = {}
    for key, tensor in state_dict.items():
        layer, _, own_name = key.rpartition(".")
        flat = layer in layers and own_name == "weight"
        renamed[f"{layers.get(layer, layer)}.{own_name}"] = tensor.flatten(1) if flat else tensor
    return renamed


def parameters_in(tensors: Mapping[str, Tensor]) -> int:
    """How many parameters a state dict has: all but the statistics of batch norm."""
    statistics = ("running_mean", "running_var", COUNTERS)
    return sum(tensor.numel() for key, tensor in tensors.items() if not key.endswith(statistics))


def fit_channels(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors, where filters for RGB meet a network for other channels with filters for those.

    Grey: the sum of the three, which answers to a grey image as they do to its RGB copy. More channels: the three in
    turn, scaled so that the sum over channels stays (as timm does).
    """
    fitted = dict(tensors)
    for name, tensor in tensors.items():
        shape = wanted[name].shape if name in wanted else tensor.shape
        differs = tensor.ndim == 4 and tensor.shape[1] == 3 != shape[1] if len(shape) == 4 else False
        if differs and (tensor.shape[0], *tensor.shape[2:]) == (shape[0], *shape[2:]):
            channels = shape[1]
            in_turn = tensor.repeat(1, -(-channels // 3), 1, 1)[:, :channels] * (3 / channels)
            fitted[name] = tensor.sum(1, keepdim=True) if channels == 1 else in_turn
    return fitted


def differences(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], names: Mapping[str, str]) -> str:
    """What keeps tensors from being those of a network, in words; empty when nothing does.

    names: what to call a tensor that is missing or of another shape, where that is not our own name.
    """
    missing = [names.get(key, key) for key in wanted if key not in tensors and not key.endswith(COUNTERS)]
    extra = [key for key in tensors if key not in wanted]
    shapes = [
        f"{names.get(key, key)} is {_shape(tensors[key])}, not {_shape(tensor)}"
        for key, tensor in wanted.items()
        if key in tensors and tensors[key].shape != tensor.shape
    ]
    reasons = [_listed(missing, "missing"), _listed(extra, "unknown"), _listed(shapes, "of another shape")]
    return "; ".join(part for part in reasons if part)


def _listed(names: list[str], what: str) -> str:
    if not names:
        return ""
    count = "1 tensor is" if len(names) == 1 else f"{len(names)} tensors are"
    return f"{count} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a single number"
