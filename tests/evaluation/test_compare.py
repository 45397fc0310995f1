"""Two classifiers on the same images: which is better, or whether nobody can tell yet."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom, binomtest

from sightline.errors import DataError
from sightline.evaluation.compare import (
    ClassifierAnswers,
    Comparison,
    compare,
    compare_answers,
    images_needed,
    mcnemar,
    tango_interval,
)
from sightline.evaluation.evaluate import Evaluation, score

CLASSES = ("cat", "dog")


def evaluation(said: list[int], *, labels: list[int] | None = None, ids: list[str] | None = None) -> Evaluation:
    """Answers 0 or 1 to images of class 0, unless `labels` says otherwise."""
    probabilities = np.eye(2, dtype=np.float32)[said]
    names = tuple(ids or (f"{i}.png" for i in range(len(said))))
    return score(probabilities, np.array(labels or [0] * len(said)), CLASSES, ids=names)


def comparison(gained: int, lost: int, total: int) -> Comparison:
    """Of classifiers of which the second gains and loses so many of `total` images; both recognise the others."""
    first = [1] * gained + [0] * (total - gained)
    second = [0] * gained + [1] * lost + [0] * (total - gained - lost)
    return compare(evaluation(first), evaluation(second), names=("old", "new"))


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (5, 0), (3, 11), (40, 40), (700, 590), (12_000, 11_000)])
def test_the_p_value_is_that_of_a_fair_coin(gained: int, lost: int) -> None:
    expected = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(expected, rel=1e-9, abs=1e-15)


def score_statistic(gained: int, lost: int, total: int, difference: float) -> float:
    """Tango's statistic from its definition: the likelihood is made largest numerically, without his formula."""

    def loss(lost_rate: float) -> float:
        gained_rate = lost_rate + difference
        rates = (gained_rate, lost_rate, 1 - gained_rate - lost_rate)
        counts = (gained, lost, total - gained - lost)
        return -sum(n * math.log(max(rate, 1e-300)) for n, rate in zip(counts, rates, strict=True) if n)

    bounds = (max(0.0, -difference), (1 - difference) / 2)
    rate = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    return (gained - lost - total * difference) / math.sqrt(total * (2 * rate + difference - difference**2))


@pytest.mark.parametrize(("gained", "lost", "total"), [(12, 2, 50), (3, 11, 372), (0, 4, 30), (230, 150, 10_000)])
def test_the_ends_of_the_interval_are_where_the_score_test_just_rejects(gained: int, lost: int, total: int) -> None:
    low, high = tango_interval(gained, lost, total)
    assert low < (gained - lost) / total < high
    assert score_statistic(gained, lost, total, low) == pytest.approx(1.96, abs=1e-3)
    assert score_statistic(gained, lost, total, high) == pytest.approx(-1.96, abs=1e-3)


def test_the_interval_of_nothing_changed_is_the_same_on_both_sides() -> None:
    low, high = tango_interval(0, 0, 100)
    assert low == pytest.approx(-high)
    assert 0.03 < high < 0.04  # n d**2 / (d (1 - d)) = 1.96**2, so d = 3.84 / 103.84
    assert high == pytest.approx(1.96**2 / (100 + 1.96**2), abs=1e-4)
    assert tango_interval(5, 0, 5)[1] == 1
    assert tango_interval(0, 5, 5)[0] == -1
    assert tango_interval(0, 0, 0) == (-1, 1)


def test_the_interval_holds_the_truth_in_95_of_100_samples() -> None:
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(2_000):
        gained, lost, _ = rng.multinomial(300, [0.05, 0.02, 0.93])
        low, high = tango_interval(int(gained), int(lost), 300)
        inside.append(low <= 0.03 <= high)
    assert 0.935 <= np.mean(inside) <= 0.97


def test_so_many_images_find_the_difference_in_80_of_100_samples() -> None:
    needed = images_needed(30, 18, 1_000)
    assert needed is not None
    rng = np.random.default_rng(0)
    gained, lost, _ = rng.multinomial(needed, [0.030, 0.018, 0.952], size=4_000).T
    significant = [2 * binom.cdf(min(g, n - g), n, 0.5) < 0.05 for g, n in zip(gained, gained + lost, strict=True)]
    assert 0.76 <= np.mean(significant) <= 0.82  # the exact test is a little more careful than the formula's
    assert images_needed(7, 7, 1_000) is None


def test_better() -> None:
    said = comparison(30, 8, 1_000)
    assert (said.verdict, said.more_images, said.advice) == ("better", 0, "")
    assert said.difference == pytest.approx(0.022)
    assert said.gained == tuple(f"{i}.png" for i in range(30))
    assert said.lost == tuple(f"{i}.png" for i in range(30, 38))
    assert (said.first_correct, said.second_correct) == (970, 992)
    assert str(said).splitlines() == [
        "new is better than old: 99.2 % against 97.0 % of the same 1,000 images, "
        "a difference of +2.2 points (+1.0 to +3.5).",
        "new recognises 30 images that old does not, and misses 8 that old recognises.",
        "  gained: " + ", ".join(f"{i}.png" for i in range(10)) + " and 20 more",
        "  lost: " + ", ".join(f"{i}.png" for i in range(30, 38)),
        "95 % interval: Tango's for pairs; McNemar's exact test: p < 0.001.",
    ]


def test_worse_is_better_the_other_way_round() -> None:
    there, back = comparison(30, 8, 1_000), comparison(8, 30, 1_000)
    assert back.verdict == "worse"
    assert back.sentence.startswith("new is worse than old: 97.0 % against 99.2 %")
    assert back.p_value == there.p_value
    assert back.interval == pytest.approx((-there.interval[1], -there.interval[0]))


def test_cannot_tell_yet() -> None:
    said = comparison(20, 12, 1_000)
    assert said.verdict == "cannot tell yet"
    assert said.sentence.startswith("Cannot tell yet whether new is better or worse than old: 98.8 % against 98.0 %")
    assert said.more_images == images_needed(20, 12, 1_000) - 1_000 == 2_923
    assert said.advice == (
        "About 3,000 more images would settle it, with a chance of 80 %, if the difference is as large as it looks."
    )


def test_no_number_of_images_is_advised_where_there_is_no_difference() -> None:
    assert comparison(7, 7, 1_000).more_images is None
    assert "no difference was seen" in comparison(7, 7, 1_000).advice
    assert comparison(50, 49, 1_000).more_images is None
    assert "the difference is too small" in comparison(50, 49, 1_000).advice


def test_images_are_matched_by_their_ids() -> None:
    first = evaluation([0, 1, 1], labels=[0, 0, 1], ids=["a", "b", "c"])
    second = evaluation([1, 0, 0], labels=[1, 0, 0], ids=["c", "a", "b"])
    said = compare(first, second)
    assert (said.gained, said.lost) == (("b",), ())


def test_classes_are_matched_by_name() -> None:
    first = ClassifierAnswers("a", ("x",), ("cat",), ("dog",), frozenset(CLASSES))
    second = ClassifierAnswers("b", ("x",), ("cat",), ("cat",), frozenset(reversed(CLASSES)))
    assert compare_answers(first, second).gained == ("x",)


def test_json_has_everything() -> None:
    said = comparison(20, 12, 1_000).to_json()
    assert said["verdict"] == "cannot tell yet"
    assert said["more_images"] == 2_923
    assert len(said["gained"]) == 20
    assert said["interval_method"] == "Tango 1998"


def test_what_cannot_be_compared() -> None:
    with pytest.raises(DataError) as caught:
        compare(evaluation([0, 0], ids=["a", "b"]), evaluation([0, 0], ids=["b", "c"]), names=("old", "new"))
    assert str(caught.value) == (
        "old and new were scored on different images (only old has a; only new has c): score both on the same images, "
        "which should be new to both"
    )
    with pytest.raises(DataError, match="image a is 'cat' for old and 'dog' for new: labels were corrected"):
        compare(evaluation([0], ids=["a"]), evaluation([0], labels=[1], ids=["a"]), names=("old", "new"))
    with pytest.raises(DataError, match="several images have the same id"):
        compare(evaluation([0, 0], ids=["a", "a"]), evaluation([0, 0], ids=["a", "a"]))
    other = score(np.eye(2, dtype=np.float32)[[0]], np.array([0]), ("cat", "fox"), ids=("a",))
    with pytest.raises(DataError, match=r"different classes \(only old has dog; only new has fox\)"):
        compare(evaluation([0], ids=["a"]), other, names=("old", "new"))
    empty = ClassifierAnswers("old", (), (), (), frozenset(CLASSES))
    with pytest.raises(DataError, match="no image to compare on"):
        compare_answers(empty, empty)
