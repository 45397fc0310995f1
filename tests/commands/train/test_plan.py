"""What a person says wins over what the recipe proposes."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from sightline.commands.train.plan import (
    check_options,
    facts_of,
    make_plan,
    parse_size,
    parse_time,
    wants_pretrained,
    with_weights_at_hand,
)
from sightline.commands.train.recipes import BACKBONES, RECIPES, DataFacts, find_recipe
from sightline.config import AT_HAND, TrainOptions, Transfer
from sightline.data.images import EncodedImages
from sightline.data.imageset import ArrayImages, ImageSet, Splits
from sightline.data.originals import Files
from sightline.errors import ConfigError, ModelError

CIFAR = DataFacts(data="cifar10", train_images=45_000, size=32, channels=3)
PHOTOS = DataFacts(data="photos", train_images=900, size=None, channels=3)
DIGITS = DataFacts(data="digits", train_images=1_294, size=8, channels=1)


def options(**settings: Any) -> TrainOptions:
    return TrainOptions(**settings)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2 m ", 120), ("0.5s", 0.5)]
)
def test_times(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "0.0h", "ten", "10 minutes", "-5m", "1h30m", "inf", "nan", "1e3", "m", "5.m"]
)
def test_impossible_times(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_time(text)
    hint = "use a number of seconds, minutes or hours, e.g. 90s, 10m or 1h"
    assert str(caught.value) == f"time is '{text}': {hint}"


def test_without_options_the_recipe_decides() -> None:
    for name, recipe in RECIPES.items():
        plan, proposed = make_plan(CIFAR, options(recipe=name)), recipe(CIFAR)
        l2 = plan.config.l2  # the textbook recipe takes its network's own
        replaced = dataclasses.replace(proposed, recipe=name, config=dataclasses.replace(proposed.config, l2=l2))
        assert plan == replaced


def test_every_option_wins() -> None:
    asked = options(epochs=3, size=48, batch_size=500, lr=0.12, seed=7, device="cuda:1", precision="fp32")
    plan = make_plan(CIFAR, asked)
    config = plan.config
    assert (config.epochs, config.seconds, plan.size, config.batch_size) == (3, None, 48, 500)
    assert make_plan(CIFAR, options(time="2m")).config.seconds == 120
    assert (config.lr, config.seed, config.device, config.precision) == (0.12, 7, "cuda:1", "fp32")
    before = make_plan(CIFAR, options(batch_size=500)).config
    assert [group.lr / old.lr for group, old in zip(config.groups, before.groups, strict=True)] == pytest.approx(
        [0.12 / before.lr] * len(before.groups)
    )


@pytest.mark.parametrize("facts", [CIFAR, PHOTOS, DIGITS])
@pytest.mark.parametrize("recipe", RECIPES)
def test_saying_what_the_recipe_would_do_anyway_changes_nothing(recipe: str, facts: DataFacts) -> None:
    plan = make_plan(facts, options(recipe=recipe))
    if recipe == "default" and not plan.model.startswith("speednet"):
        pytest.skip("another network than speednet asks for another recipe")
    config = plan.config
    said = options(recipe=recipe, model=plan.model, epochs=config.epochs, batch_size=config.batch_size, lr=config.lr)
    assert make_plan(facts, said) == plan


def test_another_batch_size_keeps_the_size_of_the_parts() -> None:
    before = find_recipe("speed")(CIFAR).config
    part = before.batch_size // before.accumulate
    assert before.accumulate > 1
    half = make_plan(CIFAR, options(recipe="speed", batch_size=before.batch_size // 2)).config
    assert half.batch_size // half.accumulate == pytest.approx(part, rel=0.5)
    tiny = make_plan(CIFAR, options(recipe="speed", batch_size=1)).config
    assert (tiny.batch_size, tiny.accumulate) == (1, 1)


def test_the_head_of_speednet_learns_per_image() -> None:
    usual, half = (make_plan(CIFAR, options(batch_size=size)).config.groups for size in (2_000, 1_000))
    assert [small.lr / large.lr for small, large in zip(half, usual, strict=True)] == pytest.approx([1, 1, 1, 0.5])


def test_another_network_brings_its_size_and_the_modern_recipe() -> None:
    plan = make_plan(CIFAR, options(model="resnet20"))
    assert (plan.model, plan.size) == ("resnet20", 32)
    assert [group.optimizer for group in plan.config.groups] == ["adamw"]
    assert make_plan(PHOTOS, options(model="alexnet")).size == 224  # photos of many sizes: the published one
    assert make_plan(DIGITS, options(model="lenet5")).size >= 8


def test_the_textbook_recipe_takes_the_networks_l2() -> None:
    assert make_plan(CIFAR, options(model="custom_cnn", recipe="textbook")).config.l2 == 1e-4
    assert make_plan(CIFAR, options(model="custom_cnn")).config.l2 == 0


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"recipe": "quick"}, ConfigError, "there is no recipe named 'quick': choose from "),
        ({"model": "resnet19"}, ModelError, "there is no network named 'resnet19': did you mean "),
        ({"model": "resnet20", "recipe": "speed"}, ConfigError, "the speed recipe does not train resnet20: use "),
        ({"model": ""}, ModelError, "there is no network named '': choose from "),
        ({"time": "soon"}, ConfigError, "time is 'soon': use a number of seconds, minutes or hours"),
        ({"time": ""}, ConfigError, "time is '': use a number of seconds, minutes or hours"),
        ({"epochs": 3, "time": "12s"}, ConfigError, "--epochs and --time both say when to end: give one of them"),
        ({"epochs": 0}, ConfigError, "epochs is 0: train for at least 1 epoch"),
        ({"batch_size": 0}, ConfigError, "batch_size is 0: use 1 or more images, e.g. 256"),
        ({"lr": 0.0}, ConfigError, "lr is 0.0: use a learning rate above 0, e.g. 0.1"),
        ({"seed": -3}, ConfigError, "seed is -3: use a whole number from 0 to 2**63 - 1"),
    ],
)
def test_impossible_options_need_no_data_to_be_refused(
    settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        check_options(options(**settings))
    assert str(caught.value).startswith(message)


def test_check_options_lets_possible_ones_pass() -> None:
    for recipe in RECIPES:
        check_options(options(recipe=recipe))
    check_options(options(model="vgg16_bn", time="1h"))
    check_options(options(finetune="none", head="mlp"))  # photos may get a pretrained network at hand
    with pytest.raises(ConfigError, match="--finetune is for pretrained networks"):
        make_plan(DIGITS, options(finetune="none"))


def test_facts_of_arrays_and_files() -> None:
    labels = torch.tensor([0, 1])
    pixels = torch.zeros(2, 1, 20, 24, dtype=torch.uint8)
    arrays = ImageSet(ArrayImages(pixels), labels, ("a", "b"), ("0", "1"))
    files = ImageSet(EncodedImages(Files(())), labels[:0], ("a", "b"), ())
    assert facts_of(Splits("grey", arrays, None, None)) == DataFacts(data="grey", train_images=2, size=24, channels=1)
    assert facts_of(Splits("files", files, None, None)) == DataFacts(
        data="files", train_images=0, size=None, channels=3
    )


FILE = "/weights/own.safetensors"


@pytest.mark.parametrize(
    ("settings", "model", "weights"),
    [
        ({"weights": FILE}, BACKBONES[0], FILE),
        ({"weights": "imagenet", "model": "resnet18"}, "resnet18", "imagenet"),
        ({"model": "mobilenetv2_050"}, "mobilenetv2_050", AT_HAND),  # timm's: nobody names one for its shape
        ({"recipe": "transfer"}, BACKBONES[0], AT_HAND),
        ({"recipe": "two-step", "weights": FILE, "model": "resnet50"}, "resnet50", FILE),
        ({"weights": "none", "model": "mobilenetv2_050"}, "mobilenetv2_050", None),
        ({"weights": "none", "model": "resnet18"}, "resnet18", None),
        ({"model": "resnet18"}, "resnet18", None),
        ({"weights": "none"}, None, None),
        ({}, None, None),
    ],
)
def test_which_options_mean_a_pretrained_network(
    settings: dict[str, Any], model: str | None, weights: str | None
) -> None:
    plan = make_plan(PHOTOS, options(**settings))
    assert wants_pretrained(options(**settings)) == (weights is not None)
    assert (plan.transfer.weights if plan.transfer else None) == weights
    assert model is None or (plan.model, plan.size) == (model, plan.size)
    assert plan.model == (model or make_plan(PHOTOS, options()).model)


def test_head_and_finetune_win_over_the_recipe() -> None:
    assert make_plan(PHOTOS, options(weights=FILE)).transfer == Transfer(weights=FILE)
    plan = make_plan(PHOTOS, options(weights=FILE, recipe="two-step", head="linear", finetune="all"))
    assert plan.transfer == Transfer(weights=FILE, head="linear", finetune="all", by_depth=False)


def test_a_relative_file_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = make_plan(PHOTOS, options(weights="own.safetensors"))
    assert plan.transfer == Transfer(weights=str(tmp_path / "own.safetensors"))


def test_a_network_of_timms_learns_from_scratch_as_photos_ask_for() -> None:
    plan = make_plan(PHOTOS, options(model="mobilenetv2_050", weights="none"))
    assert plan.config.augment.resized_crop == 0.35
    assert plan.transfer is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": FILE, "recipe": "speed"}, "the speed recipe trains from scratch: leave out --weights, or use "),
        ({"weights": "none", "recipe": "transfer"}, "the transfer recipe needs pretrained weights: give --weights "),
        ({"model": "resnet18", "head": "mlp"}, "--head is for pretrained networks, and this one learns from scratch"),
        ({"weights": "none", "finetune": "all"}, "--finetune is for pretrained networks, and this one learns from "),
        (
            {"weights": FILE, "finetune": "none", "lr": "auto"},
            "--lr is for training epoch by epoch, and --finetune none ",
        ),
        ({"weights": FILE, "finetune": "0"}, "finetune is '0': use none, auto, all or a number of blocks, e.g. 3"),
        ({"weights": FILE, "finetune": "most"}, "finetune is 'most': use none, auto, all or a number of blocks"),
        ({"cache": "much"}, "cache is 'much': use a size such as 500MB or 4GB, or 0 for none"),
    ],
)
def test_what_contradicts_itself_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_options(options(**settings))
    assert str(caught.value).startswith(message)


def test_weights_at_hand_are_taken_for_photos_when_nobody_named_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand = {"resnet50": Path(FILE)}
    monkeypatch.setattr("sightline.commands.train.plan.find_weights", at_hand.get)
    chosen = with_weights_at_hand(options(epochs=3), PHOTOS)
    assert (chosen.model, chosen.weights, chosen.epochs) == ("resnet50", FILE, 3)
    alone = make_plan(PHOTOS, with_weights_at_hand(options(finetune="none"), PHOTOS))
    assert alone.transfer == Transfer(weights=FILE, finetune="none")
    for said in ({"model": "resnet18"}, {"weights": "none"}, {"recipe": "modern"}):
        assert with_weights_at_hand(options(**said), PHOTOS) == options(**said)
    assert with_weights_at_hand(options(), CIFAR) == options(), "small images are no photos"
    at_hand.clear()
    assert with_weights_at_hand(options(), PHOTOS) == options(), "nothing is downloaded"


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GB", 4 * 10**9), ("500 MB", 5 * 10**8), ("1.5kb", 1500), ("0", 0), ("2T", 2 * 10**12), ("7", 7)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "4 gigabytes", "nan", "1e9"])
def test_impossible_sizes(text: str) -> None:
    with pytest.raises(ConfigError, match="cache is "):
        parse_size(text)
