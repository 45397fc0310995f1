"""Class activation maps: by hand, and the same as captum's and pytorch-grad-cam's on the same network."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.classifier.classifier import Classifier
from sightline.errors import ConfigError, DataError, ModelError
from sightline.inspection import grad_cam, grad_cam_batch, grad_cam_plus_plus
from sightline.models.blocks import sequential
from sightline.models.contract import Network
from sightline.models.registry import create_model
from sightline.pixels.preprocess import Preprocess

captum = pytest.importorskip("captum.attr")
ORACLE = "ignore::DeprecationWarning"  # of the references themselves


class Two(Network):
    """Feature maps are the image's two channels; logits are weighted means of them."""

    def __init__(self, weights: list[list[float]]) -> None:
        super().__init__()
        self.input_shape = (2, 2, 2)
        self.stages = sequential(same=nn.Identity())
        self.head = sequential(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), output=nn.Linear(2, 2, bias=False))
        self.head.output.weight.data = torch.tensor(weights)


def test_by_hand() -> None:
    # The gradient of logit k with respect to every place of channel c is weights[k][c] / 4.
    net = Two([[4.0, -8.0], [-4.0, 0.0]])
    image = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 0.0]]])
    # 1 * first - 2 * second = [[-1, 2], [3, 4]]
    np.testing.assert_allclose(grad_cam(net, image, 0), [[0, 0.5], [0.75, 1]])
    np.testing.assert_allclose(grad_cam(net, image, 0, relu=False), [[-0.25, 0.5], [0.75, 1]])
    np.testing.assert_allclose(grad_cam(net, image, 1), np.zeros((2, 2)))
    np.testing.assert_allclose(grad_cam(net, image), grad_cam(net, image, 0))


def test_shape_and_range_and_no_trace(net: Network, image: Tensor, untouched: Any) -> None:
    with untouched(net):
        plain, signed, plus = (
            grad_cam(net, image),
            grad_cam(net, image, 1, relu=False),
            grad_cam_plus_plus(net, image, 2),
        )
    for cam, low in ((plain, 0), (signed, -1), (plus, 0)):
        assert cam.shape == tuple(image.shape[1:])
        assert cam.dtype == np.float32
        assert np.isfinite(cam).all()
        assert low <= cam.min() <= cam.max() <= 1
    assert np.abs(signed).max() == pytest.approx(1)


def _target_layer(net: Network, image: Tensor) -> nn.Module:
    """The last maps larger than 1 x 1 that are a layer's output, found by trying."""
    outputs: list[tuple[nn.Module, Tensor]] = []
    handles = [
        module.register_forward_hook(lambda m, _, output: outputs.append((m, output)))
        for name, module in net.named_modules()
        if name.startswith("stages")
    ]
    with torch.no_grad():
        net.eval()(image[None])
    for handle in handles:
        handle.remove()
    return next(m for m, output in reversed(outputs) if output.ndim == 4 and output.shape[2] * output.shape[3] > 1)


@pytest.mark.filterwarnings(ORACLE, "ignore:Setting backward hooks", "ignore:Input Tensor")
def test_the_same_as_captum(net: Network, image: Tensor) -> None:
    modes = [module.training for module in net.modules()]
    layer = _target_layer(net, image)
    theirs = captum.LayerGradCam(_not_in_place(net), layer).attribute(image[None], 1).detach()
    for module, mode in zip(net.modules(), modes, strict=True):
        module.training = mode
    np.testing.assert_allclose(grad_cam(net, image, 1, relu=False), _scaled(theirs, image), atol=1e-4)
    np.testing.assert_allclose(grad_cam(net, image, 1), _scaled(F.relu(theirs), image), atol=1e-4)


def _not_in_place(net: Network) -> Network:
    """captum keeps what in-place layers then change."""
    for module in net.modules():
        if getattr(module, "inplace", False):
            module.inplace = False
    return net


def _scaled(cam: Tensor, image: Tensor) -> NDArray[np.float32]:
    large = F.interpolate(cam, size=image.shape[1:], mode="bilinear", align_corners=False)[0, 0].numpy()
    return large / max(np.abs(large).max(), 1e-30)


@pytest.mark.parametrize("name", ["mobilenetv2_100", "resnet20"])
@pytest.mark.filterwarnings(ORACLE)
def test_the_same_as_pytorch_grad_cam(name: str) -> None:
    reference = pytest.importorskip("pytorch_grad_cam")
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    torch.manual_seed(0)
    net = _not_in_place(create_model(name, num_classes=5, size=64).eval())
    image = torch.randn(3, 64, 64)
    target = next(k for k in range(5) if grad_cam(net, image, k).any())
    for kind, ours in (("GradCAM", grad_cam), ("GradCAMPlusPlus", grad_cam_plus_plus)):
        with getattr(reference, kind)(model=net, target_layers=[net.stages]) as cam:
            theirs = cam(input_tensor=image[None], targets=[ClassifierOutputTarget(target)])[0]
        heat = ours(net, image, target)  # theirs also subtracts the least value
        assert heat.max() == 1
        np.testing.assert_allclose((heat - heat.min()) / np.ptp(heat), theirs, atol=1e-4)


@pytest.fixture
def classifier() -> Classifier:
    torch.manual_seed(0)
    net = create_model("resnet20", num_classes=3)
    preprocess = Preprocess(size=(32, 32), mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.2))
    assert net.architecture is not None
    return Classifier(net, ("cat", "dog", "fish"), preprocess, net.architecture)


def test_a_batch_is_one_by_one(classifier: Classifier, untouched: Any) -> None:
    images = torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8)
    targets = [0, 1, 2, 0, 1]
    with untouched(classifier.network):
        maps = grad_cam_batch(classifier, images, targets)
    each = [grad_cam(classifier, image, target) for image, target in zip(images, targets, strict=True)]
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, np.stack(each), atol=1e-5)
    np.testing.assert_array_equal(grad_cam_batch(classifier, images.numpy(), np.array(targets)), maps)
    assert grad_cam_batch(classifier, images[:0], []).shape == (0, 32, 32)


def test_a_class_has_a_name(classifier: Classifier) -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    np.testing.assert_array_equal(grad_cam(classifier, image, "dog"), grad_cam(classifier, image, 1))
    predicted = classifier.predict(image).label
    np.testing.assert_array_equal(grad_cam(classifier, image), grad_cam(classifier, image, predicted))
    with pytest.raises(ConfigError, match=r"no class 'dgo' .*did you mean dog"):
        grad_cam(classifier, image, "dgo")
    with pytest.raises(ConfigError, match=r"no class 3 \(target\): use an index from 0 to 2"):
        grad_cam(classifier, image, 3)
    with pytest.raises(ConfigError, match="a bare network does not know its classes"):
        grad_cam(classifier.network, torch.zeros(3, 32, 32), "dog")


def test_the_class_that_several_views_predict(classifier: Classifier) -> None:
    classifier.views = "mirror"
    images = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), dtype=np.uint8)
    x = torch.from_numpy(images).permute(0, 3, 1, 2)
    with torch.no_grad():  # so that random images are close calls
        classifier.network.head.output.bias -= classifier.logits(x).mean(0)
    mirrored = classifier.logits(x).argmax(1)
    classifier.views = "plain"
    differ = (classifier.logits(x).argmax(1) != mirrored).nonzero()
    assert len(differ), "one of sixty random images"
    index = int(differ[0])
    classifier.views = "mirror"
    expected = grad_cam(classifier, images[index], int(mirrored[index]))
    np.testing.assert_array_equal(grad_cam(classifier, images[index]), expected)


def test_a_bf16_classifier_is_looked_into_in_float32(classifier: Classifier) -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    before = grad_cam(classifier, image, "cat", layer="stages.0")
    np.testing.assert_array_equal(grad_cam(classifier.to("cpu", "bf16"), image, "cat", layer="stages.0"), before)


def test_what_is_refused(classifier: Classifier) -> None:
    net = classifier.network
    image = torch.zeros(3, 32, 32)
    with pytest.raises(ModelError, match="gives no feature maps but 64"):
        grad_cam(net, image, layer="head.flatten")
    with pytest.raises(DataError, match=r"float tensor of shape \(1, 32, 32\)"):
        grad_cam(net, image[:1])
    with pytest.raises(DataError, match="not finite"):
        grad_cam(net, image / 0)
    with pytest.raises(ConfigError, match="a bare network does not know how to turn pixels"):
        grad_cam(net, np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(ConfigError, match="a Linear cannot be looked into"):
        grad_cam(nn.Linear(2, 2), image)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"give uint8 \(B, 3, 32, 32\)"):
        grad_cam_batch(classifier, torch.zeros(2, 3, 30, 30, dtype=torch.uint8), [0, 0])
    with pytest.raises(ConfigError, match="2 images have targets of shape"):
        grad_cam_batch(classifier, torch.zeros(2, 3, 32, 32, dtype=torch.uint8), [0])
    with pytest.raises(ConfigError, match="no class 7"):
        grad_cam_batch(classifier, torch.zeros(2, 3, 32, 32, dtype=torch.uint8), [0, 7])


def test_an_image_of_another_size() -> None:
    lenet = create_model("lenet5", num_classes=3)
    with pytest.raises(DataError, match=r"cannot take an image of 1 x 40 x 40 .*built for 1 x 32 x 32"):
        grad_cam(lenet, torch.zeros(1, 40, 40))
    assert grad_cam(create_model("resnet20", num_classes=3), torch.rand(3, 40, 48)).shape == (40, 48)


def test_a_network_without_maps() -> None:
    net = Two([[1.0, 1.0], [1.0, 1.0]])
    net.stages = sequential(pool=nn.AdaptiveAvgPool2d(1))
    with pytest.raises(ModelError, match="no feature maps larger than 1 x 1"):
        grad_cam(net, torch.zeros(2, 2, 2))


def test_nothing_stays_after_an_error(untouched: Any) -> None:
    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("on purpose")

    net = create_model("resnet20", num_classes=3)
    net.head.flatten = Fails()
    with untouched(net), pytest.raises(RuntimeError, match="on purpose"):
        grad_cam(net, torch.zeros(3, 32, 32))


def test_a_layer_whose_output_is_changed_in_place() -> None:
    net = Two([[4.0, -8.0], [-4.0, 0.0]])
    net.stages = sequential(same=nn.Identity(), relu=nn.ReLU(inplace=True))
    image = torch.tensor([[[-1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]])
    # The value before ReLU is -1, and the gradient there 0: weights are 0.75 and -2 (which meets zeros).
    np.testing.assert_allclose(grad_cam(net, image, 0, "stages.same", relu=False), [[-0.25, 0.5], [0.75, 1]])
    assert image[0, 0, 0] == -1
