"""Is one classifier better than another? Their answers on the same images, compared image by image.

Most images are recognised by both or by neither; only those that one of them recognises can tell the two apart. That
is why a paired comparison settles with thousands of images what two separate intervals leave open. No torch.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sightline.errors import DataError
from sightline.evaluation.intervals import Z
from sightline.evaluation.percent import supported_digits

if TYPE_CHECKING:
    from sightline.evaluation.evaluate import Evaluation

Verdict = Literal["better", "worse", "cannot tell yet"]

REMEDY = "score both on the same images, which should be new to both"
Z_POWER = 0.8416212335729143  # the 80 % point of the standard normal distribution
SIGNIFICANT = 0.05
HOPELESS = 100  # times the images there are: so many more are no advice
LISTED = 10  # changed images, in the terminal


@dataclass(frozen=True)
class ClassifierAnswers:
    """What a classifier said about labelled images. ids, labels, predicted: one each; the latter two are class names.

    classes: all that the classifier knows. name: what the comparison calls it.
    """

    name: str
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    classes: frozenset[str]

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Id, true and predicted class of each image."""
        return zip(self.ids, self.labels, self.predicted, strict=True)

    @classmethod
    def of(cls, evaluation: "Evaluation", name: str) -> "ClassifierAnswers":
        classes = [score.name for score in evaluation.classes]
        return cls(
            name=name,
            ids=evaluation.ids,
            labels=tuple(classes[label] for label in evaluation.labels.tolist()),
            predicted=tuple(classes[label] for label in evaluation.predicted.tolist()),
            classes=frozenset(classes),
        )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Whether the second classifier is better than the first, on the same `total` images.

    verdict: of the second: "better" or "worse" when `p_value` is below 0.05, else "cannot tell yet".
    first_correct, second_correct: images that each recognises. gained, lost: ids of those that only the second, or only
    the first, recognises, in the order of the second's images.
    interval: 95 %, of the `difference` of the accuracies, second less first, in [-1, 1]; see `tango_interval`.
    p_value: how likely so uneven a `gained` and `lost`, or a more uneven one, would be if the two were equally good;
    see `mcnemar`. Exact, it is more careful than the interval, which with few changed images may leave out 0 sooner.
    more_images: how many more would settle it, see `images_needed`; 0 when it is settled, None when the two are so much
    alike that no reasonable number would.
    """

    first: str
    second: str
    total: int
    first_correct: int
    second_correct: int
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    interval: tuple[float, float]
    p_value: float
    more_images: int | None

    @property
    def difference(self) -> float:
        return (len(self.gained) - len(self.lost)) / self.total

    @property
    def verdict(self) -> Verdict:
        if self.p_value >= SIGNIFICANT:
            return "cannot tell yet"
        return "better" if self.difference > 0 else "worse"

    @property
    def sentence(self) -> str:
        """The verdict, by how much, and on what."""
        low, high = self.interval
        digits = supported_digits(low, high)
        accuracies = (
            f"{100 * correct / self.total:.{digits}f} %" for correct in (self.second_correct, self.first_correct)
        )
        verdict = f"{self.second} is {self.verdict} than {self.first}"
        if self.verdict == "cannot tell yet":
            verdict = f"Cannot tell yet whether {self.second} is better or worse than {self.first}"
        return (
            f"{verdict}: {' against '.join(accuracies)} of the same {self.total:,} images, a difference of "
            f"{100 * self.difference:+.{digits}f} points ({100 * low:+.{digits}f} to {100 * high:+.{digits}f})."
        )

    @property
    def advice(self) -> str:
        """How many more images would settle it; empty when it is settled."""
        if self.verdict != "cannot tell yet":
            return ""
        if self.more_images is None:
            alike = "no difference was seen" if len(self.gained) == len(self.lost) else "the difference is too small"
            return f"More images are no advice: {alike}, and a hundred times as many would not settle it."
        return (
            f"About {_rounded(self.more_images):,} more images would settle it, with a chance of 80 %, "
            "if the difference is as large as it looks."
        )

    def __str__(self) -> str:
        """Sentence, advice, the changed images, and by which methods."""
        changed = (
            f"{self.second} recognises {_images(len(self.gained))} that {self.first} does not, "
            f"and misses {len(self.lost):,} that {self.first} recognises."
        )
        methods = f"95 % interval: Tango's for pairs; McNemar's exact test: p {_probability(self.p_value)}."
        listed = (f"  {word}: {_listed(ids)}" for word, ids in (("gained", self.gained), ("lost", self.lost)) if ids)
        return "\n".join(line for line in (self.sentence, self.advice, changed, *listed, methods) if line)

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain JSON types."""
        return {
            "first": self.first,
            "second": self.second,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "total": self.total,
            "first_correct": self.first_correct,
            "second_correct": self.second_correct,
            "difference": self.difference,
            "interval": list(self.interval),
            "interval_method": "Tango 1998",
            "p_value": self.p_value,
            "p_value_method": "McNemar, exact",
            "more_images": self.more_images,
            "gained": list(self.gained),
            "lost": list(self.lost),
        }


def compare(
    first: "Evaluation", second: "Evaluation", *, names: tuple[str, str] = ("the first", "the second")
) -> Comparison:
    """Whether the second of two evaluations is better, on the same images, which are matched by their ids.

    names: what to call them in sentences. Raises DataError when the images, their labels or the classes differ.
    """
    return compare_answers(ClassifierAnswers.of(first, names[0]), ClassifierAnswers.of(second, names[1]))


def compare_answers(first: ClassifierAnswers, second: ClassifierAnswers, *, remedy: str = REMEDY) -> Comparison:
    """The same of answers by class name. remedy: what the error advises when images or labels differ."""
    order = _matched(first, second, remedy)
    gained, lost, correct = [], [], [0, 0]
    for there, (image, label, answer) in zip(order, second.rows(), strict=True):
        was, now = first.predicted[there] == label, answer == label
        correct[0] += was
        correct[1] += now
        if now and not was:
            gained.append(image)
        elif was and not now:
            lost.append(image)
    total, p_value = len(second), mcnemar(len(gained), len(lost))
    needed = images_needed(len(gained), len(lost), total)
    more = None if needed is None or needed > (1 + HOPELESS) * total else needed - total
    return Comparison(
        first=first.name,
        second=second.name,
        total=total,
        first_correct=correct[0],
        second_correct=correct[1],
        gained=tuple(gained),
        lost=tuple(lost),
        interval=tango_interval(len(gained), len(lost), total),
        p_value=p_value,
        more_images=more if p_value >= SIGNIFICANT else 0,
    )


def mcnemar(gained: int, lost: int) -> float:
    """The two-sided p-value of McNemar's exact test: `gained` and `lost` are heads and tails of a fair coin.

    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (1947). 1 when nothing changed.
    """
    tosses, fewer = gained + lost, min(gained, lost)
    log_all = math.lgamma(tosses + 1) - tosses * math.log(2)
    tail = math.fsum(
        math.exp(log_all - math.lgamma(heads + 1) - math.lgamma(tosses - heads + 1)) for heads in range(fewer + 1)
    )
    return min(1.0, 2 * tail)


def tango_interval(gained: int, lost: int, total: int) -> tuple[float, float]:
    """The 95 % interval of the difference of two paired proportions, (gained - lost) / total, in [-1, 1].

    The differences that the score test does not reject. Like Wilson's, of which it is the paired form, it stays inside
    [-1, 1] and keeps its promise for small numbers. T. Tango, "Equivalence test and confidence interval for the
    difference in proportions for the paired-sample design", Statistics in Medicine 17 (1998), equations 10 to 13.
    """
    if total == 0:
        return -1.0, 1.0

    def statistic(difference: float) -> float:
        """How many standard errors, as they would be at this difference, what was counted lies above it."""
        spread = difference * (1 - difference)
        linear = (2 * total - gained + lost) * difference - gained - lost
        root = math.sqrt(max(0.0, linear**2 + 8 * total * lost * spread))
        lost_rate = (root - linear) / (4 * total)  # the likeliest, given the difference
        variance = total * (2 * lost_rate + spread)
        above = gained - lost - total * difference
        return above / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, above) if above else 0.0

    observed = (gained - lost) / total
    low = -1.0 if lost == total else _falls_below(statistic, Z, -1.0, observed)
    high = 1.0 if gained == total else _falls_below(statistic, -Z, observed, 1.0)
    return low, high


def images_needed(gained: int, lost: int, total: int) -> int | None:
    """How many images find a difference like this one with a chance of 80 %, at the 5 % level; None when there is none.

    R. J. Connor, "Sample size for testing differences in proportions for the paired-sample design", Biometrics 43
    (1987), with the rates that were seen; never fewer than those by which the exact test then finds it.
    """
    if gained == lost:
        return None
    changed, difference = (gained + lost) / total, abs(gained - lost) / total
    root = (Z * math.sqrt(changed) + Z_POWER * math.sqrt(changed - difference**2)) / difference
    needed = max(math.ceil(root**2), total + 1)
    while mcnemar(round(gained * needed / total), round(lost * needed / total)) >= SIGNIFICANT:
        needed = math.ceil(1.05 * needed)
    return needed


def _falls_below(statistic: Callable[[float], float], limit: float, low: float, high: float) -> float:
    """Where a function that falls passes `limit`, between `low` and `high`, by halving."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if statistic(middle) > limit else (low, middle)
    return (low + high) / 2


def _matched(first: ClassifierAnswers, second: ClassifierAnswers, remedy: str) -> list[int]:
    """Where each image of the second is in the first. Raises DataError when they cannot be compared."""
    if first.classes != second.classes:
        raise DataError(
            f"{first.name} and {second.name} have different classes",
            where=_only(first.classes, second.classes, first.name, second.name),
            hint="compare classifiers of the same classes",
        )
    if len(second) == 0:
        raise DataError("there is no image to compare on", hint="give data with at least one labelled image")
    places = {image: place for place, image in enumerate(first.ids)}
    if len(places) != len(first) or len(set(second.ids)) != len(second):
        raise DataError("several images have the same id", hint="images are matched by their ids: make them unique")
    if places.keys() != set(second.ids):
        raise DataError(
            f"{first.name} and {second.name} were scored on different images",
            where=_only(first.ids, second.ids, first.name, second.name),
            hint=remedy,
        )
    order = [places[image] for image in second.ids]
    for place, there in enumerate(order):
        if second.labels[place] != first.labels[there]:
            raise DataError(
                f"image {second.ids[place]} is '{first.labels[there]}' for {first.name} "
                f"and '{second.labels[place]}' for {second.name}",
                hint=f"labels were corrected in between, or it is another image; {remedy}",
            )
    return order


def _only(first: Iterable[str], second: Iterable[str], name: str, other: str) -> str:
    """What only one of the two has, e.g. "only A has x; only B has y, z"."""

    def parts() -> Iterator[str]:
        for mine, theirs, whose in ((first, second, name), (second, first, other)):
            if alone := sorted(set(mine) - set(theirs)):
                yield f"only {whose} has {_listed(alone, 3)}"

    return "; ".join(parts())


def _listed(names: Iterable[str], limit: int = LISTED) -> str:
    names = list(names)
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"


def _rounded(count: int) -> int:
    """To two digits: no more is known."""
    scale: int = 10 ** max(0, len(str(count)) - 2)
    return math.ceil(count / scale) * scale


def _probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"
