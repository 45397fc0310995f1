"""Which sections there are, and the sentences over them, by counts made by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sightline.evaluation.evaluate import Evaluation, score
from sightline.evaluation.intervals import format_percent
from sightline.reporting.confusion import LARGEST_TABLE
from sightline.reporting.material import NOTHING, Material
from sightline.reporting.sections import MEANS, extras, images_shown, scores


def evaluation_of(
    labels: list[int],
    predicted: list[int],
    unknown: list[bool] | None = None,
    *,
    num_classes: int = 2,
    temperature: float = 1.0,
) -> Evaluation:
    """Every answer with a probability of 0.9."""
    probabilities = np.full((len(labels), num_classes), 0.1 / (num_classes - 1), dtype=np.float32)
    probabilities[np.arange(len(labels)), predicted] = 0.9
    names, ids = (tuple(map(str, range(count))) for count in (num_classes, len(labels)))
    rest = np.array(unknown or [False] * len(labels))
    return score(probabilities, np.array(labels), names, ids=ids, temperature=temperature, unknown=rest)


def test_everything_that_there_is_has_its_section(report_parts: Callable[..., Any]) -> None:
    parts = report_parts(5)
    part = images_shown(parts.evaluation, parts.images, parts.material)
    assert all((part.cells, part.mistakes, part.unsure, part.suspects, part.map, part.sprites, part.heats))
    more = extras(parts.evaluation, parts.material)
    assert all((more.slices, more.forecast, more.machine))


def test_a_piece_that_is_missing_has_none(report_parts: Callable[..., Any]) -> None:
    parts = report_parts(5)
    part = images_shown(parts.evaluation, parts.images, NOTHING)
    assert (part.suspects, part.map, part.heats) == (None, None, None)
    assert part.mistakes is not None  # mistakes are known without any piece
    more = extras(parts.evaluation, NOTHING)
    assert (more.slices, more.forecast, more.machine) == (None, None, None)
    perfect = report_parts(3, perfect=True)
    assert images_shown(perfect.evaluation, perfect.images, Material(suspects=())).suspects is None
    assert images_shown(perfect.evaluation, perfect.images, NOTHING).mistakes is None


def test_a_cell_is_found_by_its_row_and_column(report_parts: Callable[..., Any]) -> None:
    parts = report_parts(5)
    part = images_shown(parts.evaluation, parts.images, parts.material)
    rows, columns = np.nonzero(parts.evaluation.confusion * (1 - np.eye(5, dtype=int)))
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        cell = part.cell(row, column)
        assert cell is not None
        assert (cell.row, cell.column) == (row, column)
    assert part.cell(5, 0) is None


@pytest.mark.parametrize(("num_classes", "most"), [(LARGEST_TABLE, 10), (LARGEST_TABLE + 1, 20)])
def test_many_classes_are_a_picture_with_more_confusions(num_classes: int, most: int) -> None:
    labels = [number % num_classes for number in range(30 * num_classes)]
    predicted = [
        (label + number // num_classes % 3) % num_classes for number, label in enumerate(labels)
    ]  # many kinds of mistakes
    part = scores(evaluation_of(labels, predicted, num_classes=num_classes), {})
    assert (part.table is None, part.picture is None) == (most == 20, most == 10)
    assert len(part.confusions) == most


def test_means_are_those_of_the_evaluation_in_words(report_parts: Callable[..., Any]) -> None:
    evaluation = report_parts(5).evaluation
    part = dict(scores(evaluation, {}).means)
    assert part["Balanced accuracy"] == evaluation.estimates["balanced_accuracy"].text()
    assert set(part) == {words for key, words in MEANS.items() if key in evaluation.estimates}
    assert "Right class among the first five" not in part  # of five classes
    assert "Right class among the first five" in dict(scores(report_parts(10).evaluation, {}).means)


@pytest.mark.parametrize(
    ("unknown", "sentence"),
    [
        ([False] * 6, ""),
        (
            [True, False, False, False, True, True],  # the first is right, the last two are wrong, so is the third
            "3 of 6 test images are called unknown; 2 of these were named wrongly. "
            f"Of the others, {format_percent(2, 3)} are recognised.",
        ),
        (
            [True, True, False, False, False, False],
            "2 of 6 test images are called unknown; none of these were named wrongly. "
            f"Of the others, {format_percent(1, 4)} are recognised.",
        ),
        ([True] * 6, "6 of 6 test images are called unknown; 3 of these were named wrongly."),
    ],
)
def test_what_became_of_unknown_images(unknown: list[bool], sentence: str) -> None:
    evaluation = evaluation_of([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 0, 0], unknown)
    assert scores(evaluation, {}).unknown == sentence


@pytest.mark.parametrize(
    ("temperature", "titles", "words"),
    [
        (1.0, ["Not calibrated"], "No temperature was fitted: these are the network's own probabilities."),
        (1.5, ["Before", "After"], "as the network was too sure: validation images gave it a temperature of 1.50"),
        (0.8, ["Before", "After"], "as the network was too modest: validation images gave it a temperature of 0.80"),
    ],
)
def test_how_true_the_probabilities_are(temperature: float, titles: list[str], words: str) -> None:
    evaluation = evaluation_of([0] * 50 + [1] * 50, [0] * 45 + [1] * 55, temperature=temperature)
    part = scores(evaluation, {})
    assert [chart.caption.split(": off by ")[0] for chart in part.reliability] == titles
    assert part.sureness.startswith(f"A probability is off by {evaluation.reliability_after.ece.text()} on average")
    assert words in part.sureness
    assert (f"Before calibration it was {evaluation.reliability_before.ece.text()}, " in part.sureness) == (
        temperature != 1
    )


def test_the_sheet_has_the_images_that_are_shown_alone(report_parts: Callable[..., Any]) -> None:
    parts = report_parts(5)
    fewer = replace(parts.material, embedding=None, saliency={})
    whole, part = (images_shown(parts.evaluation, parts.images, material) for material in (parts.material, fewer))
    assert whole.sprites is not None
    assert part.sprites is not None
    assert len(part.sprites.uri) < len(whole.sprites.uri)
