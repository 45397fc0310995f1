"""Two convolutions that keep the size; most parameters are in the hidden layer."""

import torch
from torch import nn

from sightline.models.registry import create_model


def test_each_block_makes_the_expected_maps() -> None:
    network = create_model("convnet", num_classes=10).eval()
    x = torch.zeros(1, *network.input_shape)
    shapes = []
    for stage in network.stages:
        x = stage(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(16, 14, 14), (32, 7, 7)]


def test_parameters_of_each_layer_by_hand() -> None:
    network = create_model("convnet", num_classes=10)
    counts = [
        sum(p.numel() for p in layer.parameters())
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    assert counts == [
        16 * 9 + 16,
        32 * 16 * 9 + 32,
        32 * 7 * 7 * 128 + 128,
        128 * 10 + 10,
    ]
    assert sum(counts) == sum(p.numel() for p in network.parameters()) == 206_922


def test_dropout() -> None:
    layers = create_model("convnet", num_classes=10).modules()
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == []
