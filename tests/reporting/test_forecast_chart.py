"""The classes that gain most come first, with their signs."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from sightline.reporting.forecast_chart import forecast_figure


def test_rows_and_chart(report_parts: Callable[..., Any]) -> None:
    forecast = report_parts(3).material.forecast
    figure = forecast_figure(SimpleNamespace(**vars(forecast) | {"classes": forecast.classes[::-1]}))
    assert [row.name for row in figure.rows] == ["class 0", "class 1", "class 2"]
    assert (figure.rows[0].now, figure.rows[0].recall, figure.rows[0].gain) == (
        "1,080",
        "90 %",
        "+3.0 points (+1.0 to +5.0)",
    )
    assert figure.rows[1].gain == "+1.5 points (0.0 to +5.0)"
    assert figure.rows[2].gain == "+1.0 points (\N{MINUS SIGN}1.0 to +5.0)"
    assert [row.more for row in figure.rows] == ["50", "50", "50"]
    assert figure.chart is not None
    assert [tick.text for tick in figure.chart.x_ticks] == ["0", "500", "1,000", "1,500", "2,000"]
    assert figure.chart.labels[0][1] == "83.3 %"
    assert "Accuracy: from 58 % (54 to 62) to 83.3 % (80.1 to 86.1)." in figure.chart.summary


def test_one_point_is_no_curve(report_parts: Callable[..., Any]) -> None:
    forecast = report_parts(3).material.forecast
    alone = SimpleNamespace(**vars(forecast) | {"points": forecast.points[:1], "classes": []})
    assert forecast_figure(alone).chart is None
    assert forecast_figure(alone).rows == []


def test_a_gain_is_never_minus_zero(report_parts: Callable[..., Any]) -> None:
    forecast = report_parts(2).material.forecast
    first = SimpleNamespace(**vars(forecast.classes[0]) | {"gain": replace(forecast.classes[0].gain, value=-0.0001)})
    figure = forecast_figure(SimpleNamespace(**vars(forecast) | {"classes": [first]}))
    assert figure.rows[0].gain == "0.0 points (+1.0 to +5.0)"
