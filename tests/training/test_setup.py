"""What is refused before the first step, and which batch norms learn from a batch."""

import dataclasses
from collections.abc import Callable

import pytest

from sightline.config import TrainConfig
from sightline.data.imageset import Splits
from sightline.errors import ConfigError
from sightline.models.contract import Network
from sightline.models.registry import create_model
from sightline.training.fit import fit
from sightline.training.setup import compares_images, require_company, set_train_mode

Tiny = Callable[..., Network]

ONE = TrainConfig(epochs=1, batch_size=1, precision="fp32")


def test_batch_norm_needs_company(splits: Splits, tiny: Tiny) -> None:
    with pytest.raises(ConfigError) as caught:
        next(iter(fit(tiny(batch_norm=True), splits, ONE)))
    assert str(caught.value) == (
        "TinyNetwork cannot learn from one image at a time: its batch norm compares images: use --batch-size 2 or more"
    )
    next(iter(fit(tiny(), splits, ONE)))  # nothing compares images here
    with pytest.raises(ConfigError, match=r"^resnet20 cannot learn from one image at a time"):
        require_company(create_model("resnet20", num_classes=2), ONE, images=9)


def test_a_single_training_image_has_none_whatever_the_batch_size(tiny: Tiny) -> None:
    with pytest.raises(ConfigError, match=r"give more training images$"):
        require_company(tiny(batch_norm=True), TrainConfig(), images=1)
    require_company(tiny(batch_norm=True), TrainConfig(batch_size=2), images=2)


def test_statistics_that_stay_compare_nothing(tiny: Tiny) -> None:
    network, frozen = tiny(batch_norm=True), dataclasses.replace(ONE, freeze_statistics=True)
    assert compares_images(network, ONE)
    assert not compares_images(network, frozen)
    require_company(network, frozen, images=9)
    norm = network.stages.get_submodule("norm").requires_grad_(False)
    assert not compares_images(network, ONE)
    set_train_mode(network, ONE)
    assert (network.training, norm.training) == (True, False)
