"""Claim 3: Fashion-MNIST to 94.0 % in 5 minutes. Beside it Keras's `mnist_cnn`, as beginners' pages train it."""

import shlex

from harness import at_least, at_most, begin, command_line, print_claims, with_rival
from trainings import (
    keras_epochs,
    mean_percent,
    mean_seconds,
    print_fit_seconds,
    print_scores,
    read_once,
    train_seeds,
)

ACCURACY, SECONDS = 94.0, 300.0
FULL = "--val 0 --time 5m"


def main() -> None:
    parser = with_rival(command_line(__doc__, seeds=3))
    parser.add_argument("--full", default=FULL, help=f"options of the training (default: {FULL})")
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.full = 1, "--val 0 --epochs 1"
    begin("Fashion-MNIST: whole processes", args)

    read_once("fashion-mnist")
    full = train_seeds("fashion-mnist", *shlex.split(args.full), seeds=args.seeds)
    ours = {f"sightline train fashion-mnist {args.full}": full}
    rivals = {}
    if args.rival_python:
        quick = ["--epochs", "1", "--images", "2000"] if args.quick else []
        keras = keras_epochs(args.rival_python, "keras_mnist.py", "--data", "fashion-mnist", *quick)
        rivals[f"Keras mnist_cnn, epoch {keras[-1].epoch}"] = keras[-1:]

    print_scores(ours | rivals)
    print_fit_seconds(ours)
    print_claims(
        [
            at_least("mean test accuracy", ACCURACY, mean_percent(full), "%"),
            at_most("mean whole-process time", SECONDS, mean_seconds(full), "s"),
        ]
    )


if __name__ == "__main__":
    main()
