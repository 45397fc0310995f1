"""A race to the accuracy that Keras reaches: its training epoch by epoch, and our shortest one that gets there."""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness import command_line, with_rival
from trainings import Score, keras_epochs, mean_percent, mean_seconds, train_seeds


@dataclass(frozen=True)
class Race:
    """What each side took. ours: one score a seed; keras: one score an epoch, empty without a rival."""

    target: float  # percent
    command: str
    ours: Sequence[Score]
    keras: Sequence[Score] = field(default_factory=tuple)

    @property
    def best(self) -> Score:
        """Keras's best epoch."""
        return max(self.keras, key=lambda score: score.percent)

    @property
    def reached(self) -> Score:
        """Keras's first epoch at the target; its best if there is none."""
        return next((score for score in self.keras if score.percent >= self.target), self.best)

    def times_sooner(self, score: Score) -> float:
        """How many times as long Keras took to this score as we to the target, on average; 0 if we never got there."""
        return score.seconds / mean_seconds(self.ours) if mean_percent(self.ours) >= self.target else 0.0

    def rows(self) -> dict[str, Sequence[Score]]:
        """What `print_scores` shows."""
        if not self.keras:
            return {self.command: self.ours}
        first = "first at" if self.reached.percent >= self.target else "never at"
        return {
            self.command: self.ours,
            f"Keras, epoch {self.reached.epoch}: {first} {self.target} %": [self.reached],
            f"Keras, epoch {self.best.epoch}: its best": [self.best],
            f"Keras, epoch {self.keras[-1].epoch}: its last": [self.keras[-1]],
        }


def race_options(description: str | None, *, seeds: int, full: str, ladder: Sequence[str]) -> argparse.ArgumentParser:
    """The options of a benchmark with a race (`--short`) and a training for accuracy (`--full`)."""
    parser = with_rival(command_line(description, seeds=seeds))
    parser.add_argument("--full", default=full, help=f"options of the full training (default: {full})")
    parser.add_argument("--short", nargs="+", default=ladder, help="options of the short trainings, shortest first")
    return parser


def race(data: str, args: argparse.Namespace, *, target: float, script: str) -> Race:
    """Our ladder of short trainings until the mean reaches the target in percent, then Keras.

    Each of ours is planned to its end: its learning rate has come down when it is scored.
    """
    for options in args.short:
        ours = train_seeds(data, *shlex.split(options), seeds=args.seeds)
        if mean_percent(ours) >= target:
            break
    quick = ("--epochs", "1", "--images", "2000") if args.quick else ()
    keras = keras_epochs(args.rival_python, script, *quick) if args.rival_python else ()
    return Race(target, f"sightline train {data} {options}", ours, keras)
