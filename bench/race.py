"""A race to the accuracy that Keras reaches: its training epoch by epoch, and our shortest one that gets there.

Beside it our full training, whose accuracy and time are claimed.
"""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness import at_least, at_most, begin, command_line, print_claims, with_rival
from trainings import (
    Score,
    keras_epochs,
    mean_percent,
    mean_seconds,
    print_fit_seconds,
    print_scores,
    read_once,
    train_seeds,
)


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


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What is claimed of one data set, and how it is shown.

    accuracy (percent), seconds: of the training with the options `full`. keras_accuracy: what Keras's `script` reaches,
    which the first of the `ladder` of short trainings that gets there reaches `times_sooner`.
    against_last: Keras's last epoch is a measure, too: who does not watch the test images stops there.
    quick: the options of both trainings when only the script is tried.
    """

    data: str
    script: str
    seeds: int
    full: str
    ladder: tuple[str, ...]
    accuracy: float
    seconds: float
    keras_accuracy: float
    times_sooner: float
    against_last: bool = False
    quick: str = "--val 0 --epochs 1"

    def run(self, description: str | None) -> None:
        """Measure, and print the table and the claims."""
        args = self._options(description)
        begin(f"{self.data}: whole processes", args)
        read_once(self.data)
        short = _race(self, args)
        full = train_seeds(self.data, *shlex.split(args.full), seeds=args.seeds)

        command = f"sightline train {self.data} {args.full}"
        print_scores({command: full} | short.rows())
        print_fit_seconds({command: full, short.command: short.ours})
        claims = [
            at_least("mean test accuracy of the full training", self.accuracy, mean_percent(full), "%"),
            at_most("its mean whole-process time", self.seconds, mean_seconds(full), "s"),
            at_least("mean test accuracy of the short training", self.keras_accuracy, mean_percent(short.ours), "%"),
        ]
        if short.keras:
            marks = {f"{self.keras_accuracy} %": short.reached} | (
                {"last epoch": short.keras[-1]} if self.against_last else {}
            )
            for what, score in marks.items():
                sooner = short.times_sooner(score)
                claims.append(at_least(f"times sooner than Keras's {what}", self.times_sooner, sooner, "x"))
        print_claims(claims)

    def _options(self, description: str | None) -> argparse.Namespace:
        parser = with_rival(command_line(description, seeds=self.seeds))
        parser.add_argument("--full", default=self.full, help=f"options of the full training (default: {self.full})")
        parser.add_argument("--short", nargs="+", default=self.ladder, help="options of the short trainings, in turn")
        args = parser.parse_args()
        if args.quick:
            args.seeds, args.full, args.short = 1, self.quick, [self.quick]
        return args


def _race(contest: Contest, args: argparse.Namespace) -> Race:
    """Our ladder of short trainings until the mean reaches the target in percent, then Keras.

    Each of ours is planned to its end: its learning rate has come down when it is scored.
    """
    for options in args.short:
        ours = train_seeds(contest.data, *shlex.split(options), seeds=args.seeds)
        if mean_percent(ours) >= contest.keras_accuracy:
            break
    quick = ("--epochs", "1", "--images", "2000") if args.quick else ()
    keras = keras_epochs(args.rival_python, contest.script, *quick) if args.rival_python else ()
    return Race(contest.keras_accuracy, f"sightline train {contest.data} {options}", ours, keras)
