"""On a real picture: data/kernels.json, the first filters that the network looks at an image with."""

from collections.abc import Iterator
from typing import Any

from starlette.routing import BaseRoute

from sightline.errors import SightlineError
from sightline.lab.answers import data_route, to_json
from sightline.lab.workspace import Workspace

MOST = 32  # filters


def routes(workspace: Workspace) -> list[BaseRoute]:
    return [data_route("kernels.json", lambda: _kernels(workspace))]


def exported(workspace: Workspace) -> Iterator[tuple[str, bytes]]:
    if not workspace.has_network:
        return
    try:
        yield "kernels.json", to_json(_kernels(workspace))
    except SightlineError:
        return  # the room does without


def _kernels(workspace: Workspace) -> dict[str, Any]:
    """The first convolution that sees the image itself and more than one pixel, with how the image is normalised.

    Raises ModelError when the network has none, RunError while there is no network.
    """
    from torch import nn

    from sightline.errors import ModelError
    from sightline.inspection.filters import kernels

    classifier = workspace.classifier
    for name, layer in classifier.network.named_modules():
        if isinstance(layer, nn.Conv2d):
            if layer.in_channels != classifier.network.input_shape[0] or max(layer.kernel_size) == 1:
                break
            bias = layer.bias.tolist() if layer.bias is not None else [0.0] * layer.out_channels
            return {
                "layer": name,
                "network": classifier.architecture.name,
                "values": kernels(classifier, name)[:MOST].round(5).astype(float).tolist(),
                "bias": bias[:MOST],
                "mean": classifier.preprocess.mean,
                "std": classifier.preprocess.std,
            }
    raise ModelError("the network's first layer is no filter of several pixels")
