"""Every recipe makes a plan that can be trained, whatever the data."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sightline.commands.train.recipes import BACKBONES, PRETRAINED, RECIPES, DataFacts, find_recipe
from sightline.config import TrainConfig, Transfer, from_json, to_json
from sightline.errors import ConfigError
from sightline.models.registry import find_architecture, find_model
from sightline.training.optimizers import assign

any_facts = st.builds(
    DataFacts,
    data=st.sampled_from(["digits", "mnist", "fashion-mnist", "cifar10", "cifar100", "photos"]),
    train_images=st.integers(2, 10_000_000),
    size=st.none() | st.integers(1, 5_000),
    channels=st.sampled_from([1, 3]),
)


@pytest.mark.parametrize("name", RECIPES)
@given(facts=any_facts)
def test_every_plan_is_valid(name: str, facts: DataFacts) -> None:
    plan = RECIPES[name](facts)
    assert plan.size is None or find_model(plan.model).min_size <= plan.size <= 64
    assert 1 <= plan.config.accumulate <= plan.config.batch_size
    assert from_json(TrainConfig, to_json(plan.config)) == plan.config
    if facts.data in ("digits", "mnist"):  # a mirrored 2 is no 2
        assert facts.channels == 3 or plan.config.augment.flip == "none"
        assert facts.channels == 3 or "mirror" not in plan.config.views


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", RECIPES)
def test_every_plan_has_a_group_for_every_parameter(name: str, channels: int) -> None:
    plan = RECIPES[name](DataFacts(data="photos", train_images=500, size=None, channels=channels))
    architecture = find_architecture(plan.model, num_classes=3, in_channels=channels, size=plan.size)
    with torch.device("meta"):
        network = architecture.build()
    groups = assign(network, plan.config.groups)
    trained = sum(parameter.numel() for _, parameters in groups for parameter in parameters)
    assert trained == sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    assert len(groups) == len(plan.config.groups), "a group that matches nothing is a misprint"


def test_the_speed_recipe_is_what_it_says() -> None:
    plan = find_recipe("speed")(DataFacts(data="cifar10", train_images=50_000, size=32, channels=3))
    assert plan.model.startswith("speednet")
    optimizers = {group.match: group.optimizer for group in plan.config.groups}
    assert (optimizers["filters"], optimizers[""]) == ("muon", "sgd")
    assert (plan.config.schedule, plan.config.views) == ("linear", "mirror-shift")
    assert plan.config.augment.flip == "alternating"
    assert plan.config.label_smoothing > 0


def test_the_default_smooths_no_labels_of_fashion_mnist() -> None:
    for data, smoothing in (("fashion-mnist", 0.0), ("mnist", 0.2), ("cifar10", 0.2), ("photos", 0.2)):
        channels = 3 if data in ("cifar10", "photos") else 1
        plan = find_recipe("default")(DataFacts(data=data, train_images=50_000, size=28, channels=channels))
        assert plan.config.label_smoothing == smoothing


def test_the_textbook_recipe_is_adam_at_a_thousandth() -> None:
    plan = find_recipe("textbook")(DataFacts(data="mnist", train_images=60_000, size=28, channels=1))
    [group] = plan.config.groups
    assert (plan.model, plan.size, plan.config.epochs) == ("mnist_cnn", 28, 5)
    assert (group.optimizer, group.lr, group.weight_decay, plan.config.schedule) == ("adamw", 1e-3, 0.0, "constant")
    assert plan.config.augment == TrainConfig().augment


def test_an_unknown_recipe_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        find_recipe("sped")
    assert str(caught.value) == "there is no recipe named 'sped': did you mean speed?"


PHOTOS = DataFacts(data="photos", train_images=900, size=None, channels=3)


def test_transfer_trains_a_head_and_then_everything_in_crops() -> None:
    plan = find_recipe("transfer")(PHOTOS)
    assert (plan.model, plan.size, plan.transfer) == (BACKBONES[0], None, Transfer())
    assert plan.config.freeze_statistics
    assert (plan.config.augment.flip, plan.config.augment.resized_crop) == ("random", 0.35)
    assert [group.optimizer for group in plan.config.groups] == ["adamw"]


def test_the_two_steps_of_textbooks() -> None:
    plan = find_recipe("two-step")(PHOTOS)
    assert plan.transfer == Transfer(head="mlp", finetune="2", by_depth=False)
    [group] = plan.config.groups
    assert (group.lr, plan.config.schedule, plan.config.label_smoothing) == (1e-5, "constant", 0.0)


def test_scratch_learns_everything_from_crops() -> None:
    plan = find_recipe("scratch")(PHOTOS)
    assert (plan.model, plan.size, plan.transfer) == ("resnet18", None, None)
    assert (plan.config.augment.shift, plan.config.augment.resized_crop) == (0, 0.35)
    assert not plan.config.freeze_statistics


def test_the_recipes_with_pretrained_networks_are_those_that_say_so() -> None:
    assert {name for name, recipe in RECIPES.items() if recipe(PHOTOS).transfer} == set(PRETRAINED)
    assert all(find_model(name) for name in BACKBONES)
