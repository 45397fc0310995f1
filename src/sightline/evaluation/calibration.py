"""Are probabilities true? One temperature that makes them so, and how far they are off before and after.

A classifier is calibrated when, of the images it is 80 % sure of, 80 % are right. Trained networks are usually too
sure, or, trained with label smoothing, too modest. One number, the temperature, mends most of it and changes no
prediction (C. Guo et al., "On calibration of modern neural networks", arXiv 1706.04599).
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sightline.classifier.classifier import Classifier
from sightline.data.imageset import ImageSet
from sightline.evaluation.answers import answers
from sightline.evaluation.conformal import fit_conformal
from sightline.evaluation.intervals import REPLICATES, SEED, Estimate, wilson_interval
from sightline.evaluation.unknown import fit_unknown

BINS = 15  # of equal width, as in the paper
COLDEST, HOTTEST = 0.05, 20.0  # the temperatures that are looked at

Labels = NDArray[np.int64]  # (N,)
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class ReliabilityBin:
    """The images whose probability is above `low` and at most `high`.

    confidence: their mean probability; accuracy: the share that is right, with its 95 % Wilson interval. Without images
    (count 0) the confidence is the middle of the bin, the accuracy 0, the interval all of [0, 1].
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Reliability:
    """The reliability diagram as numbers.

    ece: the expected calibration error, the mean over images of |confidence - accuracy| of their bins, in [0, 1].
    by_chance: what it would be on average for so many images, were every probability exactly true: never 0, as the
    share of right answers in a bin is a matter of luck, too.
    """

    bins: tuple[ReliabilityBin, ...]
    ece: Estimate
    by_chance: float

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types, without the empty bins."""
        bins = [
            {
                "low": b.low,
                "high": b.high,
                "count": b.count,
                "confidence": b.confidence,
                "accuracy": b.accuracy,
                "accuracy_interval": list(b.interval),
            }
            for b in self.bins
            if b.count
        ]
        return {"ece": self.ece.to_json(), "by_chance": self.by_chance, "bins": bins}


def calibrate(classifier: Classifier, image_set: ImageSet) -> None:
    """Set the classifier's temperature and its rules for "unknown" and label sets, from images it was not trained on.

    The images are answered as the classifier answers, in its precision and with its views. Raises what
    `answers.answers` raises.
    """
    calibrate_from(classifier, *answers(classifier, image_set))


def calibrate_from(classifier: Classifier, logits: Tensor, labels: Tensor) -> None:
    """`calibrate` from logits (N, K) that are there already: float, of images that had no part in making them.

    labels: int64 (N,), indices of the classifier's classes. Images whose logits are no numbers do not count; when there
    are no others, the temperature is 1 and there are no rules.
    """
    finite = logits.isfinite().all(dim=1)
    known, truth = logits[finite].float().cpu(), labels[finite.to(labels.device)].cpu().numpy()
    classifier.temperature = fit_temperature(known.numpy(), truth)
    classifier.unknown = fit_unknown(known)
    classifier.conformal = fit_conformal(known.numpy(), truth, classifier.temperature) if len(truth) else None


def fit_temperature(logits: NDArray[np.float32], labels: Labels) -> float:
    """The temperature by which logits (N, K) are divided for the least mean negative log-likelihood, 0.05 to 20.

    The likelihood has one maximum in 1 / temperature, found by bounded search on its logarithm. One more image is
    imagined that is like the average one and wrong, as its likeliest other class: without it, few images that are all
    right would ask for endless certainty (as in J. Platt, "Probabilistic outputs for support vector machines", 1999,
    section 2.2). Without images, or where all classes are alike, 1. The images must not have been trained on.
    """
    from scipy.optimize import minimize_scalar

    # What is left when the true class's logit is taken off does not overflow, whatever the temperature.
    truth = np.arange(len(labels)), labels
    margins = logits.astype(np.float64) - logits[truth][:, None]
    if not margins.any():
        return 1.0
    others = margins.copy()
    others[truth] = -np.inf
    wrong = others.max(axis=1)
    bounds = (np.log(COLDEST), np.log(HOTTEST))
    minimum = minimize_scalar(partial(_loss, margins, wrong), bounds=bounds, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(minimum.x))


def at_temperature(probabilities: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    """Probabilities (N, K) to the power of a temperature, summing to 1 again: what they were before it divided.

    A power of 1 / t gives what a temperature of t would make of them. Probabilities that were rounded to 0 stay 0.
    """
    if power == 1:
        return probabilities
    logarithms = power * np.log(np.maximum(probabilities.astype(np.float64), np.finfo(np.float32).tiny))
    raised = np.exp(logarithms - logarithms.max(axis=1, keepdims=True)) * (probabilities > 0)
    result: NDArray[np.float32] = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
    return result


def reliability(probabilities: NDArray[np.float32], labels: Labels, bins: int = BINS) -> Reliability:
    """How true the probabilities (N, K) of the predicted classes are, in `bins` of equal width. At least one image.

    The interval of the error is a bootstrap's. Drawing images again adds as much luck as drawing them once did, so that
    replicates are off by more than the sample: the interval is reflected about the sample's error, which takes that
    excess off (the basic bootstrap of A. Davison, D. Hinkley, "Bootstrap methods and their application", 1997, chapter
    5).
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    sure = np.bincount(place, weights=confidence, minlength=bins)
    correct = np.bincount(place, weights=right, minlength=bins)
    doubt = np.bincount(place, weights=confidence * (1 - confidence), minlength=bins)
    total = len(labels)
    error = float(np.abs(correct - sure).sum() / total)
    low, high = map(float, np.quantile(_drawn_errors(right - confidence, place, bins), (0.025, 0.975)))
    return Reliability(
        bins=tuple(
            ReliabilityBin(
                low=i / bins,
                high=(i + 1) / bins,
                count=int(counts[i]),
                confidence=float(sure[i] / counts[i]) if counts[i] else (i + 0.5) / bins,
                accuracy=float(correct[i] / counts[i]) if counts[i] else 0.0,
                interval=wilson_interval(int(correct[i]), int(counts[i])),
            )
            for i in range(bins)
        ),
        ece=Estimate(error, max(0.0, min(error, 2 * error - high)), max(error, 2 * error - low), "bootstrap"),
        by_chance=float(np.sqrt(2 / np.pi * doubt).sum() / total),  # the mean of |x| for normal x
    )


def _loss(margins: NDArray[np.float64], wrong: NDArray[np.float64], log_temperature: float) -> float:
    """The mean negative log-likelihood of N images and an imagined one.

    margins: (N, K), logits minus the true class's. wrong: (N,), the largest of the other classes'.
    """
    from scipy.special import logsumexp

    scaled = margins / np.exp(log_temperature)
    losses = logsumexp(scaled, axis=1)
    imagined = (losses - wrong / np.exp(log_temperature)).mean()
    return float((losses.sum() + imagined) / (len(losses) + 1))


def _drawn_errors(excess: NDArray[np.float64], place: Labels, bins: int) -> NDArray[np.float64]:
    """The calibration error of images drawn with replacement, (REPLICATES,).

    excess: of every image, whether it is right (1 or 0) minus the confidence. place: its bin.
    """
    generator = np.random.default_rng(SEED)
    total = len(excess)
    errors = np.empty(REPLICATES)
    for replicate in range(REPLICATES):
        drawn = generator.integers(total, size=total, dtype=np.int32 if total < 2**31 else np.int64)
        errors[replicate] = np.abs(np.bincount(place[drawn], weights=excess[drawn], minlength=bins)).sum() / total
    return errors
