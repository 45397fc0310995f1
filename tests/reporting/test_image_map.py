"""The map keeps who is near whom, inside its frame, with the mistakes on top."""

import numpy as np
import pytest
import torch

from sightline.data.imageset import ArrayImages, ImageSet
from sightline.evaluation.evaluate import score
from sightline.inspection.embeddings import EmbeddingMap
from sightline.reporting import image_map as module
from sightline.reporting.image_map import ImageMap, image_map
from sightline.reporting.sprites import SpriteSheet


def drawn(points: np.ndarray, labels: list[int], predicted: list[int]) -> ImageMap:
    count, names = len(labels), ("cat", "dog", "fox")
    probabilities = np.full((count, 3), 0.1, dtype=np.float32)
    probabilities[np.arange(count), predicted] = 0.8
    evaluation = score(probabilities, np.array(labels), names, ids=tuple(map(str, range(count))))
    pixels = torch.zeros(count, 1, 4, 4, dtype=torch.uint8)
    images = ImageSet(ArrayImages(pixels), torch.tensor(labels), names, evaluation.ids)
    embedding = EmbeddingMap(points=points.astype(np.float32), indices=np.arange(count), method="PCA")
    drawing = image_map(embedding, evaluation, SpriteSheet(images))
    assert drawing is not None
    return drawing


def test_places_by_hand() -> None:
    drawing = drawn(np.array([[-1.0, -5.0], [1.0, 5.0], [0.0, 0.0]]), [0, 1, 1], [0, 1, 2])
    places = {image.id: (image.x, image.y) for image in drawing.images}
    assert places["0"] == pytest.approx((3, 4.5))
    assert places["1"] == pytest.approx((97, 95.5))
    assert places["2"] == pytest.approx((50, 50))
    assert drawing.images[-1].id == "2"  # the mistake
    labels = {label.name: (label.x, label.y) for label in drawing.labels}
    assert labels["dog"] == pytest.approx((73.5, 72.75))  # between its two images
    assert "fox" not in labels


def test_one_place_for_all_is_no_division_by_zero() -> None:
    drawing = drawn(np.zeros((4, 2)), [0, 1, 2, 0], [0, 1, 2, 0])
    assert {(image.x, image.y) for image in drawing.images} == {(3.0, 4.5)}


def test_many_images_are_thinned() -> None:
    count = 3 * module.MOST_POINTS
    drawing = drawn(np.random.default_rng(0).normal(size=(count, 2)), [0] * count, [0] * count)
    assert (len(drawing.images), drawing.total) == (module.MOST_POINTS, count)
