"""Contenders that take turns, so that a machine that slows down slows down all of them."""

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Mapping, Sequence

from harness import QUIET, table


class Worker:
    """A process that repeats one piece of work whenever it is asked and says how long it took (rivals/serve.py)."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in close
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=os.environ | QUIET,
        )
        self._answer()  # it has warmed up

    def close(self) -> None:
        self.process.terminate()
        self.process.communicate()
        self.errors.close()

    def seconds(self) -> float:
        """Do the work once; how long it took."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> float:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise SystemExit(f"{' '.join(self.command)} ended early\n{self.errors.read()[-2_000:]}")
        return float(json.loads(line)["seconds"])


def take_turns(commands: Mapping[str, Sequence[str]], *, rounds: int) -> dict[str, list[float]]:
    """A, B, C, A, B, C, ...: the seconds of every round of every contender."""
    workers = {}
    try:
        for name, command in commands.items():
            workers[name] = Worker(command)
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, worker in workers.items():
                seconds[name].append(worker.seconds())
    finally:
        for worker in workers.values():
            worker.close()
    return seconds


def paired_ratio(seconds: Mapping[str, list[float]], name: str, to: str) -> float:
    """The median over rounds of how many times as long as `to` the contender took in the same round."""
    return statistics.median(a / b for a, b in zip(seconds[name], seconds[to], strict=True))


def print_steps(seconds: Mapping[str, list[float]], *, steps: int, batch_size: int, to: str) -> None:
    """A table of milliseconds a step: median, fastest and slowest round, and the ratio to the contender `to`."""
    rows = []
    for name, rounds in seconds.items():
        milliseconds = [1_000 * value / steps for value in rounds]
        median = statistics.median(milliseconds)
        rows.append(
            [
                name,
                f"{median:.2f} ms",
                f"{min(milliseconds):.2f} to {max(milliseconds):.2f}",
                f"{1_000 * batch_size / median:,.0f}",
                f"{paired_ratio(seconds, name, to):.3f}",
            ]
        )
    print(f"{len(seconds[to])} rounds of {steps} steps each, batch {batch_size}")
    table(("one training step", "median", "rounds from to", "images/s", f"times {to}"), rows)
