"""One temperature makes probabilities true and changes no answer; how true they are, by hand and by simulation."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from sightline.classifier.classifier import Classifier
from sightline.data.imageset import ArrayImages, ImageSet
from sightline.evaluation.answers import answers
from sightline.evaluation.calibration import (
    at_temperature,
    calibrate,
    calibrate_from,
    fit_temperature,
    reliability,
)
from sightline.models.registry import create_model
from sightline.pixels.preprocess import Preprocess


def answered(
    count: int, sharper: float = 1.0, classes: int = 10, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits and labels drawn from their own softmax; then the logits are made `sharper` times too sure."""
    draw = np.random.default_rng(seed)
    logits = 2 * draw.normal(size=(count, classes))
    chances = softmax(logits, axis=1).cumsum(axis=1)
    labels = (draw.random((count, 1)) > chances).sum(axis=1).clip(max=classes - 1)
    return (sharper * logits).astype(np.float32), labels


@pytest.mark.parametrize("sharper", [0.3, 1.0, 2.5])
def test_the_temperature_undoes_false_certainty(sharper: float) -> None:
    logits, labels = answered(20_000, sharper)
    temperature = fit_temperature(logits, labels)
    assert temperature == pytest.approx(sharper, rel=0.03)
    before, after = (reliability(softmax(logits / t, axis=1), labels) for t in (1.0, temperature))
    assert after.ece.value < 0.01
    assert sharper == 1 or before.ece.value > 0.05
    # No prediction is changed.
    np.testing.assert_array_equal((logits / temperature).argmax(axis=1), logits.argmax(axis=1))


def test_it_is_the_temperature_of_least_loss() -> None:
    logits, labels = answered(2_000, 2.0)

    def loss(t: NDArray[np.float64]) -> float:
        return -float(log_softmax(logits / t[0], axis=1)[np.arange(2_000), labels].sum())

    reference = minimize(loss, [1.5], method="Nelder-Mead", options={"xatol": 1e-6}).x[0]
    assert fit_temperature(logits, labels) == pytest.approx(reference, rel=3e-3)  # but for the imagined image


def test_few_images_that_are_all_right_do_not_ask_for_endless_certainty() -> None:
    """By the rule of succession, about n + 1 of n + 2 such images are right; without it the temperature would be 0."""
    logits = np.zeros((50, 3), dtype=np.float32)
    logits[:, 0] = 4
    temperature = fit_temperature(logits, np.zeros(50, dtype=np.int64))
    sure = float(softmax(logits[0] / temperature)[0])
    assert 0.95 < sure < 0.99
    hopeless = fit_temperature(logits, np.ones(50, dtype=np.int64))
    assert hopeless == pytest.approx(20, rel=0.01)  # always wrong: as unsure as can be


def test_nothing_to_fit() -> None:
    assert fit_temperature(np.empty((0, 3), dtype=np.float32), np.empty(0, dtype=np.int64)) == 1.0
    assert fit_temperature(np.ones((5, 3), dtype=np.float32), np.zeros(5, dtype=np.int64)) == 1.0
    assert fit_temperature(np.arange(5, dtype=np.float32)[:, None], np.zeros(5, dtype=np.int64)) == 1.0  # one class
    assert 0.05 <= fit_temperature(np.array([[1e30, -1e30]], dtype=np.float32), np.array([0])) <= 20.1


def test_a_temperature_can_be_undone() -> None:
    logits, _ = answered(100)
    cool, warm = (softmax(logits / t, axis=1).astype(np.float32) for t in (1.0, 2.5))
    np.testing.assert_allclose(at_temperature(warm, 2.5), cool, atol=1e-6)
    np.testing.assert_allclose(at_temperature(cool, 1 / 2.5), warm, atol=1e-6)
    assert at_temperature(cool, 1.0) is cool
    certain = np.array([[1.0, 0.0]], dtype=np.float32)
    assert at_temperature(certain, 3.0).tolist() == [[1.0, 0.0]]


def test_reliability_by_hand() -> None:
    probabilities = np.array([[0.95, 0.05], [0.85, 0.15], [0.35, 0.65], [0.45, 0.55], [0.5, 0.5]], dtype=np.float32)
    result = reliability(probabilities, np.array([0, 1, 1, 0, 0]), bins=5)
    assert [b.count for b in result.bins] == [0, 0, 2, 1, 2]  # 0.5 and 0.55; 0.65; 0.95 and 0.85
    assert [b.accuracy for b in result.bins] == [0, 0, 0.5, 1, 0.5]
    assert [b.confidence for b in result.bins] == pytest.approx([0.1, 0.3, 0.525, 0.65, 0.9])
    assert result.ece.value == pytest.approx((2 * 0.025 + 1 * 0.35 + 2 * 0.4) / 5, abs=1e-6)
    assert result.ece.low <= result.ece.value <= result.ece.high
    # Variances by bin: 0.25 + 0.2475, 0.2275, 0.0475 + 0.1275.
    roots = sum(math.sqrt(v) for v in (0.4975, 0.2275, 0.175))
    assert result.by_chance == pytest.approx(math.sqrt(2 / math.pi) * roots / 5, rel=1e-5)
    assert len(result.to_json()["bins"]) == 3


def test_the_edges_belong_to_the_bin_below() -> None:
    result = reliability(np.array([[1.0], [1.0]], dtype=np.float32), np.array([0, 0]))
    assert result.bins[-1].count == 2
    assert result.ece.value == 0


def test_true_probabilities_are_off_by_chance_alone() -> None:
    errors, held = [], 0
    for seed in range(20):
        logits, labels = answered(1_000, seed=seed)
        result = reliability(softmax(logits, axis=1).astype(np.float32), labels)
        errors.append(result.ece.value)
        held += result.ece.low < 0.01  # nothing speaks against an error of almost none
    assert held >= 16
    assert np.mean(errors) == pytest.approx(result.by_chance, rel=0.15)


def classifier() -> tuple[Classifier, ImageSet]:
    """An untrained network whose answers are made large, and 300 images that it names right 7 times in 10."""
    network = create_model("lenet5", num_classes=4, in_channels=1, size=16).eval()
    with torch.no_grad():
        network.head.get_submodule("output").weight.mul_(60)
    preprocess = Preprocess(size=(16, 16), channels=1, mean=(0.5,), std=(0.25,))
    assert network.architecture is not None
    made = Classifier(network, tuple("abcd"), preprocess, network.architecture)
    pixels = torch.randint(0, 256, (300, 1, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels = made.logits(pixels).argmax(1)
    labels[:90] = (labels[:90] + 1) % 4
    return made, ImageSet(ArrayImages(pixels), labels, tuple("abcd"), tuple(map(str, range(300))))


def test_a_classifier_is_calibrated_by_what_it_answers() -> None:
    made, images = classifier()
    made.views = "mirror"
    logits, labels = answers(made, images)
    named = made.probabilities(images.images.pixels).argmax(1)  # type: ignore[union-attr]
    calibrate(made, images)
    assert made.temperature == fit_temperature(logits.numpy(), labels.numpy()) != 1
    assert torch.equal(made.probabilities(images.images.pixels).argmax(1), named)  # type: ignore[union-attr]
    assert made.unknown is not None
    assert made.unknown.images == 300
    assert int(made.unknown.rejects(logits).sum()) == 15  # 5 %
    assert made.conformal is not None
    inside = made.conformal.members(logits, made.temperature, 0.9)[torch.arange(300), labels]
    assert 0.9 * 300 <= int(inside.sum()) <= 0.92 * 300  # counted: as a float32, 270 of 300 are less than 0.9


def test_logits_of_images_that_were_not_left_out_do_not_count() -> None:
    made, images = classifier()
    logits, labels = answers(made, images)
    calibrate_from(made, logits[:200], labels[:200])
    fewer = made.description()
    logits[200:] = float("nan")
    calibrate_from(made, logits, labels)
    assert made.description() == fewer
    calibrate_from(made, logits[200:], labels[200:])  # nothing is left: no rule
    assert (made.temperature, made.unknown, made.conformal) == (1.0, None, None)
