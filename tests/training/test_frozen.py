"""The first stage: a head on features that are computed once."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sightline.config import AugmentConfig, TrainConfig, Transfer
from sightline.data.imageset import ArrayImages, ImageSet, Splits
from sightline.evaluation.intervals import wilson_interval
from sightline.models.contract import Network
from sightline.models.registry import create_model
from sightline.pixels.preprocess import Preprocess
from sightline.training import frozen
from sightline.training.frozen import FrozenStage, train_frozen
from sightline.training.head import HeadFit

PREPROCESS = Preprocess(size=(32, 32), mean=(0.5,) * 3, std=(0.25,) * 3)
CONFIG = TrainConfig(device="cpu", precision="fp32", augment=AugmentConfig(flip="random"))
LINEAR = Transfer(weights="imagenet")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.machine.cache.cache_folder", lambda: tmp_path)


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return create_model("resnet20", num_classes=2).eval()


def image_set(count: int, seed: int, groups: tuple[str, ...] = ()) -> ImageSet:
    """Dark and light noise, which random features tell apart."""
    labels = torch.arange(count) % 2
    noise = torch.randint(100, (count, 3, 32, 32), generator=torch.Generator().manual_seed(seed))
    pixels = (noise + 100 * labels[:, None, None, None]).to(torch.uint8)
    names = tuple(f"{seed}/{i}" for i in range(count))
    return ImageSet(ArrayImages(pixels), labels, ("dark", "light"), names, groups)


def splits(groups: tuple[str, ...] = ()) -> Splits:
    return Splits("noise", image_set(40, 1, groups), image_set(10, 2), None)


def test_a_head_learns_and_the_rest_stays(network: Network) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    stage = train_frozen(network, splits(), CONFIG, LINEAR, preprocess=PREPROCESS)
    moved = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == {"head.output.weight", "head.output.bias"}
    assert (stage.total, stage.views, stage.computed) == (10, 0, 50)
    assert stage.correct >= 9
    assert stage.interval == wilson_interval(stage.correct, 10)
    assert 0 < stage.network_seconds <= stage.seconds


def test_the_score_is_the_networks_own(network: Network) -> None:
    data = splits()
    stage = train_frozen(network, data, CONFIG, LINEAR, preprocess=PREPROCESS)
    assert data.val is not None
    assert isinstance(data.val.images, ArrayImages)
    with torch.no_grad():
        answers = network.eval()(PREPROCESS.normalise(data.val.images.pixels)).argmax(1)
    assert stage.correct == int((answers == data.val.labels).sum())


def test_a_second_time_nothing_is_computed(network: Network) -> None:
    for computed in (50, 0):
        assert train_frozen(network, splits(), CONFIG, LINEAR, preprocess=PREPROCESS).computed == computed


def test_spare_time_goes_into_views_which_are_used_when_they_help(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit_head = frozen.fit_head

    def with_loss(plain: float, varied: float) -> None:
        def fitted(values: Sequence[Tensor], *arguments: Any, **settings: Any) -> HeadFit:
            fit = fit_head(values, *arguments, **settings)
            return dataclasses.replace(fit, loss=plain if len(values) == 1 else varied)

        monkeypatch.setattr(frozen, "fit_head", fitted)

    def spare() -> FrozenStage:
        return train_frozen(network, splits(), CONFIG, LINEAR, preprocess=PREPROCESS, seconds=1000)

    with_loss(plain=2.0, varied=1.0)
    stage = spare()
    assert stage.views == frozen.MOST_VIEWS
    assert stage.computed > 50  # a view that happens to mirror nothing is known already
    with_loss(plain=1.0, varied=2.0)
    assert spare().views == 0


def test_as_the_last_stage_it_learns_from_validation_images_too(network: Network) -> None:
    """Even when only the training images have groups."""
    data = splits(groups=("twins", "twins", *("",) * 38))
    first = train_frozen(network, data, CONFIG, LINEAR, preprocess=PREPROCESS)
    weights = network.state_dict()["head.output.weight"].clone()
    last = train_frozen(network, data, CONFIG, LINEAR, preprocess=PREPROCESS, last=True)
    assert (last.correct, last.total) == (first.correct, first.total), "scored before it saw them"
    # What was said of every image before the head knew it, with its label: for calibration.
    assert data.val is not None
    assert torch.equal(first.labels, data.train.labels)
    assert torch.equal(last.labels, torch.cat([data.train.labels, data.val.labels]))
    for stage, count in ((first, 40), (last, 50)):
        assert stage.head.left_out.shape == (count, 2)
        assert float((stage.head.left_out.argmax(1) == stage.labels).float().mean()) >= 0.9
    assert not torch.equal(network.state_dict()["head.output.weight"], weights)


def test_without_validation_images_there_is_no_score(network: Network) -> None:
    data = Splits("noise", image_set(40, 1), None, None)
    stage = train_frozen(network, data, CONFIG, LINEAR, preprocess=PREPROCESS, last=True)
    assert (stage.correct, stage.total, stage.interval) == (0, 0, None)


def test_a_hidden_layer(network: Network) -> None:
    transfer = Transfer(weights="imagenet", head="mlp")
    stage = train_frozen(network, splits(), CONFIG, transfer, preprocess=PREPROCESS)
    assert stage.head.hidden == 256
    assert stage.correct >= 9


def test_either_kind_of_balance_helps_rare_classes(network: Network) -> None:
    """The head sees no batches: the sampler, too, becomes weights of the losses."""
    whole = image_set(40, 1)
    rare = Splits("noise", whole.take([i for i in range(40) if i % 2 == 0 or i < 6]), image_set(10, 2), None)
    heads = []
    for settings in ({}, {"sampling": "balanced"}, {"class_weights": "balanced"}):
        train_frozen(network, rare, dataclasses.replace(CONFIG, **settings), LINEAR, preprocess=PREPROCESS)
        heads.append(network.state_dict()["head.output.bias"].clone())
    plain, sampler, loss = heads
    assert torch.equal(sampler, loss)
    assert sampler[1] > plain[1]
