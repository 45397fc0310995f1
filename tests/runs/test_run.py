"""A run folder is made once, read back exactly, and says plainly what is missing."""

import json
import re
import shutil
from pathlib import Path

import pytest

from sightline.errors import RunError, StorageError
from sightline.runs.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "run", "digits", "convnet")


def epoch(number: int, loss: float = 0.5) -> dict[str, object]:
    return {"epoch": number, "train_loss": loss}


def test_folders_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [Run.create(None, "digits", "convnet").path for _ in range(3)]
    assert paths == [Path("runs/digits-convnet-1"), Path("runs/digits-convnet-2"), Path("runs/digits-convnet-3")]
    assert Run.create(None, "digits", "lenet5").path == Path("runs/digits-lenet5-1")
    assert Run.create(None, "../my photos/é", "vgg16").path == Path("runs/my-photos-é-vgg16-1")


def test_existing_work_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert Run.create(tmp_path / "empty", "digits", "convnet").path == tmp_path / "empty"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("years of work")
    for taken in (tmp_path / "full", tmp_path / "full" / "thesis.tex"):
        with pytest.raises(StorageError) as caught:
            Run.create(taken, "digits", "convnet")
        assert (
            str(caught.value) == f"{taken} exists and is not empty: choose another folder, or go on with it: --resume"
        )


def test_files_are_where_the_design_says(run: Run) -> None:
    names = {
        run.model_folder: "model",
        run.checkpoint_folder: "checkpoint",
        run.config_path: "config.json",
        run.split_path: "split.csv",
        run.history_path: "history.jsonl",
        run.metrics_path: "metrics.json",
        run.predictions_path: "predictions.csv",
        run.report_path: "report.html",
        run.log_path: "log.txt",
    }
    assert {path: path.name for path in names} == names
    assert {path.parent for path in names} == {run.path}


def test_history_is_read_back(run: Run) -> None:
    assert run.history == []
    for number in (1, 2, 3):
        run.append_history(epoch(number, loss=1 / number))
    assert run.history == [epoch(1, 1.0), epoch(2, 0.5), epoch(3, 1 / 3)]
    assert Run(run.path).history == run.history


def test_an_epoch_trained_again_takes_its_place(run: Run) -> None:
    for number in (1, 2, 3):
        run.append_history(epoch(number))
    run.append_history(epoch(2, loss=0.25))  # resumed from a checkpoint in epoch 2
    assert run.history == [epoch(1), epoch(2, loss=0.25)]


@pytest.mark.parametrize("count", range(1, 30))
def test_a_torn_last_line_is_left_out_and_replaced(run: Run, count: int) -> None:
    run.append_history(epoch(1))
    whole = run.history_path.read_text()
    run.append_history(epoch(2))
    second = run.history_path.read_text()[len(whole) :]
    assert len(second) > 30
    run.history_path.write_text(whole + second[:count])
    assert run.history == [epoch(1)]
    run.append_history(epoch(2, loss=0.25))
    assert run.history == [epoch(1), epoch(2, loss=0.25)]


def test_a_last_line_without_its_end_is_not_glued_to_the_next(run: Run) -> None:
    run.history_path.write_text(json.dumps(epoch(1)))
    run.append_history(epoch(2))
    assert run.history == [epoch(1), epoch(2)]


def test_damage_inside_the_history_is_named(run: Run) -> None:
    run.history_path.write_text('{"epoch": 1}\n{"epo\n{"epoch": 3}\n')
    with pytest.raises(RunError, match=r"line 2 is damaged: .*history\.jsonl"):
        _ = run.history


def test_metrics_and_config(run: Run) -> None:
    run.config_path.write_text('{"seed": 3}')
    run.metrics_path.write_text('{"test": {"accuracy": 0.75}}')
    assert run.config == {"seed": 3}
    assert run.metrics == {"test": {"accuracy": 0.75}, "format": 2}
    assert run.test == {"accuracy": 0.75}
    run.metrics_path.write_text("{}")
    with pytest.raises(RunError, match="this run has no test split"):
        _ = run.test


def test_complete_means_scored_and_saved(run: Run) -> None:
    assert not run.is_complete
    run.metrics_path.write_text("{}")
    assert not run.is_complete
    run.model_folder.mkdir()
    (run.model_folder / "model.json").write_text("{}")
    assert run.is_complete


def test_missing_pieces_are_named(run: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=f"there is no run folder {tmp_path / 'nowhere'}"):
        Run(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"has no metrics\.json: the training has not come that far"):
        _ = run.metrics
    with pytest.raises(RunError, match=r"has no model\.json"):
        _ = run.classifier
    shutil.rmtree(run.path)
    with pytest.raises(RunError, match=r"the run folder .* is gone: it may have been moved"):
        _ = run.config
    with pytest.raises(StorageError, match=r"cannot write .*log\.txt: no such file or directory"):
        run.log("hello")


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '"text"'])
def test_damaged_json_is_named(run: Run, text: str) -> None:
    run.config_path.write_text(text)
    with pytest.raises(RunError, match=r"config\.json"):
        _ = run.config


def test_a_binary_file_is_no_config(run: Run) -> None:
    run.config_path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RunError, match=r"not text: .*config\.json"):
        _ = run.config


def test_log_lines_carry_the_time(run: Run) -> None:
    run.log("training begins")
    run.log("epoch 1")
    first, second = run.log_path.read_text().splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  training begins", first)
    assert second.endswith("  epoch 1")


def test_a_naive_training_goes_on_with_the_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "whole" / "naive"
    path.mkdir(parents=True)
    naive = Run(path)
    assert naive.resume_command == f"sightline train --resume {path}"  # a run that happens to have that name
    (path.parent / "config.json").write_text("{}")
    assert naive.resume_command == Run(path.parent).resume_command == f"sightline train --resume {path.parent}"
