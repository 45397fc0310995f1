"""The network that answers is one module: exact, exportable, without a second copy of the weights."""

import copy

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.classifier.answering import AnsweringNetwork
from sightline.classifier.classifier import Classifier
from sightline.config import ViewsName
from sightline.models.contract import Network
from sightline.models.folding import folded
from sightline.models.registry import create_model
from sightline.models.watching import evaluation_mode
from sightline.pixels.preprocess import Preprocess

PREPROCESS = Preprocess(size=(32, 32), channels=3, mean=(0.49, 0.48, 0.45), std=(0.25, 0.24, 0.26))
IMAGES = torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
VIEWS: tuple[ViewsName, ...] = ("plain", "mirror", "shift", "mirror-shift")


@pytest.fixture(scope="module")
def network() -> Network:
    """With batch norms whose statistics are not those of a fresh network; in train mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = create_model("resnet_mini", num_classes=7)
        with torch.no_grad():
            for _ in range(2):
                network(torch.randn(8, *network.input_shape))
    return network


def classifier_of(network: Network, views: ViewsName = "plain") -> Classifier:
    assert network.architecture is not None
    return Classifier(network, map(str, range(7)), PREPROCESS, network.architecture, views=views)


def step_by_step(network: Network, images: Tensor, views: str, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """What the answers are: written out with `Preprocess.normalise`, as `Classifier` once had it."""

    def answers(x: Tensor) -> Tensor:
        logits = network(x.to(dtype)).float()
        return 0.5 * logits + 0.5 * network(x.flip(3).to(dtype)).float() if "mirror" in views else logits

    x = PREPROCESS.normalise(images)
    logits = answers(x)
    if "shift" in views:
        padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
        first, second = (
            answers(y.contiguous(memory_format=torch.channels_last))
            for y in (padded[:, :, :32, :32], padded[:, :, 2:, 2:])
        )
        logits = 0.5 * logits + 0.25 * first + 0.25 * second
    return logits


@pytest.mark.parametrize("views", VIEWS)
@torch.no_grad()
def test_logits_are_the_same_to_the_last_bit(network: Network, views: ViewsName) -> None:
    with evaluation_mode(network):
        expected = step_by_step(network, IMAGES, views)
        assert torch.equal(AnsweringNetwork(network, PREPROCESS, views=views)(IMAGES), expected)
    assert torch.equal(classifier_of(network, views).logits(IMAGES), expected)


@pytest.mark.parametrize("views", VIEWS)
@torch.no_grad()
def test_bf16_answers_in_float32_with_a_folded_copy(network: Network, views: ViewsName) -> None:
    answering = AnsweringNetwork(network, PREPROCESS, views=views, precision="bf16").eval()
    logits = answering(IMAGES)
    assert logits.dtype == torch.float32
    expected = step_by_step(folded(network).to(torch.bfloat16), IMAGES, views, dtype=torch.bfloat16)
    assert torch.equal(logits, expected)
    assert {parameter.dtype for parameter in answering.parameters()} == {torch.bfloat16}
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert network.training


def test_no_weight_is_there_twice(network: Network) -> None:
    answering = AnsweringNetwork(network, PREPROCESS)
    assert answering.network is network
    own = network.state_dict(keep_vars=True)
    assert {name: id(tensor) for name, tensor in answering.state_dict(keep_vars=True).items()} == {
        f"network.{name}": id(tensor) for name, tensor in own.items()
    }


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@torch.no_grad()
def test_an_exported_network_answers_alike(network: Network, precision: str) -> None:
    answering = AnsweringNetwork(network, PREPROCESS, views="mirror-shift", precision=precision)  # type: ignore[arg-type]
    with evaluation_mode(answering):
        batch = torch.export.Dim("batch")
        exported = torch.export.export(answering, (IMAGES,), dynamic_shapes=({0: batch},)).module()
        for images in (IMAGES, IMAGES[:2]):
            logits = exported(images)
            assert logits.dtype == torch.float32
            assert torch.equal(logits, answering(images))


def test_a_classifier_answers_as_it_is_now(network: Network) -> None:
    """Weights and views may change after it was made; a bf16 copy stays what it was until `to`."""
    classifier = classifier_of(copy.deepcopy(network))
    plain, mirrored = classifier.logits(IMAGES), classifier.logits(IMAGES.flip(3))
    assert classifier.answering is classifier.answering
    classifier.views = "mirror"
    assert torch.equal(classifier.logits(IMAGES), 0.5 * plain + 0.5 * mirrored)
    rounded = classifier.to("cpu", "bf16").logits(IMAGES)
    with torch.no_grad():
        for parameter in classifier.network.head.parameters():
            parameter.zero_()
    assert torch.equal(classifier.logits(IMAGES), rounded)
    assert not classifier.to("cpu", "bf16").logits(IMAGES).any()
    assert not classifier.to("cpu").logits(IMAGES).any()


def test_normalisation_follows_a_network_that_is_moved(network: Network) -> None:
    classifier = classifier_of(copy.deepcopy(network))
    assert classifier.answering.scale.device.type == "cpu"
    classifier.network.to("meta")
    assert classifier.answering.scale.device.type == "meta"
