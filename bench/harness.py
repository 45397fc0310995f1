"""What every benchmark shares: its options, processes under a stopwatch, the machine, and tables.

Everything is measured from outside, as whole processes: what a person waits for is what counts.
"""

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

RIVALS = Path(__file__).parent / "rivals"
SIGHTLINE = (sys.executable, "-m", "sightline")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}  # TensorFlow's greetings fill the screen


def command_line(description: str | None, *, seeds: int = 0, rounds: int = 0) -> argparse.ArgumentParser:
    """The options that all benchmarks have; `seeds` and `rounds` are defaults, 0 leaves the option out."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if seeds:
        parser.add_argument("--seeds", type=int, default=seeds, help="trainings of ours, each with its own seed")
    if rounds:
        parser.add_argument("--rounds", type=int, default=rounds, help="interleaved measurements of each contender")
    parser.add_argument(
        "--quick", action="store_true", help="only shows that the script runs; its figures mean nothing"
    )
    return parser


def with_rival(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the option that names the rival's interpreter."""
    parser.add_argument(
        "--rival-python",
        default=os.environ.get("SIGHTLINE_RIVAL_PYTHON"),
        help="Python of a virtual environment with bench/rivals.txt (default: $SIGHTLINE_RIVAL_PYTHON)",
    )
    return parser


def begin(title: str, args: argparse.Namespace) -> None:
    """Print what is measured, where and when."""
    print(f"{title}\n{machine()}")
    if args.quick:
        print("QUICK: this shows that the script runs; the figures mean nothing")
    if "rival_python" in args and not args.rival_python:
        print("no rival: give --rival-python or SIGHTLINE_RIVAL_PYTHON (bench/README.md); ours is measured alone")
    print(flush=True)


def machine() -> str:
    """The processor, its cores and load, the versions that matter, and the date, on two lines."""
    cpu, flags = platform.processor() or platform.machine(), ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        fields = dict(line.split(":", 1) for line in cpuinfo.read_text().splitlines() if ":" in line)
        fields = {key.strip(): value.strip() for key, value in fields.items()}
        cpu, flags = fields.get("model name", cpu), fields.get("flags", "")
    bf16 = "AMX" if "amx_bf16" in flags else "AVX-512" if "avx512_bf16" in flags else "none"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("sightline", "torch"))
    return (
        f"{cpu}, {cores} cores, bf16 {bf16}, load {os.getloadavg()[0]:.1f}\n"
        f"Python {platform.python_version()}, {versions}, {datetime.now():%Y-%m-%d %H:%M}"
    )


def seconds_of(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> float:
    """Wall time of a whole process, in seconds. A process that fails ends the benchmark with its last words.

    env: variables besides those of this process.
    """
    start = time.perf_counter()
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=os.environ | (env or {})
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stdout[-2_000:]}")
    return seconds


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns, the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row in (headings, ["-" * width for width in widths], *rows):
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join([first.strip().ljust(widths[0]), *others]))
    print(flush=True)


@dataclass(frozen=True)
class Claim:
    """What is promised, what was asked, what was measured, and whether it is enough."""

    what: str
    asked: str
    measured: str
    met: bool


def at_least(what: str, asked: float, measured: float, unit: str) -> Claim:
    return Claim(what, f">= {asked:g} {unit}", f"{measured:.2f} {unit}", measured >= asked)


def at_most(what: str, asked: float, measured: float, unit: str) -> Claim:
    return Claim(what, f"<= {asked:g} {unit}", f"{measured:.2f} {unit}", measured <= asked)


def print_claims(claims: Sequence[Claim]) -> None:
    rows = [[claim.what, claim.asked, claim.measured, "met" if claim.met else "MISSED"] for claim in claims]
    table(("claim", "asked", "measured", ""), rows)
