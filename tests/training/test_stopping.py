"""Which score is better, and when patience runs out."""

import pytest

from sightline.training.stopping import Patience, Score


@pytest.mark.parametrize(
    ("new", "old", "better"),
    [
        (Score(0.9, 5.0), None, True),
        (Score(0.9, 5.0), Score(0.8, 0.1), True),  # accuracy decides
        (Score(0.8, 0.1), Score(0.9, 5.0), False),
        (Score(0.9, 0.3), Score(0.9, 0.4), True),  # among equals the loss
        (Score(0.9, 0.4), Score(0.9, 0.4), False),  # the same is not better
    ],
)
def test_better_score(new: Score, old: Score | None, better: bool) -> None:
    assert new.better_than(old) is better


def test_patience_runs_out_and_starts_afresh() -> None:
    patience = Patience(2)
    verdicts = [patience.runs_out(better) for better in (True, False, True, False, False, False, False)]
    assert verdicts == [False, False, False, False, True, False, True]


def test_patience_of_one_epoch() -> None:
    patience = Patience(1)
    assert [patience.runs_out(better) for better in (True, False, False)] == [False, True, True]


def test_no_patience_never_runs_out() -> None:
    patience = Patience(0)
    assert not any(patience.runs_out(False) for _ in range(100))
