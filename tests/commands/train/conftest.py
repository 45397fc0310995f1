"""Photos that random weights of a tiny network tell apart; a small training that has learnt and is not judged yet."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file

from sightline.commands.train.gather import gather
from sightline.commands.train.learn import Learned, learn
from sightline.commands.train.open import Opened, open_run, prepare_images
from sightline.commands.train.plan import plan
from sightline.config import TrainOptions
from sightline.runs.run import Run
from sightline.training.listener import Listener

Taught = tuple[Opened, Learned]

CACHE = "sightline.machine.cache.cache_folder"
MODEL = "test_resnet"  # timm's smallest
COLOURS = {"coral": (200, 90, 70), "moss": (90, 140, 60), "sea": (50, 100, 180)}
EACH = 20  # photos of each class


def pixels(colour: tuple[int, int, int], seed: int, shape: tuple[int, int] = (96, 80)) -> NDArray[np.uint8]:
    """A blotchy photo around a colour, uint8 (H, W, 3); another seed is another photo."""
    coarse = np.random.default_rng(seed).normal(0, 40, (6, 6, 3)) + colour
    blotches = Image.fromarray(coarse.clip(0, 255).astype(np.uint8))
    return np.asarray(blotches.resize(shape[::-1], Image.Resampling.BICUBIC))


def photo(path: Path, name: str, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(COLOURS[name], seed)).save(path)
    return path


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of 20 PNGs of 80 x 96 pixels."""
    root = tmp_path_factory.mktemp("data") / "photos"
    for label, name in enumerate(COLOURS):
        for i in range(EACH):
            photo(root / name / f"{i:02}.png", name, 100 * label + i)
    return root


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    about = {"input_size": "64", "mean": "[0.5,0.5,0.5]", "std": "[0.25,0.25,0.25]", "architecture": f"timm:{MODEL}"}
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    state = {name: tensor.contiguous() for name, tensor in timm.create_model(MODEL).state_dict().items()}
    save_file(state, path, metadata=about | {"licence": "CC0", "source": "a test"})
    return path


@pytest.fixture(scope="session")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for data, runs and their cache."""
    return tmp_path_factory.mktemp("taught")


def draw_pets(folder: Path, *, copies: bool) -> Path:
    """Twenty blotchy photos each of dark cats and light dogs; with copies, one of every second of them."""
    rng = np.random.default_rng(0)
    for name, level in (("cat", 90), ("dog", 150)):
        (folder / name).mkdir(parents=True)
        for number in range(20):
            coarse = rng.normal(level, 60, (6, 6, 3)).clip(0, 255).astype(np.uint8)
            path = folder / name / f"{number:02}.png"
            Image.fromarray(coarse).resize((32, 32), Image.Resampling.BICUBIC).save(path)
            if copies and number % 2:
                shutil.copy(path, path.with_name(f"{number:02} copy.png"))
    return folder


def taught(data: Path, out: Path) -> Taught:
    """An epoch of LeNet-5."""
    options = TrainOptions(model="lenet5", size=32, epochs=1, device="cpu", precision="fp32")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CACHE, lambda: out.with_name("cache"))
        gathered = gather(data)
        planned = plan(gathered, options)
        prepared = prepare_images(gathered.splits, planned)
        opened = open_run(planned, prepared, out=str(out), audit=gathered.audit)
        return opened, learn(opened)


@pytest.fixture(scope="session")
def _taught_pets(own_folder: Path) -> Taught:
    return taught(draw_pets(own_folder / "pets", copies=True), own_folder / "run")


@pytest.fixture
def taught_pets(_taught_pets: Taught, own_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Taught:
    """A training on photos of which every third is a copy, in a folder of the test's own."""
    monkeypatch.setattr(CACHE, lambda: own_folder / "cache")
    opened, learned = _taught_pets
    return dataclasses.replace(opened, run=Run(shutil.copytree(opened.run.path, tmp_path / "run"))), learned


@pytest.fixture(scope="session")
def taught_single_pets(own_folder: Path) -> Taught:
    """A training on photos without copies."""
    return taught(draw_pets(own_folder / "single pets", copies=False), own_folder / "single run")


class Hearing(Listener):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.begun: list[tuple[Run, bool]] = []
        self.results: list[tuple[object, float]] = []

    def say(self, line: str, *, style: str = "") -> None:
        self.lines.append(line)

    def begin(self, run: Run, job: object, splits: object, *, resumed: bool) -> None:
        self.begun.append((run, resumed))

    def result(self, run: Run, evaluation: object, *, seconds: float) -> None:
        self.results.append((evaluation, seconds))


@pytest.fixture
def hearing() -> Hearing:
    """A listener with `lines`, `begun` and `results`."""
    return Hearing()


@pytest.fixture
def untested() -> Callable[[Opened], Opened]:
    """The same training without test images."""
    return lambda opened: dataclasses.replace(opened, splits=dataclasses.replace(opened.splits, test=None))
