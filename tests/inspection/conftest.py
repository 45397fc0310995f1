"""Networks to look into: all of our zoo, and CNNs of timm that pad, standardise and pool in ways of their own."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

from sightline.models.contract import Network
from sightline.models.registry import find_architecture, find_model, list_models

TIMM = {
    "mobilenetv2_100": 64,
    "tf_mobilenetv3_small_075": 64,  # pads like TensorFlow
    "resnet26d": 64,
    "efficientnet_b0": 64,
    "densenet121": 64,
    "convnext_atto": 64,  # channels last within its blocks
    "inception_v3": 96,
    "nf_regnet_b0": 64,  # scaled, standardised weights
    "resnetblur18": 64,  # blurs before it subsamples
}
ZOO = [entry.name for entry in list_models()]
BLOCK = 99_991  # prime, so that repeated values do not line up with a weight's axes


def build(name: str) -> Network:
    """A network of 5 classes in eval mode with random weights, some of them frozen.

    Of AlexNet and VGG the hidden layers of the head are narrowed, and larger weights repeated from a block of random
    numbers: drawing 140 million of them would take longer than all tests.
    """
    entry = find_model(name)
    size = TIMM.get(name) or (entry.size if entry.size <= 32 else max(entry.min_size, 32))
    torch.manual_seed(0)
    architecture = find_architecture(name, num_classes=5, size=size)
    if entry.parameters < 6e6 or name in TIMM:
        network = architecture.build()
    else:
        network = architecture.outline()
        if hasattr(network.head, "fc6"):
            network.head.fc6 = nn.Linear(network.head.fc6.in_features, 16)
            network.head.fc7 = nn.Linear(16, 16)
            network.head.output = nn.Linear(16, 5)
        block = torch.randn(BLOCK)
        for parameter in network.parameters():
            count, fan_in = parameter.numel(), parameter[0].numel()
            scale = (2 / fan_in) ** 0.5 if parameter.ndim > 1 else 0.1
            repeated = (scale * block).repeat(count // BLOCK + 1)[:count].view_as(parameter)
            parameter.data.copy_(repeated if parameter.ndim > 1 else 1 + repeated)
    with torch.no_grad():
        for module in network.modules():  # as if trained: what batch norm does can be told apart
            if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
                module.running_mean.uniform_(-0.1, 0.1)
    next(network.parameters()).requires_grad_(False)
    return network.eval()


@pytest.fixture(scope="session", params=[*ZOO, *TIMM])
def net(request: pytest.FixtureRequest) -> Network:
    """Every network in turn; those with dropout or batch norm in training mode in a part of them."""
    network = build(request.param)
    network.head.train()
    return network


# One of each family, for looks that need many passes.
FEW = ("lenet5", "alexnet_small", "vgg11_small_bn", "resnet18_small", "resnet20", "speednet_s", "convnext_atto")
FEW += ("mobilenetv2_100", "densenet121", "tf_mobilenetv3_small_075", "resnetblur18", "nf_regnet_b0")


@pytest.fixture(scope="session", params=FEW)
def one_of_few(request: pytest.FixtureRequest) -> Network:
    """A network of each family in turn."""
    network = build(request.param)
    network.head.train()
    return network


@pytest.fixture
def image(net: Network) -> Tensor:
    """A normalised image, (C, H, W)."""
    return torch.randn(net.input_shape, generator=torch.Generator().manual_seed(1))


def state(network: Network) -> dict[str, object]:
    """All that looking must not change."""
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.numpy().tobytes() if tensor.numel() < 1e6 else tensor.double().sum().numpy().tobytes())
    return {
        "weights": digest.hexdigest(),
        "modes": [module.training for module in network.modules()],
        "trainable": [parameter.requires_grad for parameter in network.parameters()],
        "gradients": [parameter.grad is None for parameter in network.parameters()],
        "hooks": [
            len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in network.modules()
        ],
        "random": torch.get_rng_state().tolist(),
        "tf32": torch.backends.cudnn.allow_tf32,
    }


@contextmanager
def _untouched(network: Network) -> Iterator[None]:
    before = state(network)
    yield
    after = state(network)
    assert {key: after[key] == before[key] for key in before} == dict.fromkeys(before, True)


@pytest.fixture
def untouched() -> Callable[[Network], object]:
    """`with untouched(net):` fails when anything about the network is different afterwards."""
    return _untouched
