"""The kernels of a convolution."""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from sightline.classifier.classifier import Classifier
from sightline.errors import ModelError
from sightline.inspection.layers import LayerName, find_layer
from sightline.inspection.subject import Subject
from sightline.models.contract import Network


def kernels(net: Classifier | Network, layer: LayerName) -> NDArray[np.float32]:
    """The weights of a convolution: float32 (O, C, kh, kw), a copy; C is the input channels of one group.

    Of a block with a single convolution in it, that one's. A convolution that standardises its weights gives them as
    they are stored. Raises ModelError with the names of convolutions for any other layer.
    """
    network = Subject.of(net).network
    name = find_layer(network, layer)
    block = network.get_submodule(name)
    within = [(f"{name}.{path}" if path else name, m) for path, m in block.named_modules() if isinstance(m, nn.Conv2d)]
    if len(within) == 1:
        weight: NDArray[np.float32] = within[0][1].weight.detach().float().cpu().numpy().copy()
        return weight
    every = [path for path, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    names = [path for path, _ in within] or every
    listed = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    if within:
        raise ModelError(
            f"layer '{name}' has {len(within)} convolutions", where=type(network).__name__, hint=f"choose from {listed}"
        )
    raise ModelError(
        f"layer '{name}' is a {type(block).__name__}, no convolution",
        where=type(network).__name__,
        hint=f"choose from {listed}" if every else "this network has no convolution",
    )
