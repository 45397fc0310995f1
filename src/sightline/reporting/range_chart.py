"""The learning-rate range test as a sentence and a chart: the loss against the rate, on a logarithmic axis."""

import math
from dataclasses import dataclass

from sightline.reporting.charts import LEFT, RIGHT, WIDTH, Curve, LineChart, lay_out
from sightline.reporting.scale import Scale, significant
from sightline.training.range_test import RangeTest, smooth

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MOST_TICKS = 6


@dataclass(frozen=True)
class RangeFigure:
    """sentence: what was found. chart: None when there are not two points to join."""

    sentence: str
    chart: LineChart | None


def range_figure(test: RangeTest) -> RangeFigure:
    """The measured losses, quiet, the smoothed ones that decided, and a guide at the suggested rate."""
    return RangeFigure(_sentence(test), _chart(test) if len(test.losses) > 1 else None)


def _sentence(test: RangeTest) -> str:
    rate = rate_text(test.suggestion)
    if test.found:
        return f"The range test chose the peak learning rate {rate}, as {test.reason}."
    return f"The range test found no better rate, as {test.reason}: the training keeps its own peak rate, {rate}."


def _chart(test: RangeTest) -> LineChart:
    places = [math.log10(rate) for rate in test.rates]
    smoothed = smooth(test.losses).tolist()
    curves = [
        Curve("measured", list(zip(places, test.losses, strict=True)), [significant(v) for v in test.losses]),
        Curve("smoothed", list(zip(places, smoothed, strict=True)), [significant(v) for v in smoothed], "accent"),
    ]
    first, last = math.ceil(places[0]), math.floor(places[-1])
    stride = math.ceil((last - first + 1) / MOST_TICKS) or 1
    return lay_out(
        curves,
        Scale((places[0], places[-1]), (LEFT + 10, WIDTH - RIGHT - 6)),
        [(power, f"10{str(power).translate(SUPERSCRIPTS)}") for power in range(first, last + 1, stride)],
        title="Loss by learning rate",
        axis="rate",
        name=lambda place: f"rate {rate_text(10**place)}",
        guides=[(math.log10(test.suggestion), rate_text(test.suggestion))] if test.found else [],
    )


def rate_text(rate: float) -> str:
    """A learning rate with two significant digits: 0.0012, 0.24, 3.1e-06."""
    return f"{rate:.2g}"
