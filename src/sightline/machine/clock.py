"""Seconds since the user began to wait, and what a time budget leaves of them."""

import time

FINISHING_SECONDS = 2.0  # of a time budget kept back for scoring and the report, and
FINISHING_SHARE = 0.03  # this share of it


class Clock:
    """Runs since `started`, a `time.monotonic()`; by default since now."""

    def __init__(self, started: float | None = None) -> None:
        self.started = time.monotonic() if started is None else started

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def remaining(self, budget: float) -> float:
        """Of a time budget, less what has passed and what scoring and the report will need."""
        return budget * (1 - FINISHING_SHARE) - FINISHING_SECONDS - self.elapsed
