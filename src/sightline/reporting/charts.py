"""Where everything in a line chart goes; `templates/chart.html` draws it.

Places are in user units that are CSS pixels on a wide screen; on a narrow one the whole figure shrinks. Nothing here
has a colour: the page's style sheet follows light, dark and print.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sightline.reporting.scale import Scale, nice_ticks, tick_labels, whole_ticks

WIDTH, HEIGHT = 400, 250
TOP, RIGHT, BOTTOM, LEFT = 28, 92, 36, 40  # margins; the labels of the curves stand in the right one
LABEL_HEIGHT = 32  # of a curve's label: its name above its last value

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """What one line shows: `points` are (place on the axis, value), `texts` say each in words.

    tone: "accent" for the one thing to see, else "quiet". band: (low, high) around each point, or empty. end: the last
    value as briefly as it stands beside the end of the line; by default its text.
    """

    label: str
    points: Sequence[Point]
    texts: Sequence[str]
    tone: str = "quiet"
    band: Sequence[tuple[float, float]] = ()
    end: str = ""


@dataclass(frozen=True)
class Mark:
    """A text at a place."""

    x: float
    y: float
    text: str
    tone: str = "quiet"


@dataclass(frozen=True)
class DrawnCurve:
    """line, band: SVG paths; band is empty when there is no interval. dot: the last point."""

    tone: str
    line: str
    band: str
    dot: tuple[float, float]


@dataclass(frozen=True)
class Readout:
    """What pointing at one place on the axis shows: a column of the chart that answers, a guide line, and words."""

    left: float
    width: float
    x: float
    text: str


@dataclass(frozen=True)
class LineChart:
    """A chart ready to be drawn. left, right, top, bottom: the area of the curves. summary: for screen readers.

    axis: what the horizontal one counts. guides: upright lines with a text at their upper end.
    """

    summary: str
    curves: Sequence[DrawnCurve]
    labels: Sequence[tuple[Mark, str]]  # where the name of a curve stands, and the value below it
    x_ticks: Sequence[Mark]
    y_ticks: Sequence[Mark]
    readouts: Sequence[Readout]
    axis: str = "epoch"
    guides: Sequence[Mark] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def line_chart(curves: Sequence[Curve], *, title: str, unit: str = "", last_epoch: int) -> LineChart:
    """Lay out curves over epochs 1 to `last_epoch`; each has at least one point.

    unit: written after the highest number of the vertical axis, e.g. " %".
    """
    x = Scale((1, max(2, last_epoch)), (LEFT + 10, WIDTH - RIGHT - 6))
    ticks = [(epoch, str(epoch)) for epoch in whole_ticks(last_epoch)]
    return lay_out(curves, x, ticks, title=title, unit=unit, axis="epoch", name=lambda epoch: f"epoch {epoch:.0f}")


def lay_out(
    curves: Sequence[Curve],
    x: Scale,
    x_ticks: Sequence[tuple[float, str]],
    *,
    title: str,
    axis: str,
    name: Callable[[float], str],
    unit: str = "",
    guides: Sequence[tuple[float, str]] = (),
) -> LineChart:
    """Lay out curves along a horizontal axis: `x` and its ticks; name: how a place on it is called.

    guides: upright lines, each a place on the axis and its text.
    """
    values = [value for curve in curves for _, value in curve.points]
    edges = [edge for curve in curves for pair in curve.band for edge in pair]
    ticks = nice_ticks(min(values + edges), max(values + edges))
    y = Scale((ticks[0], ticks[-1]), (HEIGHT - BOTTOM, TOP))
    y_labels = tick_labels(ticks)
    y_labels[-1] += unit
    return LineChart(
        summary=f"{title}. " + " ".join(f"{curve.label.capitalize()}: {_in_words(curve)}." for curve in curves),
        curves=[_drawn(curve, x, y) for curve in curves],
        labels=_labels(curves, y),
        x_ticks=[Mark(x(place), HEIGHT - BOTTOM + 18, text) for place, text in x_ticks],
        y_ticks=[Mark(LEFT, y(tick), label) for tick, label in zip(ticks, y_labels, strict=True)],
        readouts=_readouts(curves, x, name),
        axis=axis,
        guides=[Mark(x(place), TOP, text, "accent") for place, text in guides],
    )


def _in_words(curve: Curve) -> str:
    first, last = curve.texts[0], curve.texts[-1]
    return last if len(curve.points) == 1 else f"from {first} to {last}"


def _drawn(curve: Curve, x: Scale, y: Scale) -> DrawnCurve:
    places = [(x(epoch), y(value)) for epoch, value in curve.points]
    upper = [(x(epoch), y(high)) for (epoch, _), (_, high) in zip(curve.points, curve.band, strict=False)]
    lower = [(x(epoch), y(low)) for (epoch, _), (low, _) in zip(curve.points, curve.band, strict=False)]
    band = f"M{_path(upper + lower[::-1])}Z" if upper else ""
    if len(upper) == 1:  # an interval at one epoch has no width of its own: give it that of a whisker
        (at, high), (_, low) = upper[0], lower[0]
        band = f"M{_path([(at - 2, high), (at + 2, high), (at + 2, low), (at - 2, low)])}Z"
    return DrawnCurve(curve.tone, f"M{_path(places)}", band, places[-1])


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in places)


def _labels(curves: Sequence[Curve], y: Scale) -> list[tuple[Mark, str]]:
    """Labels beside the ends of the curves, moved apart where they would touch and kept inside the chart."""
    order = sorted(curves, key=lambda curve: y(curve.points[-1][1]))  # from the top
    places = [y(curve.points[-1][1]) for curve in order]
    lowest = HEIGHT - BOTTOM - LABEL_HEIGHT / 2
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + LABEL_HEIGHT)
    for i in reversed(range(len(places))):
        places[i] = min(places[i], lowest)
        lowest = places[i] - LABEL_HEIGHT
    return [
        (Mark(WIDTH - RIGHT + 6, place, curve.label, curve.tone), curve.end or curve.texts[-1])
        for curve, place in zip(order, places, strict=True)
    ]


def _readouts(curves: Sequence[Curve], x: Scale, name: Callable[[float], str]) -> list[Readout]:
    """One for every place that has a point, in order; its column reaches half-way to its neighbours."""
    words: dict[float, list[str]] = {}
    for curve in curves:
        for (place, _), text in zip(curve.points, curve.texts, strict=True):
            words.setdefault(place, []).append(f"{curve.label} {text}")
    places = sorted(words)
    step = x(min((b - a for a, b in itertools.pairwise(places)), default=1)) - x(0)
    return [
        Readout(x(place) - step / 2, step, x(place), f"{name(place)}: {', '.join(words[place])}") for place in places
    ]
