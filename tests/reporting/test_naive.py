"""How much a naive split flatters."""

from sightline.evaluation.intervals import format_percent
from sightline.reporting.naive import naive_sentence
from sightline.runs.records import NaiveScore


def test_the_sentence_has_both_accuracies_and_their_difference() -> None:
    assert naive_sentence(NaiveScore(95, 100, 170, 200)) == (
        f"a naive split says {format_percent(95, 100)}, where the honest one says {format_percent(170, 200)}: "
        "+10.0 points"
    )


def test_a_naive_split_may_say_less_by_chance() -> None:
    assert naive_sentence(NaiveScore(80, 100, 45, 50)).endswith(": -10.0 points")
