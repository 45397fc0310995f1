"""SpeedNet: its counts, its whitening, its start as an identity, and the sizes it takes."""

import pytest
import torch
from torch import Tensor

from sightline.models.registry import create_model
from sightline.models.zoo.speednet import Conv, Norm, ScaledHead, SpeedNet, Whitening


def smooth_images(count: int, channels: int, size: int = 12) -> Tensor:
    """Random images whose neighbouring pixels and channels resemble each other, as in photos: zero mean."""
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(count, 1, size + 2, size + 2, generator=generator)
    blurred = torch.nn.functional.avg_pool2d(noise, 3, stride=1)
    return blurred + 0.2 * torch.randn(count, channels, size, size, generator=generator)


def parameters(network: torch.nn.Module, *, trained: bool) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad or not trained)


def by_hand(channels: int, classes: int, first: int, second: int, third: int) -> int:
    """Trained parameters: whitening biases; two 3x3 filters and two norm biases a group; the output layer."""
    groups = [(8 * channels, first), (first, second), (second, third)]
    return 8 * channels + sum(9 * i * o + 9 * o * o + 2 * o for i, o in groups) + third * classes


@pytest.mark.parametrize(
    ("name", "channels", "widths"),
    [("speednet", 3, (64, 256, 256)), ("speednet_s", 1, (32, 128, 128)), ("speednet_l", 3, (128, 384, 384))],
)
def test_trained_parameters(name: str, channels: int, widths: tuple[int, int, int]) -> None:
    network = create_model(name, num_classes=10, in_channels=channels)
    assert parameters(network, trained=True) == by_hand(channels, 10, *widths)


def test_filters_of_the_first_layer_and_scales_are_not_trained() -> None:
    network = create_model("speednet", num_classes=10)
    frozen = {name for name, parameter in network.named_parameters() if not parameter.requires_grad}
    norms = [f"stages.group{g}.norm{n}.weight" for g in (1, 2, 3) for n in (1, 2)]
    assert frozen == {"stages.whiten.conv.weight", *norms}
    assert network.stages.get_parameter("whiten.conv.weight").numel() == 24 * 3 * 2 * 2  # 288
    assert all(bool((network.get_parameter(name) == 1).all()) for name in norms)


@pytest.mark.parametrize("channels", [1, 3])
def test_whitened_patches_are_uncorrelated_with_variance_one(channels: int) -> None:
    images = smooth_images(400, channels)
    whitening = Whitening(channels)
    torch.nn.init.zeros_(whitening.bias)
    whitening.initialise(images, eps=0.0)
    with torch.no_grad():
        outputs = whitening(images).transpose(0, 1).flatten(1)  # (8C, N * 11 * 11)
    half = len(outputs) // 2
    assert half == 4 * channels
    second_moments = outputs[:half] @ outputs[:half].T / outputs.shape[1]
    torch.testing.assert_close(second_moments, torch.eye(half), rtol=0, atol=1e-3)
    torch.testing.assert_close(outputs[half:], -outputs[:half])


def test_weak_directions_do_not_explode() -> None:
    flat = torch.ones(10, 1, 8, 8) * torch.linspace(-1, 1, 10)[:, None, None, None]  # only the mean ever varies
    whitening = Whitening(1)
    whitening.initialise(flat, eps=5e-4)
    assert whitening.weight.abs().max() <= 1 / 5e-4**0.5


def test_prepare_whitens_the_first_layer() -> None:
    network = create_model("speednet_s", num_classes=2, in_channels=1, size=16)
    expected = Whitening(1)
    images = smooth_images(50, 1, size=16)
    expected.initialise(images)
    network.prepare(images)
    assert torch.equal(network.stages.get_parameter("whiten.conv.weight"), expected.weight)


def test_a_convolution_begins_as_the_identity() -> None:
    x = torch.rand(2, 3, 5, 5)
    with torch.no_grad():
        y = Conv(3, 8)(x)
    torch.testing.assert_close(y[:, :3], x)
    assert not torch.allclose(y[:, 3:6], x)


def test_the_norm_has_a_bias_but_no_scale_to_learn() -> None:
    norm = Norm(4)
    x = torch.randn(64, 4, 3, 3, generator=torch.Generator().manual_seed(2)) * 5 + 2
    y = norm(x)
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(4), rtol=0, atol=1e-5)
    torch.testing.assert_close(y.var((0, 2, 3), correction=0), torch.ones(4), rtol=0, atol=1e-4)
    assert [parameter.requires_grad for parameter in (norm.weight, norm.bias)] == [False, True]


def test_the_head_takes_the_largest_value_of_each_map_over_the_width() -> None:
    head = ScaledHead(2, 3)
    head.output.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    features = torch.tensor([[[[1.0, 4.0], [2.0, 3.0]], [[-5.0, -6.0], [-7.0, -8.0]]]])
    assert head(features).tolist() == [[2.0, -2.5, -0.5]]  # of 4 and -5, halved


def test_the_output_layer_begins_with_deviation_one() -> None:
    network = create_model("speednet", num_classes=10)
    assert network.head.get_parameter("output.weight").std().item() == pytest.approx(1)
    network.replace_head(4)
    weight = network.head.get_parameter("output.weight")
    assert weight.shape == (4, 256)
    assert weight.std().item() == pytest.approx(1)


@pytest.mark.parametrize("size", [16, 19, 28, 32, 64])
def test_sizes(size: int) -> None:
    network = SpeedNet(5, 1, size, widths=(8, 8, 8))
    x = torch.rand(3, 1, size, size)
    features = network.forward_features(x)
    side = (size - 1) // 8  # the whitening takes a pixel, each group halves
    assert features.shape == (3, 8, side, side)
    logits = network(x)
    assert logits.shape == (3, 5)
    logits.sum().backward()  # also in train mode, down to one pixel
