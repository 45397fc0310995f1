"""How much a split that ignores duplicates and groups would have flattered the result, in words."""

from sightline.evaluation.intervals import format_percent
from sightline.runs.records import NaiveScore


def naive_sentence(score: NaiveScore) -> str:
    """Both accuracies with their intervals, and the difference."""
    difference = 100 * (score.correct / score.total - score.honest_correct / score.honest_total)
    return (
        f"a naive split says {format_percent(score.correct, score.total)}, where the honest one says "
        f"{format_percent(score.honest_correct, score.honest_total)}: {difference:+.1f} points"
    )
