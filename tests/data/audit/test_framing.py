"""Crop or pad, by the shapes of the images."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sightline.data.audit.framing import choose_framing, explain_framing, kept_by_crop


def audit(*sizes: tuple[int, int]) -> Any:
    """What an audit says of images of these widths and heights."""
    width, height = np.array(sizes, dtype=np.int32).reshape(-1, 2).T
    return SimpleNamespace(facts=SimpleNamespace(width=width, height=height))


def test_what_a_crop_keeps_by_hand() -> None:
    def share(*sizes: tuple[int, int], size: tuple[int, int] = (224, 224)) -> float | None:
        facts = audit(*sizes).facts
        return kept_by_crop(facts.width, facts.height, size)

    assert share((400, 300)) == 0.75
    assert share((300, 400)) == 0.75
    assert share((1000, 100)) == pytest.approx(0.1)
    assert share((1000, 100), size=(32, 320)) == pytest.approx(1)
    assert share((400, 300), (300, 300), (100, 400)) == 0.75  # the middle one
    assert share((0, 0), (200, 100)) == 0.5  # not readable
    assert share() is None


@pytest.mark.parametrize(
    ("sizes", "size", "framing"),
    [
        ([(400, 533)] * 3, (224, 224), "crop"),  # phone photos
        ([(1920, 1080)] * 3, (224, 224), "crop"),
        ([(300, 32)] * 3, (224, 224), "pad"),  # lines of text
        ([(300, 32)] * 3, (32, 300), "crop"),
        ([(100, 100), (100, 100), (900, 100)], (224, 224), "crop"),
        ([(0, 0)], (224, 224), "crop"),
    ],
)
def test_auto_goes_by_most_images(sizes: list[tuple[int, int]], size: tuple[int, int], framing: str) -> None:
    assert choose_framing("auto", audit(*sizes), size) == framing


@pytest.mark.parametrize("asked", ["crop", "pad", "squash"])
def test_what_is_asked_for_is_done(asked: Any) -> None:
    assert choose_framing(asked, audit((900, 100)), (224, 224)) == asked
    assert explain_framing(asked, None, (224, 224)) == f"{asked}: as asked"


def test_the_choice_is_explained() -> None:
    assert (
        explain_framing("auto", audit((400, 300)), (8, 8)) == "crop: cropped, the middle image keeps 75 % of its area"
    )
    assert (
        explain_framing("auto", audit((400, 100)), (8, 8))
        == "pad: cropped, the middle image would keep only 25 % of its area"
    )
    assert explain_framing("auto", None, (8, 8)) == "crop: the shapes of the images are not known"
