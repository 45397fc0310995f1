"""Whole trainings: `sightline train` in a process of its own, and Keras scripts whose epochs are timed from outside."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import QUIET, RIVALS, SIGHTLINE, seconds_of, table
from sightline.evaluation.metrics import format_percent


@dataclass(frozen=True)
class Score:
    """Right answers on the test images, and the seconds from the start of the process to them.

    fit_seconds: of these, the training loop alone, known of ours only. epoch: the last one before the score.
    note: what must be said of the data; may be empty.
    """

    correct: int
    total: int
    seconds: float
    fit_seconds: float = 0.0
    epoch: int = 0
    note: str = ""

    @property
    def percent(self) -> float:
        return 100 * self.correct / self.total


def read_once(data: str) -> None:
    """Have Sightline read a named set once, uncounted: archives are decoded at their first use and kept."""
    seconds = seconds_of([sys.executable, "-c", f"import sightline; sightline.load_data({data!r})"])
    print(f"{data}: read in {seconds:.1f} s before anything is counted", flush=True)


def train(data: str, *options: str, seed: int) -> Score:
    """One `sightline train`, from the start of the process to its end; the scores are those of its run folder."""
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        out = Path(folder, "run")
        seconds = seconds_of([*SIGHTLINE, "train", data, *options, "--seed", str(seed), "--out", str(out)])
        test = json.loads((out / "metrics.json").read_text())["test"]
        last = json.loads((out / "history.jsonl").read_text().splitlines()[-1])
    return Score(test["correct"], test["total"], seconds, last["seconds"], last["epoch"], test["note"])


def train_seeds(data: str, *options: str, seeds: int) -> list[Score]:
    """The same training with seeds 0, 1, ..., told as they end."""
    scores = []
    for seed in range(seeds):
        scores.append(train(data, *options, seed=seed))
        print(f"  {data} {' '.join(options)}, seed {seed}: {_outcome(scores[-1])}", flush=True)
    return scores


def keras_epochs(python: str, script: str, *options: str) -> list[Score]:
    """The test score of a Keras training after each epoch.

    seconds: until the epoch had ended and been scored. Two things are not counted, in Keras's favour: reading the
    images, and the scoring of all earlier epochs, which a training planned to end here would not have done.
    """
    start = time.perf_counter()
    command = [python, str(RIVALS / script), *options]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=os.environ | QUIET)
        assert process.stdout is not None
        scores = []
        for line in process.stdout:
            elapsed = time.perf_counter() - start
            record = json.loads(line)
            seconds = elapsed - record["uncounted_seconds"]
            scores.append(Score(record["correct"], record["total"], seconds, epoch=record["epoch"]))
            print(f"  Keras {script}, epoch {record['epoch']}: {_outcome(scores[-1])}", flush=True)
        if process.wait() or not scores:
            errors.seek(0)
            raise SystemExit(f"{' '.join(command)}\nexit code {process.returncode}\n{errors.read()[-2_000:]}")
    return scores


def mean_percent(scores: Sequence[Score]) -> float:
    return statistics.mean(score.percent for score in scores)


def mean_seconds(scores: Sequence[Score]) -> float:
    return statistics.mean(score.seconds for score in scores)


def print_scores(named: Mapping[str, Sequence[Score]]) -> None:
    """A table with one row for each list of scores: the mean, its interval over test images, and the seeds' spread."""
    rows = []
    for name, scores in named.items():
        # Seeds share their test images (all but those of digits), so more seeds do not narrow the interval.
        mean = format_percent(round(statistics.mean(score.correct for score in scores)), scores[0].total)
        spread = f"{min(s.percent for s in scores):.2f} to {max(s.percent for s in scores):.2f} %"
        longest = max(score.seconds for score in scores)
        rows.append([name, str(len(scores)), mean, spread, f"{mean_seconds(scores):.1f} s", f"{longest:.1f} s"])
    print()
    table(("whole process", "runs", "test accuracy (95 % interval)", "runs from to", "mean time", "longest"), rows)
    for note in sorted({score.note for scores in named.values() for score in scores if score.note}):
        print(f"note: {note}\n")


def print_fit_seconds(named: Mapping[str, Sequence[Score]]) -> None:
    """How much of the time was the training loop."""
    for name, scores in named.items():
        print(f"{name}: {statistics.mean(score.fit_seconds for score in scores):.2f} s in the training loop")
    print()


def _outcome(score: Score) -> str:
    return f"{score.percent:.2f} % after {score.seconds:.1f} s"
