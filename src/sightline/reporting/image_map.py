"""The test images as a map: what the network finds alike lies close together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sightline.evaluation.evaluate import Evaluation
from sightline.reporting.image_data import format_probability
from sightline.reporting.sprites import Sprite, SpriteSheet

if TYPE_CHECKING:
    from sightline.inspection.embeddings import EmbeddingMap

MOST_POINTS = 800  # images; more would only cover each other
ASPECT = 1.5  # of the map, width over height
MARGIN = 3.0  # per cent of the width that stays free on every side
COVERED = 0.45  # of the map's area, by its images
SMALLEST, LARGEST_SIZE = 1.2, 4.5  # per cent of the map's width


@dataclass(frozen=True)
class MapImage:
    """An image and its place: per cent from the left and of the map's height from the top."""

    sprite: Sprite
    x: float
    y: float
    truth: int
    prediction: int
    probability: str
    id: str


@dataclass(frozen=True)
class MapLabel:
    """A class, where its images lie, and how many there are."""

    name: str
    number: int
    x: float
    y: float


@dataclass(frozen=True)
class ImageMap:
    """images: mistakes last, so that they lie on top. size: of an image, in per cent of the map's width.

    labels: of the classes, empty when they are too many to stand beside each other. method: how the places came about.
    """

    images: Sequence[MapImage]
    labels: Sequence[MapLabel]
    names: Sequence[str]
    size: float
    method: str
    total: int
    aspect: float = ASPECT


MOST_LABELS = 20


def image_map(embedding: "EmbeddingMap", evaluation: Evaluation, sheet: SpriteSheet) -> ImageMap | None:
    """Every n-th image when there are more than MOST_POINTS; None when none can be read any more."""
    chosen = np.unique(np.linspace(0, len(embedding.points) - 1, MOST_POINTS).astype(np.int64))
    places = _places(np.asarray(embedding.points, dtype=np.float64))
    indices = np.asarray(embedding.indices)
    images = []
    for number in chosen:
        index = int(indices[number])
        if sprite := sheet.add(index):
            images.append(_image(evaluation, index, sprite, *places[number]))
    if not images:
        return None
    images.sort(key=lambda image: image.truth != image.prediction)
    names = [score.name for score in evaluation.classes]
    labels = _labels(evaluation.labels[indices], places, names) if len(names) <= MOST_LABELS else []
    side = 100 * (COVERED / ASPECT / len(images)) ** 0.5
    size = min(LARGEST_SIZE, max(SMALLEST, side))
    return ImageMap(images, labels, names, size, embedding.method, len(embedding.points))


def _places(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) of any scale -> per cent of the map's width and height, the margin left free."""
    low, high = points.min(axis=0), points.max(axis=0)
    spread = np.where(high > low, high - low, 1.0)
    margin = np.array([MARGIN, MARGIN * ASPECT])
    places: NDArray[np.float64] = margin + (points - low) / spread * (100 - 2 * margin)
    return places


def _image(evaluation: Evaluation, index: int, sprite: Sprite, x: float, y: float) -> MapImage:
    return MapImage(
        sprite=sprite,
        x=float(x),
        y=float(y),
        truth=int(evaluation.labels[index]),
        prediction=int(evaluation.predicted[index]),
        probability=format_probability(float(evaluation.probabilities[index].max())),
        id=evaluation.ids[index],
    )


def _labels(labels: NDArray[np.int64], places: NDArray[np.float64], names: Sequence[str]) -> list[MapLabel]:
    """Each class at the median of its images."""
    medians = [
        (number, np.median(places[labels == number], axis=0))
        for number in range(len(names))
        if (labels == number).any()
    ]
    return [MapLabel(names[number], number, float(x), float(y)) for number, (x, y) in medians]
