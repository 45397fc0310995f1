"""A network or a classifier to look into, every kind of image as its input, and classes by name or number."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from sightline.classifier.classifier import Classifier
from sightline.errors import ConfigError, DataError, ImageError
from sightline.inspection.subject import Subject, as_pixels, shown
from sightline.models.contract import Network
from sightline.models.registry import create_model
from sightline.pixels.preprocess import Preprocess

CLASSES = ("cat", "dog", "fox")
SETTINGS = Preprocess(size=(12, 12), channels=3, mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.5))


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return create_model("convnet", num_classes=3, in_channels=3, size=12).eval()


@pytest.fixture(scope="module")
def classifier(network: Network) -> Classifier:
    return Classifier(network, CLASSES, SETTINGS, network.architecture)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """Pixels of the size that the classifier takes."""
    return np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_what_can_be_looked_into(network: Network, classifier: Classifier) -> None:
    assert Subject.of(network) == Subject(network)
    assert Subject.of(classifier) == Subject(network, classifier)
    assert (Subject.of(network).preprocess, Subject.of(classifier).preprocess) == (None, SETTINGS)
    with pytest.raises(ConfigError) as caught:
        Subject.of(nn.Linear(1, 1))  # type: ignore[arg-type]
    assert str(caught.value) == (
        "a Linear cannot be looked into: give a Classifier (`sightline.load`) or a network (`sightline.create_model`)"
    )


def test_one_image_in_every_form_is_one_input(classifier: Classifier, photo: np.ndarray, tmp_path: Path) -> None:
    subject = Subject.of(classifier)
    path = tmp_path / "photo.png"
    path.write_bytes(png(photo))
    planes = torch.from_numpy(photo.transpose(2, 0, 1).copy())
    mean, std = (torch.tensor(values)[:, None, None] for values in (SETTINGS.mean, SETTINGS.std))
    expected = ((planes.float() / 255 - mean) / std)[None]
    for image in (path, str(path), png(photo), photo, planes, expected[0]):
        torch.testing.assert_close(subject.input(image), expected)
    grey = photo[:, :, 0]
    assert torch.equal(subject.input(grey), subject.input(np.repeat(grey[:, :, None], 3, axis=2)))


def test_gradients_do_not_reach_back_into_an_image(classifier: Classifier) -> None:
    image = torch.zeros(3, 12, 12, requires_grad=True)
    assert not Subject.of(classifier).input(image).requires_grad


def test_the_type_is_the_networks(network: Network) -> None:
    half = create_model("convnet", num_classes=3, in_channels=3, size=12).to(torch.bfloat16)
    assert Subject.of(half).input(torch.zeros(3, 12, 12)).dtype == torch.bfloat16


def test_a_bare_network_does_not_know_pixels(network: Network, photo: np.ndarray) -> None:
    with pytest.raises(ConfigError) as caught:
        Subject.of(network).input(photo)
    assert str(caught.value) == (
        "a bare network does not know how to turn pixels into its input (ConvNet): "
        "give a normalised float tensor (3, 12, 12), or a Classifier and the image"
    )


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (
            torch.zeros(1, 12, 12),
            r"^the image is a float tensor of shape \(1, 12, 12\) \(ConvNet\): the network takes \(3, 12, 12\), norm",
        ),
        (torch.zeros(1, 3, 12, 12), r"^the image is a float tensor of shape \(1, 3, 12, 12\)"),
        (torch.full((3, 12, 12), torch.nan), r"^the image has values that are not finite: look for division by zero"),
        (torch.zeros(3, 12, 12, dtype=torch.int64), r"^the image is int64 of shape \(3, 12, 12\): give a tensor \(C"),
        (torch.zeros(12, 12, dtype=torch.uint8), r"^the image is uint8 of shape \(12, 12\): give a tensor \(C, H, W\)"),
    ],
)
def test_tensors_that_are_no_image(image: Tensor, message: str, classifier: Classifier) -> None:
    with pytest.raises(DataError, match=message):
        Subject.of(classifier).input(image)


def test_bytes_that_are_no_image(classifier: Classifier) -> None:
    with pytest.raises(ImageError):
        Subject.of(classifier).input(b"<html>")


def test_classes_by_name_and_number(network: Network, classifier: Classifier) -> None:
    logits = torch.tensor([0.0, 2.0, 1.0])
    known, bare = Subject.of(classifier), Subject.of(network)
    assert [known.class_index(target, None, logits) for target in ("fox", 0, None)] == [2, 0, 1]
    assert [bare.class_index(target, None, logits) for target in (2, None)] == [2, 1]
    refused = [
        (known, "dig", "there is no class 'dig' (target): did you mean dog?"),
        (known, 3, "there is no class 3 (target): use an index from 0 to 2"),
        (bare, -1, "there is no class -1 (target): use an index from 0 to 2"),
        (
            bare,
            "cat",
            "a bare network does not know its classes, so not 'cat' (target): "
            "give an index from 0 to 2, or a Classifier",
        ),
    ]
    for subject, target, message in refused:
        with pytest.raises(ConfigError) as caught:
            subject.class_index(target, None, logits)
        assert str(caught.value) == message


def test_the_predicted_class_is_that_of_all_views(network: Network, photo: np.ndarray) -> None:
    mirrored = Classifier(network, CLASSES, SETTINGS, network.architecture, views="mirror")
    images = np.random.default_rng(1).integers(0, 256, (200, 12, 12, 3), dtype=np.uint8)
    subject, differ = Subject.of(mirrored), 0
    for image in images:
        one_look = network(subject.input(image))[0].detach()
        predicted = subject.class_index(None, image, one_look)
        assert predicted == mirrored.classes.index(mirrored.predict(image).label)
        differ += predicted != int(one_look.argmax())
        # Of normalised numbers there is only the one look.
        assert subject.class_index(None, subject.input(image)[0], one_look) == int(one_look.argmax())
    assert differ > 0  # or this test would show nothing


def test_an_image_of_another_size(network: Network) -> None:
    subject = Subject.of(network)
    torch.testing.assert_close(subject.forward(torch.zeros(2, 3, 12, 12)), network(torch.zeros(2, 3, 12, 12)))
    with pytest.raises(DataError) as caught:
        subject.forward(torch.zeros(1, 3, 20, 16))
    assert str(caught.value) == (
        "the network cannot take an image of 3 x 20 x 16 (ConvNet): "
        "it was built for 3 x 12 x 12; resize the image, or give a Classifier, which does it by itself"
    )


def test_an_error_of_the_network_itself_is_not_hidden(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(x: Tensor) -> Tensor:
        raise RuntimeError("a mistake of its own")

    monkeypatch.setattr(network, "forward", broken)
    with pytest.raises(RuntimeError, match="a mistake of its own"):
        Subject.of(network).forward(torch.zeros(1, 3, 12, 12))


def test_what_is_shown_is_what_the_network_sees(network: Network, classifier: Classifier, photo: np.ndarray) -> None:
    assert (shown(classifier, photo) == photo).all()
    assert (shown(classifier, Subject.of(classifier).input(photo)[0]) == photo).all()  # normalised backwards
    stretched = shown(network, torch.linspace(-3, 5, 3 * 144).view(3, 12, 12))
    assert stretched.shape == (12, 12, 3)
    assert (stretched.min(), stretched.max()) == (0, 255)


def test_pixels_by_hand() -> None:
    x = np.array([[[0.0, -1.0]]], dtype=np.float32)  # one channel, one row
    assert as_pixels(x, Preprocess(size=(1, 2), channels=1, mean=(0.5,), std=(0.25,)))[0, :, 0].tolist() == [128, 64]
    assert as_pixels(x * 100, Preprocess(size=(1, 2), channels=1, mean=(0.5,), std=(0.25,)))[0, 1, 0] == 0  # clipped
    assert as_pixels(x, None)[0, :, 0].tolist() == [255, 0]
    assert as_pixels(np.full((1, 1, 2), 7.0, np.float32), None)[0, :, 0].tolist() == [128, 128]  # nothing to stretch
