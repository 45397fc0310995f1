"""Three pairs of convolutions, each with a bias and batch norm; dropout after every pair; L2 on request."""

import torch
from torch import nn

from sightline.models.registry import create_model, find_model


def test_each_block_makes_the_expected_maps() -> None:
    network = create_model("custom_cnn", num_classes=10).eval()
    x = torch.zeros(1, *network.input_shape)
    shapes = []
    for stage in network.stages:
        x = stage(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(32, 16, 16), (64, 8, 8), (128, 4, 4)]


def test_parameters_by_hand() -> None:
    convolutions = [3 * 32, 32 * 32, 32 * 64, 64 * 64, 64 * 128, 128 * 128]
    widths = [32, 32, 64, 64, 128, 128, 256]
    linear = [128 * 4 * 4 * 256, 256 * 10 + 10]
    expected = 9 * sum(convolutions) + sum(linear) + 3 * sum(widths)  # a bias, and a scale and a shift of batch norm
    network = create_model("custom_cnn", num_classes=10)
    assert sum(p.numel() for p in network.parameters()) == expected == 815_530


def test_dropout() -> None:
    layers = create_model("custom_cnn", num_classes=10).modules()
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [0.25, 0.25, 0.25, 0.5]


def test_every_hidden_layer_has_a_bias_and_batch_norm() -> None:
    network = create_model("custom_cnn", num_classes=10)
    widths = [layer.num_features for layer in network.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert widths == [32, 32, 64, 64, 128, 128, 256]
    assert all(layer.bias is not None for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear))


def test_its_l2_is_that_of_the_course() -> None:
    assert find_model("custom_cnn").l2 == 1e-4
