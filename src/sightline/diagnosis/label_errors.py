"""Which labels look wrong? Those that a classifier, which has not learnt from the image, can hardly explain.

A classifier is unsure where classes look alike, and sure where a label is a slip; both are low probabilities of the
given label. They are told apart by a model of how labels go wrong: the true class of an image is drawn from what the
classifier says, sharpened or softened, and the label from the true class by a matrix of rates, one for each pair of
classes. Both are fitted to the labels. This is the class-conditional noise of C. Northcutt, L. Jiang and I. Chuang,
"Confident learning: estimating uncertainty in dataset labels", JAIR 70 (2021), arXiv 1911.00068, but by likelihood,
where they count confident images; docs/experiments.md compares the two.
"""

import importlib.util
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from sightline.classifier.classifier import Classifier
from sightline.config import require
from sightline.data.imageset import ImageSet
from sightline.errors import ConfigError, DataError, near
from sightline.evaluation.evaluate import Evaluation
from sightline.machine.device import find_precision
from sightline.training.features import extract
from sightline.training.head import fit_head

Method = Literal["noise model", "cleanlab"]

LEARNT_FROM = 10_000  # images at most that heads learn from; they say as much of the others
FEWEST = 10  # images, below which nothing can be left out and nothing learnt
USUAL_RATE = 0.05  # of wrong labels: what is taken for one image of each class before any is seen
LESS_LIKELY = 0.6  # of the classes; with half of them fewer planted errors were named (docs/experiments.md)
ROUNDS = 60
SETTLED = 1e-4  # change of a rate, below which the fit ends
TEMPERATURES = (0.3, 3.0)
TEMPERATURE_EVERY = 5  # rounds
TEMPERATURE_IMAGES = 10_000
SMALLEST = 1e-12  # a probability; float32 softmax may give 0


@dataclass(frozen=True)
class Suspect:
    """A label that looks wrong. index, id: of the image. suggested: the class it looks like.

    score: how likely the label is wrong by the model of the noise, 0 to 1; see `noise_model`. With cleanlab, 1 less the
    classifier's probability of the label.
    """

    index: int
    id: str
    label: str
    suggested: str
    score: float

    def __str__(self) -> str:
        return f"{self.id}: labelled '{self.label}', looks like '{self.suggested}'"


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """How labels go wrong. rates: (K, K), of true classes (rows) labelled as each class; rows sum to 1.

    temperature: by which the classifier's logarithms were divided. truth: (N, K), how likely each class is the true one
    of each image, its label considered; rows sum to 1.
    """

    rates: NDArray[np.float64]
    temperature: float
    truth: NDArray[np.float64]


def suspects(
    probabilities: NDArray[np.floating[Any]],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    *,
    ids: Sequence[str],
    method: Method = "noise model",
) -> tuple[Suspect, ...]:
    """The labels that look wrong, the most suspect first: about as many as there seem to be; see `likely_errors`.

    probabilities: (N, K), from a classifier that has not learnt from these images. labels: (N,). method: "cleanlab"
    takes that package's confident learning instead, from the extra `sightline[label]`.

    Raises DataError for no image or labels of a single class, ConfigError for cleanlab where it is not installed.
    """
    require(method in get_args(Method), f"method is '{method}'", near(str(method), get_args(Method)))
    present = np.unique(labels)
    if len(present) < 2:
        what = f"every image is of class '{classes[present[0]]}'" if len(present) else "there is no image"
        raise DataError(what, hint="labels are checked against each other: give images of two classes or more")
    # A class without images has no labels that could be wrong, and none that tell how it looks.
    positions = np.searchsorted(present, labels)
    shares = np.maximum(probabilities[:, present].astype(np.float64), SMALLEST)
    shares /= shares.sum(axis=1, keepdims=True)
    find = _by_noise_model if method == "noise model" else _by_cleanlab
    order, scores, instead = find(shares, positions)
    return tuple(
        Suspect(int(i), ids[i], classes[labels[i]], classes[present[instead[i]]], float(scores[i])) for i in order
    )


def training_suspects(
    classifier: Classifier,
    image_set: ImageSet,
    *,
    method: Method = "noise model",
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[Suspect, ...]:
    """Suspects among the images a classifier learnt from, by heads that have not; see `left_out_probabilities`.

    progress: told (images done, of how many) while features are computed. Raises DataError and ConfigError like
    `suspects`, and DataError for a file that cannot be read.
    """
    precision = find_precision(classifier.precision, classifier.device)
    features = extract(
        classifier.network,
        image_set,
        classifier.preprocess,
        device=classifier.device,
        precision=precision,
        progress=progress,
    )
    probabilities = left_out_probabilities(
        features.values, features.labels, len(image_set.classes), groups=image_set.groups, seed=seed
    )
    return suspects(probabilities, image_set.labels.numpy(), image_set.classes, ids=image_set.ids, method=method)


def held_out_suspects(evaluation: Evaluation, *, method: Method = "noise model") -> tuple[Suspect, ...]:
    """Suspects among images that the classifier has not learnt from, by its own answers to them."""
    classes = [score.name for score in evaluation.classes]
    return suspects(evaluation.probabilities, evaluation.labels, classes, ids=evaluation.ids, method=method)


def left_out_probabilities(
    features: torch.Tensor, labels: torch.Tensor, num_classes: int, *, groups: tuple[str, ...] = (), seed: int = 0
) -> NDArray[np.float32]:
    """What linear heads that have not learnt from an image say of it: features float32 (N, D) -> (N, K).

    Up to 10,000 images are left out in turn, five times a fifth of them; a head of them all says the rest. The network
    that computed the features may have learnt from the labels, too: with label smoothing and few epochs it remembers
    little of them, and what it does is read the better, the fewer its features are. Raises DataError for fewer than 10
    images.
    """
    if len(labels) < FEWEST:
        raise DataError(f"{len(labels)} images are too few to look for wrong labels", hint=f"use {FEWEST} or more")
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(labels), generator=generator)[:LEARNT_FROM].sort().values
    known = tuple(groups[i] for i in chosen.tolist()) if groups else ()
    some = features[chosen]
    head = fit_head(some, labels[chosen], num_classes, groups=known, seed=seed)
    logits = F.linear(features, head.weights["weight"], head.weights["bias"])
    logits[chosen] = head.left_out
    probabilities: NDArray[np.float32] = logits.softmax(dim=1).numpy()
    return probabilities


def noise_model(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> NoiseModel:
    """How labels (N,) go wrong, by what a classifier says of their images: (N, K), positive, rows summing to 1.

    p(label j | image) = sum over i of q_i rates_ij, where q is p ** (1 / temperature), scaled to sum to 1. Rates by
    expectation and maximisation, the temperature by search, for the largest likelihood.
    """
    from scipy.optimize import minimize_scalar

    count = probabilities.shape[1]
    usual = np.full((count, count), USUAL_RATE / max(1, count - 1))
    np.fill_diagonal(usual, 1 - USUAL_RATE)
    rates, temperature, logarithms = usual, 1.0, np.log(probabilities)
    sample = np.random.default_rng(0).permutation(len(labels))[:TEMPERATURE_IMAGES]
    some, of_some = logarithms[sample], labels[sample]

    def loss(log_temperature: float) -> float:
        explained = (_softmax(some / math.exp(log_temperature)) * rates[:, of_some].T).sum(axis=1)
        return -float(np.log(explained).mean())

    one_hot = np.eye(count)[labels]
    for number in range(ROUNDS):
        if number % TEMPERATURE_EVERY == 0:
            limits = (math.log(TEMPERATURES[0]), math.log(TEMPERATURES[1]))
            temperature = math.exp(minimize_scalar(loss, bounds=limits, method="bounded", options={"xatol": 1e-3}).x)
            classified = _softmax(logarithms / temperature)
        truth = classified * rates[:, labels].T  # (N, K)
        truth /= truth.sum(axis=1, keepdims=True)
        counts = truth.T @ one_hot + usual  # (K, K)
        before, rates = rates, counts / counts.sum(axis=1, keepdims=True)
        if number % TEMPERATURE_EVERY and np.abs(rates - before).max() < SETTLED:
            break
    return NoiseModel(rates, temperature, truth)


def likely_errors(probabilities: NDArray[np.float64], labels: NDArray[np.int64], wrong: NDArray[np.float64]) -> int:
    """How many labels seem to be wrong: the larger of two estimates, each of which is too low in its own way.

    The sum of `wrong` (N,), what the noise model says of each label: it misses some slips that fall on all classes
    alike, which the classifier has learnt to expect. These show among the labels that name one of the less likely six
    in ten classes: hardly an honest doubt leads there, so by their share of the classes they stand for all slips. With
    two or three classes honest doubts do lead there, and only the sum is taken.
    """
    unlikely, expected = int(LESS_LIKELY * probabilities.shape[1]), float(wrong.sum())
    if unlikely < 2:
        return round(expected)
    label_probabilities = np.take_along_axis(probabilities, labels[:, None], axis=1)
    slips = int(((probabilities < label_probabilities).sum(axis=1) < unlikely).sum())
    by_slips: float = slips * (probabilities.shape[1] - 1) / unlikely
    return round(max(expected, by_slips))


_Ranking = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]  # order, scores (N,), other classes (N,)


def _by_noise_model(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> _Ranking:
    model = noise_model(probabilities, labels)
    wrong = 1 - np.take_along_axis(model.truth, labels[:, None], axis=1)[:, 0]
    instead = _best_other(model.truth, labels)
    order = np.argsort(-wrong, kind="stable")[: likely_errors(probabilities, labels, wrong)]
    return order[probabilities[order].argmax(axis=1) != labels[order]], wrong, instead


def _by_cleanlab(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> _Ranking:
    if importlib.util.find_spec("cleanlab") is None:
        raise ConfigError("cleanlab is not installed", hint="pip install 'sightline[label]', or leave out the method")
    from cleanlab.filter import find_label_issues

    label_probabilities = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]
    # This of its rules for how many to name found planted errors best (docs/experiments.md).
    order: NDArray[np.int64] = find_label_issues(
        labels, probabilities, filter_by="low_self_confidence", return_indices_ranked_by="self_confidence", n_jobs=1
    )
    return order, 1 - label_probabilities, _best_other(probabilities, labels)


def _best_other(values: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The class with the largest value but the label's own: (N, K) -> (N,)."""
    others = values.copy()
    np.put_along_axis(others, labels[:, None], -1.0, axis=1)
    best: NDArray[np.int64] = others.argmax(axis=1)
    return best


def _softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows that sum to 1: (N, K) -> (N, K)."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares
