"""How well parts of the test images are recognised: dots with their intervals beside the numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sightline.evaluation.evaluate import Evaluation
from sightline.evaluation.intervals import format_percent, proportion
from sightline.reporting.class_table import Dot
from sightline.reporting.scale import Scale, nice_ticks, tick_labels

if TYPE_CHECKING:
    from sightline.evaluation.slices import Slice

SHOWN = 40  # slices; of more only those recognised least often


@dataclass(frozen=True)
class SliceRow:
    """One slice in words, and its place on the axis. apart: it differs from the others of its kind beyond chance."""

    kind: str
    name: str
    dot: Dot
    percent: str
    interval: str
    total: str
    apart: bool


@dataclass(frozen=True)
class SliceTable:
    """ticks: (place in percent of the axis, label). overall: the accuracy, likewise. sentence: what was found."""

    sentence: str
    ticks: Sequence[tuple[float, str]]
    overall: float
    rows: Sequence[SliceRow]


def slice_table(slices: "Sequence[Slice]", evaluation: Evaluation) -> SliceTable | None:
    """Slices that hold images, as they come; None when there are none."""
    parts = [part for part in slices if part.total]
    if not parts:
        return None
    if len(parts) > SHOWN:
        least = sorted(parts, key=lambda part: part.accuracy)[:SHOWN]
        parts = [part for part in parts if part in least]
    ticks = nice_ticks(100 * min(part.interval[0] for part in parts), 100, count=4)
    place = Scale((ticks[0], ticks[-1]), (0, 100))
    labels = tick_labels(ticks)
    labels[-1] += " %"
    return SliceTable(
        sentence=_sentence(parts, evaluation),
        ticks=[(place(tick), label) for tick, label in zip(ticks, labels, strict=True)],
        overall=place(100 * evaluation.accuracy),
        rows=[_row(part, place) for part in parts],
    )


def _row(part: "Slice", place: Scale) -> SliceRow:
    low, high = part.interval
    percent = proportion(part.correct, part.total).percent
    return SliceRow(
        kind=part.kind,
        name=part.name,
        dot=Dot(place(100 * part.accuracy), place(100 * low), place(100 * high)),
        percent=percent.number,
        interval=percent.interval,
        total=f"{part.total:,}",
        apart=part.differs,
    )


def _sentence(slices: "Sequence[Slice]", evaluation: Evaluation) -> str:
    """The part that is recognised worst, if that is clear of chance with so many parts looked at."""
    below = [part for part in slices if part.differs and part.accuracy < evaluation.accuracy]
    if not below:
        return "No part of the test images is recognised clearly less often than the others."
    worst = min(below, key=lambda part: part.accuracy)
    return (
        f"By {worst.kind}, one part is recognised clearly less often: {worst.name}, "
        f"{format_percent(worst.correct, worst.total)}, beside {format_percent(evaluation.correct, evaluation.total)} "
        "of all images."
    )
