"""Settings survive JSON, and impossible ones are refused with a sentence."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Literal

import pytest

from sightline.config import AugmentConfig, ParameterGroup, TrainConfig, TrainOptions, Transfer, from_json, to_json
from sightline.errors import ConfigError

CONFIG = TrainConfig(
    epochs=3,
    seconds=90.5,
    groups=(ParameterGroup(match="filters", optimizer="muon", lr=0.24), ParameterGroup(lr=0.1, stop_at=0.5)),
    schedule="linear",
    augment=AugmentConfig(flip="alternating", shift=2),
    views="mirror-shift",
    seed=2**63 - 1,
)


@pytest.mark.parametrize("config", [TrainConfig(), CONFIG])
def test_json_and_back(config: TrainConfig) -> None:
    assert from_json(TrainConfig, json.loads(json.dumps(to_json(config)))) == config


def test_json_is_plain() -> None:
    plain = to_json(CONFIG)
    assert plain["groups"][0]["match"] == "filters"
    assert plain["augment"]["shift"] == 2
    assert plain["seconds"] == 90.5


def test_what_json_leaves_out_has_its_default() -> None:
    assert from_json(TrainConfig, {"epochs": 5}) == TrainConfig(epochs=5)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"epoch": 5}, "unknown key 'epoch' (TrainConfig): did you mean epochs?"),
        ({"augment": {"flips": "none"}}, "unknown key 'flips' (TrainConfig.augment): did you mean flip?"),
        ({"epochs": "5"}, "expected int, found '5' (TrainConfig.epochs)"),
        ({"epochs": 5.5}, "expected int, found 5.5 (TrainConfig.epochs)"),
        ({"epochs": True}, "expected int, found True (TrainConfig.epochs)"),
        ({"keep_best": 1}, "expected bool, found 1 (TrainConfig.keep_best)"),
        ({"l2": "much"}, "expected float, found 'much' (TrainConfig.l2)"),
        ({"seconds": "10m"}, "expected float, found '10m' (TrainConfig.seconds)"),
        ({"schedule": "cosin"}, "'cosin' is not possible (TrainConfig.schedule): did you mean cosine?"),
        ({"groups": {}}, "expected a list, found {} (TrainConfig.groups)"),
        ({"groups": [{}, {"lr": "x"}]}, "expected float, found 'x' (TrainConfig.groups[1].lr)"),
        ({"augment": 3}, "expected settings of AugmentConfig, found 3 (TrainConfig.augment)"),
    ],
)
def test_damaged_json(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_json(TrainConfig, data)
    assert str(caught.value) == message
    assert caught.value.exit_code == 2


def test_the_file_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        from_json(TrainConfig, {"epochs": None}, where="runs/x/config.json")
    assert str(caught.value) == "expected int, found None (runs/x/config.json.epochs)"


def test_integers_serve_as_floats_and_none_as_nothing() -> None:
    config = from_json(TrainConfig, {"l2": 1, "seconds": None})
    assert isinstance(config.l2, float)
    assert config.seconds is None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loose:
    """Settings of the types that model.json and `Architecture` have."""

    notes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    options: Mapping[str, str | int | float | bool] = dataclasses.field(default_factory=dict)
    lr: float | Literal["auto"] | None = None


def test_names_with_values_of_several_types() -> None:
    data = {"notes": {"data": "digits"}, "options": {"act": "relu", "groups": 2, "drop": 0.5, "se": True}, "lr": "auto"}
    assert to_json(from_json(Loose, data)) == data
    assert from_json(Loose, data).options["se"] is True


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"notes": "digits"}, "expected names with values, found 'digits' (Loose.notes)"),
        ({"notes": None}, "expected names with values, found None (Loose.notes)"),
        ({"notes": {"data": 3}}, "expected str, found 3 (Loose.notes.data)"),
        ({"options": {"act": [1]}}, "expected str, found [1] (Loose.options.act)"),
        ({"options": {"act": None}}, "expected str, found None (Loose.options.act)"),
        ({"lr": "fast"}, "expected float, found 'fast' (Loose.lr)"),
        ({"lr": 10**400}, "the number is too large (Loose.lr): use one below 1e308"),
    ],
)
def test_damaged_values(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_json(Loose, data)
    assert str(caught.value) == message


def test_missing_settings_are_said() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Needy:
        name: str

    with pytest.raises(ConfigError, match=r"incomplete settings: .*'name' \(Needy\)"):
        from_json(Needy, {})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs is 0: train for at least 1 epoch"),
        ({"seconds": 0.0}, "seconds is 0.0: give a time above 0, e.g. 600"),
        ({"batch_size": 0}, "batch_size is 0: use 1 or more images, e.g. 256"),
        ({"groups": ()}, "groups is empty: give at least one ParameterGroup"),
        ({"warmup_fraction": 1.0}, "warmup_fraction is 1.0: use 0 <= fraction < 1, e.g. 0.1"),
        ({"label_smoothing": 1.5}, "label_smoothing is 1.5: use 0 <= smoothing < 1, e.g. 0.1"),
        ({"l2": -1.0}, "l2 is -1.0: use 0 or more, e.g. 1e-4"),
        ({"ema_decay": 1.0}, "ema_decay is 1.0: use 0 <= decay < 1, e.g. 0.999"),
        ({"clip_norm": -1.0}, "clip_norm is -1.0: use 0 (off) or a norm above 0"),
        ({"accumulate": 0}, "accumulate is 0: use 1 to batch_size parts"),
        ({"accumulate": 9, "batch_size": 8}, "accumulate is 9: use 1 to batch_size parts"),
        ({"patience": -1}, "patience is negative: use 0 (off) or more epochs"),
        ({"plateau_patience": -1}, "patience is negative: use 0 (off) or more epochs"),
        ({"plateau_factor": 1.0}, "plateau_factor is 1.0: use a factor in (0, 1), e.g. 0.1"),
        ({"checkpoint_seconds": 0.0}, "checkpoint_seconds is 0.0: use a time above 0"),
        ({"seed": -1}, "seed is -1: use a whole number from 0 to 2**63 - 1"),
        ({"seed": 2**63}, f"seed is {2**63}: use a whole number from 0 to 2**63 - 1"),
    ],
)
def test_impossible_trainings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**settings)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"match": "conv["}, "match is 'conv[': use a regular expression, e.g. norm or bias$"),
        ({"lr": 0.0}, "lr is 0.0: use a learning rate above 0, e.g. 0.1"),
        ({"lr": float("nan")}, "lr is nan: use a learning rate above 0, e.g. 0.1"),
        ({"lr": float("inf")}, "lr is inf: use a learning rate above 0, e.g. 0.1"),
        ({"momentum": 1.0}, "momentum is 1.0: use 0 <= momentum < 1, e.g. 0.9"),
        ({"beta2": -0.1}, "beta2 is -0.1: use 0 <= beta2 < 1, e.g. 0.999"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0: use 0 or more, e.g. 5e-4"),
        ({"stop_at": 0.0}, "stop_at is 0.0: use a fraction in (0, 1]"),
    ],
)
def test_impossible_groups(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ParameterGroup(**settings)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shift": -1}, "shift and cutout are sizes in pixels: use 0 or more"),
        ({"rotate": 181.0}, "rotate is 181.0: use 0 to 180 degrees"),
        ({"zoom": 1.0}, "zoom is 1.0: use 0 <= zoom < 1, e.g. 0.1"),
        ({"shear": 90.0}, "shear is 90.0: use 0 to below 90 degrees, e.g. 10"),
        ({"erase": 1.1}, "erase is 1.1: use 0 to 1"),
        ({"hue": 0.6}, "hue is 0.6: use 0 to 0.5"),
        ({"mixup": -0.1}, "mixup and cutmix are Beta parameters: use 0 (off) or above"),
    ],
)
def test_impossible_augmentations(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        AugmentConfig(**settings)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (AugmentConfig, {"flip": "yes"}, "flip is 'yes': choose from alternating, none, random"),
        (ParameterGroup, {"optimizer": "adam"}, "optimizer is 'adam': did you mean adamw?"),
        (TrainConfig, {"schedule": "cos"}, "schedule is 'cos': did you mean cosine or constant?"),
        (TrainConfig, {"precision": "fp16"}, "precision is 'fp16': did you mean bf16 or fp32?"),
        (TrainConfig, {"views": None}, "views is None: choose from mirror, mirror-shift, plain, shift"),
        (Transfer, {"weights": "imagenet", "head": "relu"}, "head is 'relu': choose from linear, mlp"),
        (TrainOptions, {"head": "relu"}, "head is 'relu': choose from linear, mlp"),
        (TrainOptions, {"fit": ["pad"]}, "fit is ['pad']: did you mean pad?"),
    ],
)
def test_settings_of_a_fixed_choice(kind: type, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        kind(**settings)
    assert str(caught.value) == message


def test_a_choice_that_may_be_left_open() -> None:
    assert TrainOptions(head=None).head is None
    assert TrainOptions(lr="auto").lr == "auto"


def test_another_rate_scales_all_groups_alike() -> None:
    config = CONFIG.with_lr(0.48)
    assert config.lr == 0.48
    assert [group.lr for group in config.groups] == pytest.approx([0.48, 0.2])
    assert dataclasses.replace(config, groups=CONFIG.groups) == CONFIG


def test_the_rate_that_is_set_is_the_rate_to_the_last_bit() -> None:
    # 0.3 / 0.24 * 0.24 would be 0.30000000000000004, and a repeated command would train another network.
    once = CONFIG.with_lr(0.3)
    assert once.lr == 0.3
    assert CONFIG.with_lr(once.lr) == once
    assert CONFIG.with_lr(CONFIG.lr) == CONFIG


def test_the_start_competes_only_for_the_best() -> None:
    assert TrainConfig(start_competes=True).keep_best
    with pytest.raises(ConfigError, match=r"^start_competes is on and keep_best is off: "):
        TrainConfig(start_competes=True, keep_best=False)


def test_an_impossible_rate_is_named_as_given() -> None:
    with pytest.raises(ConfigError, match=r"^lr is -1: use a learning rate above 0"):
        CONFIG.with_lr(-1)
