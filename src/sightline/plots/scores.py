"""How well each class and each slice is recognised, and whether one classifier is better than another."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sightline.errors import DataError
from sightline.evaluation.compare import Comparison
from sightline.evaluation.evaluate import Evaluation
from sightline.evaluation.slices import Slice
from sightline.plots.style import (
    FAINT_INK,
    INK,
    SMALL,
    WIDTH,
    Drawing,
    Interval,
    Share,
    chart,
    percent_text,
    percent_ticks,
    ranges,
    shortened,
    styled,
    title,
)

NAME_ROOM = 150.0  # points for the longest name


@dataclass(frozen=True)
class DotRow:
    """One line of a dot chart: a name, its shares (one a panel; None where there is none), words at the end."""

    name: str
    shares: Sequence[Interval | None]
    words: str


@styled
def class_scores(evaluation: Evaluation) -> Drawing:
    """Recall, precision and F1 of each class, weakest first, each as a dot with its 95 % interval as a line.

    A class without images has no dot. Raises DataError for an evaluation without classes.
    """
    scores = sorted(evaluation.classes, key=lambda score: (score.support == 0, score.recall))
    rows = []
    for score in scores:
        shares = (
            Share(score.recall, *score.interval),
            Share(score.precision, *score.precision_interval),
            Share(score.f1, *score.f1_interval),
        )
        words = f"{score.correct:,} of {score.support:,}"
        rows.append(DotRow(score.name, shares if score.support else (None, None, None), words))
    if not rows:
        raise DataError("the evaluation has no classes", hint="evaluate a classifier with at least one")
    figure = _dot_chart(rows, ["Recall", "Precision", "F1"])
    weakest = evaluation.weakest
    title(
        figure,
        f"{weakest.name} is the weakest class: {weakest.correct:,} of {weakest.support:,} recognised, "
        f"{percent_text(Share(weakest.recall, *weakest.interval))}"
        if weakest
        else "Every image of every class is recognised",
    )
    return figure


@styled
def slices(parts: Sequence[Slice]) -> Drawing:
    """Accuracy of each slice of the images, by group, size or brightness, with its 95 % interval.

    Slices of one kind stand together; one that is better or worse than the others by more than chance "differs".
    Raises DataError when there is none.
    """
    if not parts:
        raise DataError("there is no slice to draw", hint="evaluate at least one image")
    rows = []
    for part in parts:
        share = Share(part.correct / part.total, *part.interval) if part.total else None
        rows.append(
            DotRow(
                f"{part.kind}: {part.name}",
                [share],
                f"{part.correct:,} of {part.total:,}" + (", differs" if part.differs else ""),
            )
        )
    return _dot_chart(rows, ["Accuracy"])


@styled
def comparison(result: Comparison) -> Drawing:
    """The difference of two accuracies on the same images with its 95 % interval, against no difference.

    result: what `compare` returned.
    """
    figure, grid = chart(height=1.9)
    axes: Axes = grid[0, 0]
    low, high = (100 * end for end in result.interval)
    axes.axvline(0, color=INK, linewidth=0.8)
    ranges(axes, [0], [Share(result.difference, *result.interval)], across=True, size=7)
    reach = 1.15 * max(abs(low), abs(high), 0.1)
    axes.set(xlim=(-reach, reach), ylim=(-1, 1), yticks=[])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:+g}" if value else "0")
    axes.set_xlabel("difference in accuracy, percentage points")
    axes.spines["left"].set_visible(False)
    for place, words, side in (
        (0.0, f"← worse: {len(result.lost):,} {_images(result.lost)} lost", "left"),
        (1.0, f"better: {len(result.gained):,} {_images(result.gained)} gained →", "right"),
    ):
        axes.text(place, 0.92, words, transform=axes.transAxes, ha=side, va="top", color=FAINT_INK, fontsize=SMALL)
    title(figure, result.sentence)
    return figure


def _images(ids: Sequence[str]) -> str:
    return "image" if len(ids) == 1 else "images"


def _dot_chart(rows: Sequence[DotRow], panels: Sequence[str]) -> Drawing:
    """A line a row and a panel a score, all on one scale."""
    pitch = 15.0 if len(rows) <= 40 else 9.5  # points between two lines
    size = min(8.5, 0.75 * pitch)
    figure, grid = chart(1, len(panels), height=(pitch * len(rows) + 75) / 72, width=WIDTH, sharey=True, sharex=True)
    places = list(range(len(rows)))
    for number, (axes, name) in enumerate(zip(grid[0], panels, strict=True)):
        there = [(place, share) for place, row in enumerate(rows) if (share := row.shares[number]) is not None]
        ranges(
            axes, [place for place, _ in there], [share for _, share in there], across=True, size=min(5.0, pitch / 3)
        )
        axes.set_title(name)
        percent_ticks(axes, "x")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8 // len(panels) + 1))
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
    first, last = grid[0, 0], grid[0, -1]
    first.set_yticks(places, [shortened(row.name, NAME_ROOM, size) for row in rows], fontsize=size, color=INK)
    first.set_ylim(len(rows) - 0.4, -0.6)
    lowest = min((100 * share.low for row in rows for share in row.shares if share is not None), default=0.0)
    first.set_xlim(max(-1.5, lowest - 0.04 * (100 - lowest)), 100 + 0.03 * (100 - max(0.0, lowest)))
    for place, row in zip(places, rows, strict=True):
        last.annotate(
            row.words,
            (1, place),
            (6, 0),
            xycoords=last.get_yaxis_transform(),
            textcoords="offset points",
            va="center",
            fontsize=size,
            color=FAINT_INK,
            annotation_clip=False,
        )
    return figure
