"""Activation maximisation: the image it gives makes the channel larger than noise does."""

from typing import Any

import numpy as np
import pytest
import torch

from sightline.classifier.classifier import Classifier
from sightline.errors import ConfigError, ModelError
from sightline.inspection import activation_maximum, activations
from sightline.models.contract import Network
from sightline.models.registry import create_model
from sightline.pixels.preprocess import Preprocess


def test_any_network(one_of_few: Network, untouched: Any) -> None:
    net = one_of_few
    with untouched(net):
        picture = activation_maximum(net, "stages", 0, steps=2)
    channels, height, width = net.input_shape
    assert picture.shape == (height, width, channels)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize("layer", ["stages.stage2", "head.output"])
def test_the_channel_becomes_large(layer: str) -> None:
    torch.manual_seed(0)
    net = create_model("resnet20", num_classes=4)
    assert net.architecture is not None
    preprocess = Preprocess(size=(32, 32), mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3))
    clf = Classifier(net.eval(), "abcd", preprocess, net.architecture)
    picture = activation_maximum(clf, layer, 1, steps=25)
    np.testing.assert_array_equal(picture, activation_maximum(clf, layer, 1, steps=25))
    assert not np.array_equal(picture, activation_maximum(clf, layer, 1, steps=25, seed=1))
    noise = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)

    def value(image: Any) -> float:
        if layer == "head.output":
            return float(clf.logits(torch.from_numpy(image.copy()).permute(2, 0, 1)[None])[0, 1])
        return float(activations(clf, image, layer).mean[1])

    assert value(picture) > max(value(image) for image in noise)


def test_a_bright_blob_of_a_channel_that_adds_up() -> None:
    net = create_model("convnet", num_classes=2)
    name = next(name for name, module in net.named_modules() if isinstance(module, torch.nn.Conv2d))
    with torch.no_grad():
        net.get_submodule(name).weight[3] = 1
    assert activation_maximum(net, name, 3, steps=80).mean() > 230


def test_what_is_refused() -> None:
    net = create_model("convnet", num_classes=2)
    with pytest.raises(ConfigError, match="channel is 99"):
        activation_maximum(net, "stages", 99)
    with pytest.raises(ModelError, match="there is no layer"):
        activation_maximum(net, "stagse", 0)
    for wrong in ({"steps": 0}, {"jitter": 1.0}, {"blur": -1.0}):
        with pytest.raises(ConfigError):
            activation_maximum(net, "stages", 0, **wrong)  # type: ignore[arg-type]
