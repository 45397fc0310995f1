"""The examples run as a reader would run them, and do what they say."""

import csv
import json
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"


def run_example(name: str, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_digits(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run_example("01_digits.py", monkeypatch=monkeypatch)
    said = capsys.readouterr().out
    assert "206,922" in said  # the parameters in the summary
    assert "epoch 10 " in said
    assert "this is a " in said
    with Image.open("mistakes.png") as sheet:
        # One to five digits of 8 pixels enlarged twelve times, gaps, margins: rounding decides how many, so it varies.
        assert sheet.width in {count * 96 + (count - 1) * 8 + 2 * 24 for count in range(1, 6)}
    classes = json.loads(Path("digits-model/model.json").read_text())["classes"]
    assert classes == [str(digit) for digit in range(10)]


def test_own_folder_makes_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run_example("02_own_folder.py", monkeypatch=monkeypatch)
    assert sum(path.is_file() for path in Path("digit-photos").rglob("*")) == 302
    said = capsys.readouterr().out
    assert "1 file cannot be used" in said
    assert "1 group (2 images) of exact copies" in said
    assert "digit-photos/0/000.png: " in said
    [run] = Path("runs").iterdir()
    assert str(run / "report.html") in said
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] > 0.7
    with open(run / "split.csv") as file:
        assert {row["split"] for row in csv.DictReader(file)} == {"train", "val", "test"}


def test_own_folder_takes_yours(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0)
    for name, level in (("dark", 40), ("light", 200)):
        Path("mine", name).mkdir(parents=True)
        for number in range(20):
            pixels = noise.integers(level - 40, level + 40, (30, 40, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(Path("mine", name, f"{number:02}.jpg"))
    Path("mine/dark/00.txt").write_text("a note")
    run_example("02_own_folder.py", "mine", monkeypatch=monkeypatch)
    said = capsys.readouterr().out
    assert "1 files are not used" in said or "1 file is not used" in said
    assert "cannot read image mine/dark/00.txt: it is not an image of a known type" in said
    assert "mine/dark/00.jpg: dark" in said


def test_look_inside(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run_example("03_look_inside.py", monkeypatch=monkeypatch)
    said = capsys.readouterr().out
    assert "16 feature maps of 8 x 8" in said
    assert said.count("alike: ") == 3
    [numbers] = re.findall(r"map 0: (\S+), and the network says (\S+)", said)
    assert float(numbers[0]) == pytest.approx(float(numbers[1]), abs=2e-4)
    for name in ("kernels.png", "maps.png", "grad-cam.png", "arithmetic.png"):
        with Image.open(name) as figure:
            assert min(figure.size) > 200
