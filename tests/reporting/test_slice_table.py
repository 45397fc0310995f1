"""A slice is called weak only where that is clear of chance."""

from typing import Any

import numpy as np

from sightline.evaluation.evaluate import score
from sightline.evaluation.slices import Slice
from sightline.reporting import slice_table as module
from sightline.reporting.slice_table import slice_table

LABELS = np.zeros(100, dtype=np.int64)
EVALUATION = score(
    np.eye(2, dtype=np.float32)[np.repeat([0, 1], [90, 10])], LABELS, ("cat", "dog"), ids=tuple(map(str, range(100)))
)


def part(**changes: Any) -> Slice:
    return Slice(
        **({"kind": "brightness", "name": "darkest third", "total": 33, "correct": 23, "p_value": 0.01} | changes)
    )


def test_a_clear_difference_is_told() -> None:
    table = slice_table([part(), part(name="brightest third", correct=33, p_value=0.2)], EVALUATION)
    assert table is not None
    assert table.sentence == (
        "By brightness, one part is recognised clearly less often: darkest third, 70 % (53 to 83), beside 90 % "
        "(83 to 94) of all images."
    )
    assert [(row.percent, row.interval, row.total, row.apart) for row in table.rows] == [
        ("70", "53 to 83", "33", True),
        ("100", "90 to 100", "33", False),
    ]


def test_chance_is_not_told() -> None:
    table = slice_table([part(p_value=0.3), part(correct=33, p_value=0.001)], EVALUATION)  # the second is better
    assert table is not None
    assert table.sentence == "No part of the test images is recognised clearly less often than the others."


def test_the_weakest_of_many_are_shown() -> None:
    many = [part(kind="group", name=str(number), correct=min(33, number), p_value=1.0) for number in range(50)]
    table = slice_table(many, EVALUATION)
    assert table is not None
    assert [row.name for row in table.rows] == [str(number) for number in range(module.SHOWN)]


def test_no_slices() -> None:
    assert slice_table([], EVALUATION) is None
