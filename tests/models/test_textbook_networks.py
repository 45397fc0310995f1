"""convnet, mnist_cnn, basic_cnn, cifar_cnn and custom_cnn: five small files of one kind."""

import pytest
import torch
from torch import nn

from sightline.models.registry import create_model


@pytest.mark.parametrize(
    ("name", "maps"),
    [
        ("convnet", [(16, 14, 14), (32, 7, 7)]),
        ("mnist_cnn", [(32, 13, 13), (64, 5, 5)]),
        ("basic_cnn", [(32, 15, 15), (64, 6, 6), (64, 2, 2)]),
        ("cifar_cnn", [(32, 16, 16), (64, 8, 8)]),
        ("custom_cnn", [(32, 16, 16), (64, 8, 8), (128, 4, 4)]),
    ],
)
def test_each_block_makes_the_expected_maps(name: str, maps: list[tuple[int, ...]]) -> None:
    network = create_model(name, num_classes=10).eval()
    x = torch.zeros(1, *network.input_shape)
    shapes = []
    for stage in network.stages:
        x = stage(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == maps


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("convnet", []),
        ("mnist_cnn", []),
        ("basic_cnn", [0.5]),
        ("cifar_cnn", [0.5]),
        ("custom_cnn", [0.25, 0.25, 0.25, 0.5]),
    ],
)
def test_dropout(name: str, rates: list[float]) -> None:
    layers = create_model(name, num_classes=10).modules()
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == rates


def test_every_hidden_layer_of_custom_cnn_has_a_bias_and_batch_norm() -> None:
    network = create_model("custom_cnn", num_classes=10)
    widths = [layer.num_features for layer in network.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert widths == [32, 32, 64, 64, 128, 128, 256]
    assert all(layer.bias is not None for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear))
