"""How sure the network is against how often it is right: a point for every range of probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sightline.evaluation.intervals import format_percent
from sightline.reporting.scale import Scale

if TYPE_CHECKING:
    from sightline.evaluation.calibration import Reliability

WIDTH, HEIGHT = 320, 372
LEFT, RIGHT, TOP, BOTTOM = 44, 304, 12, 272  # of the square of the points
FLOOR, CEILING = 340, 296  # of the bars that count the images


@dataclass(frozen=True)
class BinMark:
    """One range of probabilities: a point with its interval, and a bar of how many images it holds."""

    x: float
    y: float
    low: float
    high: float
    bar_left: float
    bar_width: float
    bar_top: float
    words: str


@dataclass(frozen=True)
class ReliabilityChart:
    """A diagram ready to be drawn. caption: what is wrong on average. summary: for those who do not see it."""

    caption: str
    summary: str
    bins: Sequence[BinMark]
    ticks: Sequence[tuple[float, float, str]]  # along the axis, from the top, its text
    width: int = WIDTH
    height: int = HEIGHT


def reliability_chart(reliability: "Reliability", *, title: str) -> ReliabilityChart:
    """The bins that hold images. title: e.g. "before"."""
    x, y = Scale((0, 1), (LEFT, RIGHT)), Scale((0, 1), (BOTTOM, TOP))
    bins = [part for part in reliability.bins if part.count]
    bar = Scale((0, max(part.count for part in bins)), (FLOOR, CEILING))
    marks = [
        BinMark(
            x=x(part.confidence),
            y=y(part.accuracy),
            low=y(part.interval[0]),
            high=y(part.interval[1]),
            bar_left=x(part.low) + 1,
            bar_width=x(part.high) - x(part.low) - 2,
            bar_top=bar(part.count),
            words=(
                f"{part.count:,} image{'' if part.count == 1 else 's'} said {100 * part.confidence:.0f} %: "
                f"{format_percent(round(part.accuracy * part.count), part.count)} right"
            ),
        )
        for part in bins
    ]
    caption = f"{title.capitalize()}: off by {reliability.ece.text()}"
    return ReliabilityChart(
        caption=caption,
        summary=f"{caption}. " + ". ".join(mark.words for mark in marks) + ".",
        bins=marks,
        ticks=[(x(share), y(share), f"{100 * share:.0f}{' %' if share == 1 else ''}") for share in (0, 0.5, 1)],
    )
