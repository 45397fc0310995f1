"""A map lies where the network's input lay on the image, and is transparent where it is 0."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from sightline.pixels.preprocess import Preprocess
from sightline.pixels.scales import OVERLAY
from sightline.reporting.heat import HUE, Heat, HeatSheet, heat_box


def preprocess(fit: str, size: tuple[int, int] = (100, 100)) -> Preprocess:
    return Preprocess(size=size, channels=3, fit=fit, mean=(0.5,) * 3, std=(0.5,) * 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fit", "shape", "box"),
    [
        ("crop", (200, 400), (25, 0, 50, 100)),  # the middle half of the width
        ("crop", (400, 200), (0, 25, 100, 50)),
        ("pad", (200, 400), (0, -50, 100, 200)),  # half an image above and below it
        ("squash", (200, 400), (0, 0, 100, 100)),
        ("crop", (100, 100), (0, 0, 100, 100)),
    ],
)
def test_boxes_by_hand(fit: str, shape: tuple[int, int], box: tuple[float, ...]) -> None:
    assert heat_box(shape, preprocess(fit)) == pytest.approx(box)


def test_without_preprocessing_the_map_covers_the_image() -> None:
    assert heat_box((200, 400), None) == (0, 0, 100, 100)


def test_strength_of_the_sheet() -> None:
    sheet = HeatSheet()
    assert sheet.add(np.zeros((7, 7), dtype=np.float32), (7, 7)) == Heat(0, 0, (0, 0, 100, 100))
    assert sheet.add(np.ones((7, 7), dtype=np.float32), (7, 7)).x == 1
    drawn = sheet.draw()
    assert drawn is not None
    assert (drawn.columns, drawn.rows) == (2, 1)
    content = base64.b64decode(drawn.uri.partition("base64,")[2])
    pixels = np.asarray(Image.open(BytesIO(content)).convert("RGBA"))
    left, right = pixels[:, :26], pixels[:, 26:]
    assert left[:, :, 3].max() == 0
    assert np.unique(right.reshape(-1, 4), axis=0).tolist() == [[*HUE, round(255 * OVERLAY)]]


def test_no_map() -> None:
    assert HeatSheet().draw() is None
