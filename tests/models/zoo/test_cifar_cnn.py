"""Two pairs of convolutions at one size each."""

import torch
from torch import nn

from sightline.models.registry import create_model


def test_each_block_makes_the_expected_maps() -> None:
    network = create_model("cifar_cnn", num_classes=10).eval()
    x = torch.zeros(1, *network.input_shape)
    shapes = []
    for stage in network.stages:
        x = stage(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(32, 16, 16), (64, 8, 8)]


def test_parameters_of_each_layer_by_hand() -> None:
    network = create_model("cifar_cnn", num_classes=10)
    counts = [
        sum(p.numel() for p in layer.parameters())
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    assert counts == [
        32 * 3 * 9 + 32,
        32 * 32 * 9 + 32,
        64 * 32 * 9 + 64,
        64 * 64 * 9 + 64,
        64 * 8 * 8 * 512 + 512,
        512 * 10 + 10,
    ]
    assert sum(counts) == sum(p.numel() for p in network.parameters()) == 2_168_362


def test_dropout() -> None:
    layers = create_model("cifar_cnn", num_classes=10).modules()
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [0.5]
