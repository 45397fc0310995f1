"""Networks as their makers published them."""

import os
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from sightline.classifier.published import imagenet_classes, published_classifier
from sightline.errors import ModelError


def test_imagenet_classes() -> None:
    classes = imagenet_classes()
    assert (classes[0], classes[1], classes[-1]) == ("tench", "goldfish", "toilet tissue")
    assert len(set(classes)) == 1000


def test_its_own_head_and_names(tmp_path: Path) -> None:
    theirs = timm.create_model("resnet10t", pretrained=False).eval()
    with torch.no_grad():
        theirs.fc.bias[7] += 100
    save_file(theirs.state_dict(), tmp_path / "resnet10t.safetensors", {"licence": "mit", "source": "a test"})
    clf = published_classifier("resnet10t", str(tmp_path / "resnet10t.safetensors"))
    assert clf.classes == imagenet_classes()
    assert (clf.note, clf.network.training) == ("", False)
    assert clf.provenance["weights licence"] == "mit"
    assert clf.predict(np.zeros((50, 60, 3), np.uint8)).label == "cock"


@pytest.mark.skipif(not os.environ.get("SIGHTLINE_DATA"), reason="needs $SIGHTLINE_DATA/weights")
def test_weights_at_hand_are_found() -> None:
    clf = published_classifier("mobilenetv2_100")
    assert "mobilenet" in clf.provenance["weights"]
    assert clf.preprocess.size == (224, 224)


def test_random_weights_are_said_to_be_random() -> None:
    clf = published_classifier("lenet5", "none")
    assert clf.note == "its weights are random: its answers mean nothing"
    assert clf.classes == tuple(f"class {i}" for i in range(10))


def test_weights_that_are_not_there() -> None:
    with pytest.raises(ModelError, match="there are no weights of resnet101 on this machine"):
        published_classifier("resnet101")
