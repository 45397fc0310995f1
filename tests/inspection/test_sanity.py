"""The sanity check finds maps that do not depend on the weights, and those that do."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sightline.errors import ConfigError
from sightline.inspection import grad_cam, integrated_gradients, sanity_check
from sightline.models.blocks import sequential
from sightline.models.contract import Network
from sightline.models.registry import create_model


def edges(network: Network, image: Tensor, target: int) -> NDArray[np.float32]:
    return image.diff(dim=2, append=image[:, :, -1:]).abs().sum(0).numpy()


@pytest.fixture
def net() -> Network:
    torch.manual_seed(11)
    return create_model("resnet20", num_classes=5)


def test_a_map_of_edges_does_not_depend(net: Network) -> None:
    result = sanity_check(net, torch.randn(3, 32, 32), method=edges)
    assert result.correlations == pytest.approx((1, 1, 1))
    assert not result.depends
    assert result.sentence == (
        "The map hardly depends on the weights, so it does not show what was learnt: "
        "rank correlation 1.00 with 3 copies of random weights."
    )


def test_gradients_depend_and_nothing_stays(net: Network, untouched: Any) -> None:
    image = torch.randn(3, 32, 32)
    with untouched(net):
        result = sanity_check(net, image, 2, method=integrated_gradients, networks=2)
        again = sanity_check(net, image, 2, method=integrated_gradients, networks=2)
    assert result == again
    assert len(result.correlations) == 2
    assert result.depends
    assert result.correlation == pytest.approx(np.mean(result.correlations))
    assert result.sentence.startswith("The map depends on the weights: rank correlation ")


def test_signs_of_random_weights_and_constant_maps(net: Network) -> None:
    image = torch.randn(3, 32, 32)
    assert sanity_check(net, image, method=lambda *_: np.zeros((4, 4), np.float32)).correlation == 1
    calls = iter([np.zeros((4, 4), np.float32), np.random.rand(4, 4).astype(np.float32)])
    assert sanity_check(net, image, method=lambda *_: next(calls), networks=1).correlation == 0


def test_a_network_that_was_not_built_by_name() -> None:
    class Own(Network):
        def __init__(self) -> None:
            super().__init__()
            self.input_shape = (1, 16, 16)
            self.stages = sequential(conv=nn.Conv2d(1, 8, 3), relu=nn.ReLU())
            self.head = sequential(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), output=nn.Linear(8, 3))

    outputs: list[Tensor] = []

    def method(network: Network, image: Tensor, target: int) -> NDArray[np.float32]:
        outputs.append(network.stages[0].weight.detach().clone())
        return grad_cam(network, image, target)

    sanity_check(Own(), torch.randn(1, 16, 16), method=method, networks=2)
    assert not any(torch.equal(a, b) for a, b in ((outputs[0], outputs[1]), (outputs[1], outputs[2])))


def test_what_is_refused(net: Network) -> None:
    with pytest.raises(ConfigError, match="networks is 0"):
        sanity_check(net, torch.zeros(3, 32, 32), networks=0)
