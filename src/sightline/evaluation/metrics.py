"""Numbers that say how good a classifier is, as pure functions of true labels and its answers.

labels, predicted: int64 (N,), indices of classes; probabilities: float32 (N, K). The definitions of precision, recall
and F1 are scikit-learn's; nothing here imports torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.evaluation.intervals import (
    Estimate,
    f1_interval,
    from_replicates,
    mean_of,
    proportion,
    resampled,
    wilson_interval,
)
from sightline.evaluation.ranking import Areas, average_precisions, roc_areas

Labels = NDArray[np.int64]  # (N,)
Probabilities = NDArray[np.float32]  # (N, K), rows summing to 1


def accuracy(labels: Labels, predicted: Labels) -> float:
    """The share of images whose predicted class is the true one; 0 for no images."""
    return float(np.mean(labels == predicted)) if len(labels) else 0.0


def top_k_accuracy(labels: Labels, probabilities: Probabilities, k: int) -> float:
    """The share of images whose true class is among the k most probable; 0 for no images.

    A tie at the k-th place counts as right only for the classes that come first.
    """
    if len(labels) == 0:
        return 0.0
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]  # (N, k)
    return float(np.mean((best == labels[:, None]).any(axis=1)))


def negative_log_likelihood(labels: Labels, probabilities: Probabilities) -> float:
    """The mean of -ln p(true class), in nats: 0 is certain and right, ln K is a guess; 0 for no images."""
    if len(labels) == 0:
        return 0.0
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    # A float32 probability below 1e-45 is stored as 0; its logarithm is bounded by what float32 can hold.
    return float(-np.log(np.maximum(true, np.finfo(np.float32).tiny)).mean())


def confusion_matrix(labels: Labels, predicted: Labels, num_classes: int) -> NDArray[np.int64]:
    """How often each class (row) was taken for each class (column): (K, K) counts."""
    from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix

    if len(labels) == 0 or num_classes == 1:  # scikit-learn warns of both
        return np.full((num_classes, num_classes), len(labels), dtype=np.int64)
    counts: NDArray[np.int64] = sklearn_confusion_matrix(labels, predicted, labels=np.arange(num_classes))
    return counts


@dataclass(frozen=True)
class ClassScore:
    """How well one class is recognised. All but `support` and `correct` are in [0, 1].

    precision: of the images called this class, how many are; 0 when none is called so.
    recall: of the images of this class, how many are called so; 0 when there is none.
    f1: the harmonic mean of the two.
    support: images of this class; correct: those recognised; interval: the 95 % Wilson interval of the recall;
    precision_interval, f1_interval: Wilson's, too.
    roc_auc, average_precision: of this class against the rest; None where every image or none is of this class.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    correct: int
    interval: tuple[float, float]
    precision_interval: tuple[float, float] = (0.0, 1.0)
    f1_interval: tuple[float, float] = (0.0, 1.0)
    roc_auc: Estimate | None = None
    average_precision: Estimate | None = None


def class_scores(
    labels: Labels, predicted: Labels, classes: Sequence[str], areas: tuple[Areas, Areas] | None = None
) -> tuple[ClassScore, ...]:
    """One score for each class, in order. areas: under the ROC and the precision-recall curves."""
    from sklearn.metrics import precision_recall_fscore_support

    if len(labels) == 0:
        return tuple(ClassScore(name, 0.0, 0.0, 0.0, 0, 0, (0.0, 1.0)) for name in classes)
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(classes)), zero_division=0
    )
    correct = np.bincount(labels[labels == predicted], minlength=len(classes))
    called = np.bincount(predicted, minlength=len(classes))
    nothing = (None,) * len(classes)
    roc, precisions = (area.classes for area in areas) if areas else (nothing, nothing)
    return tuple(
        ClassScore(
            name,
            float(precision[i]),
            float(recall[i]),
            float(f1[i]),
            int(support[i]),
            int(correct[i]),
            wilson_interval(int(correct[i]), int(support[i])),
            wilson_interval(int(correct[i]), int(called[i])),
            f1_interval(int(correct[i]), int(support[i] + called[i] - correct[i])),
            roc[i],
            precisions[i],
        )
        for i, name in enumerate(classes)
    )


def areas_of(labels: Labels, probabilities: Probabilities) -> tuple[Areas, Areas]:
    """The areas under the ROC curves and the average precisions, of every class against the rest."""
    return roc_areas(labels, probabilities), average_precisions(labels, probabilities)


def means(labels: Labels, predicted: Labels, num_classes: int) -> dict[str, Estimate]:
    """Means over the classes that have images, by name; at least one image.

    macro: every class counts alike; the macro recall is also called balanced accuracy. weighted: every class counts as
    often as it has images; the weighted recall is the accuracy.
    """
    from sklearn.metrics import precision_recall_fscore_support

    present = np.unique(labels)
    confusion = confusion_matrix(labels, predicted, num_classes)
    hits, images, called = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    drawn_hits, drawn_images, drawn_called = resampled(confusion)
    values = {
        kind: precision_recall_fscore_support(labels, predicted, labels=present, average=kind, zero_division=0)[:3]
        for kind in ("macro", "weighted")
    }
    recall = mean_of([proportion(int(hits[i]), int(images[i])) for i in present])
    # An image counts for the precision of one class only: that of its answer.
    precision = mean_of([proportion(int(hits[i]), int(called[i])) for i in present])
    right = proportion(int(hits.sum()), len(labels))

    def drawn(kind: str, place: int, numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> Estimate:
        """The mean of ratios of drawn counts, (R, K) each."""
        ratios = np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0)
        weights = drawn_images if kind == "weighted" else drawn_images > 0
        value = float(values[kind][place])
        if right.value == 1:  # among images that are all right, none that is wrong can be drawn
            return Estimate(value, right.low, right.high, "wilson")
        return from_replicates(value, (ratios * weights).sum(axis=1) / weights.sum(axis=1))

    return {
        "balanced_accuracy": recall,
        "macro_precision": precision,
        "macro_recall": recall,
        "macro_f1": drawn("macro", 2, 2 * drawn_hits, drawn_images + drawn_called),
        "weighted_precision": drawn("weighted", 0, drawn_hits, drawn_called),
        "weighted_recall": right,
        "weighted_f1": drawn("weighted", 2, 2 * drawn_hits, drawn_images + drawn_called),
    }
