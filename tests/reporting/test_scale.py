"""Ticks are round and cover the data; numbers read as people write them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.reporting.scale import Scale, format_seconds, nice_ticks, significant, tick_labels, whole_ticks


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (78, 94, [75, 80, 85, 90, 95]),
        (98.1, 99.7, [98, 98.5, 99, 99.5, 100]),
        (0.31, 2.3, [0, 0.5, 1, 1.5, 2, 2.5]),
        (5, 5, [4.4, 4.6, 4.8, 5.0, 5.2, 5.4, 5.6]),
    ],
)
def test_nice_ticks(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high) == ticks


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_cover_the_range_in_even_steps(low: float, width: float) -> None:
    ticks = nice_ticks(low, low + width)
    step = ticks[1] - ticks[0]
    assert ticks[0] <= low + 1e-6 * step
    assert ticks[-1] >= low + width - 1e-6 * step
    assert 3 <= len(ticks) <= 10
    assert all(b - a == pytest.approx(step, rel=1e-3) for a, b in pairwise(ticks))


@pytest.mark.parametrize(
    ("last", "ticks"), [(1, [1]), (3, [1, 2, 3]), (20, [1, 5, 10, 15, 20]), (200, [1, 50, 100, 150, 200])]
)
def test_whole_ticks(last: int, ticks: list[int]) -> None:
    assert whole_ticks(last) == ticks


@given(st.integers(1, 5000))
def test_whole_ticks_begin_at_1_and_end_at_the_last(last: int) -> None:
    ticks = whole_ticks(last)
    assert (ticks[0], ticks[-1]) == (1, last)
    assert ticks == sorted(set(ticks))
    assert len(ticks) <= 8


def test_tick_labels_share_their_decimals() -> None:
    assert tick_labels([0, 0.5, 1.0]) == ["0.0", "0.5", "1.0"]
    assert tick_labels([0, 20, 40]) == ["0", "20", "40"]
    assert tick_labels([0.02, 0.04]) == ["0.02", "0.04"]


def test_scale_is_linear_and_may_run_down() -> None:
    y = Scale((0, 10), (200, 100))
    assert (y(0), y(5), y(10)) == (200, 150, 100)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.84, "0.8 s"), (9.96, "10.0 s"), (42.4, "42 s"), (60, "1 min"), (185, "3 min 5 s"), (7800, "2 h 10 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.2314, "0.231"), (2.3, "2.30"), (123.4, "123"), (0.00123, "0.00123"), (0, "0"), (float("inf"), "inf")],
)
def test_significant_digits(value: float, text: str) -> None:
    assert significant(value) == text


def test_values_that_differ_by_rounding_only() -> None:
    ticks = nice_ticks(2.3, 2.3000000000000003)
    assert ticks[0] < 2.3 < ticks[-1]
    assert len(set(tick_labels(ticks))) == len(ticks)
