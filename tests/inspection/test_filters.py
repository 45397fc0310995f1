"""Kernels: the weights of a convolution, as they are."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sightline.errors import ModelError
from sightline.inspection import kernels
from sightline.models.blocks import sequential
from sightline.models.contract import Network
from sightline.models.registry import create_model


def test_every_convolution_of_every_network(net: Network, untouched: Any) -> None:
    count = 0
    with untouched(net):
        for name, module in net.named_modules():
            if isinstance(module, nn.Conv2d) and count < 5:
                weights = kernels(net, name)
                assert weights.dtype == np.float32
                np.testing.assert_array_equal(weights, module.weight.detach().numpy())
                weights[:] = 7  # a copy
                count += 1
    assert count


def test_a_block_with_one_convolution_gives_it() -> None:
    net = create_model("lenet5", num_classes=2)
    assert kernels(net, "stages.c1").shape == (6, 1, 5, 5)
    assert kernels(net.to(torch.bfloat16), 0).dtype == np.float32


def test_others_are_told_where_the_convolutions_are() -> None:
    net = create_model("lenet5", num_classes=2)
    with pytest.raises(
        ModelError, match=r"'head.c5' is a Linear, no convolution .*choose from stages.c1.conv, stages.c3.conv"
    ):
        kernels(net, "head.c5")
    with pytest.raises(ModelError, match=r"'stages' has 2 convolutions .*choose from stages.c1.conv, stages.c3.conv"):
        kernels(net, "stages")


def test_a_network_without_convolution() -> None:
    class Flat(Network):
        def __init__(self) -> None:
            super().__init__()
            self.input_shape = (1, 4, 4)
            self.stages = sequential(same=nn.Identity())
            self.head = sequential(flatten=nn.Flatten(), output=nn.Linear(16, 2))

    with pytest.raises(ModelError, match="this network has no convolution"):
        kernels(Flat(), "head.output")
