"""An evaluation says what a classifier got right, in numbers, sentences and a table."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from sightline.classifier.confidence import UnknownRule
from sightline.data.imageset import ArrayImages, ImageSet
from sightline.errors import DataError
from sightline.evaluation import answers
from sightline.evaluation.evaluate import Evaluation, evaluate, score, write_predictions
from sightline.evaluation.intervals import wilson_interval
from sightline.pixels.preprocess import Preprocess

CLASSES = ("cat", "dog", "fox")


class TellTale:
    """Stands in for a classifier: the first pixel of an image is the class it names, the second how sure it is."""

    def __init__(self, classes: tuple[str, ...] = CLASSES, note: str = "") -> None:
        self.classes = classes
        self.note = note
        self.temperature = 1.0
        self.unknown: UnknownRule | None = None
        self.preprocess = Preprocess(size=(1, 2), channels=1, mean=(0.0,), std=(1.0,))

    def logits(self, images: Tensor) -> Tensor:
        named, percent = images[:, 0, 0, 0].long(), images[:, 0, 0, 1] / 100
        others = (1 - percent) / (len(self.classes) - 1)
        probabilities = others[:, None].repeat(1, len(self.classes))
        probabilities[torch.arange(len(images)), named] = percent
        return probabilities.log() * self.temperature


def image_set(named: list[int], percent: list[int], labels: list[int], classes: tuple[str, ...] = CLASSES) -> ImageSet:
    pixels = torch.tensor([named, percent], dtype=torch.uint8).T.reshape(-1, 1, 1, 2)
    ids = tuple(f"{i}.png" for i in range(len(labels)))
    return ImageSet(ArrayImages(pixels), torch.tensor(labels), classes, ids)


NAMED = [0, 0, 1, 1, 1, 2]
PERCENT = [90, 80, 70, 60, 95, 50]
TRUTH = [0, 0, 0, 1, 2, 2]


def six_images() -> Evaluation:
    return evaluate(TellTale(), image_set(NAMED, PERCENT, TRUTH))


def test_the_report_in_plain_text() -> None:
    evaluation = six_images()
    table, sentences, figures = str(evaluation).split("\n\n")
    assert table.splitlines() == [
        "class  precision  recall     F1    AUC     AP  images",
        "cat        1.000   0.667  0.800  0.778  0.867       3",
        "dog        0.333   1.000  0.500  0.600  0.333       1",
        "fox        1.000   0.500  0.667  0.500  0.667       2",
    ]
    assert sentences.splitlines() == evaluation.summary()
    names = [line[:18].strip() for line in figures.splitlines()]
    assert names[:3] == ["figure", "accuracy", "balanced accuracy"]
    assert names[-1] == "calibration error"
    assert evaluation.estimates["accuracy"].text() in figures


def test_scores_by_hand() -> None:
    evaluation = six_images()
    assert (evaluation.total, evaluation.correct) == (6, 4)
    assert evaluation.accuracy == pytest.approx(4 / 6)
    assert evaluation.interval == wilson_interval(4, 6)
    assert evaluation.top5 is None  # five guesses among three classes
    assert evaluation.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 1, 1]]
    assert [s.recall for s in evaluation.classes] == [pytest.approx(2 / 3), 1.0, 0.5]
    true = [0.9, 0.8, 0.15, 0.6, 0.025, 0.5]
    assert evaluation.loss == pytest.approx(-np.log(true).mean(), rel=1e-5)
    assert evaluation.probabilities.dtype == np.float32
    assert evaluation.probabilities.shape == (6, 3)


def test_mistakes_are_sorted_by_confidence() -> None:
    evaluation = six_images()
    assert evaluation.mistakes(10) == [4, 2]
    assert evaluation.mistakes(1) == [4]
    assert evaluation.confusions(5) == [("cat", "dog", 1), ("fox", "dog", 1)]


def test_summary_sentences() -> None:
    many = evaluate(
        TellTale(note="Only the first 600 of 6,000 test images are there."),
        image_set(NAMED * 100, PERCENT * 100, TRUTH * 100),
    )
    assert many.summary() == [
        "67 % (63 to 70) of 600 images are recognised.",
        "'fox' is the weakest class: 100 of 200 recognised, 50 % (43 to 57).",
        "The commonest confusion is 'cat' taken for 'dog', 100 times.",
        "Only the first 600 of 6,000 test images are there.",
    ]
    assert "once" in six_images().summary()[-1]


def test_summary_of_a_perfect_result() -> None:
    perfect = evaluate(TellTale(), image_set([0, 1, 2], [90, 90, 90], [0, 1, 2]))
    assert perfect.summary() == ["100 % (44 to 100) of 3 images are recognised."]
    assert perfect.weakest is None


def test_top_5_of_ten_classes() -> None:
    names = tuple("abcdefghij")
    evaluation = evaluate(TellTale(names), image_set([0, 0, 0, 0], [91] * 4, [0, 1, 4, 9], names))
    # Nine classes share second place; those that come first are among the five.
    assert evaluation.top5 == 0.75
    assert "among the first five for 75 % (30 to 95)." in evaluation.summary()[1]


def test_classes_are_matched_by_name() -> None:
    """The data lists its classes in another order and lacks one; the answers are the same."""
    data = image_set([2, 0, 2], [90, 80, 70], [0, 1, 1], classes=("fox", "cat"))
    evaluation = evaluate(TellTale(), data)
    assert evaluation.labels.tolist() == [2, 0, 0]
    assert evaluation.confusion.tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 1]]
    assert evaluation.classes[1].support == 0
    assert evaluation.weakest == evaluation.classes[0]


def test_the_figures_of_the_whole_by_hand() -> None:
    estimates = six_images().estimates
    assert list(estimates) == [
        "accuracy",
        "balanced_accuracy",
        "macro_precision",
        "macro_recall",
        "macro_f1",
        "weighted_precision",
        "weighted_recall",
        "weighted_f1",
        "roc_auc",
        "average_precision",
    ]
    assert (estimates["accuracy"].low, estimates["accuracy"].high) == wilson_interval(4, 6)
    assert estimates["balanced_accuracy"].value == pytest.approx((2 / 3 + 1 + 1 / 2) / 3)
    assert estimates["roc_auc"].value == pytest.approx((7 / 9 + 3 / 5 + 1 / 2) / 3)
    assert "top5" in evaluate(TellTale(tuple("abcdefghij")), image_set([0], [91], [0], tuple("abcdefghij"))).estimates


def test_one_class_alone_is_scored() -> None:
    evaluation = evaluate(TellTale(), image_set([0, 1], [90, 80], [0, 0]))
    assert "roc_auc" not in evaluation.estimates
    assert evaluation.classes[0].roc_auc is None
    assert "    -      -       2" in str(evaluation)
    assert json.loads(json.dumps(evaluation.to_json()))["classes"][0]["roc_auc"] is None
    only = score(np.ones((3, 1), dtype=np.float32), np.zeros(3, dtype=np.int64), ("cat",), ids=("a", "b", "c"))
    assert only.accuracy == 1.0
    assert "cat" in str(only)


def test_calibration_before_and_after() -> None:
    named, percent = NAMED * 50, PERCENT * 50
    teller = TellTale()
    teller.temperature = 2.0  # the images' percentages are what the answers say after it
    evaluation = evaluate(teller, image_set(named, percent, TRUTH * 50))
    assert evaluation.temperature == 2.0
    after, before = evaluation.reliability_after, evaluation.reliability_before
    np.testing.assert_allclose(evaluation.probabilities.max(1)[:6], np.array(PERCENT) / 100, atol=1e-6)
    sharper = evaluation.probabilities[0] ** 2 / (evaluation.probabilities[0] ** 2).sum()
    assert before.bins[-1].confidence > sharper.max() - 0.01 > after.bins[-1].confidence - 0.05
    data = evaluation.to_json()["calibration"]
    assert data["temperature"] == 2.0
    assert data["after"]["ece"]["value"] == after.ece.value != before.ece.value
    assert "without the temperature 2 " in str(evaluation)
    assert evaluate(TellTale(), image_set(NAMED, PERCENT, TRUTH)).reliability_before is not None


def test_unknown_images_are_counted_and_scored_all_the_same() -> None:
    teller = TellTale()
    assert not evaluate(teller, image_set(NAMED, PERCENT, TRUTH)).unknown.any()
    teller.unknown = UnknownRule(score="probability", threshold=0.75)
    evaluation = evaluate(teller, image_set(NAMED, PERCENT, TRUTH))
    assert evaluation.unknown.tolist() == [False, False, True, True, False, True]
    assert evaluation.correct == 4
    assert evaluation.to_json()["unknown"] == 3
    assert "called unknown" in str(evaluation)


def test_unknown_classes_are_named() -> None:
    data = image_set([0, 1], [90, 90], [0, 1], classes=("cat", "dingo"))
    with pytest.raises(DataError) as caught:
        evaluate(TellTale(), data)
    assert str(caught.value) == (
        "the classifier does not know class 'dingo', and the data has no classes 'dog', 'fox': "
        "rename the classes of the data to the classifier's, or train on this data"
    )


def test_no_images() -> None:
    with pytest.raises(DataError, match="there is no image to evaluate on"):
        evaluate(TellTale(), image_set([], [], []))


def test_parts_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = six_images()
    monkeypatch.setattr(answers, "PART", 4)
    parts = six_images()
    np.testing.assert_array_equal(parts.probabilities, whole.probabilities)
    assert parts.to_json() == whole.to_json()


def test_notes_are_joined_and_said_once() -> None:
    data = image_set([0], [90], [0])
    assert evaluate(TellTale(note="Partial."), data, note="Partial.").note == "Partial."
    assert evaluate(TellTale(note="Partial."), data, note="Blurred.").note == "Partial. Blurred."


def test_json_is_plain() -> None:
    data = json.loads(json.dumps(six_images().to_json()))
    assert data["correct"] == 4
    assert data["confusion"] == [[2, 1, 0], [0, 1, 0], [0, 1, 1]]
    assert data["classes"][2]["name"] == "fox"
    assert data["classes"][2]["recall_interval"] == list(wilson_interval(1, 2))


def test_predictions_csv(tmp_path: Path) -> None:
    probabilities = np.array([[0.7, 0.2, 0.1], [0.125, 0.25, 0.625]], dtype=np.float32)
    names = ('a "quoted", name', "dog", "fox")
    evaluation = score(probabilities, np.array([0, 1]), names, ids=("one.png", "two,2.png"))
    write_predictions(evaluation, tmp_path / "predictions.csv")
    with (tmp_path / "predictions.csv").open(newline="", encoding="utf-8") as file:
        header, first, second = csv.reader(file)
    assert header == ["id", "label", "predicted", "probability", "correct", "unknown", "second", "second_probability"]
    assert first == ["one.png", names[0], names[0], "0.700000", "1", "0", "dog", "0.200000"]
    assert second == ["two,2.png", "dog", "fox", "0.625000", "0", "0", "dog", "0.250000"]
