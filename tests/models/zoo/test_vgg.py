import math

import pytest
import torch
import torchvision
from torch import Tensor, nn

from sightline.errors import ModelError
from sightline.models.registry import create_model
from sightline.models.zoo.vgg import from_torchvision

NAMES = [f"vgg{depth}{suffix}" for depth in (11, 13, 16, 19) for suffix in ("", "_bn")]


def random_state(network: nn.Module) -> dict[str, Tensor]:
    """Random weights of sensible size: one million drawn numbers repeated, for drawing 138 million takes seconds."""
    noise = torch.randn(2**20 + 7, generator=torch.Generator().manual_seed(0))  # a length that no layer's size divides
    state = {}
    for number, (name, tensor) in enumerate(network.state_dict().items()):
        values = noise.roll(1000 * number).repeat(math.ceil(tensor.numel() / len(noise)))[: tensor.numel()]
        if tensor.ndim > 1:
            state[name] = values.view(tensor.shape) * math.sqrt(2 / tensor[0].numel())
        elif name.endswith("running_var"):
            state[name] = values.sigmoid() + 0.5
        elif tensor.dtype == torch.int64:  # batch norm's count of batches
            state[name] = torch.tensor(7)
        else:
            state[name] = 0.1 * values + (1 if name.endswith("weight") else 0)
    return state


@pytest.mark.parametrize("name", ["vgg16", "vgg11_bn"])
def test_same_outputs_as_torchvision_for_the_same_weights(name: str) -> None:
    with torch.device("meta"):
        theirs = getattr(torchvision.models, name)(num_classes=20).eval()
        ours = create_model(name, num_classes=20).eval()
    state = random_state(theirs)
    theirs.load_state_dict(state, assign=True)
    ours.load_state_dict(from_torchvision(state), assign=True)
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = theirs(images)
        assert 0.1 < expected.abs().max() < 10
        torch.testing.assert_close(ours(images), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_tensor_of_torchvisions_has_its_place_in_the_same_order(name: str) -> None:
    with torch.device("meta"):
        theirs, ours = getattr(torchvision.models, name)(), create_model(name, num_classes=1000)
    renamed = from_torchvision(theirs.state_dict())
    assert list(renamed) == list(ours.state_dict())
    assert [t.shape for t in renamed.values()] == [t.shape for t in ours.state_dict().values()]


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ModelError, match=r"unknown tensor 'fc\.weight' \(torchvision's VGG\)"):
        from_torchvision({"fc.weight": torch.zeros(1, 1)})


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_the_name_is_the_number_of_weighted_layers(depth: int) -> None:
    for suffix in ("", "_bn", "_small", "_small_bn"):
        with torch.device("meta"):
            network = create_model(f"vgg{depth}{suffix}", num_classes=10)
        assert sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in network.modules()) == depth
        assert sum(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()) == ("bn" in suffix) * (depth - 3)


def test_each_block_halves_the_maps() -> None:
    with torch.device("meta"):
        x = torch.empty(1, 3, 224, 224)
        shapes = []
        for stage in create_model("vgg16", num_classes=10).stages:
            x = stage(x)
            shapes.append(tuple(x.shape[1:]))
    assert shapes == [(64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7)]
