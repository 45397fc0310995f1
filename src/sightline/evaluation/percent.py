"""Shares as percentages, with no more digits than their 95 % intervals support. Nothing here imports torch."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Percent:
    """A share in words. number: e.g. "94.1". interval: e.g. "93.6 to 94.5", empty where none is known."""

    number: str
    interval: str = ""

    @property
    def short(self) -> str:
        """Without the interval, e.g. "94.1 %"."""
        return f"{self.number} %"

    def __str__(self) -> str:
        """With the interval where there is one, e.g. "94.1 % (93.6 to 94.5)"."""
        return f"{self.short} ({self.interval})" if self.interval else self.short


def in_percent(value: float, interval: tuple[float, float] | None = None, *, digits: int | None = None) -> Percent:
    """A share in [0, 1] and the ends of its interval, in words.

    digits: decimals of all three; by default as many as the interval supports, 1 without one.
    """
    if digits is None:
        digits = supported_digits(*interval) if interval else 1
    number, *ends = (f"{100 * share:.{digits}f}" for share in (value, *(interval or ())))
    return Percent(number, " to ".join(ends))


def supported_digits(low: float, high: float) -> int:
    """How many decimals of a percentage its interval, in [0, 1], supports: 0 to 3.

    The Particle Data Group's rule: round the uncertainty to two digits when it begins with 1.00 to 3.54, else to one,
    and give the value to the same place ("Review of Particle Physics", introduction, section 5.3).
    """
    uncertainty = 100 * (high - low) / 2
    if uncertainty <= 0:
        return 3
    exponent = math.floor(math.log10(uncertainty))
    significant = 2 if uncertainty / 10**exponent < 3.55 else 1
    return min(3, max(0, significant - 1 - exponent))
