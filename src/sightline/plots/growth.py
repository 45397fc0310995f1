"""How the result would grow with more images: the learning curve so far, and what more of each class are worth."""

from collections.abc import Sequence
from typing import Any

from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from sightline.diagnosis.forecast import ClassForecast, Forecast
from sightline.errors import DataError
from sightline.plots.style import (
    ACCENT,
    FAINT_INK,
    INK,
    SMALL,
    Drawing,
    chart,
    percent_ticks,
    ranges,
    shortened,
    styled,
    title,
)

SHOWN = 20  # classes, those that gain most; of more, the rest gain less than any of these
NAME_ROOM = 110.0  # points for the longest class name


@styled
def forecast(result: Forecast) -> Drawing:
    """Accuracy by number of training images, and what more images of each class would add to its recall.

    The classes that gain most come first, at most 20; every dot has its 95 % interval. Raises DataError for a forecast
    without points.
    """
    if not result.points:
        raise DataError("the forecast has no points", hint="forecast from at least one refit")
    classes = sorted(result.classes, key=lambda part: -part.gain.value)[:SHOWN]
    height = max(3.2, (15.0 * len(classes) + 95) / 72)
    figure, grid = chart(1, 2 if classes else 1, height=height)
    points = sorted(result.points, key=lambda point: point[0])
    curve = grid[0, 0]
    curve.set_xscale("log")
    curve.plot(
        *zip(*((n, 100 * share.value) for n, share in points), strict=True), color=ACCENT, linewidth=0.8, alpha=0.5
    )
    ranges(curve, [images for images, _ in points], [share for _, share in points])
    curve.set_title("Accuracy")
    curve.set_xlabel("training images, logarithmic")
    curve.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    curve.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    curve.xaxis.set_minor_formatter(NullFormatter())
    curve.margins(x=0.08)
    percent_ticks(curve, "y")
    if classes:
        _gains(grid[0, 1], classes)
    title(figure, result.sentence)
    return figure


def _gains(axes: Any, classes: Sequence[ClassForecast]) -> None:
    places = list(range(len(classes)))
    axes.axvline(0, color=INK, linewidth=0.8)
    ranges(axes, places, [part.gain for part in classes], across=True)
    axes.set_title("Gain in recall, percentage points")
    axes.set_yticks(places, [shortened(part.name, NAME_ROOM, SMALL) for part in classes], color=INK)
    axes.set_ylim(len(classes) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+g}" if value else "0"))
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    for place, part in zip(places, classes, strict=True):
        axes.annotate(
            f"{part.more_images:,} more",
            (1, place),
            (6, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=FAINT_INK,
            annotation_clip=False,
        )
