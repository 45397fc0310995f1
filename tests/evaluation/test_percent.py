"""A share in words has as many digits as its interval supports, and its parts are at hand."""

import pytest

from sightline.evaluation.intervals import Estimate
from sightline.evaluation.percent import Percent, in_percent, supported_digits


def test_number_and_interval_are_at_hand_apart() -> None:
    share = in_percent(0.9412, (0.936, 0.9449))
    assert share == Percent("94.1", "93.6 to 94.5")
    assert (share.short, str(share)) == ("94.1 %", "94.1 % (93.6 to 94.5)")
    assert Estimate(0.9412, 0.936, 0.9449, "bootstrap").percent == share


def test_without_an_interval_there_is_one_decimal() -> None:
    assert in_percent(0.8123) == Percent("81.2")
    assert str(in_percent(0.8123)) == in_percent(0.8123).short == "81.2 %"


def test_digits_that_are_asked_for() -> None:
    assert in_percent(0.5, (0.25, 0.75), digits=2) == Percent("50.00", "25.00 to 75.00")
    assert in_percent(0.5, digits=0).short == "50 %"


@pytest.mark.parametrize(
    ("uncertainty", "digits"), [(24, 0), (10, 0), (9.4, 0), (3.6, 0), (3.5, 1), (1.0, 1), (0.4, 1), (0.3, 2), (0.04, 2)]
)
def test_supported_digits_follow_the_rule(uncertainty: float, digits: int) -> None:
    """Two digits of an uncertainty that begins with 1.00 to 3.54, one of any other."""
    assert supported_digits(0.5 - uncertainty / 100, 0.5 + uncertainty / 100) == digits
