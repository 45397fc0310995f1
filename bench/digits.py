"""Claim 1: `sightline train digits` gives at least 98.5 % test accuracy, and the whole command takes under 15 s."""

from harness import at_least, at_most, begin, command_line, print_claims
from trainings import mean_percent, print_fit_seconds, print_scores, train_seeds

ACCURACY, SECONDS = 98.5, 15.0


def main() -> None:
    args = command_line(__doc__, seeds=5).parse_args()
    begin("digits: the whole command", args)
    scores = train_seeds("digits", *(["--epochs", "2"] if args.quick else []), seeds=1 if args.quick else args.seeds)
    named = {"sightline train digits": scores}
    print_scores(named)
    print_fit_seconds(named)
    print_claims(
        [
            at_least("mean test accuracy", ACCURACY, mean_percent(scores), "%"),
            at_most("slowest whole command", SECONDS, max(score.seconds for score in scores), "s"),
        ]
    )


if __name__ == "__main__":
    main()
