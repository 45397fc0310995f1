"""Areas under curves: scikit-learn's values, influences against finite differences, intervals against a bootstrap."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from sightline.evaluation.ranking import (
    average_precisions,
    precision_influence,
    roc_areas,
    roc_influence,
    roc_interval,
)


def three_classes(count: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Labels 0, 1, 2 and probabilities that know something of them, rounded so that there are ties."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    logits = draw.normal(size=(count, 3))
    logits[np.arange(count), labels] += 1.5
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, probabilities.round(2).astype(np.float32)


def test_values_are_scikit_learns() -> None:
    labels, probabilities = three_classes(600)
    roc, precision = roc_areas(labels, probabilities), average_precisions(labels, probabilities)
    for index in range(3):
        one = roc.classes[index], precision.classes[index]
        assert one[0] is not None
        assert one[1] is not None
        assert one[0].value == pytest.approx(roc_auc_score(labels == index, probabilities[:, index]))
        assert one[1].value == pytest.approx(average_precision_score(labels == index, probabilities[:, index]))
        assert {estimate.method for estimate in one} == {"jackknife"}
    assert roc.mean is not None
    assert roc.mean.value == pytest.approx(
        roc_auc_score(
            labels, np.float64(probabilities) / np.float64(probabilities).sum(1, keepdims=True), multi_class="ovr"
        ),
        abs=1e-3,
    )


@pytest.mark.parametrize(
    ("influence_of", "value_of"),
    [(roc_influence, roc_auc_score), (precision_influence, average_precision_score)],
    ids=["roc", "precision"],
)
def test_influence_is_the_derivative_by_the_weight(influence_of, value_of) -> None:  # type: ignore[no-untyped-def]
    labels, probabilities = three_classes(60)
    positive, scores = labels == 0, probabilities[:, 0].astype(float)
    influence = influence_of(positive, scores)
    assert influence.sum() == pytest.approx(0, abs=1e-12)  # more weight for all changes nothing
    for image in range(60):
        weights = np.ones((2, 60))
        weights[:, image] += (-1e-5, 1e-5)
        less, more = (value_of(positive, scores, sample_weight=w) for w in weights)
        assert influence[image] == pytest.approx((more - less) / 2e-5, abs=1e-7)


@pytest.mark.parametrize("areas_of", [roc_areas, average_precisions])
def test_the_interval_of_the_mean_is_that_of_a_bootstrap(areas_of) -> None:  # type: ignore[no-untyped-def]
    labels, probabilities = three_classes(900)
    mean = areas_of(labels, probabilities).mean
    draw = np.random.default_rng(1)
    replicates = []
    for _ in range(300):
        images = draw.integers(900, size=900)
        replicates.append(areas_of(labels[images], probabilities[images]).mean.value)
    deviation = float(np.std(replicates))
    assert (mean.high - mean.low) / (2 * 1.96) == pytest.approx(deviation, rel=0.15)
    assert mean.low < mean.value < mean.high


def test_a_perfect_area_is_not_beyond_doubt() -> None:
    labels = np.repeat([0, 1], 50)
    probabilities = np.eye(2, dtype=np.float32)[labels]
    roc, precision = roc_areas(labels, probabilities), average_precisions(labels, probabilities)
    for area in (*roc.classes, roc.mean, *precision.classes, precision.mean):
        assert area is not None
        assert area.value == area.high == 1.0
        assert 0.9 < area.low < 0.99
    assert roc.classes[0] is not None
    assert roc.classes[0].method == "hanley-mcneil"
    assert precision.mean is not None
    assert precision.mean.method == "wilson"


def test_hanley_mcneil_bounds_are_z_deviations_away() -> None:
    interval = roc_interval(0.8, 20, 30)
    for bound in (interval.low, interval.high):
        q1, q2 = bound / (2 - bound), 2 * bound**2 / (1 + bound)
        variance = (bound * (1 - bound) + 19 * (q1 - bound**2) + 29 * (q2 - bound**2)) / 600
        assert abs(0.8 - bound) / np.sqrt(variance) == pytest.approx(1.959964, rel=1e-4)
    assert interval.low < 0.8 < interval.high
    assert roc_interval(0.0, 5, 5).low == 0.0


def test_a_class_without_images_or_without_others_has_no_area() -> None:
    labels = np.zeros(20, dtype=np.int64)
    probabilities = np.full((20, 2), 0.5, dtype=np.float32)
    for areas in (roc_areas(labels, probabilities), average_precisions(labels, probabilities)):
        assert areas.classes == (None, None)
        assert areas.mean is None
    labels[0] = 1
    roc = roc_areas(labels, np.pad(probabilities, ((0, 0), (0, 1))))
    assert roc.classes[2] is None
    assert roc.mean is not None
    assert roc.mean.value == 0.5
    assert roc.mean.high - roc.mean.low > 0.5  # one image of a class says very little
