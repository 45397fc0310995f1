"""Numbers that say how good a classifier is, as pure functions of true labels and its answers.

labels, predicted: int64 (N,), indices of classes; probabilities: float32 (N, K). The definitions of precision, recall
and F1 are scikit-learn's; nothing here imports torch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]  # (N,)
Probabilities = NDArray[np.float32]  # (N, K), rows summing to 1

# The 97.5 % point of the standard normal distribution: 95 % of it lies between -Z and Z.
Z = 1.959963984540054


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
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


def format_percent(correct: int, total: int) -> str:
    """A proportion with its 95 % interval, e.g. "94.1 % (93.6 to 94.5)"."""
    low, high = wilson_interval(correct, total)
    digits = supported_digits(low, high)
    value = correct / total if total else 0.0
    return f"{100 * value:.{digits}f} % ({100 * low:.{digits}f} to {100 * high:.{digits}f})"


def supported_digits(low: float, high: float) -> int:
    """How many decimals of a percentage its interval, in [0, 1], supports: 0 to 3.

    The Particle Data Group's rule: round the uncertainty to two digits when it begins with 1.00 to 3.54, else to one,
    and give the value to the same place ("Review of Particle Physics", introduction, section 5.3).
    """
    uncertainty = 100 * (high - low) / 2
    if uncertainty <= 0:
        return 3
    exponent = math.floor(math.log10(uncertainty))
    significant = 2 if uncertainty / 10**exponent < 3.55 else 1
    return min(3, max(0, significant - 1 - exponent))


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

    if len(labels) == 0:
        return np.zeros((num_classes, num_classes), dtype=np.int64)
    counts: NDArray[np.int64] = sklearn_confusion_matrix(labels, predicted, labels=np.arange(num_classes))
    return counts


@dataclass(frozen=True)
class ClassScore:
    """How well one class is recognised. All but `support` and `correct` are in [0, 1].

    precision: of the images called this class, how many are; 0 when none is called so.
    recall: of the images of this class, how many are called so; 0 when there is none.
    f1: the harmonic mean of the two.
    support: images of this class; correct: those recognised; interval: the 95 % Wilson interval of the recall.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    correct: int
    interval: tuple[float, float]


def class_scores(labels: Labels, predicted: Labels, classes: Sequence[str]) -> tuple[ClassScore, ...]:
    """One score for each class, in order."""
    from sklearn.metrics import precision_recall_fscore_support

    if len(labels) == 0:
        return tuple(ClassScore(name, 0.0, 0.0, 0.0, 0, 0, (0.0, 1.0)) for name in classes)
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(len(classes)), zero_division=0
    )
    correct = np.bincount(labels[labels == predicted], minlength=len(classes))
    return tuple(
        ClassScore(
            name,
            float(precision[i]),
            float(recall[i]),
            float(f1[i]),
            int(support[i]),
            int(correct[i]),
            wilson_interval(int(correct[i]), int(support[i])),
        )
        for i, name in enumerate(classes)
    )
