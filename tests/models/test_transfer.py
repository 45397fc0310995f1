"""Which part of a network learns, and at which rate."""

import itertools
import math
import re

import pytest

from sightline.errors import ModelError
from sightline.models.registry import create_model
from sightline.models.transfer import blocks, freeze, groups_by_depth, most_blocks, unfreeze


def learning(network: object) -> set[str]:
    return {name for name, p in network.named_parameters() if p.requires_grad}  # type: ignore[attr-defined]


def test_blocks_are_the_residual_blocks_and_runs_of_single_layers() -> None:
    network = create_model("resnet18_small", num_classes=2)
    residual = [(f"stages.layer{layer}.{block}",) for layer in (1, 2, 3, 4) for block in (0, 1)]
    assert blocks(network) == [("stages.stem",), *residual]
    network.stages = network.stages[0]  # three single layers
    assert blocks(network) == [("stages.conv", "stages.bn", "stages.relu")]


def test_what_cannot_learn_is_no_block() -> None:
    assert blocks(create_model("lenet5", num_classes=2)) == [("stages.c1",), ("stages.c3",)]


def test_frozen_only_the_output_learns() -> None:
    network = create_model("vgg11_small", num_classes=2, size=32)
    freeze(network)
    assert learning(network) == {"head.output.weight", "head.output.bias"}


def test_the_last_blocks_and_the_whole_head_learn() -> None:
    network = create_model("resnet18_small", num_classes=2)
    unfreeze(network, 2)
    assert {re.match(r"(stages\.layer\d\.\d|head)", name)[0] for name in learning(network)} == {  # type: ignore[index]
        "head",
        "stages.layer4.0",
        "stages.layer4.1",
    }
    unfreeze(network, "all")
    assert learning(network) == {name for name, _ in network.named_parameters()}
    unfreeze(network, 1_000)
    assert learning(network) == {name for name, _ in network.named_parameters()}
    with pytest.raises(ModelError, match=r"0 blocks are to learn \(unfreeze\): use 1 or more"):
        unfreeze(network, 0)


def test_most_blocks_are_seven_tenths_of_them_and_at_least_one() -> None:
    assert len(blocks(create_model("resnet18_small", num_classes=2))) == 9  # the stem and four times two
    assert most_blocks(create_model("resnet18_small", num_classes=2)) == 6
    assert most_blocks(create_model("lenet5", num_classes=2)) >= 1


def test_rates_fall_evenly_from_the_output_to_the_image() -> None:
    network = create_model("resnet18_small", num_classes=2)
    groups = groups_by_depth(network, lr=1.0, nearest=0.1, deepest=0.01)
    rates: dict[str, float] = {}
    for name, _ in network.named_parameters():
        group = next(group for group in groups if re.search(group.match, name))
        rates[name] = group.lr
    assert rates["head.output.weight"] == 1.0
    assert rates["stages.layer4.1.conv1.weight"] == pytest.approx(0.1)
    assert rates["stages.stem.conv.weight"] == pytest.approx(0.01)
    middle = [rates[f"stages.layer{layer}.{block}.conv1.weight"] for layer in (4, 3, 2, 1) for block in (1, 0)]
    steps = [math.log(b / a) for a, b in itertools.pairwise(middle)]
    assert steps == pytest.approx([math.log(0.1) / 8] * 7)
    assert {group.optimizer for group in groups} == {"adamw"}


@pytest.mark.parametrize("name", ["lenet5", "speednet_xs", "resnet18d", "mobilenetv2_100", "vgg11_small"])
def test_every_parameter_has_a_group_and_learns_slower_than_the_head(name: str) -> None:
    network = create_model(name, num_classes=2, size=32)
    groups = groups_by_depth(network, lr=1.0)
    for parameter, _ in network.named_parameters():
        rate = next(group.lr for group in groups if re.search(group.match, parameter))
        assert (rate == 1) if parameter.startswith("head.") else 0.00999 <= rate <= 0.1
