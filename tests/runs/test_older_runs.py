"""Run folders that 0.1.0 wrote are opened, scored, gone on with and reported by this version."""

import json
import shutil
from pathlib import Path

import pytest

import sightline as sl
from sightline.cli import main
from sightline.training.range_test import read_range_test

OLD = Path(__file__).parents[1] / "fixtures" / "version_0_1_0"


@pytest.fixture
def old(tmp_path: Path):
    """A copy of one of the old run folders, to write in."""
    return lambda name: Path(shutil.copytree(OLD / name, tmp_path / name))


@pytest.mark.parametrize("name", ["whole", "transfer"])
def test_a_whole_run_is_opened_and_answers_as_it_did(name: str) -> None:
    classifier, metrics = sl.load(OLD / name), sl.Run(OLD / name).metrics
    splits = sl.load_data("digits")
    assert splits.test is not None
    evaluation = sl.evaluate(classifier, splits.test)
    # It answered in bf16 where the machine has that, and answers in float32 here: an image or two may be at the edge.
    assert abs(evaluation.correct - metrics["test"]["correct"]) <= 2


@pytest.mark.parametrize("name", ["whole", "transfer"])
def test_a_whole_run_is_scored_and_reported_by_the_commands(name: str, old, capsys: pytest.CaptureFixture[str]) -> None:
    run = old(name)
    assert main(["evaluate", str(run), "--json"]) == 0
    recorded = json.loads((run / "metrics.json").read_text())["test"]
    assert abs(json.loads(capsys.readouterr().out)["correct"] - recorded["correct"]) <= 2
    assert main(["report", str(run)]) == 0
    page = (run / "report.html").read_text()
    assert "0.1.0" in page
    assert ("Fine-tuning paid" in page) == (name == "transfer")


def test_a_training_that_was_stopped_goes_on(old) -> None:
    run = old("begun")
    before = (run / "history.jsonl").read_text().splitlines()
    assert main(["train", "--resume", str(run)]) == 0
    after = (run / "history.jsonl").read_text().splitlines()
    assert after[: len(before)] == before
    assert [json.loads(line)["epoch"] for line in after] == [1, 2, 3, 4, 5]
    assert (run / "report.html").exists()


def test_an_old_range_test_is_reported(old) -> None:
    run = old("whole")
    shutil.copy(OLD / "lr_range.json", run)
    saved = json.loads((OLD / "lr_range.json").read_text())
    rates = read_range_test(sl.Run(run))
    assert rates is not None
    assert (rates.suggestion, rates.found, len(rates.losses)) == (saved["suggestion"], True, len(saved["losses"]))
    assert main(["report", str(run)]) == 0
    assert "Loss while the learning rate rises" in (run / "report.html").read_text()
