"""A folded network answers alike, for every network that has batch norm, and leaves the original alone."""

import copy

import pytest
import torch
from torch import Tensor, nn

from sightline.models.blocks import global_pool_head, sequential
from sightline.models.contract import Network
from sightline.models.folding import folded
from sightline.models.registry import create_model


def lively(network: Network) -> Network:
    """With statistics, scales and shifts as a training leaves them: fresh ones would fold to nothing."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.copy_(torch.randn(module.num_features, generator=generator) / 4)
            module.running_var.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
            if module.affine:
                module.weight.data.copy_(torch.rand(module.num_features, generator=generator) + 0.5)
            module.bias.data.copy_(torch.randn(module.num_features, generator=generator) / 4)
    return network.eval()


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize(
    "name", ["resnet20", "resnet_tiny", "custom_cnn", "vgg11_small_bn", "basic_cnn", "speednet_xs"]
)
def test_a_folded_network_answers_alike(name: str) -> None:
    torch.manual_seed(0)
    network = lively(create_model(name, num_classes=4))
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    x = torch.randn(2, *network.input_shape)
    small = folded(network)
    with torch.no_grad():
        torch.testing.assert_close(small(x), network(x), rtol=1e-3, atol=1e-4)
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    # Half of SpeedNet's norms stand behind pooling; elsewhere nothing of batch norm is left.
    assert norms(small) == (norms(network) / 2 if name == "speednet_xs" else 0)


@pytest.mark.parametrize("name", ["mobilenetv2_100", "resnet18d"])
def test_activations_that_timm_keeps_inside_its_norms_stay(name: str) -> None:
    torch.manual_seed(0)
    network = lively(create_model(name, num_classes=4, size=32))
    x = torch.randn(2, 3, 32, 32)
    small = folded(network)
    assert norms(small) == 0
    with torch.no_grad():
        torch.testing.assert_close(small(x), network(x), rtol=1e-3, atol=1e-3)


class Residual(nn.Module):
    """Uses the convolution's output twice: folding would change the second use as well."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.conv(x)
        return maps + self.norm(maps)


class Net(Network):
    def __init__(self) -> None:
        super().__init__()
        self.input_shape = (3, 8, 8)
        self.stages = sequential(block=Residual())
        self.head = global_pool_head(4, 2)


def test_a_convolution_that_is_used_otherwise_too_is_not_folded() -> None:
    network = lively(Net())
    x = torch.randn(2, 3, 8, 8)
    small = folded(network)
    assert norms(small) == 1
    with torch.no_grad():
        assert torch.equal(small(x), network(x))


def test_a_norm_used_twice_is_not_folded() -> None:
    class Twice(Net):
        def __init__(self) -> None:
            super().__init__()
            norm = nn.BatchNorm2d(4)
            self.stages = sequential(conv=nn.Conv2d(3, 4, 3), norm=norm, relu=nn.ReLU(), again=norm)

    network = lively(Twice())
    assert norms(folded(network)) == 1
    assert copy.deepcopy(network).state_dict().keys() == folded(network).state_dict().keys()
