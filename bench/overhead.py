"""Claim 5b: `fit` takes at most 2 % longer than a loop written by hand with the same settings.

The bare loop runs twice under two names: how far the second is from 1 says how much of the difference is noise.
"""

import sys

from harness import RIVALS, at_most, begin, command_line, print_claims
from interleave import paired_ratio, print_steps, take_turns

PERCENT = 2.0
FIT, BARE, AGAIN = "sightline.fit", "bare loop", "bare loop again"


def main() -> None:
    parser = command_line(__doc__, rounds=15)
    parser.add_argument("--steps", type=int, default=40, help="training steps a round")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.steps = 2, 3
    begin("custom_cnn: fit's overhead over a bare loop", args)

    work = ["--steps", str(args.steps), "--batch-size", str(args.batch_size), "--device", args.device]
    bare = [sys.executable, str(RIVALS / "torch_loop.py"), "tuned", *work]
    fit = [sys.executable, str(RIVALS / "fit_loop.py"), *work]
    seconds = take_turns({BARE: bare, FIT: fit, AGAIN: bare}, rounds=args.rounds)

    print_steps(seconds, steps=args.steps, batch_size=args.batch_size, to=BARE)
    noise = 100 * (paired_ratio(seconds, AGAIN, BARE) - 1)
    print(f"the bare loop against itself: {noise:+.2f} %\n")
    print_claims([at_most("fit's overhead", PERCENT, 100 * (paired_ratio(seconds, FIT, BARE) - 1), "%")])


if __name__ == "__main__":
    main()
