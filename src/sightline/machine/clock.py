"""Seconds since the user began to wait, and what a time budget leaves of them."""

import time

# Scoring and the report have so many seconds of a time budget, and this share of it.
FINISHING_SECONDS, FINISHING_SHARE = 2.0, 0.03


class Clock:
    """Runs since `started`, a `time.monotonic()`; by default since now."""

    def __init__(self, started: float | None = None) -> None:
        self.started = time.monotonic() if started is None else started

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def remaining(self, budget: float) -> float:
        """Seconds of a time budget less those that have passed and those that scoring and the report will need."""
        return budget * (1 - FINISHING_SHARE) - FINISHING_SECONDS - self.elapsed
