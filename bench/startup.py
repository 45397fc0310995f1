"""Claim 6: `sightline --help` answers in 0.25 s, `import sightline` takes 0.1 s.

Whole processes, taking turns. What Python itself takes to start is shown and, for the import, subtracted.
"""

import shutil
import statistics
import sys
from pathlib import Path

from harness import SIGHTLINE, at_most, begin, command_line, print_claims, seconds_of, table

HELP_SECONDS, IMPORT_SECONDS = 0.25, 0.1
HELP, IMPORT, BARE = "sightline --help", "python -c 'import sightline'", "python -c pass"


def main() -> None:
    args = command_line(__doc__, rounds=21).parse_args()
    rounds = 3 if args.quick else args.rounds
    begin("start-up: whole processes", args)

    script = shutil.which("sightline", path=str(Path(sys.executable).parent))
    commands = {
        HELP: [script, "--help"] if script else [*SIGHTLINE, "--help"],
        "python -m sightline --help": [*SIGHTLINE, "--help"],
        IMPORT: [sys.executable, "-c", "import sightline"],
        BARE: [sys.executable, "-c", "pass"],
        "python -c 'import torch'": [sys.executable, "-c", "import torch"],
    }
    for command in commands.values():
        seconds_of(command)  # files come into the page cache, bytecode is written
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            seconds[name].append(seconds_of(command))

    median = {name: statistics.median(values) for name, values in seconds.items()}
    rows = [
        [name, f"{1_000 * median[name]:.0f} ms", f"{1_000 * min(values):.0f} to {1_000 * max(values):.0f}"]
        for name, values in seconds.items()
    ]
    table((f"{rounds} rounds", "median", "from to"), rows)
    print_claims(
        [
            at_most(HELP, HELP_SECONDS, median[HELP], "s"),
            at_most("import sightline, less Python's own start", IMPORT_SECONDS, median[IMPORT] - median[BARE], "s"),
        ]
    )


if __name__ == "__main__":
    main()
