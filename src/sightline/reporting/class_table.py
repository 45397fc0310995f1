"""How well each class is recognised: dots with their intervals on one axis, beside the numbers."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sightline.evaluation.evaluate import Evaluation
from sightline.evaluation.metrics import ClassScore
from sightline.evaluation.percent import in_percent, supported_digits
from sightline.reporting.scale import Scale, nice_ticks, tick_labels
from sightline.training.balance import rare_classes

NAMED = 5  # rare classes in a sentence
NONE = "\N{EN DASH}"  # stands where there is no number


@dataclass(frozen=True)
class Dot:
    """A proportion and the ends of its interval, as percentages of the way along the axis."""

    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Figure:
    """A share in words, its interval if it has one, and `value`, by which rows are sorted; -1 for none."""

    text: str
    interval: str = ""
    value: float = -1.0


@dataclass(frozen=True)
class ClassRow:
    """One class in words; `dot` is None when the data has no image of it.

    share: of the training images, e.g. "3.7 %"; None when that is not known. rare: it is a small share.
    """

    name: str
    dot: Dot | None
    recall: Figure
    precision: Figure
    f1: Figure
    roc_auc: Figure
    support: int
    share: Figure | None = None
    rare: bool = False


@dataclass(frozen=True)
class ClassTable:
    """ticks: (place in percent of the axis, label). overall: the accuracy, likewise. rows: weakest first.

    rare: a sentence on how well rare classes are recognised; empty when there are none.
    """

    ticks: Sequence[tuple[float, str]]
    overall: float
    rows: Sequence[ClassRow]
    rare: str = ""

    @property
    def strongest(self) -> ClassRow:
        """The last class that has images."""
        return [row for row in self.rows if row.dot][-1]

    @property
    def ranked(self) -> bool:
        """Whether any class has an area under its ROC curve."""
        return any(row.roc_auc.interval for row in self.rows)


def class_table(evaluation: Evaluation, train_counts: Mapping[str, int] | None = None) -> ClassTable:
    """Every class on an axis that reaches from below the lowest interval to 100 %.

    train_counts: training images of each class by name, where they are known.
    """
    scores = [score for score in evaluation.classes if score.support]
    ticks = nice_ticks(100 * min(score.interval[0] for score in scores), 100, count=4)
    place = Scale((ticks[0], ticks[-1]), (0, 100))
    labels = tick_labels(ticks)
    labels[-1] += " %"
    decimals = min(supported_digits(*score.interval) for score in scores)  # one for all: the points stand in line
    areas = [score.roc_auc for score in scores if score.roc_auc]  # far surer than shares of as many images
    area_decimals = min((supported_digits(area.low, area.high) for area in areas), default=0)
    order = sorted(evaluation.classes, key=lambda score: (score.support == 0, score.recall, score.name))
    counts = train_counts or {}
    rare = {name for name, is_rare in zip(counts, rare_classes(list(counts.values())), strict=True) if is_rare}
    shares = {name: _share_of(count, sum(counts.values())) for name, count in counts.items()}
    return ClassTable(
        ticks=[(place(tick), label) for tick, label in zip(ticks, labels, strict=True)],
        overall=place(100 * evaluation.accuracy),
        rows=[
            dataclasses.replace(
                _row(score, place, decimals, area_decimals), share=shares.get(score.name), rare=score.name in rare
            )
            for score in order
        ],
        rare=_rare_sentence(evaluation, [score for score in scores if score.name in rare]),
    )


def _share_of(count: int, total: int) -> Figure:
    return Figure(f"{100 * count / total:.1f} %", value=count / total)


def _rare_sentence(evaluation: Evaluation, rare: Sequence[ClassScore]) -> str:
    """The mean recall of the rare classes beside the accuracy over all images."""
    if not rare:
        return ""
    names = ", ".join(score.name for score in rare[:NAMED]) + (", ..." if len(rare) > NAMED else "")
    recall = f"{100 * sum(score.recall for score in rare) / len(rare):.0f} %"
    whose = (
        f"Rare in training, with less than half of an even share of the images, is {names}: its recall is {recall}"
        if len(rare) == 1
        else f"Rare in training, with less than half of an even share of the images each, are {names}: "
        f"their mean recall is {recall}"
    )
    return f"{whose}, beside an accuracy of {100 * evaluation.accuracy:.0f} % over all images."


def _row(score: ClassScore, place: Scale, decimals: int, area_decimals: int) -> ClassRow:
    if score.support == 0:
        none = Figure(NONE)
        return ClassRow(score.name, None, none, none, none, none, 0)
    low, high = score.interval
    area = score.roc_auc
    return ClassRow(
        name=score.name,
        dot=Dot(place(100 * score.recall), place(100 * low), place(100 * high)),
        recall=_figure(score.recall, score.interval, decimals),
        precision=_figure(score.precision, score.precision_interval, decimals),
        f1=_figure(score.f1, score.f1_interval, decimals),
        roc_auc=Figure(NONE) if area is None else _figure(area.value, (area.low, area.high), area_decimals),
        support=score.support,
    )


def _figure(share: float, interval: tuple[float, float], decimals: int) -> Figure:
    text = in_percent(share, interval, digits=decimals)
    return Figure(text.number, text.interval, share)
