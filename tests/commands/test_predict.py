"""From paths, folders and globs to rows of answers, without the command line: see test_cli.py for that."""

import csv
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from sightline.classifier.classifier import Classifier, Prediction
from sightline.commands.predict import Answer, find_images, open_classifier, predict_files, recorded
from sightline.errors import ConfigError, StorageError
from sightline.models.registry import create_model
from sightline.pixels.preprocess import Preprocess

Photos = Callable[[Mapping[str, int]], Path]
SAID = Prediction("cat", 0.75, (("cat", 0.75), ("dog", 0.25)))
STRANGE = Prediction("cat", 0.75, (("cat", 0.75),), unknown=True)


@pytest.fixture
def classifier() -> Classifier:
    network = create_model("lenet5", num_classes=2, in_channels=1, size=16)
    preprocess = Preprocess(size=(16, 16), channels=1, mean=(0.5,), std=(0.25,))
    assert network.architecture is not None
    return Classifier(network, ("cat", "dog"), preprocess, network.architecture)


def test_a_folder_stands_for_its_visible_images_and_a_file_for_itself(photos: Photos) -> None:
    root = photos({"cat": 2, "dog/small": 1, ".trash": 1})
    (root / "cat" / "notes.txt").write_text("no image")
    images = [root / "cat" / "0.png", root / "cat" / "1.png", root / "dog" / "small" / "0.png"]
    assert find_images([str(root)]) == dict.fromkeys(images, "")
    assert find_images([str(root / "cat" / "notes.txt")]) == {
        root / "cat" / "notes.txt": "not an image of a supported type"
    }


def test_a_folder_is_not_silent_about_what_should_be_an_image(photos: Photos) -> None:
    root = photos({"cat": 1})
    (root / "cat" / "1.JPG").write_bytes(b"")
    (root / "cat" / "2.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (root / "cat" / ".3.jpg").write_bytes(b"")
    assert find_images([str(root)]) == {
        root / "cat" / "0.png": "",
        root / "cat" / "1.JPG": "empty file",
        root / "cat" / "2.heic": "a HEIC photo",
    }


def test_what_stands_for_no_file_is_a_row_with_the_reason(photos: Photos) -> None:
    root = photos({"cat": 1})
    (root / "none").mkdir()
    reasons = find_images([str(root / "none"), str(root / "*.gif"), str(root / "gone.png")])
    assert list(reasons.values()) == ["there are no images in this folder", "no file matches", "there is no such file"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(photos: Photos, png: bytes) -> None:
    root = photos({"cat": 1})
    (root / "cat" / "1[a].png").write_bytes(png)
    assert find_images([str(root / "cat" / "1[a].png")]) == {root / "cat" / "1[a].png": ""}


def test_every_file_is_answered_in_order(classifier: Classifier, photos: Photos) -> None:
    root = photos({"cat": 2})
    damaged = root / "cat" / "0.png"
    damaged.write_bytes(damaged.read_bytes()[:40])
    reasons = {root / "gone.png": "there is no such file", damaged: "", root / "cat" / "1.png": ""}
    gone, cut, good = predict_files(classifier, reasons, top=2)
    assert (gone.path, gone.prediction, gone.reason) == (root / "gone.png", None, "there is no such file")
    assert cut.prediction is None
    assert cut.reason.startswith("it is damaged, truncated or of a rare kind")  # without the name, which stands beside
    expected = classifier.predict(root / "cat" / "1.png", top=2)
    assert good.prediction is not None
    assert good.prediction.label == expected.label
    assert [label for label, _ in good.prediction.top] == [label for label, _ in expected.top]
    np.testing.assert_allclose([p for _, p in good.prediction.top], [p for _, p in expected.top], atol=1e-6)


def test_a_reason_that_holds_the_name_of_its_file_is_whole(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Python says to this: invalid literal for int() with base 10: b'three'.
    Path("10").write_bytes(b"P6 three 3 255\n")
    [answer] = predict_files(classifier, {Path("10"): ""})
    assert answer.reason.startswith("it is damaged, truncated or of a rare kind (")
    assert " base 10: " in answer.reason


def test_no_class_at_all_cannot_be_named(classifier: Classifier) -> None:
    with pytest.raises(ConfigError, match="top is 0"):
        list(predict_files(classifier, {Path("x.png"): ""}, top=0))


def test_an_answer_in_words() -> None:
    assert str(Answer(Path("a.png"), SAID)) == "cat 75.0 %  dog 25.0 %"
    assert str(Answer(Path("a.png"), STRANGE)) == "unknown, nearest cat 75.0 %"
    several = dataclasses.replace(SAID, label_set=("cat", "dog"))
    assert str(Answer(Path("a.png"), several)) == "cat 75.0 %  dog 25.0 %  of {cat, dog}"
    assert str(Answer(Path("a.png"), None, "empty file")) == "not read: empty file"


def test_answers_pass_while_they_are_written(tmp_path: Path) -> None:
    table = tmp_path / "answers.csv"
    answers = [Answer(Path('a, "b".png'), SAID), Answer(Path("c.png"), None, "empty file")]
    passing = recorded(answers, table, top=2)
    assert next(passing) is answers[0]
    assert not table.exists()  # whole or not at all
    assert list(passing) == answers[1:]
    rows = list(csv.reader(table.read_text(encoding="utf-8").splitlines()))
    assert rows == [
        ["path", "label", "probability", "unknown", "nearest", "reason", "label_2", "probability_2"],
        ['a, "b".png', "cat", "0.750000", "0", "cat", "", "dog", "0.250000"],
        ["c.png", "", "", "", "", "empty file", "", ""],
    ]


def test_what_is_unknown_has_no_other_label_but_a_nearest_one(tmp_path: Path) -> None:
    answer = Answer(Path("a.png"), dataclasses.replace(STRANGE, label_set=("cat", "dog")))
    assert list(recorded([answer], tmp_path / "answers.csv", coverage=0.9)) == [answer]
    header, row = csv.reader((tmp_path / "answers.csv").read_text(encoding="utf-8").splitlines())
    assert header == ["path", "label", "probability", "unknown", "nearest", "reason", "label_set"]
    assert row == ["a.png", "unknown", "0.750000", "1", "cat", "", "cat|dog"]
    data = answer.to_json()
    assert (data["label"], data["nearest"], data["unknown"]) == ("unknown", "cat", True)
    assert data["top"] == [{"label": "cat", "probability": 0.75}]
    assert data["label_set"] == ["cat", "dog"]
    assert Answer(Path("a.png"), SAID).to_json()["label"] == "cat"


def test_a_table_that_cannot_be_written_is_said_before_the_first_answer(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"answers\.csv: no such file or directory: make this folder first"):
        next(recorded(iter(()), tmp_path / "gone" / "answers.csv"))


def test_a_saved_classifier_is_opened_on_its_device(classifier: Classifier, tmp_path: Path) -> None:
    classifier.save(tmp_path / "model")
    opened = open_classifier(tmp_path / "model", device="cpu", precision="fp32")
    assert (opened.classes, opened.device.type, opened.precision) == (("cat", "dog"), "cpu", "fp32")
