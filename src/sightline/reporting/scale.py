"""From numbers to places on paper: nice ticks, linear scales, and numbers as people write them."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A linear map of `domain` (values) onto `span` (places in user units of the drawing)."""

    domain: tuple[float, float]
    span: tuple[float, float]

    def __call__(self, value: float) -> float:
        (low, high), (start, end) = self.domain, self.span
        return start + (end - start) * (value - low) / (high - low)


def nice_ticks(low: float, high: float, *, count: int = 5) -> list[float]:
    """Round values that cover [low, high] in steps of 1, 2 or 5 times a power of ten, about `count` of them.

    The first is at or below `low`, the last at or above `high`. A single value gets one step on either side, and so do
    values that differ by rounding only.
    """
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        margin = abs(low) / 10 or 1.0
        low, high = low - margin, low + margin
    rough = (high - low) / max(1, count - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * min((1, 2, 5, 10), key=lambda factor: abs(math.log(factor * power / rough)))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def whole_ticks(last: int, *, count: int = 5) -> list[int]:
    """Round whole numbers from 1 to `last`, both included, about `count` of them."""
    if last <= count:
        return list(range(1, last + 1))
    inner = [int(tick) for tick in nice_ticks(0, last, count=count) if tick == int(tick) and 1 < tick < last]
    gap = last / count / 2  # a tick nearer than this to the end would touch its label
    return [1, *(tick for tick in inner if tick - 1 > gap and last - tick > gap), last]


def tick_labels(ticks: list[float]) -> list[str]:
    """The ticks with as many decimals as their step needs, all alike."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{tick:.{decimals}f}" for tick in ticks]


def format_seconds(seconds: float) -> str:
    """A duration with its units, to about two figures: "0.8 s", "42 s", "3 min 5 s", "2 h 10 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def significant(value: float, digits: int = 3) -> str:
    """A number with this many significant digits and no exponent: 0.2314 -> "0.231", 2.3 -> "2.30"."""
    if value == 0 or not math.isfinite(value):
        return f"{value:.0f}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(decimals, 6)}f}"
