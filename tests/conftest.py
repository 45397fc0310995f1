"""What tests of several folders share: small data sets, a cache of each test's own, a finished training,
a headless Chromium."""

import io
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image

import sightline
from sightline.data.imageset import ArrayImages, ImageSet
from sightline.diagnosis.label_errors import Suspect
from sightline.evaluation.evaluate import Evaluation, score
from sightline.evaluation.intervals import Estimate, proportion
from sightline.evaluation.slices import slices
from sightline.inspection.embeddings import EmbeddingMap
from sightline.inspection.snapshots import Probes, Snapshot
from sightline.reporting.description import TrainingFacts
from sightline.reporting.material import Material
from sightline.runs.run import Record, Run
from sightline.training.fit import Epoch
from sightline.training.listener import Listener

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# How long an example takes says more about what else a machine does than about the code.
settings.register_profile("sightline", deadline=None)
settings.load_profile("sightline")

Photos = Callable[[Mapping[str, int]], Path]

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# The browser must neither need its sandbox, which root in a container has not, nor look for its maker's servers.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a camera with a made-up picture, for pages that are allowed to use it
)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Chromium of this machine: $SIGHTLINE_CHROMIUM, or what the system's packages installed."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")
    named = os.environ.get("SIGHTLINE_CHROMIUM")
    path = named or next((browser_path for name in CHROMIUM if (browser_path := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no Chromium: install the system's package, e.g. apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user cache for data sets, and no $SIGHTLINE_DATA."""
    folder = tmp_path / "cache"
    monkeypatch.setattr("sightline.machine.cache.cache_folder", lambda: folder)
    monkeypatch.setattr("sightline.data.sources.builtin.cache_folder", lambda: folder)
    monkeypatch.delenv("SIGHTLINE_DATA", raising=False)
    return folder


@pytest.fixture(scope="session")
def png() -> bytes:
    """A whole PNG file of 4 x 4 pixels."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4), (10, 20, 30)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def photos(tmp_path: Path, png: bytes) -> Photos:
    """Make a folder of images: photos({"train/cat": 3}) puts 0.png, 1.png and 2.png into photos/train/cat."""

    def make(counts: Mapping[str, int]) -> Path:
        root = tmp_path / "photos"
        root.mkdir(exist_ok=True)
        for name, count in counts.items():
            (root / name).mkdir(parents=True)
            for i in range(count):
                (root / name / f"{i}.png").write_bytes(png)
        return root

    return make


class AfterEpochs(Listener):
    """Does something once it has been told of so many epochs."""

    def __init__(self, number: int, do: Callable[[], object]) -> None:
        self.remaining, self.do = number, do

    def epoch(self, epoch: Epoch) -> None:
        self.remaining -= 1
        if self.remaining == 0:
            self.do()


@pytest.fixture
def after_epochs() -> Callable[[int, Callable[[], object]], Listener]:
    """Make a listener that does something after so many epochs, counted over all trainings it hears of."""
    return AfterEpochs


@pytest.fixture
def stop_after() -> Callable[..., Listener]:
    """Make a listener that sends this process SIGINT, or another signal, after so many epochs."""
    return lambda number, by=signal.SIGINT: AfterEpochs(number, lambda: os.kill(os.getpid(), by))


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished training on the digits: LeNet-5, 3 epochs, with a quick report. Copy it before changing it."""
    options = {"epochs": 3, "batch_size": 32, "precision": "fp32", "device": "cpu", "report": "quick", "quiet": True}
    return sightline.train("digits", model="lenet5", out=tmp_path_factory.mktemp("runs") / "digits", **options)


@dataclass(frozen=True)
class ReportParts:
    """What `render` takes, of a made-up training with every section."""

    facts: TrainingFacts
    history: list[Record]
    evaluation: Evaluation
    images: ImageSet
    material: Material


@pytest.fixture(scope="session")
def report_parts() -> Callable[..., ReportParts]:
    """Make the parts of a report: of so many classes, every tenth image of 600 a mistake unless all are right."""

    def make(num_classes: int = 5, *, channels: int = 3, perfect: bool = False) -> ReportParts:
        names = tuple(f"class {number}" for number in range(num_classes))
        rng, places = np.random.default_rng(0), np.arange(600)
        labels = places % num_classes
        wrong = (places % 10 == 0) & (not perfect)
        predicted = np.where(wrong, (labels + 1 + places // 10 % 2) % num_classes, labels)
        probabilities = rng.random((600, num_classes)).astype(np.float32) * 0.2 / num_classes
        probabilities[places, predicted] += 0.5 + 0.4 * rng.random(600).astype(np.float32)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        ids = tuple(f"test/{place}.png" for place in places)
        unknown = probabilities.max(axis=1) < 0.8
        evaluation = score(probabilities, labels, names, ids=ids, temperature=1.5, unknown=unknown)
        pixels = torch.from_numpy(rng.integers(0, 256, (600, channels, 12, 12), dtype=np.uint8))
        images = ImageSet(ArrayImages(pixels), torch.from_numpy(labels), names, ids)
        material = Material(
            saliency={int(index): rng.random((12, 12), dtype=np.float32) for index in places[:600:10]},
            slices=slices(evaluation, images),
            suspects=[Suspect(int(i), ids[i], names[labels[i]], names[predicted[i]], 0.9) for i in places[wrong]],
            forecast=_forecast(names),
            embedding=EmbeddingMap(
                points=rng.normal(size=(600, 2)).astype(np.float32), indices=places, method="t-SNE of the embeddings."
            ),
            snapshots=_snapshots(names, labels, predicted, channels),
        )
        facts = TrainingFacts(
            data="shapes",
            model="convnet",
            num_classes=num_classes,
            parameters=1234,
            train_images=5400,
            val_images=600,
            test_images=600,
            epochs=3,
            command="sightline train shapes",
            class_counts=dict.fromkeys(names, 1080),
        )
        history: list[Record] = [
            {"epoch": epoch, "train_loss": 1 / epoch, "val_loss": 1 / epoch, "val_accuracy": 0.5 + epoch / 10}
            for epoch in (1, 2, 3)
        ]
        return ReportParts(facts, history, evaluation, images, material)

    return make


def _forecast(names: tuple[str, ...]) -> SimpleNamespace:
    """A forecast by which the first class gains most."""
    classes = [
        SimpleNamespace(
            name=name,
            images_now=1080,
            recall_now=0.9,
            gain=Estimate(0.03 / (1 + place), 0.01 - 0.01 * place, 0.05, "bootstrap"),
            more_images=50,
        )
        for place, name in enumerate(names)
    ]
    points = [(count, proportion(300 + count // 10, 600)) for count in (500, 1000, 2000)]
    overall = "50 more images of class 0 are worth 3 points"
    return SimpleNamespace(points=points, classes=classes, overall=overall, sentence=f"{overall}.")


def _snapshots(names: tuple[str, ...], labels: np.ndarray, predicted: np.ndarray, channels: int) -> list[Snapshot]:
    """Three epochs of a network that knows ever more."""
    rng = np.random.default_rng(1)
    probes = Probes(
        images=rng.integers(0, 256, (2, 12, 12, channels), dtype=np.uint8),
        ids=("val/0.png", "val/1.png"),
        labels=np.array([0, 1]),
        split="validation",
        classes=names,
    )
    answers = np.full((2, len(names)), 0.5 / len(names), dtype=np.float32)
    answers[[0, 1], [0, 0]] += 0.5
    return [
        Snapshot(
            epoch=epoch,
            seconds=float(epoch),
            cost=0.1,
            kernel_layer="stem",
            kernels=rng.normal(size=(6, channels, 3, 3)).astype(np.float16),
            map_layer="stages.0",
            maps=rng.integers(0, 256, (2, 5, 6, 6), dtype=np.uint8),
            map_range=(0.0, 1.0),
            cams=rng.integers(0, 256, (2, 6, 6), dtype=np.uint8),
            probabilities=answers,
            truth=labels,
            predicted=np.where(np.arange(600) % 3 < epoch, predicted, 0),
            probes=probes,
        )
        for epoch in (1, 2, 3)
    ]
