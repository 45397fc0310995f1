"""95 % intervals: how far a figure measured on these images may be from what more images would say.

Proportions have a closed form (Wilson's). Means of proportions combine those. What has none is measured again on
images drawn with replacement from the same ones (the bootstrap). Nothing here imports torch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sightline.evaluation.percent import Percent, in_percent

Method = Literal["wilson", "combined wilson", "bootstrap", "jackknife", "hanley-mcneil"]
"""wilson: of a proportion. combined wilson: of a mean of proportions, see `mean_of`. bootstrap: images drawn again.
jackknife: from the influence of every image, see `from_influence`. hanley-mcneil: of the area under a ROC curve."""

# The 97.5 % point of the standard normal distribution: 95 % of it lies between -Z and Z.
Z = 1.959963984540054
REPLICATES = 500
SEED = 0  # of the bootstrap: the same answers always have the same intervals
CELLS = 4_000_000  # counts drawn at once, to bound the memory


@dataclass(frozen=True)
class Estimate:
    """A figure in [0, 1] and its 95 % interval from `low` to `high`; method: how the interval was made."""

    value: float
    low: float
    high: float
    method: Method

    @property
    def percent(self) -> Percent:
        """In words, number and interval apart; as many digits as the interval supports."""
        return in_percent(self.value, (self.low, self.high))

    def text(self) -> str:
        """As a percentage with its interval, e.g. "94.1 % (93.6 to 94.5)"; as many digits as the interval supports."""
        return str(self.percent)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {"value": self.value, "interval": [self.low, self.high], "method": self.method}


def wilson_interval(correct: float, total: float) -> tuple[float, float]:
    """The 95 % interval of a proportion, (low, high) in [0, 1]; (0, 1) when nothing was counted.

    Wilson's score interval: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n). Unlike the p ± z √(p(1-p)/n) of the
    textbooks it stays inside [0, 1] and keeps its promise for small n and for p near 0 or 1.
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if not 0 <= correct <= total:
        raise ValueError(f"{correct} correct of {total}: use 0 <= correct <= total")
    if total == 0:
        return 0.0, 1.0
    p = correct / total
    centre = p + Z**2 / (2 * total)
    margin = Z * math.sqrt(p * (1 - p) / total + Z**2 / (4 * total**2))
    scale = 1 + Z**2 / total
    # Rounding may leave the ends a hair away from the exact 0 and 1 that p = 0 and p = 1 have.
    low = 0.0 if correct == 0 else (centre - margin) / scale
    high = 1.0 if correct == total else (centre + margin) / scale
    return low, high


def proportion(correct: int, total: int) -> Estimate:
    """So many of so many, with Wilson's interval; 0 of nothing is 0, from 0 to 1."""
    return Estimate(correct / total if total else 0.0, *wilson_interval(correct, total), "wilson")


def format_percent(correct: int, total: int) -> str:
    """A proportion with its 95 % interval, e.g. "94.1 % (93.6 to 94.5)"."""
    return proportion(correct, total).text()


def f1_interval(correct: int, involved: int) -> tuple[float, float]:
    """The 95 % interval of a class's F1. involved: images that are of the class, are called so, or both.

    F1 = 2 J / (1 + J), where J = correct / involved is a proportion: Wilson's bounds for J give those for F1, also
    where no image is wrong and a bootstrap would see no doubt at all.
    """
    low, high = wilson_interval(correct, involved)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of proportions measured on different images, such as the recalls of the classes. At least one.

    The distances of the bounds add up as standard deviations do (MOVER: G. Y. Zou, A. Donner, "Construction of
    confidence limits about effect measures", Statistics in Medicine 27, 2008): a rare class that happens to be all
    right keeps its share of the doubt.
    """
    count = len(estimates)
    value = sum(estimate.value for estimate in estimates) / count
    below = math.sqrt(sum((estimate.value - estimate.low) ** 2 for estimate in estimates)) / count
    above = math.sqrt(sum((estimate.high - estimate.value) ** 2 for estimate in estimates)) / count
    return Estimate(value, max(0.0, value - below), min(1.0, value + above), "combined wilson")


def from_influence(value: float, influence: NDArray[np.float64]) -> Estimate | None:
    """An estimate from how much each image moves it, (N,): the derivative of the value by the image's weight.

    The infinitesimal jackknife, what a bootstrap of endless replicates comes to (B. Efron, "The jackknife, the
    bootstrap and other resampling plans", 1982, chapter 6); for the area under a ROC curve it is DeLong's interval.
    Taken on the scale of the logit, it stays inside [0, 1]. None where no image moves it: 0, 1, or too few images.
    """
    deviation = math.sqrt(float(np.square(influence).sum()))
    if not 0 < value < 1 or deviation <= 0:
        return None
    centre, margin = math.log(value / (1 - value)), Z * deviation / (value * (1 - value))
    return Estimate(value, _logistic(centre - margin), _logistic(centre + margin), "jackknife")


def resampled(confusion: NDArray[np.int64], *, replicates: int = REPLICATES) -> tuple[NDArray[np.int64], ...]:
    """What other draws of as many images would have counted, from a confusion matrix (K, K) whose rows are the truth.

    Each a (replicates, K): right answers, images, and answers of every class. Drawing images with replacement is
    drawing the cells of the matrix from a multinomial distribution, which needs no image.
    """
    rows, columns = np.nonzero(confusion)
    counts = confusion[rows, columns]
    total, everything = int(counts.sum()), np.ones(len(counts), dtype=bool)
    generator = np.random.default_rng(SEED)
    sums = tuple(np.zeros((replicates, len(confusion)), dtype=np.int64) for _ in range(3))
    step = max(1, CELLS // max(1, len(counts)))
    for start in range(0, replicates, step):
        part = slice(start, min(start + step, replicates))
        draws = generator.multinomial(total, counts / total, size=part.stop - part.start)
        selections = ((rows, rows == columns), (rows, everything), (columns, everything))
        for out, (classes, cells) in zip(sums, selections, strict=True):
            order = np.argsort(classes[cells], kind="stable")
            present, first = np.unique(classes[cells][order], return_index=True)
            if len(present):
                out[part, present] = np.add.reduceat(draws[:, cells][:, order], first, axis=1)
    return sums


def from_replicates(value: float, replicates: NDArray[np.float64]) -> Estimate:
    """The estimate whose interval holds the middle 95 % of what the replicates, (R,), came to."""
    low, high = np.quantile(replicates, (0.025, 0.975))
    return Estimate(value, min(value, float(low)), max(value, float(high)), "bootstrap")


def _logistic(x: float) -> float:
    """1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1 + math.tanh(0.5 * x))
