"""A small training that has learnt and is not judged yet, for the steps that follow."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.commands.train.gather import gather
from sightline.commands.train.learn import Learned, learn
from sightline.commands.train.open import Opened, open_run, prepare_images
from sightline.commands.train.plan import plan
from sightline.config import TrainOptions
from sightline.runs.run import Run
from sightline.training.listener import Listener

Taught = tuple[Opened, Learned]


CACHE = "sightline.machine.cache.cache_folder"


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
