"""What goes into layers and comes out, seen through hooks that are gone afterwards."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor

from sightline.errors import ModelError
from sightline.models.contract import Network
from sightline.models.watching import Inputs, LayerRun, evaluation_mode, layer_hooks


@contextmanager
def undisturbed(network: Network) -> Iterator[None]:
    """Within it the network is in eval mode and no weight asks for gradients; afterwards all is as it was.

    Gradients with respect to images and feature maps can be taken within, and cost nothing for the weights; their
    `.grad` stays as it is. On CUDA, convolutions are computed in full float32.
    """
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    tf32 = torch.backends.cudnn.allow_tf32
    try:
        for parameter in trainable:
            parameter.requires_grad_(False)
        torch.backends.cudnn.allow_tf32 = False
        with evaluation_mode(network), torch.inference_mode(False), torch.no_grad():
            yield
    finally:
        torch.backends.cudnn.allow_tf32 = tf32
        for parameter in trainable:
            parameter.requires_grad_(True)


@contextmanager
def watched(
    network: Network, names: Iterable[str], *, outputs: Literal["copies", "linked", "cut"] = "copies"
) -> Iterator[Mapping[str, LayerRun]]:
    """Within it, the first run of each named layer is kept, by name.

    What is kept are copies, taken before an operation in place can change them.
    outputs: of "copies" no gradients can be taken. "linked" ones have the past of the output: gradients of them can.
        "cut" ones have no past but ask for gradients, and what follows is computed from them: gradients with respect to
        them can be taken, and end there. Both need gradients enabled.
    """
    runs: dict[str, LayerRun] = {}
    inputs_by_name: dict[str, Inputs] = {}

    def enter(name: str, inputs: Inputs) -> None:
        if name not in inputs_by_name:
            inputs_by_name[name] = tuple(_copy(value) for value in inputs)

    def leave(name: str, inputs: Inputs, output: Any) -> Any:
        if name in runs:
            return None
        value = output.clone() if outputs == "linked" and isinstance(output, Tensor) else _copy(output)
        runs[name] = LayerRun(name, inputs_by_name[name], value)
        if outputs != "cut" or not isinstance(value, Tensor):
            return None
        value.requires_grad_()
        return value.clone()

    with layer_hooks({name: network.get_submodule(name) for name in names}, before=enter, after=leave):
        yield runs


def output_of(name: str, runs: Mapping[str, LayerRun]) -> Any:
    """What a watched layer returned. Raises ModelError when no image went through it."""
    if name not in runs:
        raise ModelError(
            f"layer '{name}' does not run", hint="`sightline.inspection.list_layers(net)` has those that do"
        )
    return runs[name].output


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value
