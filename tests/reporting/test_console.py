"""What a training says: the lines themselves, in the terminal and in the log."""

from pathlib import Path

import numpy as np
import pytest

from sightline.evaluation.evaluate import Evaluation, score
from sightline.reporting.console import Narrator
from sightline.runs.run import Run
from sightline.training.fit import Epoch

EPOCH = Epoch(
    epoch=3,
    step=300,
    lr=0.1,
    train_loss=0.98765,
    val_loss=0.5,
    val_accuracy=0.94,
    val_interval=(0.93, 0.95),
    images_per_second=12_345.6,
    seconds=30.0,
    progress=0.25,
)
UNVALIDATED = Epoch(
    epoch=12,
    step=300,
    lr=0.1,
    train_loss=2.0,
    val_loss=None,
    val_accuracy=None,
    val_interval=None,
    images_per_second=99.0,
    seconds=125.0,
    progress=1.0,
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "run", "digits", "convnet")


def evaluation(*, missed: int, note: str = "") -> Evaluation:
    """40 images of each of two classes, cat and dog, of which so many dogs are taken for cats."""
    labels = np.repeat([0, 1], 40)
    predicted = labels.copy()
    predicted[40 : 40 + missed] = 0
    probabilities = np.eye(2, dtype=np.float32)[predicted]
    return score(probabilities, labels, ("cat", "dog"), ids=tuple(map(str, range(80))), note=note)


def logged(run: Run) -> list[str]:
    """The lines of log.txt without their times."""
    return [line.split("  ", 1)[1] for line in run.log_path.read_text().splitlines()]


def test_a_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    narrator = Narrator()
    narrator.epochs, narrator.val_images = 12, 1_000
    narrator.epoch(EPOCH)
    narrator.epochs, narrator.val_images = None, 0
    narrator.epoch(UNVALIDATED)
    # A quarter took 30 s, so three quarters will take 90.
    assert capsys.readouterr().out.splitlines() == [
        "epoch 3/12  loss 0.988  validation 94.0 % (92.4 to 95.3)  12,346 images/s  1 min 30 s left",
        "epoch 12  loss 2.000  99 images/s  2 min 5 s in all",
    ]


def test_the_result_in_five_lines(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Narrator().result(run, evaluation(missed=10, note="80 of 800 test images"), seconds=42)
    assert capsys.readouterr().out.splitlines() == [
        "test accuracy 88 % (78 to 93) on 80 images, 42 s",
        "weakest class  dog: 30 of 40 recognised, 75 % (60 to 86)",
        "note           80 of 800 test images",
        f"report         {run.report_path}",
        f"next           sightline predict {run.path} IMAGE...",
    ]


def test_a_resumed_training_says_since_when_it_counts(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    narrator = Narrator()
    narrator.resumed = True
    narrator.result(run, evaluation(missed=0), seconds=42)
    assert capsys.readouterr().out.splitlines()[0].endswith("on 80 images, 42 s since it was resumed")


def test_no_weakest_class_where_none_is_missed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Narrator().result(run, evaluation(missed=0), seconds=1.25)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "test accuracy 100.0 % (95.4 to 100.0) on 80 images, 1.2 s"
    assert len(lines) == 3


def test_no_accuracy_without_test_images(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Narrator().result(run, None, seconds=1)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["report", "next"]


def test_what_is_said_is_logged(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    narrator = Narrator()
    narrator.say("before there is a run folder")
    narrator.run = run
    narrator.say("and after")
    assert capsys.readouterr().out == "before there is a run folder\nand after\n"
    assert logged(run) == ["and after"]


def test_quiet_is_for_the_terminal_only(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    narrator = Narrator(quiet=True)
    narrator.run = run
    narrator.epoch(EPOCH)
    with narrator.working("reading digits"):
        pass
    assert capsys.readouterr() == ("", "")
    assert len(logged(run)) == 1


def test_lines_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    # Neither rich's markup nor its emoji codes nor the width of a pipe may change a path.
    line = "photos/[bold]/:cat:/" + "very_long_name_" * 20
    Narrator().say(line, style="bold")
    assert capsys.readouterr().out == line + "\n"


def test_no_color_is_plain_in_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then writes as to a terminal
    monkeypatch.setenv("TERM", "xterm-256color")
    Narrator().say("green", style="green")
    assert "\x1b[32mgreen" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    Narrator().say("green", style="green")
    assert "\x1b[3" not in capsys.readouterr().out


def test_a_pipe_gets_no_spinner(capsys: pytest.CaptureFixture[str]) -> None:
    with Narrator().working("reading digits"):
        pass
    assert capsys.readouterr().out == ""
