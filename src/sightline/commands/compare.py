"""Two runs compared on the same test images: by the answers they kept, or scored anew on given data.

What was kept is read in an instant, without torch.
"""

import csv
import os

from sightline.errors import RunError
from sightline.evaluation.compare import ClassifierAnswers, Comparison, compare_answers
from sightline.runs.run import Run

COLUMNS = frozenset(("id", "label", "predicted"))


def compare_runs(
    first: str | os.PathLike[str],
    second: str | os.PathLike[str],
    data: str | os.PathLike[str] | None = None,
    *,
    device: str = "auto",
) -> Comparison:
    """Whether the classifier in the second run folder is better than that in the first.

    data: images to score both on, which should be new to both; what `scoring.score_run` takes. By default the answers
    that each run kept for its test images are compared, which have to be the same images.

    Raises DataError when the images, their labels or the classes differ, RunError for a run without answers or with
    damaged ones, and with `data` whatever `score_run` raises.
    """
    runs = Run(first), Run(second)
    names = _names(*runs)
    if data is None:
        answers = [read_answers(run, name) for run, name in zip(runs, names, strict=True)]
    else:
        from sightline.commands.evaluate import score_run

        answers = [
            ClassifierAnswers.of(score_run(run.path, data, device=device), name)
            for run, name in zip(runs, names, strict=True)
        ]
    remedy = "each was scored on its own test images of this data: give data that is new to both"
    if data is None:
        scored_anew = f"sightline compare {first} {second} --data DATA"
        remedy = f"score both on the same images, which should be new to both: {scored_anew}"
    return compare_answers(*answers, remedy=remedy)


def read_answers(run: Run, name: str) -> ClassifierAnswers:
    """What the run answered on its test images, from predictions.csv and metrics.json. Raises RunError."""
    path = run.predictions_path
    classes = frozenset(str(score["name"]) for score in run.test["classes"])
    try:
        with open(path, encoding="utf-8", newline="") as file:
            table = csv.DictReader(file, strict=True)
            missing = COLUMNS - set(table.fieldnames or ())
            rows = [] if missing else [(row["id"], row["label"], row["predicted"]) for row in table]
    except FileNotFoundError as error:
        hint = "give data to compare on, with --data, or train again"
        raise RunError(f"{run.path} has no {path.name}", hint=hint) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise RunError(f"not a table of answers: {error}", where=str(path), hint="restore it from a copy") from error
    if missing:
        listed = ", ".join(sorted(missing))
        raise RunError(f"the table of answers lacks {listed}", where=str(path), hint="restore it from a copy")
    for line, (_, *names) in enumerate(rows, start=2):
        if not classes.issuperset(names):
            unknown = next(str(name) for name in names if name not in classes)
            raise RunError(f"row {line} names no class of this run: {unknown}", where=str(path), hint="restore it")
    ids, labels, predicted = zip(*rows, strict=True) if rows else ((), (), ())
    return ClassifierAnswers(name, ids, labels, predicted, classes)


def _names(first: Run, second: Run) -> tuple[str, str]:
    """What to call two runs: by their folders' names, or their paths where these are alike."""
    return (first.name, second.name) if first.name != second.name else (str(first.path), str(second.path))
