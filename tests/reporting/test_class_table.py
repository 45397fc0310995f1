"""Classes stand weakest first, on one axis, with as many digits as all their intervals support."""

import numpy as np
import pytest

from sightline.evaluation.evaluate import score
from sightline.reporting.class_table import Figure, class_table

LABELS = np.repeat([0, 1, 2], [100, 50, 10])
PREDICTED = np.concatenate([np.repeat([0, 1], [90, 10]), np.repeat([1, 0], [20, 30]), np.repeat([2], 10)])
EVALUATION = score(
    np.eye(4, dtype=np.float32)[PREDICTED], LABELS, ("cat", "dog", "fox", "owl"), ids=tuple(map(str, range(160)))
)


def test_rows_by_hand() -> None:
    table = class_table(EVALUATION)
    dog, cat, fox, owl = table.rows
    assert [row.name for row in table.rows] == ["dog", "cat", "fox", "owl"]
    assert [figure.text for figure in (dog.recall, dog.precision, dog.f1)] == ["40", "67", "50"]
    assert (dog.recall.interval, dog.precision.interval) == ("28 to 54", "49 to 81")  # Wilson of 20 of 50, 20 of 30
    assert (cat.recall.text, cat.precision.text, cat.support) == ("90", "75", 100)
    assert (fox.recall.text, fox.recall.interval) == ("100", "72 to 100")
    assert (owl.dot, owl.recall.text, owl.recall.interval, owl.support) == (None, "\N{EN DASH}", "", 0)
    assert owl.recall.value < dog.recall.value < cat.recall.value
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


def test_rare_classes_are_marked_and_told_beside_the_accuracy() -> None:
    table = class_table(EVALUATION, {"cat": 500, "dog": 60, "fox": 40, "owl": 400})
    assert {row.name: (row.share, row.rare) for row in table.rows} == {
        "dog": (Figure("6.0 %", value=0.06), True),
        "cat": (Figure("50.0 %", value=0.5), False),
        "fox": (Figure("4.0 %", value=0.04), True),
        "owl": (Figure("40.0 %", value=0.4), False),
    }
    # Recalls of 40 % and 100 %; 120 of all 160 images are right.
    assert table.rare == (
        "Rare in training, with less than half of an even share of the images each, are dog, fox: "
        "their mean recall is 70 %, beside an accuracy of 75 % over all images."
    )


def test_one_rare_class_and_none() -> None:
    assert class_table(EVALUATION, {"cat": 100, "dog": 20, "fox": 100, "owl": 100}).rare == (
        "Rare in training, with less than half of an even share of the images, is dog: "
        "its recall is 40 %, beside an accuracy of 75 % over all images."
    )
    assert class_table(EVALUATION, {"cat": 50, "dog": 50, "fox": 50, "owl": 50}).rare == ""
    assert class_table(EVALUATION).rare == ""
    assert {row.share for row in class_table(EVALUATION).rows} == {None}


def test_shares_that_read_alike_are_still_in_order() -> None:
    shares = {
        row.name: row.share for row in class_table(EVALUATION, {"cat": 5004, "dog": 5003, "fox": 0, "owl": 0}).rows
    }
    assert shares["cat"] is not None
    assert shares["dog"] is not None
    assert shares["cat"].text == shares["dog"].text == "50.0 %"
    assert shares["cat"].value > shares["dog"].value
