"""Intervals against numbers worked out by hand, other methods, and what they promise: 95 of 100 hold the truth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.evaluation.intervals import (
    Estimate,
    Z,
    f1_interval,
    format_percent,
    from_influence,
    from_replicates,
    mean_of,
    proportion,
    resampled,
    wilson_interval,
)


def test_an_estimate_in_words() -> None:
    assert proportion(9410, 10_000).text() == "94.1 % (93.6 to 94.5)"
    assert proportion(0, 0) == Estimate(0.0, 0.0, 1.0, "wilson")
    assert Estimate(0.5, 0.25, 0.75, "bootstrap").to_json() == {
        "value": 0.5,
        "interval": [0.25, 0.75],
        "method": "bootstrap",
    }


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998),
        # table I, method 3 (score, no continuity correction).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_as_published(correct: int, total: int, low: float, high: float) -> None:
    assert wilson_interval(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_at_the_ends() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    low, high = wilson_interval(10, 10)
    assert high == 1.0
    assert low == pytest.approx(10 / (10 + Z**2))  # the formula with p = 1
    with pytest.raises(ValueError, match="11 correct of 10"):
        wilson_interval(11, 10)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_laws(counts: tuple[int, int]) -> None:
    correct, total = counts
    low, high = wilson_interval(correct, total)
    assert 0 <= low <= correct / total <= high <= 1
    mirrored = wilson_interval(total - correct, total)
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high), abs=1e-12)
    wider = wilson_interval(10 * correct, 10 * total)
    assert wider[1] - wider[0] < high - low


@pytest.mark.parametrize(
    ("correct", "total", "text"),
    [
        (9410, 10_000, "94.1 % (93.6 to 94.5)"),
        (9969, 10_000, "99.69 % (99.56 to 99.78)"),
        (940, 1000, "94.0 % (92.4 to 95.3)"),
        (7, 12, "58 % (32 to 81)"),
        (360, 360, "100.0 % (98.9 to 100.0)"),
        (0, 3, "0 % (0 to 56)"),
        (0, 0, "0 % (0 to 100)"),
        (999_990, 1_000_000, "99.999 % (99.998 to 99.999)"),
    ],
)
def test_format_percent_gives_no_more_digits_than_the_interval(correct: int, total: int, text: str) -> None:
    assert format_percent(correct, total) == text


def test_f1_of_three_images_by_hand() -> None:
    # One right, one missed, one called so wrongly: J = 1 / 3, F1 = 1 / 2.
    low, high = wilson_interval(1, 3)
    assert f1_interval(1, 3) == (2 * low / (1 + low), 2 * high / (1 + high))
    assert f1_interval(3, 3)[0] < 0.7  # three images that are all right leave doubt
    assert f1_interval(3, 3)[1] == 1.0
    assert f1_interval(0, 0) == (0.0, 1.0)


def test_the_mean_of_equal_proportions_has_the_interval_of_them_all() -> None:
    """Of symmetric intervals, distances add up as standard deviations do: two halve the variance."""
    half = Estimate(0.5, 0.4, 0.6, "wilson")
    mean = mean_of([half, half])
    assert (mean.value, mean.low, mean.high) == pytest.approx((0.5, 0.5 - 0.1 / math.sqrt(2), 0.5 + 0.1 / math.sqrt(2)))
    assert mean_of([half]) == Estimate(0.5, pytest.approx(0.4), pytest.approx(0.6), "combined wilson")


def test_a_rare_class_that_is_all_right_keeps_its_doubt() -> None:
    mean = mean_of([proportion(990, 1000), proportion(3, 3)])
    assert mean.value == pytest.approx(0.995)
    assert mean.value - mean.low > (1 - wilson_interval(3, 3)[0]) / 2.01
    assert mean.high <= 1


def test_means_of_recalls_hold_the_truth_95_times_in_100() -> None:
    draw, true = np.random.default_rng(0), np.array([0.9, 0.8, 0.5])
    images = np.array([40, 15, 30])
    held = 0
    for _ in range(1000):
        counts = draw.binomial(images, true)
        mean = mean_of([proportion(int(c), int(n)) for c, n in zip(counts, images, strict=True)])
        held += mean.low <= true.mean() <= mean.high
    assert 930 <= held <= 980


def test_influence_of_single_images_on_a_share_is_the_textbook_error() -> None:
    """For a mean of zeros and ones, the jackknife's deviation is √(p (1 - p) / n)."""
    right = np.array([1.0] * 30 + [0.0] * 10)
    estimate = from_influence(0.75, (right - 0.75) / 40)
    assert estimate is not None
    centre, margin = math.log(3), Z * math.sqrt(0.75 * 0.25 / 40) / (0.75 * 0.25)
    assert estimate.low == pytest.approx(1 / (1 + math.exp(-(centre - margin))))
    assert estimate.high == pytest.approx(1 / (1 + math.exp(-(centre + margin))))
    assert from_influence(1.0, right) is None
    assert from_influence(0.5, np.zeros(4)) is None


def test_resampling_counts_is_resampling_images() -> None:
    """Means and deviations of the counts are those of drawing the images themselves."""
    confusion = np.array([[30, 5, 0], [2, 50, 3], [0, 0, 0]])
    hits, images, called = resampled(confusion, replicates=4000)
    assert hits.shape == images.shape == called.shape == (4000, 3)
    assert (images.sum(axis=1) == 90).all()
    assert (called.sum(axis=1) == 90).all()
    assert (hits <= np.minimum(images, called)).all()
    assert not images[:, 2].any()
    np.testing.assert_allclose(images.mean(axis=0), [35, 55, 0], atol=0.4)
    np.testing.assert_allclose(called.mean(axis=0), [32, 55, 3], atol=0.4)
    np.testing.assert_allclose(hits.std(axis=0)[:2], [math.sqrt(90 * p * (1 - p)) for p in (1 / 3, 5 / 9)], rtol=0.05)


def test_resampling_in_parts_has_the_same_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    from sightline.evaluation import intervals

    confusion = np.array([[30, 5], [2, 50]])
    whole = resampled(confusion, replicates=7)
    monkeypatch.setattr(intervals, "CELLS", 8)  # two replicates of four cells at once
    for one, other in zip(whole, resampled(confusion, replicates=7), strict=True):
        np.testing.assert_array_equal(one, other)


def test_replicates_give_the_middle_95_percent() -> None:
    estimate = from_replicates(0.5, np.linspace(0, 1, 1001))
    assert (estimate.low, estimate.high, estimate.method) == (pytest.approx(0.025), pytest.approx(0.975), "bootstrap")
    assert from_replicates(0.0, np.linspace(0.1, 1, 10)).low == 0.0  # an estimate is never outside its own interval
