"""What a classifier is asked for its report: every piece when there is time, none when there is none."""

import dataclasses
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from sightline.classifier.classifier import Classifier
from sightline.data.imageset import ArrayImages, ImageSet, Splits
from sightline.errors import ModelError
from sightline.evaluation.evaluate import Evaluation, evaluate
from sightline.inspection.embeddings import map_of
from sightline.machine.device import Precision
from sightline.models.registry import create_model
from sightline.pixels.preprocess import Preprocess
from sightline.reporting import analysis
from sightline.reporting.analysis import FORECAST_SECONDS, HEAD_SECONDS, MAP_SECONDS, Deadline, analyse
from sightline.reporting.material import Material
from sightline.runs.run import Run
from sightline.training.features import extract

CLASSES = ("shade 0", "shade 1", "shade 2")
SNAPSHOTS = Path(__file__).parents[1] / "fixtures" / "version_0_1_0" / "whole" / "snapshots"
PIECES = ("snapshots", "slices", "saliency", "embedding", "suspects", "forecast")


class Case(NamedTuple):
    """What `analyse` is asked about."""

    classifier: Classifier
    splits: Splits
    evaluation: Evaluation
    run: Run


def squares(count: int, seed: int) -> ImageSet:
    """Noisy squares in three shades of grey; every twentieth label is wrong."""
    rng = np.random.default_rng(seed)
    truth = np.arange(count) % 3
    shades = rng.normal(60 + 70 * truth[:, None, None, None], 12, (count, 1, 12, 12))
    labels = np.where(np.arange(count) % 20 == 7, (truth + 1) % 3, truth)
    ids = tuple(f"{seed}/{number}.png" for number in range(count))
    pixels = torch.from_numpy(shades.clip(0, 255).astype(np.uint8))
    return ImageSet(ArrayImages(pixels), torch.from_numpy(labels), CLASSES, ids)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """An untrained network, whose features tell the shades apart all the same."""
    torch.manual_seed(0)
    network = create_model("convnet", num_classes=3, in_channels=1, size=12)
    preprocess = Preprocess(size=(12, 12), channels=1, mean=(0.5,), std=(0.25,))
    classifier = Classifier(network.eval(), CLASSES, preprocess, network.architecture)
    splits = Splits("shades", squares(240, 1), None, squares(60, 2))
    run = Run.create(tmp_path_factory.mktemp("runs") / "shades-1", "shades", "convnet")
    shutil.copytree(SNAPSHOTS, run.snapshots_folder)  # of another training, which is nothing to whom reads them
    assert splits.test is not None
    return Case(classifier, splits, evaluate(classifier, splits.test), run)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.machine.cache.cache_folder", lambda: tmp_path / "cache")


def pieces(material: Material) -> set[str]:
    """Which pieces there are."""
    there = {name for name in ("snapshots", "slices", "saliency") if getattr(material, name)}
    return there | {name for name in ("embedding", "suspects", "forecast") if getattr(material, name) is not None}


def test_without_a_deadline_there_is_every_piece(case: Case) -> None:
    test = case.splits.test
    assert test is not None
    material = analyse(*case, learnt=True)
    assert pieces(material) == set(PIECES)
    assert material.left_out == ""
    assert material.preprocess == case.classifier.preprocess
    assert [snapshot.epoch for snapshot in material.snapshots] == [1, 2]

    indices = set(material.saliency)
    assert set(case.evaluation.mistakes(analysis.MOST)) <= indices <= set(range(len(test)))
    assert all(heat.shape == (12, 12) and 0 <= heat.min() <= heat.max() <= 1 for heat in material.saliency.values())

    assert material.embedding is not None
    device, precision = torch.device("cpu"), Precision("fp32", "the classifier's own")
    network, preprocess = case.classifier.network, case.classifier.preprocess
    values = extract(network, test, preprocess, device=device, precision=precision, keep=False).values
    expected = map_of(values, torch.arange(60), of=60)
    np.testing.assert_array_equal(material.embedding.points, expected.points)

    assert material.suspects is not None
    assert material.suspect_images is not None
    suspects = {suspect.index for suspect in material.suspects}
    wrong = {number for number in range(240) if number % 20 == 7}
    assert len(suspects & wrong) >= 10  # of 12
    assert len(suspects - wrong) <= 2
    assert material.forecast is not None
    assert {forecast.images_now for forecast in material.forecast.classes} == {80}


def test_samples_of_large_sets_are_what_is_looked_at(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "SAMPLE", 90)
    monkeypatch.setattr(analysis, "MAPPED", 40)
    material = analyse(*case, learnt=True)
    assert material.suspect_images is not None
    assert len(material.suspect_images) == 90
    assert material.among == "of the 90 training images looked at"
    assert material.embedding is not None
    assert material.embedding.points.shape == (40, 2)
    assert material.forecast is not None
    assert {forecast.images_now for forecast in material.forecast.classes} == {80}  # of all images, not of the sample


class Watch:
    """Stands for `time`: a clock that only moves when it is told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("images", "seconds", "allowed"), [(0, 0, True), (20, 0, True), (0, 10, True), (10, 5, True), (11, 5, False)]
)
def test_images_and_seconds_have_to_fit_before_the_deadline(
    images: int, seconds: float, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "time", Watch(100))
    deadline = Deadline(at=110, seconds_per_image=0.5)  # ten seconds away, twenty images
    assert deadline.allows(images=images, seconds=seconds) == allowed
    assert Deadline(seconds_per_image=0.5).allows(images=10**9, seconds=10**9)  # there is none


def test_a_deadline_that_is_over_leaves_all_out(case: Case) -> None:
    material = analyse(*case, learnt=True, deadline=Deadline(at=time.monotonic() - 1))
    assert pieces(material) == set()
    assert material.left_out == (
        f"There was no time left for some sections; sightline report {case.run.path} adds them."
    )
    assert material.preprocess == case.classifier.preprocess  # what costs nothing is there


# Grad-CAM asks for LOOK * 2 * MOST passes, all others for images of the set; an image takes a hundredth of a second.
@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.59, PIECES[:1]),
        (0.6, PIECES[:2]),  # 60 images
        (0.01 * analysis.LOOK * 2 * analysis.MOST, PIECES[:3]),
        (0.6 + MAP_SECONDS, PIECES[:4]),
        (2.4 + HEAD_SECONDS, PIECES[:5]),  # 240 images
        (2.4 + FORECAST_SECONDS, PIECES),
    ],
)
def test_pieces_that_cost_least_come_first(
    seconds: float, expected: tuple[str, ...], case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "time", Watch(0))
    deadline = Deadline(at=seconds + 1e-9, seconds_per_image=0.01)
    material = analyse(*case, learnt=True, deadline=deadline)
    assert pieces(material) == set(expected)
    assert bool(material.left_out) == (expected != PIECES)


def test_what_cannot_be_answered_is_left_out_and_logged(case: Case, tmp_path: Path) -> None:
    run = Run.create(tmp_path / "few-1", "few", "convnet")
    shutil.copytree(SNAPSHOTS, run.snapshots_folder)
    (run.snapshots_folder / "probes.npz").write_bytes(b"damaged")
    assert case.splits.test is not None
    few = dataclasses.replace(case.splits, train=case.splits.train.take(range(3)), test=case.splits.test.take(range(2)))
    assert few.test is not None
    material = analyse(case.classifier, few, evaluate(case.classifier, few.test), run, learnt=True)
    assert pieces(material) == {"saliency", "embedding"}
    assert material.left_out == ""  # there was time
    probes = run.snapshots_folder / "probes.npz"
    lines = [line.split("  ", 1)[1] for line in run.log_path.read_text(encoding="utf-8").splitlines()]
    assert lines == [
        f"the report has no snapshots: the snapshots' probes.npz cannot be read: it is damaged ({probes}): "
        "restore it from a copy",
        "the report has no suspects: 3 images are too few to look for wrong labels: use 10 or more",
        "the report has no forecast: no class has more than 1 images: a forecast needs 8 or more of at least one class",
    ]


def raising(error: Exception) -> Callable[..., None]:
    def question(*_: object, **__: object) -> None:
        raise error

    return question


def test_a_network_without_maps_has_no_saliency(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "grad_cam_batch", raising(ModelError("no layer makes maps", hint="use a CNN")))
    assert pieces(analyse(*case, learnt=True)) == set(PIECES) - {"saliency"}
    log = case.run.log_path.read_text(encoding="utf-8")
    assert log.endswith("  the report has no saliency: no layer makes maps: use a CNN\n")


def test_an_error_of_our_own_is_not_hidden(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "map_of", raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        analyse(*case, learnt=True)


@pytest.mark.parametrize("learnt", [True, False])
def test_features_are_kept_for_the_next_time_only_of_a_network_that_stays(
    learnt: bool, case: Case, tmp_path: Path
) -> None:
    analyse(*case, learnt=learnt)
    assert (tmp_path / "cache").exists() == (not learnt)


def test_features_are_computed_once(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    whole: Callable[..., object] = analysis.extract

    def counted(network: object, images: ImageSet, *args: object, **options: object) -> object:
        sizes.append(len(images))
        return whole(network, images, *args, **options)

    monkeypatch.setattr(analysis, "extract", counted)
    analyse(*case, learnt=True)
    assert sorted(sizes) == [60, 240]  # the map and the forecast share the former, suspects and forecast the latter
