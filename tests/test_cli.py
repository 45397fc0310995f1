import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sightline
from sightline.cli import main
from sightline.config import TrainOptions
from sightline.data.load import load_data
from sightline.errors import Interrupted, TrainingError
from sightline.models.registry import list_models
from sightline.runs.run import Run

UNKNOWABLE = {"score": "probability", "threshold": 1.5}  # a rule that accepts nothing
Captured = pytest.CaptureFixture[str]
COMMAND = (sys.executable, "-m", "sightline")


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `sightline.train` was called with, in place of training."""
    arguments: dict[str, Any] = {}
    monkeypatch.setattr(sightline, "train", lambda data, **options: arguments.update(data=data, **options))
    return arguments


def digit_files(count: int) -> list[Path]:
    """The first test images of the digits as PNG files, in the folder digits/."""
    test = load_data("digits").test
    assert test is not None
    paths = []
    Path("digits").mkdir()
    for i in range(count):
        path = Path("digits", f"{i:02}.png")
        Image.fromarray(test.images.read(i)[:, :, 0]).save(path)
        paths.append(path)
    return paths


def labels_given(run: Run, count: int) -> list[str]:
    """What the trained classifier said about the first test images."""
    with open(run.predictions_path, newline="") as file:
        return [row["predicted"] for row in csv.DictReader(file)][:count]


# train


def test_every_option_of_the_config_is_a_flag_with_its_help(capsys: Captured) -> None:
    assert main(["train", "--help"]) == 0
    said = re.sub(r"[\s│]+", " ", capsys.readouterr().out)
    for field in fields(TrainOptions):
        assert f"--{field.name.replace('_', '-')} " in said
    assert "Time for the whole command, e.g. 90s, 10m, 1h: the schedule is planned to end there." in said


def test_words_become_the_arguments_of_train(asked: dict[str, Any]) -> None:
    words = "train photos --model vgg11 --epochs 3 --batch-size=64 --lr 0.5 --val 10% --time 10m --size 48 --seed 7"
    assert main([*words.split(), "--precision", "fp32", "--device", "cpu", "--out", "here", "--recipe", "modern"]) == 0
    assert asked.pop("started") > 0
    settings = {
        "model": "vgg11",
        "recipe": "modern",
        "epochs": 3,
        "time": "10m",
        "size": 48,
        "batch_size": 64,
        "lr": 0.5,
    }
    settings |= {"val": "10%", "seed": 7, "device": "cpu", "precision": "fp32", "out": "here"}
    assert asked == {"data": "photos", **vars(TrainOptions(**settings))}


def test_the_words_of_transfer_learning_become_arguments_too(asked: dict[str, Any]) -> None:
    words = "train photos --weights w.safetensors --head mlp --finetune 2 --fit pad --cache 4GB --lr auto"
    assert main([*words.split(), "--balance", "loss", "--group-by", "patient", "--naive-too"]) == 0
    del asked["started"]
    settings = {"weights": "w.safetensors", "head": "mlp", "finetune": "2", "fit": "pad", "cache": "4GB", "lr": "auto"}
    settings |= {"balance": "loss", "group_by": "patient", "naive_too": True}
    assert asked == {"data": "photos", **vars(TrainOptions(**settings))}


def test_what_is_left_out_is_left_to_the_recipe(asked: dict[str, Any]) -> None:
    assert main(["train", "--resume", "runs/digits-lenet5-1"]) == 0
    del asked["started"]
    assert asked == {"data": None, **vars(TrainOptions(resume="runs/digits-lenet5-1"))}


def test_train_writes_a_run_folder_and_says_what_came_out(capsys: Captured) -> None:
    options = ["--model", "lenet5", "--epochs", "1", "--precision", "fp32", "--device", "cpu"]
    assert main(["train", "digits", *options]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("lenet5 (")
    assert said[1].startswith("epoch 1/1  loss ")
    assert said[-2:] == [
        "report         runs/digits-lenet5-1/report.html",
        "next           sightline predict runs/digits-lenet5-1 IMAGE...",
    ]
    assert sorted(path.name for path in Path("runs/digits-lenet5-1").iterdir()) == [
        "checkpoint",
        "config.json",
        "history.jsonl",
        "log.txt",
        "metrics.json",
        "model",
        "predictions.csv",
        "report.html",
        "snapshots",
        "split.csv",
    ]


# evaluate


def test_evaluating_a_run_again_gives_the_scores_of_its_training(digits_run: Run, capsys: Captured) -> None:
    assert main(["evaluate", str(digits_run.path), "--json", "--device", "cpu"]) == 0
    assert json.loads(capsys.readouterr().out) == digits_run.test
    assert main(["evaluate", str(digits_run.path), "digits", "--json", "--device", "cpu"]) == 0
    assert json.loads(capsys.readouterr().out) == digits_run.test


def test_evaluating_on_other_images_counts_those(digits_run: Run, capsys: Captured) -> None:
    files, labels = digit_files(3), labels_given(digits_run, 3)
    wrong = str((int(labels[2]) + 1) % 10)
    for path, label in zip(files, [labels[0], labels[1], wrong], strict=True):
        Path("others", label).mkdir(parents=True, exist_ok=True)
        path.rename(Path("others", label, path.name))
    Path("others", wrong, "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    assert main(["evaluate", str(digits_run.path), "others", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    # Wilson's interval of 2 of 3, by hand: (2/3 + 0.640) / 2.280 -+ sqrt(2/27 + 0.107) * 1.96 / 2.280
    assert "67 % (21 to 94) of 3 images are recognised." in said
    assert f"1 file is left out ({wrong}/broken.png: " in said


# predict


def test_predict_says_what_the_training_said(digits_run: Run, capsys: Captured) -> None:
    files, labels = digit_files(12), labels_given(digits_run, 12)
    assert main(["predict", str(digits_run.path), *map(str, files)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows] == [f"digits/{i:02}.png" for i in range(12)]
    assert [row[1] for row in rows] == labels
    assert all(0.1 < float(row[2]) / 100 <= 1 and row[3] == "%" for row in rows)


def test_predict_goes_on_after_bad_files(digits_run: Run, capsys: Captured) -> None:
    good = digit_files(2)
    Path("digits/empty.png").touch()
    Path("digits/half.png").write_bytes(good[0].read_bytes()[:80])
    words = ["predict", str(digits_run.path), "digits/empty.png", "digits/00.png", "no.png", "digits/half.png", "*.gif"]
    assert main([*words, "digits/01.png"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "digits/empty.png  not read: empty file"
    assert re.fullmatch(r"digits/00\.png     \d \d+\.\d %", said[1])
    assert said[2] == "no.png            not read: there is no such file"
    assert said[3].startswith("digits/half.png   not read: it is damaged, truncated or of a rare kind")
    assert said[4] == "*.gif             not read: no file matches"
    assert re.fullmatch(r"digits/01\.png     \d \d+\.\d %", said[5])


def test_predict_finds_images_in_folders_and_by_patterns_each_once(digits_run: Run, capsys: Captured) -> None:
    files = digit_files(3)
    Path("digits/deep/er").mkdir(parents=True)
    files[2].rename("digits/deep/er/no-suffix")
    for name in ("digits/notes.txt", "digits/.hidden.png", "digits/deep/empty.png"):
        Path(name).write_bytes(files[0].read_bytes() if "hidden" in name else b"")
    Path("nothing").mkdir()
    assert main(["predict", str(digits_run.path), "digits/01.png", "digits", "nothing", "digits/**/*.png"]) == 0
    said = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert said == ["digits/01.png", "digits/00.png", "digits/deep/empty.png", "digits/deep/er/no-suffix", "nothing"]


def test_predict_writes_csv(digits_run: Run, capsys: Captured) -> None:
    digit_files(2)
    words = ["predict", str(digits_run.path), "digits", "no.png", "--top", "3", "--csv", "answers.csv"]
    assert main(words) == 0
    assert capsys.readouterr().out == "2 of 3 files answered, written to answers.csv\n"
    with open("answers.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = ["path", "label", "probability", "unknown", "nearest", "reason", "label_2", "probability_2", "label_3"]
    assert list(rows[0]) == [*columns, "probability_3"]
    assert [row["nearest"] for row in rows] == [*labels_given(digits_run, 2), ""]
    assert [row["label"] for row in rows] == [row["nearest"] if row["unknown"] != "1" else "unknown" for row in rows]
    assert [row["unknown"] in ("0", "1") for row in rows] == [True, True, False]
    assert [row["reason"] for row in rows] == ["", "", "there is no such file"]
    assert float(rows[0]["probability"]) >= float(rows[0]["probability_2"]) >= float(rows[0]["probability_3"]) > 0


def test_predict_prints_json(digits_run: Run, capsys: Captured) -> None:
    digit_files(1)
    assert main(["predict", str(digits_run.path), "digits", "no.png", "--json", "--top", "10"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first["path"] == "digits/00.png"
    assert [first["label"]] == labels_given(digits_run, 1)
    assert first["top"][0] == {"label": first["label"], "probability": first["probability"]}
    assert {guess["label"] for guess in first["top"]} == set("0123456789")
    assert sum(guess["probability"] for guess in first["top"]) == pytest.approx(1, abs=1e-5)
    empty = {"label": None, "nearest": None, "probability": None, "unknown": None, "top": [], "label_set": []}
    assert second == {"path": "no.png", "reason": "there is no such file", **empty}


def test_an_answer_below_the_threshold_is_called_unknown(digits_run: Run, capsys: Captured) -> None:
    shutil.copytree(digits_run.model_folder, "model")
    description = json.loads(Path("model/model.json").read_text())
    Path("model/model.json").write_text(json.dumps(description | {"unknown": UNKNOWABLE}))
    digit_files(1)
    assert main(["predict", "model", "digits"]) == 0
    assert "digits/00.png  unknown, nearest " in capsys.readouterr().out
    assert main(["predict", "model", "digits", "--json"]) == 0
    [said] = json.loads(capsys.readouterr().out)
    assert (said["label"], said["unknown"]) == ("unknown", True)
    assert said["nearest"] == said["top"][0]["label"]


# inspect, models, summary


def test_inspect_draws_every_augmentation_and_says_where(capsys: Captured) -> None:
    assert main(["inspect", "digits", "--augment", "--out", "sheets"]) == 0
    assert capsys.readouterr().out == "sheets/digits-augmentation.png\n"
    with Image.open("sheets/digits-augmentation.png") as sheet:
        every = np.asarray(sheet)
    assert every.shape[1] == 2 * 24 + 200 + 8 * (96 + 8) - 8  # margins, labels, eight images of 96 pixels and gaps
    assert main(["inspect", "digits", "--augment", "--out", "sheets"]) == 0
    with Image.open("sheets/digits-augmentation.png") as sheet:
        assert np.array_equal(np.asarray(sheet), every)  # the same seed draws the same
    # For digits the recipe only shifts: two rows, the originals and what became of them.
    assert main(["inspect", "digits", "--augment", "--recipe", "default"]) == 0
    with Image.open("digits-augmentation.png") as sheet:
        assert sheet.height == 2 * 24 + 2 * (96 + 8) - 8


def test_models_lists_every_network_or_those_asked_for(capsys: Captured) -> None:
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["model", "parameters", "size", "channels", "what", "it", "is"]
    assert [line.split()[0] for line in lines[1:-2]] == [entry.name for entry in list_models()]
    assert lines[-1].endswith("`sightline models --pretrained`")
    assert main(["models", "LeNet"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:4] == ["lenet5", "61,706", "32", "1"]


def test_models_compares_pretrained_ones(capsys: Captured) -> None:
    assert main(["models", "--pretrained", "mobilenetv2"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[0] == "mobilenetv2_100"


def test_summary_shows_the_layers_for_any_size_classes_and_channels(capsys: Captured) -> None:
    assert main(["summary", "lenet5"]) == 0
    network = sightline.create_model("lenet5", num_classes=10)
    assert capsys.readouterr().out == f"{sightline.summary(network)}\n"
    assert main(["summary", "resnet18", "--size", "64", "--classes", "5", "--channels", "1", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["input_shape"] == [1, 64, 64]
    assert table["rows"][-1]["output_shape"] == [5]
    # 11,689,512 with 3 channels and 1,000 classes; two input channels of 64 7x7 filters and 995 outputs fewer
    assert table["parameters"] == 11_689_512 - 2 * 64 * 49 - 995 * 513


# check


def test_check_prints_what_it_finds(capsys: Captured) -> None:
    assert main(["check", "digits"]) == 0
    assert capsys.readouterr().out.startswith("digits: 1,797 images of 10 classes, checked in ")


def test_check_as_json(capsys: Captured) -> None:
    assert main(["check", "digits", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["data"], said["images"], said["classes"]["0"]) == ("digits", 1797, 178)


def test_check_strictly(capsys: Captured) -> None:
    digit_files(2)
    Path("photos").mkdir()
    Path("digits").rename("photos/seven")
    assert main(["check", "photos"]) == 0
    assert "error    there are no two classes to tell apart" in capsys.readouterr().out
    assert main(["check", "photos", "--strict", "error", "--report", "page.html"]) == 1
    assert Path("page.html").exists()
    assert main(["check", "photos", "--strict", "eror"]) == 2
    assert "strict is 'eror': did you mean error?" in capsys.readouterr().err


# how it ends


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (
            TrainingError("the loss is nan", where="step 7", hint="lower --lr"),
            1,
            "the loss is nan (step 7): lower --lr",
        ),
        (Interrupted("stopped after step 9", hint="go on"), 130, "stopped after step 9: go on"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "there is not enough memory: use a smaller --batch-size"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), 1, "there is not enough memory: use"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 1, "use a smaller --batch-size"),
        (PermissionError(13, "Permission denied", "data/x.gz"), 2, "data/x.gz: permission denied"),
        (
            ZeroDivisionError("division by zero"),
            1,
            "unexpected ZeroDivisionError: division by zero; this is a fault of",
        ),
    ],
)
def test_an_error_is_one_sentence_and_an_exit_code(
    error: BaseException, code: int, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(sightline, "train", fail)
    assert main(["train", "digits"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("sightline: ")
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert main(["--debug", "train", "digits"]) == code
    said = capsys.readouterr()
    assert "Traceback (most recent call last)" in said.err
    assert said.err.splitlines()[-1].startswith("sightline: ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("tran digits", 'Unknown command "tran". Did you mean "train"?'),
        ("train digits --epoch 3", "Unknown option: --epoch. Did you mean --epochs? See `sightline train --help`."),
        ("train digits --epochs many", "--epochs is many: use a whole number. See `sightline train --help`."),
        ("train digits --lr fast", "--lr is fast: use a number or auto. See `sightline train --help`."),
        ("summary resnet18 --size big", "--size is big: use a whole number. See `sightline summary --help`."),
        ("train digits --precision bf8", 'Invalid value "bf8" for --precision. Choose from: "auto", "bf16", "fp32".'),
        ("train digits --lr", "--lr requires an argument."),
        ("train digits mnist", "There is no place for 'mnist'. See `sightline train --help`."),
        ("predict", "RUN is missing. See `sightline predict --help`."),
        ("predict runs/1", "PATH is missing."),
    ],
)
def test_wrong_words_are_answered_with_what_was_meant(words: str, sentence: str, capsys: Captured) -> None:
    assert main(words.split()) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert sentence in said.err


def test_version_and_help(capsys: Captured) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{sightline.__version__}\n"
    assert main([]) == 0
    said = capsys.readouterr().out
    for name in ("train", "evaluate", "predict", "inspect", "models", "summary", "doctor", "--debug"):
        assert f"{name} " in said


# whole processes


def test_a_reader_who_has_had_enough_is_no_error() -> None:
    with subprocess.Popen([*COMMAND, "models"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full to write to")
def test_output_that_cannot_be_written_is_a_sentence() -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run([*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (result.returncode, result.stderr) == (2, "sightline: no space left on device\n")


def test_ctrl_c_saves_and_says_how_to_go_on() -> None:
    options = ["--model", "lenet5", "--epochs", "100000", "--precision", "fp32", "--device", "cpu"]
    command = [*COMMAND, "train", "digits", *options]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=os.environ | {"PYTHONUNBUFFERED": "1"}, **pipes) as process:
        assert isinstance(process.stdout, io.TextIOBase)
        for line in process.stdout:
            if line.startswith("epoch 1/"):
                process.send_signal(signal.SIGINT)
                break
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.fullmatch(
        r"sightline: stopped after step [\d,]+; everything learnt is saved: "
        r"go on with: sightline train --resume runs/digits-lenet5-1\n",
        said,
    )
    assert Path("runs/digits-lenet5-1/checkpoint/state.pt").exists()


def test_two_runs_are_compared_by_words(digits_run: Run, capsys: Captured) -> None:
    other = shutil.copytree(digits_run.path, "other")
    assert main(["compare", str(digits_run.path), str(other), "--device", "cpu"]) == 0
    assert "other" in capsys.readouterr().out
    assert main(["compare", str(digits_run.path), str(other), "--device", "cpu", "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), dict)


def test_a_run_is_inspected_by_words(digits_run: Run, capsys: Captured) -> None:
    [image] = digit_files(1)
    assert main(["inspect", str(digits_run.path), str(image), "--out", "look", "--device", "cpu"]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert paths
    assert all(path.is_file() and path.is_relative_to("look") for path in paths)


def test_the_lab_is_exported_or_served_by_words(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    assert main(["lab", "--export", "site"]) == 0
    assert capsys.readouterr().out == f"{Path('site', 'index.html')}\n"
    assert Path("site", "index.html").is_file()
    assert main(["lab", "--export", "site", "--model", "resnet18"]) == 2
    assert "a published network has no pictures to copy: give --export a run, or none" in capsys.readouterr().err
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    monkeypatch.setattr("sightline.lab.server.serve", lambda *words, **options: calls.append((words, options)))
    assert main(["lab", "--model", "resnet18", "--weights", "none", "--port", "0", "--no-open"]) == 0
    assert calls == [((None,), {"model": "resnet18", "weights": "none", "port": 0, "open_browser": False})]
