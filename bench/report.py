"""Issue 4: 10,000 small test images scored with everything: two passes of the network and 20 s; the whole report: 15 s.

A pass is the classifier's logits of the test images and nothing else. Scoring is every score with its interval,
calibration, slices and suspected labels; the report is all that `sightline report` adds: Grad-CAM, the map, suspects
among training images, the forecast, and the page. One training of Fashion-MNIST comes first, or give a run.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness import SIGHTLINE, at_most, begin, command_line, print_claims, seconds_of, table
from sightline.commands.predict import open_classifier
from sightline.data.load import load_recorded
from sightline.data.split import read_manifest
from sightline.diagnosis.label_errors import held_out_suspects
from sightline.evaluation.answers import answers
from sightline.evaluation.evaluate import evaluate
from sightline.evaluation.slices import slices
from sightline.reporting.analysis import analyse
from sightline.reporting.description import facts_of_job
from sightline.reporting.report import write_report
from sightline.runs.job import read_job
from sightline.runs.run import Run


def main() -> None:
    parser = command_line(__doc__, rounds=5)
    parser.add_argument("--run", type=Path, help="run folder of a training on small images (default: trains one)")
    args = parser.parse_args()
    begin("The report of a training on small images", args)
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        run = Run(args.run or train(Path(folder, "run")))
        measure(run, rounds=1 if args.quick else args.rounds)


def train(out: Path) -> Path:
    seconds_of([*SIGHTLINE, "train", "fashion-mnist", "--epochs", "1", "--report", "quick", "--out", str(out)])
    return out


def measure(run: Run, *, rounds: int) -> None:
    job = read_job(run)
    splits = load_recorded(job.data, read_manifest(run.split_path))
    test = splits.test
    assert test is not None
    classifier = open_classifier(run.path, precision=job.config.precision)
    evaluation = evaluate(classifier, test)  # imports and first calls are not counted
    facts = facts_of_job(job, splits)

    def scored() -> None:
        result = evaluate(classifier, test)
        json.dumps(result.to_json())
        slices(result, test)
        held_out_suspects(result)

    def reported() -> None:
        material = analyse(classifier, splits, evaluation, run, learnt=True)
        write_report(run, facts, history=run.history, evaluation=evaluation, images=test, material=material)

    names: dict[str, Callable[[], object]] = {
        "a pass of the network": lambda: answers(classifier, test),
        "scored": scored,
        "reported": reported,
    }
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, work in names.items():
            start = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    rows = [[name, f"{medians[name]:.1f} s", f"{min(took):.1f} to {max(took):.1f} s"] for name, took in times.items()]
    table((f"{len(test):,} test images, {rounds} rounds", "median", "from to"), rows)
    size = run.report_path.stat().st_size / 1e6
    beyond = medians["scored"] - 2 * medians["a pass of the network"]
    print_claims(
        [
            at_most("scored with everything, less two passes", 20, beyond, "s"),
            at_most("the whole report", 15, medians["reported"], "s"),
            at_most("its page", 5, size, "MB"),
        ]
    )


if __name__ == "__main__":
    main()
