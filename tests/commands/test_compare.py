"""`sightline compare RUN RUN` reads what the runs kept, in an instant, or scores both on given data."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sightline.commands.compare import compare_runs
from sightline.errors import DataError, RunError
from sightline.runs.run import Run


@pytest.fixture
def runs(digits_run: Run, tmp_path: Path) -> tuple[Path, Path]:
    """A run, and a copy of it that got three of its images wrong which the run got right."""
    first, second = tmp_path / "good", tmp_path / "bad"
    for place in (first, second):
        shutil.copytree(digits_run.path, place)
    rows = (second / "predictions.csv").read_text().splitlines()
    changed = [row.split(",") for row in rows]
    right = [cells for cells in changed[1:] if cells[1] == cells[2]][:3]
    for cells in right:
        cells[2] = "0" if cells[1] != "0" else "1"
    (second / "predictions.csv").write_text("\n".join(",".join(cells) for cells in changed) + "\n")
    return first, second


def test_kept_answers_are_compared(runs: tuple[Path, Path]) -> None:
    said = compare_runs(*runs)
    assert (said.first, said.second, len(said.gained), len(said.lost)) == ("good", "bad", 0, 3)
    assert said.verdict == "cannot tell yet"
    assert said.total == Run(runs[0]).test["total"]
    assert said.first_correct == round(Run(runs[0]).test["accuracy"] * said.total)


def test_a_run_is_no_better_than_itself(digits_run: Run) -> None:
    said = compare_runs(digits_run.path, digits_run.path)
    assert (said.difference, said.p_value, said.more_images) == (0, 1, None)


def test_given_data_is_scored_anew(runs: tuple[Path, Path]) -> None:
    said = compare_runs(*runs, data="digits", device="cpu")
    assert (said.gained, said.lost) == ((), ())  # the networks are the same, whatever predictions.csv says
    assert said.total == Run(runs[0]).test["total"]


def test_nothing_heavy_is_needed_to_read_answers(runs: tuple[Path, Path]) -> None:
    code = (
        "import sys; from sightline.commands.compare import compare_runs; "
        f"print(compare_runs({str(runs[0])!r}, {str(runs[1])!r}).verdict, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "cannot tell yet False"


def test_other_images_cannot_be_compared(runs: tuple[Path, Path]) -> None:
    path = runs[1] / "predictions.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(DataError) as caught:
        compare_runs(*runs)
    assert str(caught.value).startswith("good and bad were scored on different images (only good has ")
    assert str(caught.value).endswith(
        f"score both on the same images, which should be new to both: sightline compare {runs[0]} {runs[1]} --data DATA"
    )


def test_other_classes_cannot_be_compared(runs: tuple[Path, Path]) -> None:
    metrics = json.loads((runs[1] / "metrics.json").read_text())
    metrics["test"]["classes"].append({"name": "ten"})
    (runs[1] / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(DataError) as caught:
        compare_runs(*runs)
    assert str(caught.value) == (
        "good and bad have different classes (only bad has ten): compare classifiers of the same classes"
    )


def test_damaged_answers(runs: tuple[Path, Path]) -> None:
    path = runs[1] / "predictions.csv"
    whole = path.read_text()
    path.write_text(whole.replace("predicted", "guess", 1))
    with pytest.raises(RunError, match="the table of answers lacks predicted"):
        compare_runs(*runs)
    rows = whole.splitlines(keepends=True)
    path.write_text(rows[0] + rows[1].partition(",")[0])
    with pytest.raises(RunError, match="row 2 names no class of this run: None"):
        compare_runs(*runs)
    path.write_bytes(b"id,label,predicted\n\xff")
    with pytest.raises(RunError, match="not a table of answers"):
        compare_runs(*runs)
    path.unlink()
    with pytest.raises(RunError, match=r"bad has no predictions.csv: give data to compare on"):
        compare_runs(*runs)
    with pytest.raises(RunError, match="there is no run folder"):
        compare_runs(runs[0], runs[1] / "nowhere")
