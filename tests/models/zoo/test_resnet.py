import pytest
import torch
import torchvision
from torch import nn

from sightline.errors import ModelError
from sightline.models.registry import create_model
from sightline.models.zoo.resnet import BasicBlock, from_torchvision


def test_same_outputs_as_torchvision_for_the_same_weights() -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.resnet18(num_classes=20)
    for layer in theirs.modules():
        if isinstance(layer, nn.BatchNorm2d):  # statistics that would show two layers swapped
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
    ours = create_model("resnet18", num_classes=20)
    ours.load_state_dict(from_torchvision(theirs.state_dict()))
    images = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        expected = theirs.eval()(images)
        assert expected.abs().max() > 0.1
        torch.testing.assert_close(ours.eval()(images), expected, rtol=0, atol=1e-5)


def test_resnet34_takes_every_tensor_of_torchvisions() -> None:
    with torch.device("meta"):
        theirs, ours = torchvision.models.resnet34(), create_model("resnet34", num_classes=1000)
    renamed = from_torchvision(theirs.state_dict())
    ours.load_state_dict(renamed, assign=True)  # refuses one that is missing, left over or of another shape
    assert len(renamed) == len(theirs.state_dict()) == len(ours.state_dict())


def test_weights_of_a_deeper_family_are_refused() -> None:
    with torch.device("meta"):
        bottlenecks = torchvision.models.resnet50().state_dict()
    with pytest.raises(ModelError, match=r"unknown tensor 'layer1\.0\.conv3\.weight' \(torchvision's ResNet\)"):
        from_torchvision(bottlenecks)


def test_a_block_whose_last_norm_is_zero_passes_its_input() -> None:
    block = BasicBlock(4, 4).eval()
    nn.init.zeros_(block.bn2.weight)
    x = torch.randn(1, 4, 5, 5)
    assert torch.equal(block(x), x.relu())


def test_the_small_stem_keeps_the_size() -> None:
    with torch.device("meta"):
        small = create_model("resnet18_small", num_classes=10).eval()
        large = create_model("resnet18", num_classes=10, size=32).eval()
        images = torch.empty(1, 3, 32, 32)
        assert small.stages[0](images).shape == (1, 64, 32, 32)
        assert small.forward_features(images).shape == (1, 512, 4, 4)
        assert large.stages[0](images).shape == (1, 64, 8, 8)
        assert large.forward_features(images).shape == (1, 512, 1, 1)
