"""What validation decides: which epoch was best, when to stop, when to lower the rate."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A validation result; more accurate is better, and among equals the smaller loss."""

    accuracy: float
    loss: float

    def better_than(self, other: "Score | None") -> bool:
        return other is None or (self.accuracy, -self.loss) > (other.accuracy, -other.loss)


class Patience:
    """Counts epochs without a better score. `epochs` 0 never runs out."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.waited = 0

    def runs_out(self, better: bool) -> bool:
        """Whether patience has run out with this epoch; then the count starts afresh."""
        self.waited = 0 if better else self.waited + 1
        if self.epochs == 0 or self.waited < self.epochs:
            return False
        self.waited = 0
        return True
