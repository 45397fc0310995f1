"""Feature maps: what the network computed, on one scale, with channels that never fire."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sightline.errors import DataError, ModelError
from sightline.inspection import activations, dead_channels, feature_maps, list_layers
from sightline.models.contract import Network
from sightline.models.registry import create_model


def test_every_network_gives_what_it_computed(net: Network, image: Tensor, untouched: Any) -> None:
    stages = [layer for layer in list_layers(net) if layer.name.count(".") == 1 and layer.stage is not None]
    numbers = sorted({stages[0].stage, stages[-1].stage})
    for number in numbers:
        with untouched(net):
            result = activations(net, image, number)
        x = image[None]
        with torch.no_grad():
            for stage in list(net.stages.children())[: number + 1]:
                x = stage(x)
        np.testing.assert_allclose(result.values, x[0].numpy(), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(result.max, x[0].amax((1, 2)).numpy(), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(result.mean, x[0].mean((1, 2)).numpy(), rtol=1e-3, atol=1e-4)


def test_one_scale_for_a_layer() -> None:
    net = create_model("convnet", num_classes=2)
    image = torch.randn(1, 28, 28)
    values, scaled = activations(net, image, "stages.block1").values, feature_maps(net, image, "stages.block1")
    assert scaled.dtype == np.float32
    assert (scaled.min(), scaled.max()) == (0, 1)
    np.testing.assert_allclose(scaled * np.ptp(values) + values.min(), values, atol=1e-6)
    assert (feature_maps(net, torch.zeros(1, 28, 28), "stages.block1") <= 1).all()


def test_dead_channels_of_one_image_and_of_many() -> None:
    net = create_model("convnet", num_classes=2)
    conv, relu = (next(x for x in list_layers(net) if x.kind == kind).name for kind in ("Conv2d", "ReLU"))
    with torch.no_grad():
        layer = net.get_submodule(conv)
        layer.weight[0], layer.bias[0] = 0, -1  # never
        layer.weight[1], layer.bias[1] = 1, 0  # where the image is bright
        layer.weight[2], layer.bias[2] = 0, 1  # always
    dark, bright = -torch.ones(1, 28, 28), torch.ones(1, 28, 28)
    assert activations(net, dark, relu).dead[:3].tolist() == [True, True, False]
    assert activations(net, bright, relu).dead[:3].tolist() == [True, False, False]
    assert dead_channels(net, [dark, bright], relu)[:3].tolist() == [True, False, False]
    assert dead_channels(net, torch.stack([dark, dark]), relu)[:3].tolist() == [True, True, False]
    assert not activations(net, dark, conv).dead[0], "before the activation it is -1"
    with pytest.raises(DataError, match="no images"):
        dead_channels(net, [], relu)


def test_an_output_changed_in_place_is_the_layers_own() -> None:
    net = create_model("mobilenetv2_100", num_classes=2, size=64)
    assert activations(net, torch.randn(3, 64, 64), "stages.stage1.conv_stem").values.min() < 0


def test_channels_last_are_turned() -> None:
    net = create_model("edgenext_xx_small", num_classes=2, size=64)
    linear = next(layer for layer in list_layers(net) if layer.kind == "Linear" and layer.maps)
    weight = net.get_submodule(linear.name).weight
    assert linear.maps[0] == len(weight)
    assert activations(net, torch.randn(3, 64, 64), linear.name).values.shape == linear.maps


def test_what_gives_no_maps_is_refused() -> None:
    net = create_model("convnet", num_classes=2)
    with pytest.raises(ModelError, match=r"'head.hidden' \(Linear\) gives no feature maps but 128.*list_layers"):
        feature_maps(net, torch.zeros(1, 28, 28), "head.hidden")
