"""Rules that turn logits into answers: scores by hand, what they accept, and sets of labels."""

import math

import pytest
import torch

from sightline.classifier.confidence import ConformalRule, UnknownRule, scores
from sightline.errors import ConfigError

LOGITS = torch.tensor([[0.0, math.log(3)], [1.0, 1.0]])


def test_scores_by_hand() -> None:
    assert scores(LOGITS, "probability").tolist() == pytest.approx([0.75, 0.5])
    assert scores(LOGITS, "logit").tolist() == pytest.approx([math.log(3), 1.0])
    assert scores(LOGITS, "energy").tolist() == pytest.approx([math.log(4), 1 + math.log(2)])


def test_scores_at_another_temperature() -> None:
    root = math.sqrt(3)
    assert scores(LOGITS, "probability", temperature=2).tolist() == pytest.approx([root / (1 + root), 0.5])
    assert scores(LOGITS, "logit", temperature=2).tolist() == pytest.approx([math.log(3), 1.0])
    assert scores(LOGITS, "energy", temperature=2)[0] == pytest.approx(2 * math.log(1 + root))


def test_energy_does_not_overflow() -> None:
    assert scores(torch.tensor([[1000.0, -1000.0]]), "energy").tolist() == [1000.0]


def test_what_reaches_the_threshold_is_accepted() -> None:
    rule = UnknownRule(score="logit", threshold=1.0)
    assert rule.rejects(torch.tensor([[1.0, 0.0], [0.99, 0.0], [-5.0, 2.0]])).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"threshold": math.nan}, "the threshold of unknown is nan: use a finite number"),
        ({"threshold": 0.0, "temperature": 0.0}, "temperature is 0.0"),
        ({"threshold": 0.0, "accepted": 95.0}, "accepted is 95.0: use a share"),
        ({"threshold": 0.0, "images": -1}, "images is -1"),
        ({"threshold": 0.0, "score": "odds"}, "score is 'odds'"),
    ],
)
def test_impossible_rules_are_refused(settings: dict[str, float], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        UnknownRule(**({"score": "energy"} | settings))  # type: ignore[arg-type]


def test_a_set_is_every_class_that_reaches_the_floor() -> None:
    rule = ConformalRule(floors=(0.74, 0.5, 0.24), images=300)
    assert rule.members(LOGITS.double(), 1.0, 0.01).tolist() == [[False, True], [True, True]]
    assert rule.members(LOGITS.double(), 1.0, 0.015).tolist() == [[True, True], [True, True]]
    hotter = math.log(3) / math.log(1.5)  # odds of 1.5 to 1: 0.6 and 0.4
    assert rule.members(LOGITS, hotter, 0.01)[0].tolist() == [False, True]
    assert rule.members(LOGITS, hotter, 0.005)[0].tolist() == [False, False]


def test_coverage_is_rounded_up_never_down() -> None:
    rule = ConformalRule(floors=tuple(1 - level / 200 for level in range(1, 200)), images=1000)
    assert rule.floor(0.95) == pytest.approx(0.05)  # 0.95 * 200 is a hair above 190 in floating point
    assert rule.floor(0.951) == pytest.approx(0.045)
    assert rule.floor(0.995) == pytest.approx(0.005)
    with pytest.raises(ConfigError, match=r"can promise at most 0\.995"):
        rule.floor(0.999)


def test_without_floors_nothing_can_be_promised() -> None:
    with pytest.raises(ConfigError, match="0 validation images can promise none at all"):
        ConformalRule(floors=(), images=0).floor(0.5)
