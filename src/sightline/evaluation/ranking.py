"""How well probabilities put the images of a class before all others: one class against the rest.

labels: int64 (N,), indices of classes; probabilities: float32 (N, K). Values are scikit-learn's; the intervals come
from the influence of every image. Nothing here imports torch.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightline.evaluation.intervals import Estimate, Z, from_influence, wilson_interval

FEW = 10  # images of a class, or of the others, below which single images say too little of how much such images differ

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Areas(NamedTuple):
    """Estimates of one area: of each class, None where it cannot be told, and their mean over those where it can."""

    classes: tuple[Estimate | None, ...]
    mean: Estimate | None


def roc_areas(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> Areas:
    """The areas under the ROC curves: the chance that an image of the class is put before one of another.

    None for a class to which no image or every image belongs.
    """
    from sklearn.metrics import roc_auc_score

    return _areas(labels, probabilities, roc_auc_score, roc_influence, roc_interval)


def average_precisions(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> Areas:
    """The mean precision over the images of the class, each met in the order of probability.

    None for a class to which no image or every image belongs.
    """
    from sklearn.metrics import average_precision_score

    return _areas(labels, probabilities, average_precision_score, precision_influence, precision_interval)


def roc_influence(positive: Bools, scores: Floats) -> Floats:
    """How much each image moves the area under the ROC curve, float (N,); the DeLong placements, centred."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    own = np.empty(len(scores))
    for side in (positive, ~positive):
        own[side] = rankdata(scores[side])
    positives, negatives = int(positive.sum()), int((~positive).sum())
    # The share of the other side that is on the right side of this image, ties counted half.
    placed = np.where(positive, (ranks - own) / negatives, 1 - (ranks - own) / positives)
    area = placed[positive].mean()
    influence: Floats = (placed - area) / np.where(positive, positives, negatives)
    return influence


def precision_influence(positive: Bools, scores: Floats) -> Floats:
    """How much each image moves the average precision, float (N,).

    AP = sum over thresholds of (share of positives that pass first here) x (precision here). More weight for an image
    changes the precision at its own threshold and all lower ones, and for a positive the shares as well.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # the last image of each threshold
    passed = np.cumsum(positive[order])[ends]
    precision = passed / (ends + 1)
    share = np.diff(passed, prepend=0) / passed[-1]
    average = float((share * precision).sum())
    later = np.cumsum((share / (ends + 1))[::-1])[::-1]
    later_precision = np.cumsum((share * precision / (ends + 1))[::-1])[::-1]
    threshold = np.searchsorted(ends, np.arange(len(order)))
    influence = np.empty(len(order))
    gained = (precision[threshold] - average) / passed[-1] + later[threshold]
    influence[order] = positive[order] * gained - later_precision[threshold]
    return influence


def roc_interval(area: float, positives: int, negatives: int) -> Estimate:
    """An area under a ROC curve with an interval that needs no image, only how many there are of each side.

    The variance is Hanley's and McNeil's ("The meaning and use of the area under a receiver operating characteristic
    (ROC) curve", Radiology 143, 1982). The bounds are the areas from which this one is just z deviations away, as
    Wilson's are, so that they stay in [0, 1] and a perfect area has an interval, too (R. G. Newcombe, "Confidence
    intervals for an effect size measure based on the Mann-Whitney statistic, part 2", Statistics in Medicine 25, 2006).
    """

    def plausible(true: float) -> bool:
        spread = 1 + (positives - 1) * (1 - true) / (2 - true) + (negatives - 1) * true / (1 + true)
        return (area - true) ** 2 <= Z**2 * true * (1 - true) * spread / (positives * negatives)

    return Estimate(area, _bound(plausible, area, 0.0), _bound(plausible, area, 1.0), "hanley-mcneil")


def precision_interval(average: float, positives: int, negatives: int) -> Estimate:
    """An average precision with Wilson's interval for as many images as there are positives.

    K. Boyd, K. H. Eng, C. D. Page, "Area under the precision-recall curve: point estimates and confidence intervals",
    ECML PKDD 2013, take it for a proportion of these, too.
    """
    return Estimate(average, *wilson_interval(average * positives, positives), "wilson")


def _areas(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    value_of: Callable[[Bools, Floats], float],
    influence_of: Callable[[Bools, Floats], Floats],
    interval: Callable[[float, int, int], Estimate],
) -> Areas:
    """The estimates of one kind of area. interval: for too few images, or when no image moves the value."""
    classes: list[Estimate | None] = []
    influences = np.zeros(len(labels))
    for index in range(probabilities.shape[1]):
        positive, scores = labels == index, probabilities[:, index].astype(np.float64)
        positives = int(positive.sum())
        negatives = len(labels) - positives
        if not positives or not negatives:
            classes.append(None)
            continue
        value = min(1.0, float(value_of(positive, scores)))  # sums of many shares may be a hair above 1
        influence = influence_of(positive, scores)
        influences += influence
        estimate = from_influence(value, influence) if min(positives, negatives) >= FEW else None
        classes.append(estimate or interval(value, positives, negatives))
    return Areas(tuple(classes), _mean([area for area in classes if area], influences))


def _mean(areas: Sequence[Estimate], influences: Floats) -> Estimate | None:
    """The mean of the classes' areas, which share their images: every image's influences on them are added up."""
    if not areas:
        return None
    count = len(areas)
    value, low, high = (sum(getattr(area, name) for area in areas) / count for name in ("value", "low", "high"))
    if all(area.method == "jackknife" for area in areas):
        estimate = from_influence(value, influences / count)
        if estimate:
            return estimate
    # Bounds that all classes reach at once: wider than need be, where a class has too few images to say better.
    method = next((area.method for area in areas if area.method != "jackknife"), areas[0].method)
    return Estimate(value, low, high, method)


def _bound(plausible: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where, between the two, values cease to be plausible."""
    if plausible(outside) and outside != inside:
        return outside
    for _ in range(50):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if plausible(middle) else (inside, middle)
    return inside
