"""What the lessons say about the reader's own run: right for the network that is there."""

from typing import Any

import pytest
import torch

from sightline.lab.lessons import lessons
from sightline.lab.own_run import own_parts, question
from sightline.lab.workspace import Workspace
from sightline.runs.run import Run

Parts = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def parts(digits_run: Run) -> Parts:
    return own_parts(Workspace(digits_run.path))


def chosen(part: dict[str, Any], number: int = 0) -> str:
    asked = part["questions"][number]
    choice: str = asked["choices"][asked["right"]]
    return choice


def test_every_part_belongs_to_a_lesson(parts: Parts) -> None:
    assert set(parts) <= {lesson.slug for lesson in lessons()}
    assert len(parts) >= 6


def test_the_right_choices_are_right(parts: Parts, digits_run: Run) -> None:
    network = Workspace(digits_run.path).classifier.network
    channels, height, width = network.input_shape
    assert chosen(parts["images"]) == f"{channels * height * width:,}"
    dense = torch.nn.Linear(channels * height * width, 128)
    assert chosen(parts["flatten"]) == f"{sum(weights.numel() for weights in dense.parameters()):,}"
    first = next(module for module in network.modules() if isinstance(module, torch.nn.Conv2d))
    assert chosen(parts["convolution"]) == f"{sum(weights.numel() for weights in first.parameters()):,}"
    assert chosen(parts["padding"]) == f"{first(torch.zeros(1, channels, height, width)).shape[-1]}"
    history = Workspace(digits_run.path).run.history
    best = max(history, key=lambda record: record["val_accuracy"])
    assert chosen(parts["training"]) == f"{best['epoch']}"


def test_every_choice_has_a_reply_of_its_own(parts: Parts) -> None:
    for part in parts.values():
        for asked in part["questions"]:
            assert len(set(asked["choices"])) == len(asked["choices"]) == len(set(asked["replies"])) >= 2


def test_choices_that_say_the_same_are_one() -> None:
    asked = question("?", ("10", "yes"), ("10", "no"), ("2", "smaller"), ("2", "again"))
    assert asked is not None
    assert (asked.choices, asked.right) == (("2", "10"), (1,))
    assert question("?", ("10", "yes"), ("10", "no")) is None
