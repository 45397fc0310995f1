"""Images inside the page itself, as data URIs: a report is one file."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.data.imageset import ImageSet
from sightline.errors import ImageError
from sightline.evaluation.evaluate import Evaluation

CRISP = 64  # pixels; up to this size an image is enlarged by a whole number, with its pixels to be seen
CRISP_WIDTH, PHOTO_WIDTH = 104, 128  # CSS pixels at which images are shown, the first roughly
LARGEST = 2 * PHOTO_WIDTH  # pixels; enough for a screen with two of them to a CSS pixel
ROW_WIDTH, GAP = 832, 8  # CSS pixels: a row of images on a wide screen, and the space between two
ROWS = 3


@dataclass(frozen=True)
class Mistake:
    """One wrongly named image. uri: the image itself. probability: of the prediction, in words."""

    uri: str
    id: str
    truth: str
    prediction: str
    probability: str


@dataclass(frozen=True)
class Mistakes:
    """Whole rows of images. width: of each, in CSS pixels. crisp: enlarged, so pixels must stay squares."""

    images: Sequence[Mistake]
    width: int
    crisp: bool


def surest_mistakes(evaluation: Evaluation, images: ImageSet) -> Mistakes | None:
    """The wrongly named images whose answer the network was surest of; None when there are none.

    A file that has vanished since is left out.
    """
    found: list[Mistake] = []
    names = [score.name for score in evaluation.classes]
    width, crisp = PHOTO_WIDTH, False
    for index in evaluation.mistakes(limit=ROWS * ROW_WIDTH // CRISP_WIDTH):
        try:
            image = images.images.read(index)
        except ImageError:
            continue
        if not found:
            crisp = max(image.shape[:2]) <= CRISP
            width = image.shape[1] * round(CRISP_WIDTH / image.shape[1]) if crisp else PHOTO_WIDTH
        truth, prediction = names[evaluation.labels[index]], names[evaluation.predicted[index]]
        probability = format_probability(float(evaluation.probabilities[index].max()))
        uri = png_uri(image) if crisp else jpeg_uri(image)
        found.append(Mistake(uri, evaluation.ids[index], truth, prediction, probability))
        if len(found) == ROWS * ((ROW_WIDTH + GAP) // (width + GAP)):
            break
    return Mistakes(found, width, crisp) if found else None


def format_probability(probability: float) -> str:
    """A probability for people, never a false certainty: "99.8 %", "over 99.9 %"."""
    return "over 99.9 %" if probability > 0.999 else f"{100 * probability:.1f} %"


def png_uri(image: NDArray[np.uint8]) -> str:
    """uint8 (H, W, 1 or 3) without loss."""
    file = BytesIO()
    _as_pillow(image).save(file, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def jpeg_uri(image: NDArray[np.uint8]) -> str:
    """uint8 (H, W, 1 or 3), made smaller than LARGEST on both sides."""
    small = _as_pillow(image)
    small.thumbnail((LARGEST, LARGEST))
    file = BytesIO()
    small.save(file, "jpeg", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def _as_pillow(image: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
