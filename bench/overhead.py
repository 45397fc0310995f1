"""Claim 5b: `fit` takes at most 2 % longer than a loop written by hand with the same settings.

All loops run in one process: two processes of the very same program differ by some percent, by where their memory lies.
The bare loop takes part twice: how far the second is from the first says how much of a difference is noise.
"""

import time

from harness import at_most, begin, command_line, print_claims
from interleave import paired_ratio, print_steps
from loops import make_loop

PERCENT = 2.0
BARE, FIT, AGAIN = "bare loop", "sightline.fit", "bare loop again"


def main() -> None:
    parser = command_line(__doc__, rounds=21)
    parser.add_argument("--steps", type=int, default=20, help="training steps a round")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.steps = 2, 3
    begin("custom_cnn: fit's overhead over a bare loop", args)

    loops = {
        name: make_loop(kind, steps=args.steps, batch_size=args.batch_size, device=args.device)
        for name, kind in ((BARE, "tuned"), (FIT, "fit"), (AGAIN, "tuned"))
    }
    for loop in loops.values():
        loop()  # warm up
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(args.rounds):
        for name, loop in loops.items():
            start = time.perf_counter()
            loop()
            seconds[name].append(time.perf_counter() - start)

    print_steps(seconds, steps=args.steps, batch_size=args.batch_size, to=BARE)
    noise = 100 * (paired_ratio(seconds, AGAIN, BARE) - 1)
    print(f"the bare loop against itself: {noise:+.2f} %\n")
    print_claims([at_most("fit's overhead", PERCENT, 100 * (paired_ratio(seconds, FIT, BARE) - 1), "%")])


if __name__ == "__main__":
    main()
