"""Classes stand weakest first, on one axis, with as many digits as all their intervals support."""

import numpy as np
import pytest

from sightline.evaluation.evaluate import score
from sightline.reporting.class_table import class_table

LABELS = np.repeat([0, 1, 2], [100, 50, 10])
PREDICTED = np.concatenate([np.repeat([0, 1], [90, 10]), np.repeat([1, 0], [20, 30]), np.repeat([2], 10)])
EVALUATION = score(
    np.eye(4, dtype=np.float32)[PREDICTED], LABELS, ("cat", "dog", "fox", "owl"), ids=tuple(map(str, range(160)))
)


def test_rows_by_hand() -> None:
    table = class_table(EVALUATION)
    dog, cat, fox, owl = table.rows
    assert [row.name for row in table.rows] == ["dog", "cat", "fox", "owl"]
    assert (dog.recall, dog.interval, dog.precision, dog.f1, dog.support) == ("40", "28 to 54", "67", "50", "50")
    assert (cat.recall, cat.precision, cat.support) == ("90", "75", "100")
    assert (fox.recall, fox.interval) == ("100", "72 to 100")
    assert (owl.dot, owl.recall, owl.interval, owl.support) == (None, "\N{EN DASH}", "", "0")
    assert table.strongest == fox


def test_places_on_the_axis() -> None:
    table = class_table(EVALUATION)
    assert [label for _, label in table.ticks] == ["20", "40", "60", "80", "100 %"]
    assert [place for place, _ in table.ticks] == [0, 25, 50, 75, 100]
    dog = table.rows[0].dot
    assert dog is not None
    assert dog.at == pytest.approx(25)
    assert 0 < dog.low < dog.at < dog.high < 100
    assert table.overall == pytest.approx((75 - 20) / 80 * 100)  # 120 of 160 are right
