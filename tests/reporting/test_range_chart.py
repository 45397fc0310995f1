"""The chart of a range test stands on a logarithmic axis, and its sentence says what was decided."""

import re

import numpy as np
import pytest

from sightline.reporting.charts import LEFT, RIGHT, WIDTH
from sightline.reporting.range_chart import range_figure
from sightline.training.range_test import RangeTest, suggest

RATES = np.geomspace(1e-4, 10, 6).tolist()


def test_places_by_hand() -> None:
    figure = range_figure(RangeTest(tuple(RATES), (2.3, 2.2, 1.5, 1.0, 3.0, 4.0), 0.01, True, "it fell"))
    assert figure.sentence == "The range test chose the peak learning rate 0.01, as it fell."
    chart = figure.chart
    assert chart is not None
    assert chart.axis == "rate"
    assert [tick.text for tick in chart.x_ticks] == ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰", "10¹"]
    gaps = np.diff([tick.x for tick in chart.x_ticks])
    assert gaps == pytest.approx([gaps[0]] * 5)  # decades are equally far apart
    assert LEFT < chart.x_ticks[0].x < chart.x_ticks[-1].x < WIDTH - RIGHT
    [guide] = chart.guides
    assert (guide.x, guide.text) == (pytest.approx(chart.x_ticks[2].x), "0.01")
    measured = [float(number) for number in re.findall(r"\d+\.?\d*", chart.curves[0].line)]
    assert measured[::2] == pytest.approx([tick.x for tick in chart.x_ticks], abs=0.1)
    assert chart.readouts[1].text.startswith("rate 0.001: measured 2.20, smoothed 2.")
    assert chart.readouts[0].width == pytest.approx(gaps[0])


def test_many_decades_have_few_ticks() -> None:
    rates = np.geomspace(1e-9, 1e3, 100)
    chart = range_figure(RangeTest(tuple(rates.tolist()), (1.0,) * 100, 1.0, False, "flat")).chart
    assert chart is not None
    assert 3 <= len(chart.x_ticks) <= 6


def test_rates_within_one_decade() -> None:
    chart = range_figure(RangeTest((0.02, 0.03, 0.04), (2.0, 3.0, 9.0), 0.1, False, "the loss rose")).chart
    assert chart is not None
    assert chart.x_ticks == []


def test_nothing_found() -> None:
    figure = range_figure(suggest(RATES, [2.3] * 6, own=0.1))
    assert figure.sentence == (
        "The range test found no better rate, as the loss hardly fell at any rate: "
        "the training keeps its own peak rate, 0.1."
    )
    assert figure.chart is not None
    assert figure.chart.guides == []


@pytest.mark.parametrize("points", [0, 1])
def test_too_few_points_for_a_line(points: int) -> None:
    assert range_figure(suggest(RATES[:points], [2.3] * points, own=0.1)).chart is None
