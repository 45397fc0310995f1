"""How well each class is recognised: dots with their intervals on one axis, beside the numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from sightline.evaluation.evaluate import Evaluation
from sightline.evaluation.metrics import ClassScore, supported_digits
from sightline.reporting.scale import Scale, nice_ticks, tick_labels

NONE = "\N{EN DASH}"  # where there is no number


@dataclass(frozen=True)
class Dot:
    """A proportion and the ends of its interval, as percentages of the way along the axis."""

    at: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassRow:
    """One class in words; `dot` is None when the data has no image of it."""

    name: str
    dot: Dot | None
    recall: str
    interval: str
    precision: str
    f1: str
    support: str


@dataclass(frozen=True)
class ClassTable:
    """ticks: (place in percent of the axis, label). overall: the accuracy, likewise. rows: weakest first."""

    ticks: Sequence[tuple[float, str]]
    overall: float
    rows: Sequence[ClassRow]

    @property
    def strongest(self) -> ClassRow:
        """The last class that has images."""
        return [row for row in self.rows if row.dot][-1]


def class_table(evaluation: Evaluation) -> ClassTable:
    """Every class on an axis that reaches from below the lowest interval to 100 %."""
    seen = [score for score in evaluation.classes if score.support]
    ticks = nice_ticks(100 * min(score.interval[0] for score in seen), 100, count=4)
    place = Scale((ticks[0], ticks[-1]), (0, 100))
    labels = tick_labels(ticks)
    labels[-1] += " %"
    decimals = min(supported_digits(*score.interval) for score in seen)  # one for all: the points stand in line
    order = sorted(evaluation.classes, key=lambda score: (score.support == 0, score.recall, score.name))
    return ClassTable(
        ticks=[(place(tick), label) for tick, label in zip(ticks, labels, strict=True)],
        overall=place(100 * evaluation.accuracy),
        rows=[_row(score, place, decimals) for score in order],
    )


def _row(score: ClassScore, place: Scale, decimals: int) -> ClassRow:
    def percent(share: float) -> str:
        return f"{100 * share:.{decimals}f}"

    if score.support == 0:
        return ClassRow(score.name, None, NONE, "", NONE, NONE, "0")
    low, high = score.interval
    return ClassRow(
        name=score.name,
        dot=Dot(place(100 * score.recall), place(100 * low), place(100 * high)),
        recall=percent(score.recall),
        interval=f"{percent(low)} to {percent(high)}",
        precision=percent(score.precision),
        f1=percent(score.f1),
        support=f"{score.support:,}",
    )
