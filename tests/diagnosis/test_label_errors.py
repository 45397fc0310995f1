"""Labels that were made wrong on purpose are found, and honest doubt is left alone."""

import importlib.util

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sightline.data.imageset import ArrayImages, ImageSet
from sightline.diagnosis.label_errors import (
    Suspect,
    held_out_suspects,
    left_out_probabilities,
    likely_errors,
    noise_model,
    suspects,
    training_suspects,
)
from sightline.errors import ConfigError, DataError
from sightline.evaluation.evaluate import score
from sightline.runs.run import Run

K = 10
CLASSES = tuple("abcdefghij")
Planted = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]


def planted(rate: float, *, count: int = 4_000, spread: float = 0.5, pairs: bool = False, seed: int = 0) -> Planted:
    """Probabilities that are right about overlapping clouds, true labels, and labels of which `rate` are flipped.

    pairs: to the next class of its pair, which looks alike; else to any other.
    """
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(K, 5))
    centres[1::2] = centres[::2] + 0.4 * rng.normal(size=(K // 2, 5))
    truth = rng.integers(0, K, count)
    points = centres[truth] + spread * rng.normal(size=(count, 5))
    logits = -((points[:, None] - centres) ** 2).sum(2) / (2 * spread**2)
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    labels = truth.copy()
    flipped = rng.permutation(count)[: round(rate * count)]
    labels[flipped] = labels[flipped] ^ 1 if pairs else (labels[flipped] + rng.integers(1, K, len(flipped))) % K
    return probabilities / probabilities.sum(1, keepdims=True), truth, labels


def quality(result: tuple[Suspect, ...], truth: NDArray[np.int64], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Precision and recall."""
    wrong = truth != labels
    hits = sum(wrong[one.index] for one in result)
    return hits / len(result), hits / wrong.sum()


def names(count: int) -> tuple[str, ...]:
    return tuple(f"{i}.png" for i in range(count))


def test_slips_are_found() -> None:
    probabilities, truth, labels = planted(0.05)
    result = suspects(probabilities, labels, CLASSES, ids=names(len(labels)))
    precision, recall = quality(result, truth, labels)
    assert precision >= 0.8
    assert recall >= 0.8
    scores = [one.score for one in result]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= one <= 1 for one in scores)
    first = result[0]
    assert (first.id, first.label) == (f"{first.index}.png", CLASSES[labels[first.index]])
    rightly = [one.suggested == CLASSES[truth[one.index]] for one in result if truth[one.index] != labels[one.index]]
    assert np.mean(rightly) > 0.6  # of pairs that look alike, more can hardly be told
    assert str(first) == f"{first.id}: labelled '{first.label}', looks like '{first.suggested}'"


def test_honest_doubt_is_left_alone() -> None:
    probabilities, truth, _ = planted(0)
    assert (probabilities.argmax(1) != truth).mean() > 0.2  # a fifth is misrecognised
    result = suspects(probabilities, truth, CLASSES, ids=names(len(truth)))
    assert len(result) < 0.01 * len(truth)


def test_classes_that_are_taken_for_each_other() -> None:
    """The rates say between which classes, and the flips are found where the images can be told apart."""
    probabilities, truth, labels = planted(0.1, pairs=True, spread=0.25)
    rates = noise_model(np.maximum(probabilities, 1e-12), labels).rates
    assert np.diag(rates) == pytest.approx(0.9, abs=0.035)
    assert rates[np.arange(K), np.arange(K) ^ 1] == pytest.approx(0.1, abs=0.035)
    precision, recall = quality(suspects(probabilities, labels, CLASSES, ids=names(len(labels))), truth, labels)
    assert precision >= 0.8
    assert recall >= 0.5


def test_a_classifier_that_is_too_sure_or_too_unsure_is_put_right() -> None:
    probabilities, truth, labels = planted(0.05)
    for power in (0.5, 2.0):
        distorted = np.maximum(probabilities, 1e-12) ** power
        distorted /= distorted.sum(1, keepdims=True)
        assert noise_model(distorted, labels).temperature == pytest.approx(power, rel=0.15)
        precision, recall = quality(suspects(distorted, labels, CLASSES, ids=names(len(labels))), truth, labels)
        assert min(precision, recall) >= 0.75


def test_likely_errors_by_hand() -> None:
    # Four classes; six in ten of them are two. One of the five labels names one: of three other classes two
    # are among them, so that it stands for 1.5 slips.
    probabilities = np.tile([0.6, 0.3, 0.07, 0.03], (5, 1))
    labels = np.array([0, 0, 1, 0, 3])
    assert likely_errors(probabilities, labels, np.full(5, 0.1)) == 2
    assert likely_errors(probabilities, labels, np.full(5, 0.8)) == 4
    assert likely_errors(np.tile([0.7, 0.3], (5, 1)), labels % 2, np.full(5, 0.1)) == 0


def test_a_class_without_images_is_no_matter() -> None:
    probabilities, truth, labels = planted(0.05)
    some = labels != 3
    result = suspects(probabilities[some], labels[some], CLASSES, ids=names(int(some.sum())))
    assert min(quality(result, truth[some], labels[some])) > 0.7
    assert all("d" not in (one.label, one.suggested) for one in result)


def test_heads_that_have_not_learnt_from_an_image() -> None:
    """Noise that can be learnt by heart is not: what is said of it is no better than a guess."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(300, 400, generator=generator)  # more features than images: any labels can be fitted
    labels = torch.randint(0, 3, (300,), generator=generator)
    said = left_out_probabilities(features, labels, 3)
    assert said.shape == (300, 3)
    assert said.sum(1) == pytest.approx(np.ones(300), abs=1e-5)
    assert 0.2 < (said.argmax(1) == labels.numpy()).mean() < 0.47


def test_of_many_images_some_are_learnt_from_and_all_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.diagnosis.label_errors.LEARNT_FROM", 200)
    rng = np.random.default_rng(0)
    labels = torch.arange(1_000) % 2
    features = torch.from_numpy(rng.normal(size=(1_000, 4))).float() + 4 * labels[:, None]
    wrong = labels.clone()
    wrong[:50] = 1 - wrong[:50]
    said = left_out_probabilities(features, wrong, 2)
    assert not np.isnan(said).any()
    assert (said.argmax(1) == labels.numpy()).mean() > 0.99


def test_training_images_of_a_run(digits_run: Run) -> None:
    from sightline.data.load import load_data

    train = load_data("digits").train
    some = train.take(range(600))
    labels = some.labels.clone()
    labels[:30] = (labels[:30] + 3) % 10
    wrong = ImageSet(some.images, labels, some.classes, some.ids)
    result = training_suspects(digits_run.classifier, wrong)
    hits = sum(one.index < 30 for one in result)
    assert hits >= 24
    assert hits / len(result) >= 0.8
    assert {one.id for one in result} <= set(some.ids)


def test_held_out_images_by_the_classifiers_own_answers() -> None:
    probabilities, truth, labels = planted(0.05)
    evaluation = score(probabilities.astype(np.float32), labels, CLASSES, ids=names(len(labels)))
    result = held_out_suspects(evaluation)
    assert min(quality(result, truth, labels)) >= 0.8


@pytest.mark.filterwarnings("ignore")  # cleanlab's own
@pytest.mark.skipif(importlib.util.find_spec("cleanlab") is None, reason="cleanlab is not installed: sightline[label]")
def test_cleanlab_on_request() -> None:
    probabilities, truth, labels = planted(0.05, spread=0.4)
    result = suspects(probabilities, labels, CLASSES, ids=names(len(labels)), method="cleanlab")
    assert quality(result, truth, labels)[1] >= 0.8
    ours = suspects(probabilities, labels, CLASSES, ids=names(len(labels)))
    assert len({one.id for one in ours[:50]} & {one.id for one in result}) >= 45


def test_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    even = np.full((12, 2), 0.5)
    with pytest.raises(DataError) as caught:
        suspects(even, np.ones(12, int), ("cat", "dog"), ids=names(12))
    assert str(caught.value) == (
        "every image is of class 'dog': labels are checked against each other: give images of two classes or more"
    )
    with pytest.raises(DataError, match="there is no image"):
        suspects(even[:0], np.ones(0, int), ("cat", "dog"), ids=())
    with pytest.raises(DataError, match="5 images are too few to look for wrong labels: use 10 or more"):
        left_out_probabilities(torch.zeros(5, 2), torch.tensor([0, 1, 0, 1, 0]), 2)
    with pytest.raises(ConfigError, match="method is 'clean': did you mean cleanlab"):
        suspects(even, np.arange(12) % 2, ("cat", "dog"), ids=names(12), method="clean")  # type: ignore[arg-type]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"cleanlab is not installed: pip install 'sightline\[label\]'"):
        suspects(even, np.arange(12) % 2, ("cat", "dog"), ids=names(12), method="cleanlab")


def test_one_class_of_a_data_set_is_refused_before_anything_is_computed(digits_run: Run) -> None:
    pixels = torch.zeros(20, 1, 8, 8, dtype=torch.uint8)
    alone = ImageSet(ArrayImages(pixels), torch.zeros(20, dtype=torch.int64), ("zero", "one"), names(20))
    with pytest.raises(DataError, match="every image is of class 'zero'"):
        training_suspects(digits_run.classifier, alone)
