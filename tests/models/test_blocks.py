import math

import pytest
import torch
from torch import nn

from sightline.models.blocks import conv_bn_relu, global_pool_head, glorot_uniform, he_normal, sequential


def test_sequential_keeps_order_and_names() -> None:
    layers = sequential(mean=nn.AvgPool2d(2), rectify=nn.ReLU())
    assert [name for name, _ in layers.named_children()] == ["mean", "rectify"]
    image = torch.tensor([[[[-9.0, 1.0], [1.0, 3.0]]]])
    assert layers(image).item() == 0, "the mean is -1; rectified first it would be 1.25"


def test_conv_bn_relu_counts_and_shape() -> None:
    block = conv_bn_relu(3, 8, 5, stride=2, padding=2)
    assert sum(parameter.numel() for parameter in block.parameters()) == 3 * 25 * 8 + 8 + 2 * 8
    assert block(torch.randn(2, 3, 9, 9)).shape == (2, 8, 5, 5)
    assert block(torch.randn(2, 3, 9, 9)).min() == 0
    assert conv_bn_relu(3, 8, bias=False).conv.bias is None


def test_global_pool_head_is_a_linear_layer_on_the_means() -> None:
    head = global_pool_head(2, 1)
    with torch.no_grad():
        head.output.weight.copy_(torch.tensor([[10.0, 1.0]]))
        head.output.bias.fill_(0.5)
    maps = torch.tensor([[[[1.0, 3.0], [5.0, 7.0]], [[2.0, 2.0], [2.0, 2.0]]]])  # means 4 and 2
    assert head(maps).tolist() == [[42.5]]


def test_glorot_uniform_fills_its_bounds_as_keras_does() -> None:
    layer = nn.Conv2d(32, 64, 3)
    glorot_uniform(layer)
    bound = math.sqrt(6 / (32 * 9 + 64 * 9))
    assert layer.weight.abs().max() <= bound
    assert layer.weight.abs().max() > 0.99 * bound
    assert layer.bias.abs().max() == 0


@pytest.mark.parametrize(
    ("layer", "variance"),
    [(nn.Conv2d(16, 64, 3), 2 / (64 * 9)), (nn.Linear(400, 100), 1 / 400)],
    ids=["convolution", "linear"],
)
def test_he_normal_has_the_stated_variance(layer: nn.Conv2d | nn.Linear, variance: float) -> None:
    torch.manual_seed(0)
    he_normal(layer)
    assert layer.weight.var().item() == pytest.approx(variance, rel=0.05)
    assert layer.bias.abs().max() == 0


def test_initialisers_leave_batch_norm_alone_and_take_layers_without_bias() -> None:
    for initialise in (glorot_uniform, he_normal):
        norm = nn.BatchNorm2d(3)
        initialise(norm)
        assert norm.weight.tolist() == [1, 1, 1]
        initialise(nn.Conv2d(1, 1, 1, bias=False))
        initialise(nn.Linear(1, 1, bias=False))
