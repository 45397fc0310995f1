"""Convolutions without padding, each with a bias and batch norm before its ReLU."""

import torch
from torch import nn

from sightline.models.registry import create_model


def test_each_block_makes_the_expected_maps() -> None:
    network = create_model("basic_cnn", num_classes=10).eval()
    x = torch.zeros(1, *network.input_shape)
    shapes = []
    for stage in network.stages:
        x = stage(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(32, 15, 15), (64, 6, 6), (64, 2, 2)]


def test_parameters_of_each_layer_by_hand() -> None:
    network = create_model("basic_cnn", num_classes=10)
    counts = [
        sum(p.numel() for p in layer.parameters())
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.BatchNorm2d)
    ]
    assert counts == [
        32 * 3 * 9 + 32,
        2 * 32,
        64 * 32 * 9 + 64,
        2 * 64,
        64 * 64 * 9 + 64,
        2 * 64,
        64 * 2 * 2 * 64 + 64,
        64 * 10 + 10,
    ]
    assert sum(counts) == sum(p.numel() for p in network.parameters()) == 73_738


def test_dropout() -> None:
    layers = create_model("basic_cnn", num_classes=10).modules()
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [0.5]


def test_batch_norm_stands_between_convolution_and_relu() -> None:
    for stage in create_model("basic_cnn", num_classes=10).stages:
        kinds = [type(layer) for layer in stage.modules() if not list(layer.children())]
        assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d]
