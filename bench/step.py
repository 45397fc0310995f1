"""Claim 5a: a training step of `custom_cnn`, batch 128, against plain PyTorch (2.2 times) and Keras (1.6 times).

The contenders take turns: ours, PyTorch, Keras, ours, ... Ours is `fit` itself with all it does: gathering and
normalising the batch, checking the loss. The rivals are given their batches ready made. All have Adam at a constant
1e-3 and L2 of 1e-4; nothing is augmented.
"""

import sys
from pathlib import Path

from harness import RIVALS, at_least, begin, command_line, print_claims, with_rival
from interleave import paired_ratio, print_steps, take_turns

LOOPS = Path(__file__).with_name("loops.py")
TIMES_TORCH, TIMES_KERAS = 2.2, 1.6
OURS, TORCH, KERAS = "sightline.fit", "PyTorch, eager fp32", "Keras on TensorFlow"


def main() -> None:
    parser = with_rival(command_line(__doc__, rounds=9))
    parser.add_argument("--steps", type=int, default=40, help="training steps a round")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--device", default="cpu", help="Keras takes part on cpu only")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.steps = 2, 3
    begin("custom_cnn: one training step", args)

    work = ["--steps", str(args.steps), "--batch-size", str(args.batch_size)]
    commands = {
        OURS: [sys.executable, str(LOOPS), "fit", *work, "--device", args.device],
        TORCH: [sys.executable, str(LOOPS), "plain", *work, "--device", args.device],
    }
    if args.rival_python and args.device == "cpu":
        commands[KERAS] = [args.rival_python, str(RIVALS / "keras_step.py"), *work]
    seconds = take_turns(commands, rounds=args.rounds)

    print_steps(seconds, steps=args.steps, batch_size=args.batch_size, to=OURS)
    claims = [at_least("times as fast as eager fp32 PyTorch", TIMES_TORCH, paired_ratio(seconds, TORCH, OURS), "x")]
    if KERAS in seconds:
        claims.append(at_least("times as fast as Keras", TIMES_KERAS, paired_ratio(seconds, KERAS, OURS), "x"))
    print_claims(claims)


if __name__ == "__main__":
    main()
