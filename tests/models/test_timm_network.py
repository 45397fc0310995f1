"""timm's networks keep the contract and answer as they do in timm."""

import copy
from functools import cache

import pytest
import timm
import torch
from torch import nn

from sightline.errors import ModelError
from sightline.models.registry import create_model, find_architecture, find_model, list_timm_models
from sightline.models.summary import summary
from sightline.models.timm_network import TimmNetwork

# One of each kind: chains of every common family, a classifier that is a convolution, branches, channels last,
# tokens, and one whose features are several tensors.
SIZES = {
    "test_resnet": 64,
    "test_efficientnet": 64,
    "test_convnext": 64,
    "test_byobnet": 64,
    "mobilenetv2_050": 64,
    "mobilenetv3_small_050": 64,
    "regnetx_002": 64,
    "densenet121": 64,
    "inception_v3": 96,
    "dpn48b": 64,
    "hrnet_w18_small": 64,
    "swin_tiny_patch4_window7_224": 224,
    "test_vit": 160,
    "crossvit_9_240": 240,
}


@cache
def pair(name: str) -> tuple[TimmNetwork, nn.Module, torch.Tensor]:
    """Ours and timm's own with the same weights, in eval mode, and two images; leave them as they are."""
    size = SIZES[name]
    torch.manual_seed(0)
    theirs = timm.create_model(name, num_classes=7).eval()
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):  # as if trained: with fresh statistics, errors would not show
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    network = create_model(name, num_classes=7, size=size).eval()
    assert isinstance(network, TimmNetwork)
    renamed = network.from_timm(theirs.state_dict())
    network.load_state_dict(renamed, strict=not network.left_out)
    return network, theirs, torch.randn(2, 3, size, size)


@pytest.mark.parametrize("name", [name for name in SIZES if name != "crossvit_9_240"])
def test_same_weights_same_answers_as_in_timm(name: str) -> None:
    network, theirs, images = pair(name)
    with torch.no_grad():
        expected = theirs(images)
        torch.testing.assert_close(network(images), expected, rtol=1e-5, atol=1e-6)
    assert expected.std() > 1e-4
    assert network.left_out == ()
    counts = [sum(p.numel() for p in net.parameters()) for net in (network, theirs)]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("name", SIZES)
def test_the_contract(name: str) -> None:
    network, _, images = pair(name)
    with torch.no_grad():
        features = network.forward_features(images)
        step_by_step = images
        for stage in network.stages:
            step_by_step = stage(step_by_step)
        logits = network(images)
        assert features.ndim == 4
        assert torch.equal(features, step_by_step)
        assert torch.equal(network.head(features), logits)
    assert isinstance(network.layer("head.output"), nn.Linear)
    other = copy.deepcopy(network)
    with torch.no_grad():
        assert torch.equal(other(images), logits)
        other.replace_head(3)
        assert other(images).shape == (2, 3)
    assert other.architecture == find_architecture(name, num_classes=3, size=SIZES[name])


def test_two_classifiers_are_left_out_and_their_network_is_one_stage() -> None:
    network, _, images = pair("crossvit_9_240")
    assert network.left_out == ("head.0.bias", "head.0.weight", "head.1.bias", "head.1.weight")
    assert list(dict(network.stages.named_children())) == ["body", "maps"]
    with torch.no_grad():
        assert network.forward_features(images).shape == (2, 384, 1, 1)


def test_stages_end_where_timms_feature_levels_do() -> None:
    network = find_architecture("resnet50", num_classes=10).outline()
    assert {name: list(dict(stage.named_children())) for name, stage in network.stages.named_children()} == {
        "stage1": ["conv1", "bn1", "act1"],
        "stage2": ["maxpool", "layer1"],
        "stage3": ["layer2"],
        "stage4": ["layer3"],
        "stage5": ["layer4"],
    }
    assert network.layer("stages.stage5.layer4.2.conv3").out_channels == 2048
    mobile = find_architecture("mobilenetv2_100", num_classes=10).outline()
    assert list(dict(mobile.stages.named_children())) == ["stage1", "stage2", "stage3", "stage4", "stage5", "tail"]
    assert list(dict(mobile.stages.stage5.named_children())) == ["blocks_5", "blocks_6"]


def test_a_transformers_tokens_are_a_map_of_one_row() -> None:
    network = find_architecture("vit_small_patch16_224", num_classes=2).outline().eval()
    with torch.no_grad():
        assert network.forward_features(torch.zeros(1, 3, 224, 224)).shape == (1, 384, 1, 197)  # 14 * 14 + the class


def test_the_summary_of_resnet50_is_the_published_one() -> None:
    table = summary(find_architecture("resnet50", num_classes=1000).outline())
    assert table.network == "resnet50"
    assert (table.parameters, table.multiply_adds) == (25_557_032, 4_089_184_256)
    assert table.rows[0].name == "stages.stage1.conv1"
    assert table.rows[0].output_shape == (64, 112, 112)
    assert table.rows[-1].name == "head.output"


def test_gradients_reach_every_parameter_and_channels_last_changes_nothing() -> None:
    network, images = copy.deepcopy(pair("test_efficientnet")[0]), pair("test_efficientnet")[2]
    expected = network(images)
    expected.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    network.to(memory_format=torch.channels_last)
    features = network.forward_features(images.contiguous(memory_format=torch.channels_last))
    assert features.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(network.head(features), expected, rtol=1e-4, atol=1e-5)


def test_a_new_network_is_in_training_mode_and_building_it_leaves_its_statistics_alone() -> None:
    network = create_model("test_resnet", num_classes=2)
    assert all(module.training for module in network.modules())
    norm = network.layer("stages.stage1").bn1
    assert torch.equal(norm.running_mean, torch.zeros_like(norm.running_mean))
    assert norm.num_batches_tracked == 0


def test_options_reach_timm() -> None:
    def padding(options: dict[str, str]) -> str:
        architecture = find_architecture("mobilenetv2_100", num_classes=2, options=options)
        return type(architecture.outline().layer("stages.stage1.conv_stem")).__name__

    assert padding({}) == "Conv2d"
    assert padding({"pad_type": "same"}) == "Conv2dSame"


def test_what_timm_cannot_build_is_one_sentence() -> None:
    with pytest.raises(ModelError, match=r"timm cannot build test_resnet: .*unknown_option.* \(unknown_option=3\)"):
        find_architecture("test_resnet", num_classes=2, options={"unknown_option": 3}).build()
    with pytest.raises(ModelError, match=r"test_vit cannot|timm cannot build test_vit|too small \(test_vit\)"):
        create_model("test_vit", num_classes=2, size=150)


def test_options_that_would_reach_outside_are_refused() -> None:
    for name in ("pretrained", "checkpoint_path", "pretrained_cfg_overlay"):
        with pytest.raises(ModelError, match=f"{name} is no option of a network"):
            find_architecture("test_resnet", num_classes=2, options={name: True})
    with pytest.raises(ModelError, match=r"lenet5 has no options \(pad_type\): leave them out"):
        find_architecture("lenet5", num_classes=2, options={"pad_type": "same"})
    with pytest.raises(ModelError, match=r"option layers is \[1, 1\]"):
        find_architecture("test_resnet", num_classes=2, options={"layers": [1, 1]})  # type: ignore[dict-item]


def test_where_both_have_a_name_the_network_is_ours() -> None:
    assert not isinstance(create_model("resnet18", num_classes=2), TimmNetwork)
    assert "resnet18" not in list_timm_models("resnet18")
    assert find_model("resnet50").size == 224
    assert find_model("inception_v3").size == 299


def test_a_near_name_may_be_timms() -> None:
    with pytest.raises(
        ModelError, match="there is no network named 'efficientnet_b00': did you mean efficientnet_b0 or"
    ):
        find_model("efficientnet_b00")
