"""A busy machine: beside one other process a training takes at most 2.2 times as long as alone, and alone no longer.

GNU OpenMP's threads spin while they wait for work, on the very core that another process may need. Compared are torch
as it comes, which is how Sightline runs, threads that sleep after fewer turns, and threads that sleep at once. Each is
a whole `sightline train digits --report quick`, alone and beside a process that counts for ever at a lower priority;
all take turns. `--avx2` stands in for a processor without AVX-512 and bf16.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import SIGHTLINE, at_most, begin, command_line, print_claims, seconds_of, table

SLOWER, LOSS = 2.2, 1.05
SHIPPED = "as shipped"
SETTINGS: dict[str, dict[str, str]] = {
    SHIPPED: {},
    "1,000 turns": {"GOMP_SPINCOUNT": "1000"},
    "10,000 turns": {"GOMP_SPINCOUNT": "10000"},
    "none": {"OMP_WAIT_POLICY": "PASSIVE"},
}
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}


@contextlib.contextmanager
def busy(beside: bool) -> Iterator[None]:
    """Within the block a process of lower priority counts, if `beside` says so."""
    if not beside:
        yield
        return
    command = [sys.executable, "-c", "import os; os.nice(10)\nwhile True: pass"]
    with subprocess.Popen(command) as process:
        try:
            yield
        finally:
            process.kill()


def main() -> None:
    parser = command_line(__doc__, rounds=5)
    parser.add_argument("--avx2", action="store_true", help="no AVX-512 and no bf16, as on most laptops")
    args = parser.parse_args()
    rounds, epochs = (1, ["--epochs", "1"]) if args.quick else (args.rounds, [])
    begin("digits beside a busy process" + (", AVX2" if args.avx2 else ""), args)
    precision = ["--precision", "fp32"] if args.avx2 else []
    seconds: dict[tuple[str, bool], list[float]] = {(name, beside): [] for name in SETTINGS for beside in (False, True)}
    for _ in range(rounds):
        for (name, beside), times in seconds.items():
            with tempfile.TemporaryDirectory() as folder, busy(beside):
                command = [*SIGHTLINE, "train", "digits", "--report", "quick", "--out", str(Path(folder, "run"))]
                env = SETTINGS[name] | (AVX2 if args.avx2 else {})
                times.append(seconds_of([*command, *precision, *epochs], env=env))
    medians = {key: statistics.median(times) for key, times in seconds.items()}
    rows = [
        [
            name,
            *(f"{medians[name, beside]:.1f} s" for beside in (False, True)),
            *(f"{min(seconds[name, beside]):.1f} to {max(seconds[name, beside]):.1f}" for beside in (False, True)),
            f"{medians[name, True] / medians[name, False]:.2f}",
        ]
        for name in SETTINGS
    ]
    table(("threads that wait", "alone", "beside", "alone from to", "beside from to", "times"), rows)
    fastest = min(medians[name, False] for name in SETTINGS)
    print_claims(
        [
            at_most(
                "beside a busy process, times as long as alone",
                SLOWER,
                medians[SHIPPED, True] / medians[SHIPPED, False],
                "x",
            ),
            at_most("alone, times as long as the fastest setting", LOSS, medians[SHIPPED, False] / fastest, "x"),
        ]
    )


if __name__ == "__main__":
    os.environ.pop("OMP_WAIT_POLICY", None)
    os.environ.pop("GOMP_SPINCOUNT", None)
    main()
