"""A training in a process of its own: what it says, how far it is, and what it has come to."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sightline.data.split import read_manifest
from sightline.errors import Interrupted, SightlineError
from sightline.evaluation.intervals import format_percent
from sightline.lab.packing import Json
from sightline.reporting.scale import format_seconds
from sightline.runs.run import Run

LINES = 30  # at the end of what the training says: the page shows them


class BackgroundTraining:
    """`sightline train` on a folder of class folders, which begins at once and writes the run folder `out`.

    on_line: called after each line that it says. on_done: called with the run of a training that has come to its end,
    before it counts as done; a SightlineError of it is the outcome. Both are called in a thread of its own.
    """

    def __init__(
        self, pictures: Path, out: Path, *, on_line: Callable[[], None], on_done: Callable[[Run], None]
    ) -> None:
        self.out = out
        self.lines: list[str] = []
        self.outcome = ""  # "done", or why there is no network; empty while it runs
        self._result = ""
        self._is_stopped = False
        command = [sys.executable, "-m", "sightline", "train", str(pictures), "--out", str(out), "--report", "quick"]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "COLUMNS": "120", "PYTHONUNBUFFERED": "1"},
        )
        threading.Thread(target=self._follow, args=(on_line, on_done), daemon=True).start()

    @property
    def is_running(self) -> bool:
        return not self.outcome

    def stop(self) -> None:
        """End it, if it still runs; what it has learnt so far is dropped."""
        if self._process.poll() is None:
            self._is_stopped = True
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def progress(self) -> Json:
        """How it goes: the latest lines, the accuracy of each epoch, the sizes of the splits; then the outcome."""
        outcome = self.outcome  # once, since it may end meanwhile
        progress: Json = {"running": not outcome, "lines": self.lines[-LINES:], "outcome": outcome}
        progress |= {"run": str(self.out) if outcome == "done" else "", "epochs": [], "counts": {}}
        try:
            run = Run(self.out)
            progress["epochs"] = [[record["epoch"], record.get("val_accuracy")] for record in run.history]
            progress["counts"] = _counts(run)
        except (SightlineError, OSError):
            pass  # it has not come that far
        if outcome == "done":
            progress["result"] = self._result
        return progress

    def splits(self) -> dict[str, str]:
        """The split of each picture, by class/file; empty before it has split them."""
        try:
            return {row.id: row.split for row in read_manifest(Run(self.out).split_path)}
        except (SightlineError, OSError):
            return {}

    def _follow(self, on_line: Callable[[], None], on_done: Callable[[Run], None]) -> None:
        """Keep what the training says, to be shown, until it ends; what it has come to is read from its run folder."""
        began = time.monotonic()
        with self._process as process:  # closes its output
            assert process.stdout is not None
            for line in process.stdout:
                self.lines.append(line.rstrip())
                on_line()
        code = process.returncode
        if code == 0:
            try:
                run = Run(self.out)
                run.classifier  # noqa: B018 - read now, so that the first look does not wait
                self._result = _result(run, time.monotonic() - began)
                on_done(run)
                self.outcome = "done"
            except SightlineError as error:
                self.outcome = f"{error}"
        elif self._is_stopped or code == Interrupted.exit_code:  # by Ctrl-C, which reaches it too
            self.outcome = "It was stopped."
        elif code < 0:
            self.outcome = f"The system ended the training (signal {-code}): is there too little memory?"
        else:
            self.outcome = _last_words(self.lines) or f"The training ended with exit code {code}."


def _last_words(lines: Sequence[str]) -> str:
    """The sentence by which the command says why it failed, or else the last line; empty when nothing was said."""
    sentences = [line for line in lines if line.startswith("sightline: ")] or [line for line in lines if line.strip()]
    return sentences[-1] if sentences else ""


def _counts(run: Run) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in read_manifest(run.split_path):
        counts[row.split] = counts.get(row.split, 0) + 1
    return counts


def _result(run: Run, seconds: float) -> str:
    """How many of the test pictures are recognised and how long that took; empty without any. Raises RunError."""
    test = run.metrics.get("test")
    if test is None:
        return ""
    share = format_percent(test["correct"], test["total"])
    return f"test accuracy {share} on {test['total']:,} images, {format_seconds(seconds)}"
