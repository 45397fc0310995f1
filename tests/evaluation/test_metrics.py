"""Metrics against numbers worked out by hand, published tables, and their own laws."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, precision_recall_fscore_support

from sightline.evaluation import metrics
from sightline.evaluation.intervals import f1_interval, wilson_interval

LABELS = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 2, 1])


def test_confusion_matrix_rows_are_the_truth() -> None:
    matrix = metrics.confusion_matrix(LABELS, PREDICTED, 4)
    assert matrix.tolist() == [[2, 1, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_class_scores_by_hand() -> None:
    cat, dog, fox, owl = metrics.class_scores(LABELS, PREDICTED, ["cat", "dog", "fox", "owl"])
    assert (cat.precision, cat.recall, cat.f1, cat.support, cat.correct) == (1.0, pytest.approx(2 / 3), 0.8, 3, 2)
    assert (dog.precision, dog.recall, dog.support) == (pytest.approx(1 / 3), 0.5, 2)
    assert dog.f1 == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2))
    assert (fox.precision, fox.recall, fox.f1, fox.support) == (0.0, 0.0, 0.0, 1)
    assert (owl.precision, owl.recall, owl.f1, owl.support, owl.interval) == (0.0, 0.0, 0.0, 0, (0.0, 1.0))
    assert cat.interval == wilson_interval(2, 3)
    assert [score.name for score in (cat, dog, fox, owl)] == ["cat", "dog", "fox", "owl"]


def test_accuracy_and_top_k() -> None:
    assert metrics.accuracy(LABELS, PREDICTED) == 0.5
    probabilities = np.array([[0.6, 0.3, 0.1], [0.6, 0.3, 0.1], [0.6, 0.3, 0.1]], dtype=np.float32)
    labels = np.array([0, 1, 2])
    assert metrics.top_k_accuracy(labels, probabilities, 1) == pytest.approx(1 / 3)
    assert metrics.top_k_accuracy(labels, probabilities, 2) == pytest.approx(2 / 3)
    assert metrics.top_k_accuracy(labels, probabilities, 3) == 1.0
    even = np.full((3, 3), 1 / 3, dtype=np.float32)
    assert metrics.top_k_accuracy(labels, even, 1) == pytest.approx(1 / 3)  # a network that knows nothing gains nothing


def test_negative_log_likelihood_by_hand() -> None:
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75]], dtype=np.float32)
    expected = (math.log(2) + math.log(4)) / 2
    assert metrics.negative_log_likelihood(np.array([1, 0]), probabilities) == pytest.approx(expected)
    certain_and_wrong = np.array([[0.0, 1.0]], dtype=np.float32)
    assert 87 < metrics.negative_log_likelihood(np.array([0]), certain_and_wrong) < 88  # bounded, not infinite


def test_class_intervals_are_wilsons() -> None:
    cat, dog, _, owl = metrics.class_scores(LABELS, PREDICTED, ["cat", "dog", "fox", "owl"])
    assert cat.precision_interval == wilson_interval(2, 2)
    assert dog.precision_interval == wilson_interval(1, 3)
    assert dog.f1_interval == f1_interval(1, 4)  # two dogs and three called so, one of them both
    assert owl.precision_interval == owl.f1_interval == (0.0, 1.0)
    assert owl.roc_auc is None


def answered(count: int, classes: int, right: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels of uneven classes, and predictions that are right this often, wrong ones among the next two classes."""
    draw = np.random.default_rng(0)
    labels = np.minimum(draw.geometric(0.3, count) - 1, classes - 1)
    wrong = draw.random(count) >= right
    return labels, (labels + wrong * draw.integers(1, 3, count)) % classes


def test_means_are_scikit_learns() -> None:
    labels, predicted = answered(900, 6, 0.8)
    means = metrics.means(labels, predicted, 6)
    for kind in ("macro", "weighted"):
        precision, recall, f1, _ = precision_recall_fscore_support(labels, predicted, average=kind)
        values = [means[f"{kind}_{name}"].value for name in ("precision", "recall", "f1")]
        assert values == pytest.approx([precision, recall, f1])
    assert means["balanced_accuracy"].value == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert means["balanced_accuracy"] == means["macro_recall"]
    right = wilson_interval(int((labels == predicted).sum()), 900)
    assert (means["weighted_recall"].low, means["weighted_recall"].high) == right
    for name, estimate in means.items():
        assert estimate.low < estimate.value < estimate.high, name
    methods = {name: estimate.method for name, estimate in means.items()}
    assert [name for name in methods if methods[name] == "bootstrap"] == [
        "macro_f1",
        "weighted_precision",
        "weighted_f1",
    ]


def test_bootstrapped_intervals_are_those_of_drawn_images() -> None:
    labels, predicted = answered(900, 6, 0.8)
    means = metrics.means(labels, predicted, 6)
    draw = np.random.default_rng(1)
    drawn = {"macro_f1": [], "weighted_f1": [], "weighted_precision": []}
    for _ in range(500):
        images = draw.integers(900, size=900)
        macro, weighted = (
            precision_recall_fscore_support(labels[images], predicted[images], average=kind)
            for kind in ("macro", "weighted")
        )
        for name, value in (("macro_f1", macro[2]), ("weighted_f1", weighted[2]), ("weighted_precision", weighted[0])):
            drawn[name].append(value)
    for name, replicates in drawn.items():
        low, high = np.quantile(replicates, (0.025, 0.975))
        assert (means[name].low, means[name].high) == pytest.approx((low, high), abs=0.008)


def test_means_are_over_the_classes_that_have_images() -> None:
    labels, predicted = np.array([0, 0, 0, 2, 2]), np.array([0, 0, 1, 2, 2])
    means = metrics.means(labels, predicted, 4)
    assert means["macro_recall"].value == pytest.approx((2 / 3 + 1) / 2)
    assert means["macro_precision"].value == 1.0
    assert means["macro_f1"].value == pytest.approx((0.8 + 1) / 2)
    alone = metrics.means(np.zeros(4, dtype=np.int64), np.array([0, 0, 0, 1]), 2)  # one class, and nothing crashes
    assert alone["macro_recall"].value == 0.75


def test_figures_without_a_mistake_are_not_beyond_doubt() -> None:
    means = metrics.means(np.arange(12) % 3, np.arange(12) % 3, 3)
    for name, estimate in means.items():
        assert estimate.value == estimate.high == 1.0
        assert estimate.low < 0.9, name


def test_nothing_to_score() -> None:
    none, no_answers = np.empty(0, dtype=np.int64), np.empty((0, 3), dtype=np.float32)
    assert metrics.accuracy(none, none) == 0.0
    assert metrics.top_k_accuracy(none, no_answers, 2) == 0.0
    assert metrics.negative_log_likelihood(none, no_answers) == 0.0
    assert metrics.confusion_matrix(none, none, 2).tolist() == [[0, 0], [0, 0]]
    assert [score.support for score in metrics.class_scores(none, none, ["a", "b"])] == [0, 0]
