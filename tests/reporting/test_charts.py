"""Everything in a chart is where the numbers say, and labels do not touch."""

import re

import pytest

from sightline.reporting.charts import BOTTOM, HEIGHT, LABEL_HEIGHT, LEFT, RIGHT, TOP, WIDTH, Curve, line_chart


def curve(values: list[float], label: str = "training", band: float = 0.0) -> Curve:
    points = list(enumerate(values, start=1))
    bands = [(value - band, value + band) for value in values] if band else []
    return Curve(label, points, [f"{value:.1f} (x)" for value in values], "quiet", bands, f"{values[-1]:.1f}")


def numbers(path: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", path)]


def test_line_goes_through_its_points() -> None:
    chart = line_chart([curve([0.0, 5.0, 10.0])], title="Loss", last_epoch=3)
    x, y = numbers(chart.curves[0].line)[::2], numbers(chart.curves[0].line)[1::2]
    assert y == [HEIGHT - BOTTOM, (TOP + HEIGHT - BOTTOM) / 2, TOP]
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.1)
    assert chart.curves[0].dot == pytest.approx((x[2], y[2]), abs=0.1)
    assert LEFT < x[0] < x[2] < WIDTH - RIGHT


def test_axis_reaches_to_the_planned_end() -> None:
    chart = line_chart([curve([3.0, 2.0])], title="Loss", last_epoch=20)
    assert chart.x_ticks[-1].text == "20"
    assert chart.curves[0].dot[0] < chart.x_ticks[1].x  # epoch 2 of 20 is before the tick at 5


def test_band_surrounds_the_line() -> None:
    chart = line_chart([curve([80.0, 90.0], band=2.0)], title="Accuracy", unit=" %", last_epoch=2)
    heights = numbers(chart.curves[0].band)[1::2]
    (_, first), (_, last) = (numbers(part) for part in chart.curves[0].line.split("L"))
    assert heights[0] < first < heights[3]
    assert heights[1] < last < heights[2]
    assert chart.y_ticks[-1].text.endswith(" %")
    assert not chart.y_ticks[0].text.endswith("%")


def test_one_epoch_is_a_dot_with_a_whisker() -> None:
    chart = line_chart([curve([50.0], band=5.0)], title="Accuracy", last_epoch=1)
    x = numbers(chart.curves[0].band)[::2]
    assert max(x) - min(x) == 4
    assert LEFT < chart.curves[0].dot[0] < WIDTH - RIGHT


@pytest.mark.parametrize("ends", [(1.0, 1.0), (0.0, 0.01), (5.0, 5.0), (9.99, 10.0), (0.0, 10.0)])
def test_labels_do_not_touch(ends: tuple[float, float]) -> None:
    curves = [curve([10.0, 0.0, ends[0]], "training"), curve([10.0, 0.0, ends[1]], "validation")]
    chart = line_chart(curves, title="Loss", last_epoch=3)
    (upper, _), (lower, _) = chart.labels
    assert lower.y - upper.y >= LABEL_HEIGHT
    assert lower.y <= HEIGHT - BOTTOM
    assert {value for _, value in chart.labels} == {f"{end:.1f}" for end in ends}  # without what is in brackets


def test_a_value_stands_whole_at_the_end_of_its_curve() -> None:
    chart = line_chart([Curve("rate", [(1, 2.0)], ["2.0 (of 3)"])], title="Rate", last_epoch=1)
    assert chart.labels[0][1] == "2.0 (of 3)"


def test_words_for_screen_readers_and_pointers() -> None:
    chart = line_chart([curve([3.0, 2.0]), curve([4.0, 1.0], "validation")], title="Loss by epoch", last_epoch=2)
    assert chart.summary == "Loss by epoch. Training: from 3.0 (x) to 2.0 (x). Validation: from 4.0 (x) to 1.0 (x)."
    assert [readout.text for readout in chart.readouts] == [
        "epoch 1: training 3.0 (x), validation 4.0 (x)",
        "epoch 2: training 2.0 (x), validation 1.0 (x)",
    ]
