"""Colours keep their contrast and their order."""

import pytest

from sightline.pixels import scales
from sightline.reporting import colors


@pytest.mark.parametrize("paper", [scales.LIGHT_PAPER, scales.DARK_PAPER])
def test_numbers_on_every_step_can_be_read(paper: str) -> None:
    for step in colors.steps_on(paper):
        assert colors.contrast(step, colors.ink_on(step)) >= 4.5


@pytest.mark.parametrize("paper", [scales.LIGHT_PAPER, scales.DARK_PAPER])
def test_more_is_further_from_the_paper(paper: str) -> None:
    distances = [colors.contrast(step, paper) for step in colors.steps_on(paper)]
    assert distances == sorted(distances)
    assert len(set(distances)) == 10
    assert distances[0] < 1.2


def test_mixed_by_hand() -> None:
    assert colors.mixed("#ff0000", "#0000ff", 1.0) == "#ff0000"
    assert colors.mixed("#ff0000", "#0000ff", 0.2) == "#3300cc"


def test_level_by_hand() -> None:
    assert [colors.level(value, 2.0) for value in (0.0, 0.19, 0.2, 1.0, 1.99, 2.0)] == [0, 0, 1, 5, 9, 9]
    assert colors.level(0.0, 0.0) == 0
