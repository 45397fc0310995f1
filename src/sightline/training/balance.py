"""Whether rare classes get help, and which."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

from sightline.config import BalanceName, TrainConfig

IMBALANCED = 10.0  # images of the largest class for one of the smallest, from where `auto` helps
RARE = 0.5  # of an even share of the training images: a class with less is called rare


def with_balance(config: TrainConfig, balance: BalanceName, counts: Sequence[int]) -> TrainConfig:
    """The config with `class_weights` and `sampling` for a balance. counts: training images of each class.

    sampler draws every class equally often, loss weighs the errors of rare classes more; auto is the sampler where
    classes are very uneven, otherwise neither. On long tails of Fashion-MNIST with the speed recipe the sampler
    recognised 6.5 points more of the rare classes for half a point to one of accuracy; the weighted loss cost two, and
    forty on the longest tail (docs/experiments.md).
    """
    way = _choose(counts) if balance == "auto" else balance
    return dataclasses.replace(
        config,
        sampling="balanced" if way == "sampler" else "shuffle",
        class_weights="balanced" if way == "loss" else "none",
    )


def _choose(counts: Sequence[int]) -> Literal["sampler", "none"]:
    present = [count for count in counts if count]
    return "sampler" if present and max(present) >= IMBALANCED * min(present) else "none"


def rare_classes(counts: Sequence[int]) -> list[bool]:
    """Of each class, whether it has less than half of an even share of the training images."""
    return [count * len(counts) < RARE * sum(counts) for count in counts]
