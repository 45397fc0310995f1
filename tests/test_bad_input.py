"""Whatever is wrong with the input: one sentence saying what, where and how to mend it, and nothing half-written.

Each row is what is typed and fragments of the sentence. A new way to go wrong is a new row. Misspelt commands and
options are in `test_cli.py`.
"""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from sightline.cli import main
from sightline.data.audit.audit import Audit
from sightline.data.images import EncodedImages
from sightline.data.imageset import Splits
from sightline.data.load import load_audited
from sightline.runs.run import Run

Captured = pytest.CaptureFixture[str]
QUICK = ("--model", "lenet5", "--epochs", "1", "--precision", "fp32", "--device", "cpu")


def photos(root: Path, counts: dict[str, int]) -> None:
    """Images of 12 x 12 pixels, each of another grey, in class folders."""
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (12, 12), (20 * i,) * 3).save(root / name / f"{i}.png")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, digits_run: Run) -> Path:
    """A folder with everything that can be wrong, and a little that is right."""
    root = tmp_path_factory.mktemp("world")
    _make_data(root)
    _make_runs(root, digits_run)
    return root


def _make_data(root: Path) -> None:
    photos(root / "pets", {"cat": 10, "dog": 10})
    (root / "empty").mkdir()
    photos(root / "one-class", {"cat": 10})
    photos(root / "one-image", {"cat": 10, "dog": 1})
    photos(root / "misspelt", {"train/cat": 5, "train/dog": 5, "test/dgo": 2})
    photos(root / "only-test", {"test/cat": 5, "test/dog": 5})
    photos(root / "unpacked", {"pets/cat": 5, "pets/dog": 5})
    photos(root / "horses", {"horse": 3})
    photos(root / "damaged", {"cat": 10, "dog": 10})
    for path in (root / "damaged").rglob("*.png"):
        path.write_bytes(path.read_bytes()[:40])
    (root / "text" / "cat").mkdir(parents=True)
    (root / "text" / "cat" / "1.jpg").write_text("no image")
    (root / "notes.txt").write_text("no data")
    (root / "no-label.csv").write_text("path,lable\npets/cat/0.png,cat\n")
    (root / "no-files.csv").write_text("path,label\ngone/1.png,cat\ngone/2.png,dog\n")
    (root / "two-labels.csv").write_text("path,label\npets/cat/0.png,cat\npets/cat/0.png,dog\n")


def _make_runs(root: Path, run: Run) -> None:
    """Run folders: `run` is whole; the name of each other says what is wrong with it."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(run.path, root / name))

    copy("run")
    for name, changed in (("newer-run", "config.json"), ("newer-model", "model/model.json")):
        path = copy(name) / changed
        path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    path = copy("unknown-setting") / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"recipee": "default"}))
    (copy("damaged-config") / "config.json").write_text('{"format": 1, "data": ')
    (copy("damaged-model") / "model/model.json").write_text("{}")
    weights = copy("damaged-weights") / "model/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50])
    weights = copy("other-weights") / "model/model.safetensors"
    save_file(load_file(weights) | {"head.output.weight": torch.zeros(7, 84)}, weights)
    (copy("no-weights") / "model/model.safetensors").unlink()
    (copy("no-split") / "split.csv").unlink()
    manifest = copy("changed-data") / "split.csv"
    manifest.write_text(re.sub(r"(?m)^digits/\d+(,\d,test,)", r"digits/9999\1", manifest.read_text(), count=1))
    for name in ("half-done", "damaged-checkpoint", "newer-checkpoint"):
        folder = copy(name)
        (folder / "metrics.json").unlink()
        shutil.rmtree(folder / "model")
    state = root / "damaged-checkpoint/checkpoint/state.pt"
    state.write_bytes(state.read_bytes()[:1000])
    torch.save({"format": 99}, root / "newer-checkpoint/checkpoint/state.pt")


@pytest.fixture(autouse=True)
def in_the_world(world: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs in that folder, without data sets on this machine and without a network."""

    def unreachable(*_: object, **__: object) -> NoReturn:
        raise urllib.error.URLError(OSError(errno.ENETUNREACH, "Network is unreachable"))

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    monkeypatch.chdir(world)


def contents(root: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file and folder below `root`; not of a run's log.txt, which may grow."""
    paths = [path for path in root.rglob("*") if path.name != "log.txt"]
    return {str(path): (path.stat().st_size if path.is_file() else 0, path.stat().st_mtime_ns) for path in paths}


def sentence(capsys: Captured, words: list[str], *, code: int = 2) -> str:
    """The one sentence that the command says on stderr."""
    assert main(words) == code
    said = capsys.readouterr().err
    assert said.startswith("sightline: ")
    assert said.count("\n") == 1
    return said


DATA = [
    ("train mnst", "there is no data set or folder 'mnst'", "did you mean mnist?"),
    ("train", "no data is given", "`sightline train digits`"),
    ("train pets/cats", "there is no folder or file pets/cats", "check the path"),
    ("train notes.txt", "notes.txt is neither a folder nor a CSV table", "give a folder of class folders"),
    ("train empty", "there are no images in empty", "put the images of each class into a folder"),
    ("train text", "there are no images in text", "1 x not an image of a supported type"),
    ("train one-class", "there is only one class, 'cat', in one-class", "a classifier needs at least two"),
    ("train one-image", "class 'dog' has only 1 image", "add images to it or take it out"),
    ("train unpacked", "there is only one class folder in unpacked", "did you mean unpacked/pets?"),
    ("train only-test", "there is no training folder in only-test", "as in train/cat and test/cat"),
    ("train misspelt", "class 'dgo' has test images but no training images (misspelt)", "did you mean dog?"),
    ("train damaged", "not one of 20 images can be read", "it is damaged, truncated or of a rare kind"),
    (
        "train no-label.csv",
        "there is no column 'label' in no-label.csv (found path, lable)",
        "the first line should be",
    ),
    ("train no-files.csv", "there are no images in no-files.csv", "2 x there is no such file"),
    ("train two-labels.csv", "'pets/cat/0.png' is listed differently in lines 2 and 3", "an image has one label"),
    ("train mnist", "MNIST is not on this machine", "network is unreachable", "connect and try again, or put train-im"),
    ("train cifar10", "cifar-10-binary.tar.gz cannot be downloaded", "into $SIGHTLINE_DATA or"),
    ("inspect digit --augment", "there is no data set or folder 'digit'", "did you mean digits?"),
    ("inspect digits", "IMAGE is missing", "give an image file, or --augment"),
    ("inspect digits 3.png --augment", "--augment draws a data set, not a network", "leave out IMAGE and --layer"),
    ("inspect digits --augment --out notes.txt", "cannot write notes.txt: file exists", "choose another"),
]

SETTINGS = [
    ("train digits --model lenet", "there is no network named 'lenet'", "did you mean lenet5"),
    ("train digits --recipe fast", "there is no recipe named 'fast'", "did you mean default?"),
    ("train digits --recipe speed --model vgg11", "the speed recipe does not train vgg11", "use --recipe modern"),
    ("train digits --model vgg11 --size 8", "images of 8 x 8 pixels are too small (vgg11)", "a size of 32 or more"),
    ("train digits --size 0", "images of 0 x 0 pixels are too small", "use a size of 16 or more"),
    ("train digits --size 16.5", "--size is 16.5", "use a whole number"),
    ("train digits --epochs=2.0", "--epochs is 2.0", "use a whole number"),
    ("train digits --size 100000", "images of 100000 x 100000 pixels are too large", "use a size of 4096 or less"),
    ("train digits --epochs 0", "epochs is 0", "train for at least 1 epoch"),
    ("train digits --batch-size 0", "batch_size is 0", "use 1 or more images"),
    ("train digits --lr -1", "lr is -1.0", "use a learning rate above 0"),
    ("train digits --lr nan", "lr is nan", "use a learning rate above 0"),
    ("train digits --val 2", "val is '2'", "use a share of the training images, e.g. 0.1 or 10%"),
    ("train digits --val some", "val is 'some'", "0 for none"),
    ("train digits --time soon", "time is 'soon'", "90s, 10m or 1h"),
    ("train digits --time 1s", "1 s are over before training begins", "give a longer --time"),
    ("train digits --seed -1", "seed is -1", "use a whole number from 0"),
    ("train digits --device tpu", "there is no device 'tpu'", "use auto, cpu, cuda, cuda:1 or mps"),
    ("train digits --device cuda:99", "device 'cuda:99' is not there", "CUDA devices are visible"),
    ("models lenet6", "there is no network with 'lenet6' in its name", "did you mean lenet5"),
    ("models --measure", "only pretrained networks are measured", "add --pretrained"),
    ("summary vgg16 --size 64.5", "--size is 64.5", "use a whole number"),
    ("summary resnet", "there is no network named 'resnet'", "did you mean resnet"),
    ("summary vgg16 --size 3", "images of 3 x 3 pixels are too small (vgg16)", "use a size of 32 or more"),
    ("summary lenet5 --channels 0", "in_channels is 0 (lenet5)", "use 1 for grey, 3 for RGB"),
    ("summary lenet5 --classes 0", "num_classes is 0 (lenet5)", "a classifier needs 1 or more"),
]

RUNS = [
    ("train digits --out run", "run exists and is not empty", "choose another folder, or go on with it: --resume"),
    (
        "train digits --out notes.txt/run",
        "cannot write notes.txt/run: not a directory",
        "a part of this path is a file",
    ),
    ("train --resume gone", "there is no run folder gone", "give its new place"),
    ("train --resume empty", "empty has no config.json", "give a run folder"),
    ("train --resume run", "the training in run is complete", "look at run/report.html"),
    ("train --resume half-done --epochs 9", "--epochs cannot change in a resumed training", "leave it out"),
    ("train pets --resume half-done", "this run was trained on digits, not pets", "leave the data out"),
    (
        "train --resume newer-run",
        "config.json has format 99, this version reads 1",
        "the version of Sightline that wrote",
    ),
    ("train --resume damaged-config", "not valid JSON", "damaged-config/config.json", "restore it from a copy"),
    ("train --resume unknown-setting", "unknown key 'recipee'", "did you mean recipe?"),
    ("train --resume damaged-checkpoint", "the checkpoint is damaged", "state.pt", "delete it to train again"),
    ("train --resume newer-checkpoint", "the checkpoint has format 99, this version reads 1", "go on with the version"),
    ("evaluate gone", "there is no run folder gone", "give its new place"),
    ("evaluate half-done", "half-done has no model.json", "go on with: sightline train --resume half-done"),
    ("evaluate no-split", "cannot read the split manifest no-split/split.csv", "No such file"),
    ("evaluate changed-data", "1 of 359 recorded images are not in digits any more", "put the data back"),
    ("evaluate run horses", "the classifier does not know class 'horse'", "rename the classes of the data"),
    ("evaluate run mnst", "there is no data set or folder 'mnst'", "did you mean mnist?"),
    ("evaluate run empty", "there are no images in empty", "put the images of each class"),
    ("predict gone x.png", "there is no folder gone", "give a run folder"),
    ("predict newer-model pets", "written by a newer Sightline", "reads format 2", "pip install --upgrade sightline"),
    (
        "predict damaged-model pets",
        "not a model description: it has no format number",
        "damaged-model/model/model.json",
    ),
    ("predict damaged-weights pets", "damaged weights", "damaged-weights/model/model.safetensors", "train again"),
    ("predict other-weights pets", "head.output.weight is (7, 84) in the file, (10, 84) in the network", "of another"),
    ("predict no-weights pets", "no-weights/model has no model.safetensors", "give a run folder"),
    ("predict run damaged", "there is not one image that can be read", "give image files, or a folder with some"),
    ("predict run pets --top 0", "top is 0", "ask for 1 or more classes"),
    ("predict run pets --coverage 2", "coverage is 2.0", "use a share between 0 and 1, e.g. 0.95"),
    ("inspect gone pets/cat/0.png", "there is no folder gone", "give a run folder"),
    ("inspect half-done pets/cat/0.png", "half-done has no model.json", "sightline train --resume half-done"),
    ("inspect run gone.png", "gone.png", "there is no such file"),
    ("inspect run notes.txt", "notes.txt", "not an image"),
    ("inspect run pets/cat/0.png --layer stage", "there is no layer 'stage'", "did you mean stages"),
    ("inspect run pets/cat/0.png --layer head.output", "head.output", "feature maps"),
    ("compare run gone", "there is no run folder gone", "give its new place"),
    ("compare run half-done", "half-done has no metrics.json", "`--resume` goes on with it"),
    ("compare run run --data horses", "the classifier does not know class 'horse'", "rename the classes of the data"),
    ("report gone", "there is no run folder gone", "give its new place"),
    (
        "report half-done",
        "the training in half-done is not complete",
        "go on with it: sightline train --resume half-done",
    ),
    ("report no-split", "cannot read the split manifest no-split/split.csv", "No such file"),
    ("report changed-data", "1 of 1,797 recorded images are not in digits any more", "put the data back"),
    ("report no-weights", "no-weights/model has no model.safetensors", "give a run folder"),
    (
        "predict run pets --csv gone/answers.csv",
        "cannot write gone/answers.csv: no such file",
        "make this folder first",
    ),
    ("predict run pets --csv empty", "cannot write empty: is a directory", "there is a folder of this name"),
]


@pytest.mark.parametrize(("typed", *["fragments"]), [(row[0], row[1:]) for row in DATA + SETTINGS + RUNS])
def test_bad_input_is_one_sentence(typed: str, fragments: tuple[str, ...], world: Path, capsys: Captured) -> None:
    before = contents(world)
    said = sentence(capsys, typed.split())
    for fragment in fragments:
        assert fragment in said
    assert contents(world) == before


def test_files_that_vanish_after_they_were_listed_are_left_out_or_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    photos(tmp_path / "pets", {"cat": 10, "dog": 10})

    def vanishing(keep: int) -> None:
        """Let all training images but the first few vanish once they are listed."""

        def load_and_delete(data: str, **options: Any) -> tuple[Splits, Audit | None]:
            splits, audit = load_audited(data, **options)
            assert isinstance(splits.train.images, EncodedImages)
            for path in splits.train.images.originals[keep:]:
                path.unlink()
            return splits, audit

        monkeypatch.setattr("sightline.commands.train.gather.load_audited", load_and_delete)

    vanishing(keep=10)
    assert main(["train", "pets", *QUICK]) == 0
    assert "4 files are not used" in capsys.readouterr().out
    shutil.rmtree("runs")
    vanishing(keep=0)
    said = sentence(capsys, ["train", "pets", *QUICK])
    assert "not one of 11 images can be read (cat/" in said
    assert "there is no such file" in said
    assert not Path("runs").exists()


# Disks


def break_writing(monkeypatch: pytest.MonkeyPatch, number: int, *, after: int = 0) -> None:
    """From the write after the first `after` on, the disk answers with this errno."""
    flush, calls = os.fsync, iter(range(10**9))

    def fsync(descriptor: int) -> None:
        if next(calls) >= after:
            raise OSError(number, os.strerror(number))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize(
    "typed",
    [
        "train digits " + " ".join(QUICK),
        "train digits --out here " + " ".join(QUICK),
        "predict run pets --csv answers.csv",
        "inspect digits --augment",
    ],
)
def test_a_full_disk_leaves_nothing_behind(
    typed: str, world: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    before = contents(world)
    break_writing(monkeypatch, errno.ENOSPC)
    said = sentence(capsys, typed.split())
    assert "cannot write " in said
    assert "no space left on device: free some space, or choose another folder" in said
    assert contents(world) == before


@pytest.mark.parametrize("writes", range(4, 18, 2))
def test_a_disk_that_fills_up_during_training_leaves_whole_files_only(
    writes: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    # Each file takes two flushes, its own and its folder's; the first two files are config.json and split.csv.
    break_writing(monkeypatch, errno.ENOSPC, after=writes)
    said = sentence(capsys, ["train", "digits", *QUICK])
    assert "no space left on device" in said
    (run,) = Path("runs").iterdir()
    assert json.loads((run / "config.json").read_text())["data"] == "digits"
    assert (run / "split.csv").read_text().count("\n") == 1798
    assert list(run.rglob("*.part")) == []
    if (run / "model/model.json").exists():
        json.loads((run / "model/model.json").read_text())


def test_a_read_only_disk_is_named(monkeypatch: pytest.MonkeyPatch, world: Path, capsys: Captured) -> None:
    def refuse(path: Path, *_: object, **__: object) -> NoReturn:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    said = sentence(capsys, ["train", "digits", *QUICK])
    assert "cannot write runs: read-only file system: the disk is read-only; choose another folder with --out" in said
    said = sentence(capsys, ["inspect", "digits", "--augment", "--out", "sheets"])
    assert "cannot write sheets: read-only file system" in said
    assert not (world / "runs").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 128 kB, and then a read-only one; only root may mount it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "sightline-test", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a disk can be mounted by root on Linux only")
    yield folder
    os.chdir("/")
    subprocess.run(["umount", str(folder)], check=True)


def test_a_real_full_and_a_real_read_only_disk(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(small_disk)
    (small_disk / "filler").write_bytes(bytes(125_000))
    said = sentence(capsys, ["train", "digits", *QUICK])
    assert "no space left on device" in said
    assert [path.name for path in small_disk.iterdir()] == ["filler"]
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    said = sentence(capsys, ["train", "digits", *QUICK])
    assert "cannot write runs: read-only file system: the disk is read-only; choose another folder with --out" in said


# Whole processes


@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        (["train", "mnst"], ["there is no data set or folder 'mnst': did you mean mnist?"]),
        (["predict", "damaged-weights", "pets"], ["damaged weights", "model.safetensors"]),
    ],
)
def test_a_whole_process_ends_alike(words: list[str], fragments: list[str]) -> None:
    result = subprocess.run([sys.executable, "-m", "sightline", *words], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("sightline: ")
    assert result.stderr.count("\n") == 1
    for fragment in fragments:
        assert fragment in result.stderr
