"""The card says what is known, with intervals, and nothing that is not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sightline.classifier.classifier import Classifier
from sightline.models.registry import create_model
from sightline.pixels.preprocess import Preprocess
from sightline.reporting.model_card import LISTED, model_card, write_model_card
from sightline.runs.run import Run


def classifier(names: tuple[str, ...], **options: Any) -> Classifier:
    network = create_model("lenet5", num_classes=len(names))
    assert network.architecture is not None
    preprocess = Preprocess(size=(28, 28), channels=1, mean=(0.5,), std=(0.5,))
    provenance = {"data": "shapes", "licence": "the user's own"}
    return Classifier(network, names, preprocess, network.architecture, provenance=provenance, **options)


def card(parts: Any, **changes: Any) -> str:
    arguments: dict[str, Any] = {"evaluation": parts.evaluation, "material": parts.material, "run_name": "shapes-1"}
    names = tuple(score.name for score in parts.evaluation.classes)
    return model_card(changes.pop("facts", parts.facts), classifier(names), **arguments | changes)


def test_facts_and_scores(report_parts: Callable[..., Any]) -> None:
    text = card(report_parts(3))
    for line in (
        "# convnet on shapes",
        "- It tells 3 classes apart: class 0, class 1, class 2.",
        "- What it sees: Grey images cropped to the centre and resized to 28 x 28 pixels",
        "- Licence: the user's own",
        "5,400 images of shapes, and 600 to choose by (validation).",
        "| Accuracy | 90.0 % (87.3 to 92.2) |",
        "| class 0 | 90 % (85 to 93) |",
        "- 60 labels of the test images look wrong; see the report.",
        "- It has no rule for images unlike those it knows",
        "sightline train shapes",
    ):
        assert line in text
    assert "intended use" not in text.lower()
    assert "(temperature 1.50)" in text


def test_without_test_images_no_score_is_made_up(report_parts: Callable[..., Any]) -> None:
    parts = report_parts(3)
    text = card(parts, evaluation=None, facts=replace(parts.facts, val_images=0))
    assert "nobody knows how well it does" in text
    assert "none to choose by" in text
    assert "## Metrics" not in text
    assert "## Results by class" not in text


def test_findings_of_the_audit_are_limits(report_parts: Callable[..., Any]) -> None:
    findings = [
        SimpleNamespace(severity="warning", what="12 images are in training and in test"),
        SimpleNamespace(severity="info", what="all images are grey"),
    ]
    text = card(report_parts(3), audit=SimpleNamespace(findings=findings))
    assert "- Audit of the data, warning: 12 images are in training and in test." in text
    assert "all images are grey" not in text


def test_names_cannot_break_the_card(report_parts: Callable[..., Any]) -> None:
    parts = report_parts(2)
    text = card(parts, facts=replace(parts.facts, data="a|b <script>\n# not a title"))
    assert r"# convnet on a\|b \<script\> \# not a title" in text


def test_it_is_written_beside_the_weights(report_parts: Callable[..., Any], tmp_path: Path) -> None:
    parts = report_parts(3)
    run = Run.create(tmp_path / "shapes-1", "shapes", "convnet")
    run.model_folder.mkdir()
    path = write_model_card(
        run, parts.facts, classifier(("class 0", "class 1", "class 2")), evaluation=parts.evaluation
    )
    assert path == run.path / "model" / "README.md"
    assert "the run shapes-1" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("images", [0, 500])
def test_the_rule_for_unknown_images(report_parts: Callable[..., Any], images: int) -> None:
    from sightline.classifier.confidence import UnknownRule

    parts = report_parts(3)
    rule = UnknownRule(score="energy", threshold=3.25, images=images)
    names = tuple(score.name for score in parts.evaluation.classes)
    text = model_card(parts.facts, classifier(names, unknown=rule), evaluation=parts.evaluation)
    assert "- It calls an image unknown where its score (energy) is below 3.25." in text
    assert ("accepts 95 % of 500 images held out for it" in text) == bool(images)


def test_of_many_classes_the_weakest_are_listed(report_parts: Callable[..., Any]) -> None:
    text = card(report_parts(LISTED + 2))
    assert f"These are the {LISTED} weakest of {LISTED + 2} classes." in text
    assert text.count("\n| class ") == LISTED


def test_a_note_of_the_data_is_a_limit_and_without_a_command_nothing_is_to_repeat(
    report_parts: Callable[..., Any],
) -> None:
    parts = report_parts(3)
    text = card(parts, facts=replace(parts.facts, note="Only the first 600 images are there.", command=""))
    assert "- Only the first 600 images are there." in text
    assert "sightline train" not in text
