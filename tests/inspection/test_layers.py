"""Layers by name, by position, by number, by timm's name; and hints for all other names."""

from typing import Any

import pytest
import torch

from sightline.errors import ModelError
from sightline.inspection import list_layers
from sightline.inspection.layers import find_layer
from sightline.models.contract import Network
from sightline.models.registry import create_model


def test_every_layer_by_name_and_every_stage_by_number(net: Network) -> None:
    for name, module in net.named_modules(remove_duplicate=False):
        if name:
            assert net.get_submodule(find_layer(net, name)) is module
    stages = dict(net.stages.named_children())
    for number, name in enumerate(stages):
        assert find_layer(net, number) == find_layer(net, str(number)) == find_layer(net, f"stages.{number}")
        assert find_layer(net, number) == f"stages.{name}"
        assert find_layer(net, number - len(stages)) == f"stages.{name}"


def test_the_list_has_what_runs(net: Network, untouched: Any) -> None:
    with untouched(net):
        layers = list_layers(net)
    names = [layer.name for layer in layers]
    assert len(names) == len(set(names))
    for name, module in net.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            assert next(layer for layer in layers if layer.name == name).role == "convolution"
    last = next(layer for layer in layers if layer.name == "stages")
    with torch.no_grad():
        assert net.forward_features(torch.zeros(1, *net.input_shape)).shape[1:] == last.maps
    assert {layer.stage for layer in layers} - {None} == set(range(len(net.stages)))
    assert all(layer.stage is None for layer in layers if layer.name.startswith("head"))


def test_a_position_is_a_name() -> None:
    net = create_model("resnet18", num_classes=2, size=64)
    assert find_layer(net, "stages.1.0.conv1") == find_layer(net, "stages.layer1.0.conv1")


def test_timms_own_names_are_understood() -> None:
    net = create_model("mobilenetv2_100", num_classes=2, size=64)
    assert find_layer(net, "conv_stem") == "stages.stage1.conv_stem"
    assert net.get_submodule(find_layer(net, "blocks.2.1.conv_dw")).groups > 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("layer1", "there is no layer 'layer1' .*did you mean stages.layer1"),
        ("stages.layer9.0.conv1", "did you mean stages.*conv1"),
        ("stages.layer1.0.cnv1", r"did you mean stages.layer1.0.conv1"),
        ("", "there is no layer ''"),
        (9, "there is no stage 9 .*choose from 0 "),
        ("-9", "there is no stage -9"),
    ],
)
def test_a_wrong_name_is_told_the_right_ones(wrong: str | int, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        find_layer(create_model("resnet18_small", num_classes=2), wrong)
