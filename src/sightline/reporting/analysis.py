"""What a trained classifier is asked for its report: where it looks, what it finds alike, what its data lacks.

Each question takes some seconds. The first to be asked cost least; where a time budget is running out, the others are
left for `sightline report`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sightline.classifier.classifier import Classifier
from sightline.data.batches import readable
from sightline.data.imageset import ImageSet, Splits
from sightline.data.randomness import drawn
from sightline.diagnosis.forecast import Forecast, forecast
from sightline.diagnosis.label_errors import Suspect, left_out_probabilities, suspects
from sightline.errors import InputError, TrainingError
from sightline.evaluation.evaluate import Evaluation
from sightline.evaluation.slices import slices
from sightline.inspection.cam import grad_cam_batch
from sightline.inspection.embeddings import map_of
from sightline.inspection.snapshots import read_snapshots
from sightline.machine.device import Precision
from sightline.reporting.galleries import MOST, least_sure_indices
from sightline.reporting.material import Material
from sightline.runs.run import Run
from sightline.training.features import Features, extract

SAMPLE = 5_000  # training images that are looked at, drawn at random from larger sets
MAPPED = 1_000  # test images that are mapped (the page shows 800), which a forecast is held against, too
LOOK = 3  # passes of the network that Grad-CAM of an image takes

# Seconds beyond the network's own, on two slow cores: drawing the map, heads on the sample, heads on parts of it.
MAP_SECONDS, HEAD_SECONDS, FORECAST_SECONDS = 4, 6, 8


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """When the answers have to be there: `time.monotonic()`, None for whenever they are.

    seconds_per_image: what the network takes for an image, decoding included.
    """

    at: float | None = None
    seconds_per_image: float = 0.0

    def allows(self, *, images: int, seconds: float = 0.0) -> bool:
        """Whether so many images can still go through the network, and so many seconds pass."""
        return self.at is None or time.monotonic() + images * self.seconds_per_image + seconds <= self.at


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

    def ask(piece: str, question: Callable[[], Any], *, images: int, seconds: float = 0.0) -> None:
        nonlocal late
        if not deadline.allows(images=images, seconds=seconds):
            late = True
            return
        try:
            pieces[piece] = question()
        except (InputError, TrainingError) as error:
            run.log(f"the report has no {piece}: {error}")

    train, indices = splits.train.take(drawn(len(splits.train), SAMPLE)), drawn(len(test), MAPPED)
    learnt_from = cache(lambda: _features(classifier, train, keep=not learnt))
    held_out = cache(lambda: _features(classifier, test.take(indices), keep=not learnt))
    counts = tuple(splits.train.counts().values())
    ask("snapshots", lambda: read_snapshots(run.snapshots_folder), images=0)
    ask("slices", lambda: slices(evaluation, test), images=len(test))
    ask("saliency", lambda: _saliency(classifier, test, evaluation), images=LOOK * 2 * MOST)
    ask(
        "embedding",
        lambda: map_of(held_out().values, indices, of=len(test)),
        images=len(indices),
        seconds=MAP_SECONDS,
    )
    ask("suspects", lambda: _suspects(learnt_from(), train), images=len(train), seconds=HEAD_SECONDS)
    ask(
        "forecast",
        lambda: _forecast(learnt_from(), train, held_out(), counts, learnt=learnt),
        images=len(train),
        seconds=FORECAST_SECONDS,
    )
    return Material(
        preprocess=classifier.preprocess,
        suspect_images=train,
        left_out=f"There was no time left for some sections; sightline report {run.path} adds them." if late else "",
        **pieces,
    )


def _saliency(classifier: Classifier, images: ImageSet, evaluation: Evaluation) -> dict[int, Any]:
    """Grad-CAM of what the galleries show, for the class each image was taken for."""
    gallery = list(dict.fromkeys([*evaluation.mistakes(MOST), *least_sure_indices(evaluation, MOST)]))
    places = {images.ids[index]: index for index in gallery}
    intact, pixels, _ = readable(images.take(gallery), classifier.preprocess)
    indices = [places[name] for name in intact.ids]
    maps = grad_cam_batch(classifier, pixels, evaluation.predicted[indices])
    return dict(zip(indices, maps, strict=True))


def _features(classifier: Classifier, images: ImageSet, *, keep: bool) -> Features:
    """What the output layer sees of the images. keep: of a frozen network they are in the cache, or will be."""
    precision = Precision(classifier.precision, "the classifier's own")
    return extract(
        classifier.network, images, classifier.preprocess, device=classifier.device, precision=precision, keep=keep
    )


def _suspects(features: Features, images: ImageSet) -> tuple[Suspect, ...]:
    probabilities = left_out_probabilities(features.values, features.labels, len(images.classes), groups=images.groups)
    return suspects(probabilities, features.labels.numpy(), images.classes, ids=images.ids)


def _forecast(
    features: Features, images: ImageSet, held_out: Features, counts: tuple[int, ...], *, learnt: bool
) -> Forecast:
    """counts: of all training images, of which `images` are a sample."""
    return forecast(
        features.values,
        features.labels,
        images.classes,
        held_out=(held_out.values, held_out.labels),
        learnt=learnt,
        groups=images.groups,
        counts=counts,
    )
