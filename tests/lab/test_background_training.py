"""A training in a process of its own: here a program that does what a training may do."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sightline.errors import RunError
from sightline.lab.background_training import LINES, BackgroundTraining, _last_words
from sightline.runs.run import Run

from .conftest import FINISHED

Begin = Callable[[str], BackgroundTraining]


def wait(training: BackgroundTraining) -> dict[str, Any]:
    for _ in range(600):
        if not training.is_running:
            return training.progress()
        time.sleep(0.1)
    raise AssertionError("the training did not end within a minute")


@pytest.fixture
def done() -> list[Run]:
    """The runs of which it was said that they are done."""
    return []


@pytest.fixture
def begin(in_place_of_training: Callable[[str], None], tmp_path: Path, done: list[Run]) -> Iterator[Begin]:
    """Begins a training that is this program."""
    trainings: list[BackgroundTraining] = []

    def begin(code: str) -> BackgroundTraining:
        in_place_of_training(code)
        training = BackgroundTraining(
            tmp_path / "pictures", tmp_path / "run-1", on_line=lambda: None, on_done=done.append
        )
        trainings.append(training)
        return training

    yield begin
    for training in trainings:
        training.stop()


def test_it_is_the_command_that_people_type(begin: Begin, tmp_path: Path) -> None:
    training = begin("print(*sys.argv[1:])")
    words = ["-m", "sightline", "train", str(tmp_path / "pictures"), "--out", str(tmp_path / "run-1")]
    assert wait(training)["lines"] == [" ".join([*words, "--report", "quick"])]


def test_what_it_says_is_heard_line_by_line(in_place_of_training: Callable[[str], None], tmp_path: Path) -> None:
    in_place_of_training(f"for number in range({LINES + 5}): print(number, flush=True)")
    heard: list[int] = []
    training = BackgroundTraining(
        tmp_path, tmp_path / "run-1", on_line=lambda: heard.append(len(heard)), on_done=lambda _: None
    )
    assert wait(training)["lines"] == [str(number) for number in range(5, LINES + 5)]
    assert len(heard) == len(training.lines) == LINES + 5


@pytest.mark.parametrize("tested", [True, False])
def test_the_result_is_that_of_the_run_folder_whatever_is_said(
    tested: bool, begin: Begin, done: list[Run], tmp_path: Path
) -> None:
    """The program leaves a finished run and speaks of something else."""
    finished = Path(shutil.copytree(FINISHED, tmp_path / "finished"))
    if not tested:
        metrics = json.loads((finished / "metrics.json").read_text())
        (finished / "metrics.json").write_text(json.dumps({k: v for k, v in metrics.items() if k != "test"}))
    training = begin(
        f"shutil.copytree({str(finished)!r}, out)\n"
        "print('test accuracy (2 pictures) has fewer than 20 images to learn from')"
    )
    ended = wait(training)
    assert ended["outcome"] == "done"
    assert ended["lines"] == ["test accuracy (2 pictures) has fewer than 20 images to learn from"]
    assert ended["run"] == str(tmp_path / "run-1")
    assert [run.path for run in done] == [tmp_path / "run-1"]
    assert [epoch for epoch, _ in ended["epochs"]] == [1, 2]
    assert ended["counts"] == {"train": 1294, "val": 144, "test": 359}
    assert set(training.splits().values()) == {"train", "val", "test"}
    if tested:
        assert ended["result"].startswith("test accuracy 55 % (50 to 60) on 359 images, ")
        assert ended["result"].endswith(" s")
    else:
        assert ended["result"] == ""


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("print('a'); print('the disk is full'); print(); sys.exit(2)", "the disk is full"),
        ("sys.exit(3)", "The training ended with exit code 3."),
        ("sys.exit(130)", "It was stopped."),
        (
            "os.kill(os.getpid(), 9)",
            "The system ended the training (signal 9): is there too little memory?",
        ),
        ("", "there is no run folder"),
    ],
)
def test_why_a_training_ended_without_a_network(code: str, outcome: str, begin: Begin, done: list[Run]) -> None:
    training = begin(code)
    ended = wait(training)
    assert ended["outcome"].startswith(outcome)
    assert (ended["run"], done, training.splits()) == ("", [], {})


def test_it_is_stopped(begin: Begin, done: list[Run]) -> None:
    training = begin("time.sleep(600)")
    assert training.progress() == {"running": True, "lines": [], "outcome": "", "run": "", "epochs": [], "counts": {}}
    training.stop()
    assert wait(training)["outcome"] == "It was stopped."
    training.stop()  # again, which changes nothing
    assert (training.outcome, done) == ("It was stopped.", [])


def test_a_run_that_cannot_be_shown_is_not_done(in_place_of_training: Callable[[str], None], tmp_path: Path) -> None:
    def fail(run: Run) -> None:
        raise RunError(f"{run.path.name} is broken")

    in_place_of_training(f"shutil.copytree({str(FINISHED)!r}, out)")
    training = BackgroundTraining(tmp_path, tmp_path / "run-1", on_line=lambda: None, on_done=fail)
    ended = wait(training)
    assert (ended["outcome"], ended["run"]) == ("run-1 is broken", "")


def test_the_sentence_is_told_whatever_is_printed_behind_it() -> None:
    assert _last_words(["reading", "sightline: no image: give some", "  File x.py, line 3", ""]) == (
        "sightline: no image: give some"
    )
    assert _last_words(["Killed", ""]) == "Killed"
    assert _last_words(["", " "]) == ""
