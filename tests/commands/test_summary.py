"""A network by its name, as published or otherwise."""

import pytest

from sightline.commands.summary import summarise
from sightline.errors import ModelError


def test_as_published_and_otherwise() -> None:
    assert summarise("lenet5").parameters == 61_706  # LeCun et al. 1998, with ten outputs
    assert summarise("lenet5", classes=5).parameters == 61_706 - 5 * 85
    assert summarise("lenet5", channels=3).parameters == 61_706 + 2 * 6 * 25
    small = summarise("resnet18", size=64)
    assert (small.input_shape, small.parameters) == ((3, 64, 64), summarise("resnet18").parameters)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ModelError, match="there is no network named 'lenet6'"):
        summarise("lenet6")
