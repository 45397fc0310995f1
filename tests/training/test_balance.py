"""Rare classes get help when it is asked for, or when classes are very uneven."""

import pytest

from sightline.config import BalanceName, TrainConfig
from sightline.training.balance import rare_classes, with_balance

EVEN, UNEVEN = [100, 90, 110], [1000, 300, 100]


@pytest.mark.parametrize(
    ("asked", "counts", "sampling", "class_weights"),
    [
        ("auto", EVEN, "shuffle", "none"),
        ("auto", [1000, 300, 101], "shuffle", "none"),
        ("auto", UNEVEN, "balanced", "none"),
        ("auto", [5, 5, 0], "shuffle", "none"),  # a class without images cannot be helped
        ("auto", [], "shuffle", "none"),
        ("none", UNEVEN, "shuffle", "none"),
        ("sampler", EVEN, "balanced", "none"),
        ("loss", EVEN, "shuffle", "balanced"),
    ],
)
def test_what_is_chosen(asked: BalanceName, counts: list[int], sampling: str, class_weights: str) -> None:
    config = with_balance(TrainConfig(class_weights="balanced"), asked, counts)
    assert (config.sampling, config.class_weights) == (sampling, class_weights)


def test_rare_is_less_than_half_of_an_even_share() -> None:
    assert rare_classes([50, 50, 50]) == [False, False, False]
    assert rare_classes([100, 35, 15]) == [False, False, True]  # an even share is 50
    assert rare_classes([100, 25, 25]) == [False, False, False]
    assert rare_classes([10, 0]) == [False, True]
