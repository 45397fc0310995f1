import torch
from torch import nn

from sightline.models.registry import create_model
from sightline.models.zoo.resnet_tiny import Residual


def stage_shapes(name: str, size: int) -> list[tuple[int, ...]]:
    with torch.device("meta"):
        x = torch.empty(1, 3, size, size)
        shapes = []
        for stage in create_model(name, num_classes=10).stages:
            x = stage(x)
            shapes.append(tuple(x.shape[1:]))
    return shapes


def test_resnet_tiny_stays_at_8_pixels_after_the_stem() -> None:
    blocks = [(64, 8, 8), (64, 8, 8), (128, 8, 8), (128, 8, 8)]
    assert stage_shapes("resnet_tiny", 32) == [(64, 16, 16), (64, 8, 8), *blocks]


def test_resnet_mini_halves_where_it_widens() -> None:
    blocks = [(64, 112, 112)] * 2 + [(128, 56, 56)] * 2 + [(256, 28, 28)] * 2
    assert stage_shapes("resnet_mini", 224) == [(64, 112, 112), *blocks]


def test_every_convolution_has_a_bias() -> None:
    for name in ("resnet_tiny", "resnet_mini"):
        layers = create_model(name, num_classes=10).modules()
        assert all(layer.bias is not None for layer in layers if isinstance(layer, nn.Conv2d))


def test_a_block_whose_last_norm_is_zero_passes_its_input() -> None:
    block = Residual(4, 4).eval()
    nn.init.zeros_(block.bn2.weight)
    x = torch.randn(1, 4, 5, 5)
    assert torch.equal(block(x), x.relu())
