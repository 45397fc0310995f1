"""`train` from data to report: the run folder, the same again, going on, and refusals that leave nothing behind."""

import csv
import html
import json
import os
import re
import shlex
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.commands.train.train import train
from sightline.config import TrainOptions
from sightline.errors import ConfigError, DataError, Interrupted, ModelError, RunError, SightlineError, StorageError
from sightline.evaluation.intervals import format_percent, wilson_interval
from sightline.runs.run import Run
from sightline.training.listener import Listener

StopAfter = Callable[..., Listener]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test works in a folder of its own, and with no data but its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIGHTLINE_DATA", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two epochs on the digits, with everything else as the recipe has it."""
    return train("digits", epochs=2, seed=1, out=tmp_path_factory.mktemp("digits") / "run", quiet=True)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of two classes of stripes, 15 PNGs each, in colour and of two sizes."""
    draw = np.random.default_rng(0)
    for name in ("level", "upright"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(15):
            size = 20 + 4 * (i % 2)
            stripes = np.broadcast_to((np.arange(size) + i) % 4 < 2, (size, size))
            pixels = (stripes if name == "upright" else stripes.T)[:, :, None] * [120, 90, 60]
            pixels = pixels + draw.integers(0, 60, (size, size, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photos" / name / f"{i:02}.png")
    return tmp_path / "photos"


@pytest.fixture
def heard() -> Iterator[None]:
    """Fails if SIGTERM is not caught by the training."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: pytest.fail("the training did not hear the signal"))
    yield
    signal.signal(signal.SIGTERM, before)


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(path.read_text().splitlines()))


def weights(run: Run) -> bytes:
    return (run.model_folder / "model.safetensors").read_bytes()


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_the_run_folder_is_the_designs(digits: Run) -> None:
    assert tree(digits.path) == {
        "model",
        "model/model.safetensors",
        "model/model.json",
        "model/README.md",
        "snapshots",
        "snapshots/probes.npz",
        "snapshots/0001.npz",
        "snapshots/0002.npz",
        "checkpoint",
        "checkpoint/state.pt",
        "config.json",
        "split.csv",
        "history.jsonl",
        "metrics.json",
        "predictions.csv",
        "report.html",
        "log.txt",
    }
    assert digits.is_complete


def test_history_has_a_record_for_each_epoch(digits: Run) -> None:
    assert [(record["epoch"], record["progress"]) for record in digits.history] == [(1, 0.5), (2, 1.0)]
    assert digits.history[1]["train_loss"] < digits.history[0]["train_loss"]


def test_scores_are_those_of_the_predictions(digits: Run) -> None:
    rows = rows_of(digits.predictions_path)
    correct = sum(row["label"] == row["predicted"] for row in rows)
    assert len(rows) == digits.test["total"] == 359  # a fifth of 1,797
    assert digits.test["correct"] == correct > 0.95 * 359
    assert digits.test["accuracy"] == correct / 359
    assert digits.test["interval"] == pytest.approx(wilson_interval(correct, 359))


def test_no_image_is_in_two_splits(digits: Run) -> None:
    rows = rows_of(digits.split_path)
    counts = {split: sum(row["split"] == split for row in rows) for split in ("train", "val", "test")}
    assert counts == {"train": 1294, "val": 144, "test": 359}
    assert len({row["id"] for row in rows}) == len(rows) == 1797


def test_the_classifier_is_ready_to_use(digits: Run) -> None:
    from sklearn.datasets import load_digits

    seven = (load_digits().images[7] * 255 / 16).astype(np.uint8)[:, :, None]
    assert digits.classifier.classes == tuple("0123456789")
    assert digits.classifier.predict(seven).label == "7"
    assert digits.classifier.provenance["data"] == "digits"


def test_the_report_is_finished(digits: Run) -> None:
    page = digits.report_path.read_text()
    assert 'http-equiv="refresh"' not in page
    accuracy, _ = format_percent(digits.test["correct"], digits.test["total"]).split(" (")
    title = re.findall("<title>(.*?)</title>", html.unescape(page))[0]  # charts have titles, too
    assert title.replace("\N{NO-BREAK SPACE}", " ").startswith(f"{accuracy} · speednet_s on digits")


def test_the_log_says_what_was_said(digits: Run) -> None:
    lines = [line.split("  ", 1)[1] for line in digits.log_path.read_text().splitlines()]
    assert re.match(r"speednet_s \([\d,]+ parameters\) on digits: 1,294 images and 144 for validation", lines[0])
    assert [line.split("  ")[0] for line in lines[1:3]] == ["epoch 1/2", "epoch 2/2"]
    assert lines[3].startswith("test accuracy ")
    assert lines[-1] == f"next           sightline predict {digits.path} IMAGE..."


def command_of(run: Run) -> list[str]:
    """The words of the command that the report gives for repeating this training."""
    [command] = re.findall(r"<code>(sightline train .*?)</code>", run.report_path.read_text())
    return shlex.split(html.unescape(command))


def given_by(words: list[str]) -> dict[str, Any]:
    """`--batch-size 64 --lr 0.1` as the options of `train`."""
    kinds = {"epochs": int, "size": int, "batch_size": int, "seed": int, "lr": float}
    pairs = zip(words[::2], words[1::2], strict=True)
    names = {flag.removeprefix("--").replace("-", "_"): value for flag, value in pairs}
    assert names.keys() <= TrainOptions.__dataclass_fields__.keys()
    return {name: kinds.get(name, str)(value) for name, value in names.items()}


def test_the_reports_command_gives_the_same_weights(digits: Run) -> None:
    assert command_of(digits)[:3] == ["sightline", "train", "digits"]
    again = train("digits", **given_by(command_of(digits)[3:]), out="again", quiet=True)
    assert weights(again) == weights(digits)
    assert again.predictions_path.read_bytes() == digits.predictions_path.read_bytes()
    assert command_of(again) == command_of(digits)


def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(
    digits: Run, heard: None, stop_after: StopAfter
) -> None:
    stop = stop_after(1, by=signal.SIGTERM)
    with pytest.raises(Interrupted) as caught:
        train("digits", epochs=2, seed=1, out="my run", quiet=True, listeners=[stop])
    steps = digits.history[0]["step"]
    assert str(caught.value) == (
        f"stopped after step {steps}; everything learnt is saved: go on with: sightline train --resume 'my run'"
    )
    assert caught.value.exit_code == 130
    assert not Run("my run").is_complete
    assert 'http-equiv="refresh"' not in Run("my run").report_path.read_text()

    resumed = train(resume="my run", quiet=True)
    assert weights(resumed) == weights(digits)
    assert resumed.predictions_path.read_bytes() == digits.predictions_path.read_bytes()
    losses = [[record["train_loss"] for record in run.history] for run in (resumed, digits)]
    assert losses[0] == losses[1]
    assert tree(resumed.path) == tree(digits.path)


def test_a_seed_of_its_own_gives_other_weights_and_another_split(digits: Run) -> None:
    other = train("digits", epochs=1, seed=2, model="convnet", report="quick", out="other", quiet=True)
    assert other.split_path.read_bytes() != digits.split_path.read_bytes()


def test_without_validation_all_images_are_trained_on() -> None:
    run = train("digits", epochs=1, val=0, model="convnet", quiet=True)
    assert run.path == Path("runs/digits-convnet-1")
    assert [record["val_accuracy"] for record in run.history] == [None]
    assert "val" not in {row["split"] for row in rows_of(run.split_path)}
    assert "--val 0" in shlex.join(command_of(run))


def test_a_folder_of_images_with_broken_files(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (photos / "level" / "00.png").read_bytes()
    (photos / "level" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (photos / "upright" / "page.jpg").write_text("<!DOCTYPE html><html>no image</html>")
    run = train(photos, model="convnet", epochs=3, size=20)
    assert run.path == Path("runs/photos-convnet-1")
    assert "2 files are not used; see the end of the report" in capsys.readouterr().out
    page = run.report_path.read_text()
    assert "cut.png" in page
    assert "page.jpg" in page
    ids = {Path(row["id"]).name for row in rows_of(run.split_path)}
    assert not ids & {"cut.png", "page.jpg"}
    assert run.config["data"] == str(photos)  # from anywhere


def test_a_folder_named_like_a_data_set_is_not_mistaken_for_it() -> None:
    Path("digits").mkdir()
    run = train("digits", epochs=1, model="lenet5", report="quick", quiet=True)
    assert run.config["data"] == "digits"
    assert command_of(run)[:3] == ["sightline", "train", "digits"]


def test_a_time_budget_is_kept() -> None:
    began = time.monotonic()
    run = train("digits", model="convnet", time=5, quiet=True)
    assert time.monotonic() - began < 7
    assert run.history[-1]["progress"] == pytest.approx(1, abs=0.05)
    assert "--time 5s" in shlex.join(command_of(run))
    assert "--epochs" not in command_of(run)


IMPOSSIBLE: list[tuple[Any, dict[str, Any], type[SightlineError], str]] = [
    (None, {}, ConfigError, "no data is given: name a data set or a folder, e.g. `sightline train digits`"),
    ("digit", {}, DataError, "there is no data set or folder 'digit': did you mean digits?"),
    ("digits", {"model": "lenet"}, ModelError, "there is no network named 'lenet': did you mean lenet5"),
    ("digits", {"recipe": "fast"}, ConfigError, "there is no recipe named 'fast': "),
    ("digits", {"epochs": 0}, ConfigError, "epochs is 0: train for at least 1 epoch"),
    ("digits", {"lr": -1}, ConfigError, "lr is -1: use a learning rate above 0, e.g. 0.1"),
    ("digits", {"batch_size": -5}, ConfigError, "batch_size is -5: use 1 or more images, e.g. 256"),
    ("digits", {"seed": 2**63}, ConfigError, f"seed is {2**63}: use a whole number from 0 to 2**63 - 1"),
    ("digits", {"time": "soon"}, ConfigError, "time is 'soon': use a number of seconds, minutes or hours"),
    ("digits", {"time": "2s"}, ConfigError, "2 s are over before training begins: give a longer --time"),
    ("digits", {"val": 1.5}, ConfigError, "val is '1.5': use a share of the training images"),
    ("digits", {"size": 0}, ModelError, "images of 0 x 0 pixels are too small (speednet_s): use a size of 16 or more"),
    ("digits", {"size": 10**6}, ModelError, "images of 1000000 x 1000000 pixels are too large (speednet_s): "),
    ("digits", {"device": "tpu"}, ConfigError, "there is no device 'tpu': use auto, cpu, cuda, cuda:1 or mps"),
    ("digits", {"out": "taken"}, StorageError, "taken exists and is not empty: choose another folder, or go on "),
    (None, {"resume": "nowhere"}, RunError, "there is no run folder nowhere: it may have been moved"),
]


@pytest.mark.parametrize(
    ("data", "settings", "error", "message"), IMPOSSIBLE, ids=[str(case[1]) for case in IMPOSSIBLE]
)
def test_impossible_wishes_leave_nothing_behind(
    data: str | None, settings: dict[str, Any], error: type[SightlineError], message: str, empty_folder: Path
) -> None:
    (empty_folder / "taken").mkdir()
    (empty_folder / "taken" / "thesis.tex").touch()
    with pytest.raises(error) as caught:
        train(data, **settings, quiet=True)
    assert str(caught.value).startswith(message)
    assert caught.value.exit_code == 2
    assert tree(empty_folder) == {"taken", "taken/thesis.tex"}


@pytest.fixture
def half_done(photos: Path, stop_after: StopAfter) -> Run:
    """A training on the photos that was interrupted."""
    with pytest.raises(Interrupted):
        train(photos, model="lenet5", epochs=2, size=32, quiet=True, listeners=[stop_after(1)])
    return Run("runs/photos-lenet5-1")


def test_a_half_done_training_is_mentioned(half_done: Run, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hint = f"a half-done training is in {half_done.path}; go on with it: sightline train --resume {half_done.path}"
    assert train(photos, model="convnet", epochs=1, size=32).path == Path("runs/photos-convnet-1")
    assert hint not in capsys.readouterr().out  # another network

    (Path("runs") / "damaged" / "checkpoint").mkdir(parents=True)
    (Path("runs") / "damaged" / "config.json").write_text("{")
    (Path("runs") / "damaged" / "checkpoint" / "state.pt").touch()
    assert train(photos, model="lenet5", epochs=1, size=32).path == Path("runs/photos-lenet5-2")
    assert hint in capsys.readouterr().out

    train(resume=half_done.path)
    capsys.readouterr()
    train(photos, model="lenet5", epochs=1, size=32)
    assert hint not in capsys.readouterr().out  # it is done now


def test_what_a_resumed_training_refuses(half_done: Run, photos: Path) -> None:
    def refused(*data: str, **settings: Any) -> str:
        with pytest.raises((ConfigError, DataError, RunError)) as caught:
            train(*data, resume=half_done.path, quiet=True, **settings)
        return str(caught.value)

    assert refused(epochs=5, batch_size=8) == "--epochs, --batch-size cannot change in a resumed training: leave it out"
    assert refused("digits") == f"this run was trained on {photos}, not digits: leave the data out"

    config = half_done.config
    half_done.config_path.write_text(json.dumps(config | {"format": 2}))
    assert refused() == (
        f"config.json has format 2, this version reads 1 ({half_done.config_path}): "
        "go on with the version of Sightline that wrote it"
    )
    half_done.config_path.write_text(json.dumps(config | {"pre_process": {}}))
    assert refused() == f"unknown key 'pre_process' ({half_done.config_path}): did you mean preprocess?"
    half_done.config_path.write_text(json.dumps(config))

    (photos / "level" / "00.png").rename(photos / "level" / "renamed.png")
    assert refused() == (
        f"1 of 30 recorded images are not in {photos} any more, the first is level/00.png: put the data back as it was"
    )
    (photos / "level" / "renamed.png").rename(photos / "level" / "00.png")

    done = train(os.path.relpath(photos), resume=half_done.path, quiet=True)
    assert refused() == f"the training in {done.path} is complete: look at {done.report_path}"
