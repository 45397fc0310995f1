"""A processor without bf16: `train digits` in at most 12 s, and what Muon's products in emulated bf16 would take.

Whole processes, `sightline train digits --report quick --precision fp32`, with Newton-Schulz in the precision of the
training, as shipped, and in bf16; they take turns. On a processor with AVX-512 and bf16 these are switched off, which
stands in for one without: the table's first lines say what the processor has.
"""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness import SIGHTLINE, at_most, begin, command_line, print_claims, seconds_of, table

SECONDS = 12.0
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
IN_BF16 = """
import sys, torch
from sightline.machine.device import Precision
Precision.dtype = property(lambda self: torch.bfloat16)
from sightline.cli import main
sys.exit(main(sys.argv[1:]))
"""
SHIPPED, EMULATED = "in the precision of the training", "in emulated bf16"
PROGRAMS: dict[str, Sequence[str]] = {SHIPPED: SIGHTLINE, EMULATED: (sys.executable, "-c", IN_BF16)}


def main() -> None:
    args = command_line(__doc__, rounds=5).parse_args()
    if args.quick:
        args.rounds = 1
    begin("digits without AVX-512 and bf16", args)
    seconds: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(args.rounds):
        for name, program in PROGRAMS.items():
            with tempfile.TemporaryDirectory() as folder:
                words = [
                    "train",
                    "digits",
                    "--report",
                    "quick",
                    "--precision",
                    "fp32",
                    "--out",
                    str(Path(folder, "run")),
                ]
                seconds[name].append(
                    seconds_of([*program, *words, *(["--epochs", "1"] if args.quick else [])], env=AVX2)
                )
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    rows = [
        [name, f"{medians[name]:.1f} s", f"{min(times):.1f} to {max(times):.1f}"] for name, times in seconds.items()
    ]
    table(("Newton-Schulz of Muon", "whole process", "from to"), rows)
    print_claims([at_most("train digits", SECONDS, medians[SHIPPED], "s")])


if __name__ == "__main__":
    main()
