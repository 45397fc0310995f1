"""A network watched from outside: hooks that are gone afterwards, and modes that are put back, also on error.

Nothing else in Sightline registers hooks on layers: who wants to know what goes through them says here what to do then.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn

Inputs = tuple[Any, ...]  # what a layer was given: its arguments, then the values of its keyword arguments


@dataclass(frozen=True, eq=False)
class LayerRun:
    """One run of a layer: what it was given and what it returned."""

    name: str
    inputs: Inputs
    output: Any


@contextmanager
def layer_hooks(
    layers: Mapping[str, nn.Module],
    *,
    before: Callable[[str, Inputs], object] | None = None,
    after: Callable[[str, Inputs, Any], Any] | None = None,
) -> Iterator[None]:
    """Within it, `before` is called with the name and the inputs of each of these layers that is about to run.

    after: called with name, inputs and output of each that has run; what it returns, unless that is None, takes the
    place of the output. layers: by name, as `named_modules` gives them.
    """

    def enter(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Inputs, kwargs: dict[str, Any]) -> None:
            if before:
                before(name, (*args, *kwargs.values()))

        return hook

    def leave(name: str) -> Callable[..., Any]:
        def hook(module: nn.Module, args: Inputs, kwargs: dict[str, Any], output: Any) -> Any:
            return after(name, (*args, *kwargs.values()), output) if after else None

        return hook

    handles = []
    try:
        for name, layer in layers.items():
            if before:
                handles.append(layer.register_forward_pre_hook(enter(name), with_kwargs=True))
            if after:
                handles.append(layer.register_forward_hook(leave(name), with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def layer_runs(layers: Mapping[str, nn.Module]) -> Iterator[list[LayerRun]]:
    """Within it, every run of these layers is added to the list, in the order they finish.

    What is kept is what went through, no copies: an operation in place changes it afterwards.
    """
    runs: list[LayerRun] = []

    def keep(name: str, inputs: Inputs, output: Any) -> None:
        runs.append(LayerRun(name, inputs, output))

    with layer_hooks(layers, after=keep):
        yield runs


def leaf_layers(network: nn.Module) -> dict[str, nn.Module]:
    """By name, the layers that contain no others, without identities: a shortcut, a dropout that is off for good."""
    return {
        name: layer
        for name, layer in network.named_modules()
        if not any(layer.children()) and not isinstance(layer, nn.Identity)
    }


@contextmanager
def modes_restored(network: nn.Module) -> Iterator[None]:
    """Afterwards each module is in the mode (train or eval) that it was in, also where these differed."""
    modes = {module: module.training for module in network.modules()}
    try:
        yield
    finally:
        for module, training in modes.items():
            if module.training != training:  # setting what it is takes as long as a small layer
                module.training = training


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Eval mode within the block; afterwards each module is in the mode that it was in."""
    with modes_restored(network):
        if any(module.training for module in network.modules()):
            network.eval()
        yield
