"""Every bin with images stands where its numbers say."""

import pytest

from sightline.evaluation.calibration import Reliability, ReliabilityBin
from sightline.evaluation.intervals import Estimate
from sightline.reporting.reliability_chart import reliability_chart

RELIABILITY = Reliability(
    bins=(
        ReliabilityBin(0.0, 0.5, 0, 0.25, 0.0, (0.0, 1.0)),
        ReliabilityBin(0.5, 0.75, 1, 0.5, 0.0, (0.0, 0.79)),
        ReliabilityBin(0.75, 1.0, 100, 1.0, 0.9, (0.8, 0.95)),
    ),
    ece=Estimate(0.1, 0.08, 0.12, "bootstrap"),
    by_chance=0.01,
)


def test_places_by_hand() -> None:
    chart = reliability_chart(RELIABILITY, title="before")
    first, second = chart.bins  # the empty one is left out
    assert (first.x, first.y) == pytest.approx((174, 272))  # half-way to the right, at the foot
    assert (second.x, second.y) == pytest.approx((304, 12 + 0.1 * 260))
    assert second.high < second.y < second.low  # upwards is less
    assert second.bar_top == pytest.approx(296)
    assert first.bar_top == pytest.approx(340 - 44 / 100)
    assert (first.bar_left, first.bar_width) == pytest.approx((44 + 130 + 1, 65 - 2))


def test_words() -> None:
    chart = reliability_chart(RELIABILITY, title="before")
    assert chart.caption == "Before: off by 10.0 % (8.0 to 12.0)"
    assert chart.bins[0].words == "1 image said 50 %: 0 % (0 to 79) right"
    assert "100 images said 100 %: 90 % (83 to 94) right" in chart.summary
