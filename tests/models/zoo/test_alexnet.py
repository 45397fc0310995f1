import pytest
import torch
import torchvision

from sightline.errors import ModelError
from sightline.models.registry import create_model
from sightline.models.zoo.alexnet import from_torchvision


def test_same_outputs_as_torchvision_for_the_same_weights() -> None:
    torch.manual_seed(0)
    theirs = torchvision.models.alexnet(num_classes=20).eval()
    with torch.device("meta"):
        ours = create_model("alexnet", num_classes=20).eval()
    ours.load_state_dict(from_torchvision(theirs.state_dict()), assign=True)
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        expected = theirs(images)
        assert expected.abs().max() > 0.01
        torch.testing.assert_close(ours(images), expected, rtol=0, atol=1e-5)


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ModelError, match=r"unknown tensor 'features\.1\.weight' \(torchvision's AlexNet\)"):
        from_torchvision({"features.1.weight": torch.zeros(1)})


@pytest.mark.parametrize(
    ("name", "size", "maps"),
    [
        ("alexnet", 224, [(64, 27, 27), (192, 13, 13), (384, 13, 13), (256, 13, 13), (256, 6, 6)]),
        ("alexnet_small", 32, [(64, 15, 15), (192, 7, 7), (384, 7, 7), (256, 7, 7), (256, 3, 3)]),
    ],
)
def test_each_stage_makes_the_expected_maps(name: str, size: int, maps: list[tuple[int, ...]]) -> None:
    with torch.device("meta"):
        x = torch.empty(1, 3, size, size)
        shapes = []
        for stage in create_model(name, num_classes=10).stages:
            x = stage(x)
            shapes.append(tuple(x.shape[1:]))
    assert shapes == maps
