"""What a trained classifier is asked for its report: where it looks, what it finds alike, what its data lacks.

Each question takes some seconds. The first to be asked cost least; where a time budget is running out, the others are
left for `sightline report`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

from sightline.classifier import Classifier
from sightline.data.batches import readable
from sightline.data.imageset import ImageSet, Splits
from sightline.diagnosis.forecast import Forecast, forecast
from sightline.diagnosis.label_errors import Suspect, left_out_probabilities, suspects
from sightline.errors import InputError
from sightline.evaluation.evaluate import Evaluation
from sightline.evaluation.slices import slices
from sightline.inspection.cam import grad_cam_batch
from sightline.inspection.embeddings import embedding_map
from sightline.inspection.snapshots import read_snapshots
from sightline.reporting.galleries import MOST, least_sure_indices
from sightline.reporting.material import Material
from sightline.run import Run
from sightline.training.device import Precision
from sightline.training.features import Features, extract

SAMPLE = 5_000  # training images that are looked at; evenly spaced over larger sets
MAPPED = 2_000  # test images on the map


@dataclass(frozen=True)
class Deadline:
    """When the answers have to be there: `time.monotonic()`, None for whenever they are."""

    at: float | None = None

    def allows(self, seconds: float) -> bool:
        """Whether a question that may take so many seconds can still be asked."""
        return self.at is None or time.monotonic() + seconds <= self.at


NONE = Deadline()


def analyse(
    classifier: Classifier,
    splits: Splits,
    evaluation: Evaluation,
    run: Run,
    *,
    learnt: bool,
    deadline: Deadline = NONE,
) -> Material:
    """Every piece of the report that can be had before the deadline.

    learnt: the whole network has learnt from the training images, not only its head: what it says of those is then no
    measure. What a network or its data cannot answer (a transformer has no places to look at, a single class no
    forecast) is left out, and log.txt says why.
    """
    test = splits.test
    assert test is not None
    late = False
    pieces: dict[str, Any] = {}

    def ask(piece: str, seconds: float, question: Callable[[], Any]) -> None:
        nonlocal late
        if not deadline.allows(seconds):
            late = True
            return
        try:
            pieces[piece] = question()
        except InputError as error:
            run.log(f"the report has no {piece}: {error}")

    sample = _evenly(splits.train, SAMPLE)
    features = cache(lambda images: _features(classifier, images, keep=not learnt))
    ask("slices", 1, lambda: slices(evaluation, test))
    ask("snapshots", 1, lambda: read_snapshots(run.snapshots_folder))
    ask("saliency", 4, lambda: _saliency(classifier, test, evaluation))
    ask("embedding", 7, lambda: embedding_map(classifier, test, limit=MAPPED, keep=not learnt))
    ask("suspects", 10, lambda: _suspects(features(sample), sample))
    ask("forecast", 10, lambda: _forecast(features(sample), sample, features(_evenly(test, SAMPLE)), learnt=learnt))
    return Material(
        preprocess=classifier.preprocess,
        suspect_images=sample,
        left_out=f"There was no time left for some sections; sightline report {run.path} adds them." if late else "",
        **pieces,
    )


def _saliency(classifier: Classifier, images: ImageSet, evaluation: Evaluation) -> dict[int, Any]:
    """Grad-CAM of what the galleries show, for the class each image was taken for."""
    shown = list(dict.fromkeys([*evaluation.mistakes(MOST), *least_sure_indices(evaluation, MOST)]))
    known = {name: index for index, name in zip(shown, (images.ids[i] for i in shown), strict=True)}
    kept, pixels, _ = readable(images.take(shown), classifier.preprocess)
    indices = [known[name] for name in kept.ids]
    maps = grad_cam_batch(classifier, pixels, evaluation.predicted[indices])
    return dict(zip(indices, maps, strict=True))


def _features(classifier: Classifier, images: ImageSet, *, keep: bool) -> Features:
    """What the output layer sees of the images. keep: of a frozen network they are in the cache, or will be."""
    precision = Precision(classifier.precision, "the classifier's own")
    return extract(
        classifier.network, images, classifier.preprocess, device=classifier.device, precision=precision, keep=keep
    )


def _suspects(features: Features, images: ImageSet) -> tuple[Suspect, ...]:
    said = left_out_probabilities(features.values, features.labels, len(images.classes), groups=images.groups)
    return suspects(said, features.labels.numpy(), images.classes, ids=images.ids)


def _forecast(features: Features, images: ImageSet, held_out: Features, *, learnt: bool) -> Forecast:
    return forecast(
        features.values,
        features.labels,
        images.classes,
        held_out=(held_out.values, held_out.labels),
        learnt=learnt,
        groups=images.groups,
    )


def _evenly(images: ImageSet, at_most: int) -> ImageSet:
    """At most so many of the images, evenly spaced: many sets are ordered by class."""
    every = -(-len(images) // at_most)
    return images if every == 1 else images.take(torch.arange(0, len(images), every))
