"""Attributions: by hand, and the same as captum's on the same network."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sightline.errors import ConfigError, DataError
from sightline.inspection import integrated_gradients, occlusion, smooth_grad, visible
from sightline.models.blocks import sequential
from sightline.models.contract import Network
from sightline.models.registry import create_model

captum = pytest.importorskip("captum.attr")


class Linear(Network):
    """Logit 0 is the sum of weights times pixels of a 1 x 2 x 3 image, plus 7."""

    def __init__(self, weights: list[list[float]]) -> None:
        super().__init__()
        self.input_shape = (1, 2, 3)
        self.stages = sequential(same=nn.Identity())
        self.head = sequential(flatten=nn.Flatten(), output=nn.Linear(6, 2))
        self.head.output.weight.data[0] = torch.tensor(weights).flatten()
        self.head.output.bias.data[0] = 7


WEIGHTS = [[1.0, -2.0, 0.0], [3.0, 0.5, -1.0]]
IMAGE = torch.tensor([[[2.0, 1.0, 5.0], [-1.0, 4.0, 2.0]]])
PRODUCTS = [[2, -2, 0], [-3, 2, -2]]


def test_a_linear_network_by_hand() -> None:
    net = Linear(WEIGHTS)
    np.testing.assert_allclose(integrated_gradients(net, IMAGE, 0), PRODUCTS, rtol=1e-5)
    np.testing.assert_allclose(integrated_gradients(net, IMAGE, 0, baseline=IMAGE, steps=1), np.zeros((2, 3)))
    np.testing.assert_allclose(smooth_grad(net, IMAGE, 0), np.abs(WEIGHTS), rtol=1e-5)
    np.testing.assert_allclose(occlusion(net, IMAGE, 0, window=1, stride=1), PRODUCTS, atol=1e-5)
    # Windows of 2 x 2 with corners at columns 0 and 1: the outer columns are covered once, the middle one twice.
    np.testing.assert_allclose(
        occlusion(net, IMAGE, 0, window=2, stride=1), [[-1, -1.5, -2], [-1, -1.5, -2]], atol=1e-5
    )


def test_shape_and_no_trace(one_of_few: Network, untouched: Any) -> None:
    net = one_of_few
    image = torch.randn(net.input_shape, generator=torch.Generator().manual_seed(1))
    half = (image.shape[1] // 2, image.shape[2] // 2)
    with untouched(net):
        maps = [
            integrated_gradients(net, image, 1, steps=2),
            smooth_grad(net, image, samples=2),
            occlusion(net, image, 2, window=half, stride=half),
        ]
    for values in maps:
        assert values.shape == tuple(image.shape[1:])
        assert values.dtype == np.float32
        assert np.isfinite(values).all()


NAMES = ["resnet20", "speednet_xs", "lenet5"]


def made(name: str) -> tuple[Network, Tensor]:
    torch.manual_seed(0)
    net = create_model(name, num_classes=5, size=32).eval()
    for module in net.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # captum looks at what in-place layers then change
    return net, torch.randn(net.input_shape)


@pytest.mark.parametrize("name", NAMES)
def test_integrated_gradients_are_captums_and_complete(name: str) -> None:
    net, image = made(name)
    theirs = captum.IntegratedGradients(net).attribute(image[None], target=3, n_steps=20)[0].sum(0).detach()
    attribution = integrated_gradients(net, image, 3, steps=20)
    np.testing.assert_allclose(attribution, theirs.numpy(), atol=1e-4)
    with torch.no_grad():
        difference = float(net(image[None])[0, 3] - net(torch.zeros_like(image)[None])[0, 3])
    assert integrated_gradients(net, image, 3, steps=100).sum() == pytest.approx(difference, rel=0.05, abs=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_smooth_grad_is_captums(name: str) -> None:
    net, image = made(name)
    deviation = 0.15 * float(image.max() - image.min())
    noisy = captum.NoiseTunnel(captum.Saliency(net))
    torch.manual_seed(5)
    theirs = noisy.attribute(image[None], nt_type="smoothgrad", nt_samples=6, stdevs=deviation, target=2, abs=False)
    strongest = theirs[0].detach().abs().amax(0).numpy()
    np.testing.assert_allclose(smooth_grad(net, image, 2, samples=6, seed=5), strongest, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_occlusion_is_captums(name: str) -> None:
    net, image = made(name)
    channels = image.shape[0]
    for window, stride in ((8, 8), (9, 5), (12, 7)):
        theirs = captum.Occlusion(net).attribute(
            image[None], (channels, window, window), strides=(channels, stride, stride), target=1, baselines=0.25
        )
        attribution = occlusion(net, image, 1, window=window, stride=stride, cover=0.25)
        np.testing.assert_allclose(attribution, theirs[0, 0].detach().numpy(), atol=1e-4)


def test_the_same_seed_is_the_same_map() -> None:
    net, image = made("resnet20")
    np.testing.assert_array_equal(smooth_grad(net, image, samples=3), smooth_grad(net, image, samples=3))
    assert not np.array_equal(smooth_grad(net, image, samples=3), smooth_grad(net, image, samples=3, seed=1))


def test_visible_is_what_speaks_for_the_class() -> None:
    values = np.arange(-50, 51, dtype=np.float32).reshape(1, 101)
    strength = visible(values, percentile=100)
    np.testing.assert_allclose(strength[0, 50:], np.arange(51) / 50, rtol=1e-6)
    assert not strength[0, :50].any()
    assert visible(values, percentile=90)[0, -10:].tolist() == [1] * 10
    assert not visible(np.full((2, 2), -1, np.float32)).any()
    assert visible(np.eye(30, dtype=np.float32) * (np.arange(30) == 3), percentile=50).max() == 1


def test_what_is_refused() -> None:
    net, image = made("lenet5")
    with pytest.raises(ConfigError, match=r"window is 40 x 40.*32 x 32 pixels"):
        occlusion(net, image, window=40)
    with pytest.raises(ConfigError, match="stride is 5 x 5"):
        occlusion(net, image, window=4, stride=5)
    with pytest.raises(ConfigError, match="steps is 0"):
        integrated_gradients(net, image, steps=0)
    with pytest.raises(ConfigError, match="samples is 0"):
        smooth_grad(net, image, samples=0)
    with pytest.raises(ConfigError, match="noise is -1"):
        smooth_grad(net, image, noise=-1)
    with pytest.raises(ConfigError, match="no class 9"):
        smooth_grad(net, image, 9)
    with pytest.raises(DataError, match="the baseline is"):
        integrated_gradients(
            create_model("resnet20", num_classes=2), torch.zeros(3, 32, 32), baseline=torch.zeros(3, 8, 8)
        )
