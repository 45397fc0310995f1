"""The matrix counts right, colours mistakes only, and turns into a picture for many classes."""

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from sightline.evaluation.evaluate import Evaluation, score
from sightline.pixels.scales import LIGHT_PAPER
from sightline.reporting.colors import steps_on
from sightline.reporting.confusion import confusion_image, confusion_table, mistake_shares


def evaluation_of(confusion: list[list[int]]) -> Evaluation:
    """An evaluation with this matrix: rows are the truth."""
    counts = np.array(confusion)
    labels, predicted = (np.repeat(axis, counts.ravel()) for axis in (i.ravel() for i in np.indices(counts.shape)))
    probabilities = np.eye(len(counts), dtype=np.float32)[predicted]
    names = tuple("abcdefghijklmnopqrstuvwxyz"[: len(counts)])
    return score(probabilities, labels, names, ids=tuple(map(str, range(len(labels)))))


EVALUATION = evaluation_of([[90, 10, 0], [0, 45, 5], [1, 0, 999]])


def test_shares_of_the_rows() -> None:
    assert EVALUATION.confusion.tolist() == [[90, 10, 0], [0, 45, 5], [1, 0, 999]]
    np.testing.assert_allclose(mistake_shares(EVALUATION.confusion), [[0, 0.1, 0], [0, 0, 0.1], [0.001, 0, 0]])


def test_cells_by_hand() -> None:
    table = confusion_table(EVALUATION)
    kinds = [[cell.kind for cell in cells] for _, cells in table.rows]
    assert kinds == [["right", "wrong", "none"], ["none", "right", "wrong"], ["wrong", "none", "right"]]
    assert table.rows[0][1][1].level == 9  # 10 of 100 is as large a share as there is
    assert table.rows[1][1][2].level == 9  # and so is 5 of 50
    assert table.rows[2][1][0].level == 0  # 1 of 1,000
    assert table.rows[0][1][1].words == "a taken for b: 10 of 100"
    assert table.rows[2][1][2].words == "c recognised: 999 of 1,000"
    assert (table.digits, table.largest) == (3, "10 %")


def test_a_class_without_images_has_no_share() -> None:
    table = confusion_table(evaluation_of([[2, 1], [0, 0]]))
    assert [cell.kind for cell in table.rows[1][1]] == ["none", "none"]
    assert table.rows[1][1][0].words == "b taken for a: 0 of 0"


def test_picture_has_one_pixel_a_cell() -> None:
    picture = confusion_image(EVALUATION)
    pixels = np.asarray(Image.open(BytesIO(base64.b64decode(picture.light.partition(",")[2]))))
    assert pixels.shape == (3, 3, 3)
    steps = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in (pixels[0, 1], pixels[2, 0])]
    assert steps == [steps_on(LIGHT_PAPER)[9], steps_on(LIGHT_PAPER)[0]]
    assert (pixels[0, 0] == pixels[1, 1]).all()
    assert (pixels[0, 2] == pixels[1, 0]).all()
    assert picture.width % 3 == 0


def test_no_mistakes() -> None:
    perfect = evaluation_of([[5, 0], [0, 5]])
    assert confusion_table(perfect).rows[0][1][1].kind == "none"
    assert confusion_image(perfect).largest == "0 %"
