"""How much a split that ignores duplicates and groups would have flattered the result."""

from dataclasses import dataclass

from sightline.evaluation.metrics import format_percent


@dataclass(frozen=True)
class NaiveScore:
    """Right answers on the test images of the naive split, and on those of the honest one."""

    correct: int
    total: int
    honest_correct: int
    honest_total: int

    @property
    def sentence(self) -> str:
        """Both accuracies with their intervals, and the difference."""
        difference = 100 * (self.correct / self.total - self.honest_correct / self.honest_total)
        return (
            f"a naive split says {format_percent(self.correct, self.total)}, where the honest one says "
            f"{format_percent(self.honest_correct, self.honest_total)}: {difference:+.1f} points"
        )
