"""Score a trained classifier once more: on the test images of its run, or on other data."""

import dataclasses
import os
from collections.abc import Sequence
from typing import get_args

from sightline.classifier.classifier import Classifier
from sightline.commands.predict import open_classifier
from sightline.config import ViewsName, require
from sightline.data.batches import readable
from sightline.data.imageset import ArrayImages, ImageSet, Unused
from sightline.data.load import ScoredData, load_recorded_test, load_scored
from sightline.data.split import read_manifest
from sightline.errors import RunError
from sightline.evaluation.evaluate import Evaluation, evaluate
from sightline.runs.job import Job, read_job
from sightline.runs.run import Run


def score_run(
    folder: str | os.PathLike[str],
    data: str | os.PathLike[str] | None = None,
    *,
    device: str = "auto",
    views: ViewsName | None = None,
) -> Evaluation:
    """The scores of the classifier in a run folder, or with `data` in any model folder.

    data: by default, and when it is the data the run was trained on, the run's own test images, as its split.csv names
    them. Otherwise the test images of `data` where it has some of its own, or else all of its images.
    views: that the answers are averaged over, by default those that the run has chosen. The temperature and the rule
    for "unknown" stay as they were fitted, which the evaluation's note then says.

    Files that cannot be read are left out, and the evaluation's note says so. Raises RunError for a run that is damaged
    or has no test images, DataError for data that is gone, has changed or does not fit, ModelError, ConfigError.
    """
    names = get_args(ViewsName)
    require(views is None or views in names, f"views is '{views}'", f"use {', '.join(names)}")
    run = Run(folder)
    job = read_job(run) if data is None or run.config_path.exists() else None
    classifier = open_classifier(folder, device=device, precision=job.config.precision if job else "auto")
    fitted = classifier.views
    classifier.views = views or fitted
    if job and (data is None or _is_same(os.fspath(data), job.data)):
        scored = ScoredData(_test_images(run, job))
    else:
        assert data is not None
        scored = load_scored(data)
    images, unread = _in_memory(scored.images, classifier)
    notes = (scored.note, left_out((*scored.unused, *unread)), _other_views(classifier, fitted))
    return evaluate(classifier, images, note=" ".join(note for note in notes if note))


def _is_same(data: str, trained_on: str) -> bool:
    """Whether both are the same named set, folder or table."""
    return data == trained_on or os.path.realpath(data) == os.path.realpath(trained_on)


def _test_images(run: Run, job: Job) -> ImageSet:
    """The images the run was scored on when it was trained. Raises DataError when they are not all there any more."""
    test = load_recorded_test(job.data, read_manifest(run.split_path))
    if test is None:
        hint = f"give other data: sightline evaluate {run.path} DATA"
        raise RunError("this run has no test images", where=str(run.split_path), hint=hint)
    return test


def _in_memory(image_set: ImageSet, classifier: Classifier) -> tuple[ImageSet, tuple[Unused, ...]]:
    """The images that can be read, as the classifier sees them, and those that cannot."""
    intact, pixels, unread = readable(image_set, classifier.preprocess)
    return dataclasses.replace(intact, images=ArrayImages(pixels)), unread


def left_out(unused: Sequence[Unused]) -> str:
    """A sentence on the files that are not scored; empty when there are none."""
    if not unused:
        return ""
    listed = ", ".join(f"{file.path}: {file.reason}" for file in unused[:3]) + (", ..." if len(unused) > 3 else "")
    files = "1 file is" if len(unused) == 1 else f"{len(unused):,} files are"
    return f"{files} left out ({listed})."


def _other_views(classifier: Classifier, fitted: ViewsName) -> str:
    """A sentence on views that are not those of the training; empty when they are."""
    if classifier.views == fitted:
        return ""
    calibrated = " Its temperature and its rule for unknown images are for the latter." if classifier.unknown else ""
    return f"Answers are averaged over the views '{classifier.views}' instead of '{fitted}'.{calibrated}"
