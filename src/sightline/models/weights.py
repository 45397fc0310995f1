"""Weights that were saved by someone else's code, under other names."""

import re
from collections.abc import Mapping

from torch import Tensor

from sightline.errors import ModelError


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
