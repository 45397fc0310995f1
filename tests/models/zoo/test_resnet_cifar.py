import pytest
import torch
from torch import nn

from sightline.models.registry import create_model
from sightline.models.zoo.resnet_cifar import Block


def test_the_parameter_free_shortcut_takes_every_second_pixel_and_adds_empty_channels() -> None:
    block = Block(1, 3, stride=2).eval()
    nn.init.zeros_(block.bn2.weight)  # only the shortcut is left
    image = torch.arange(16.0).view(1, 1, 4, 4)
    assert block(image).tolist() == [[[[0, 2], [8, 10]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]]]


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110])
def test_the_name_is_the_number_of_weighted_layers(depth: int) -> None:
    with torch.device("meta"):
        network = create_model(f"resnet{depth}", num_classes=10)
    assert sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in network.modules()) == depth


def test_the_maps_are_16_32_and_64_at_32_16_and_8_pixels() -> None:
    with torch.device("meta"):
        x = torch.empty(1, 3, 32, 32)
        shapes = []
        for stage in create_model("resnet20", num_classes=10).stages:
            x = stage(x)
            shapes.append(tuple(x.shape[1:]))
    assert shapes == [(16, 32, 32), (16, 32, 32), (32, 16, 16), (64, 8, 8)]
