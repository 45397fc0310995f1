"""Rows of images with a caption under each: the surest mistakes, the least sure answers, the suspected labels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sightline.data.imageset import ImageSet
from sightline.errors import ImageError
from sightline.evaluation.evaluate import Evaluation
from sightline.reporting.heat import Heat, HeatSheet
from sightline.reporting.image_data import (
    CRISP,
    CRISP_WIDTH,
    LARGEST,
    PHOTO_WIDTH,
    format_probability,
    jpeg_uri,
    png_uri,
    read_small,
)

if TYPE_CHECKING:
    from sightline.diagnosis.label_errors import Suspect

ROW_WIDTH, GAP = 832, 8  # CSS pixels: a row of images on a wide screen, and the space between two
ROWS = 3
MOST = ROWS * ROW_WIDTH // CRISP_WIDTH

Maps = Mapping[int, NDArray[np.float32]]  # Grad-CAM by the index of the image


@dataclass(frozen=True)
class Caption:
    """A line below an image: words, and before them faintly what they are. kind: a class of the style sheet."""

    kind: str
    words: str
    label: str = ""


@dataclass(frozen=True)
class Shot:
    """One image of a gallery. uri: the image itself. captions: below it. heat: where the network looked."""

    uri: str
    id: str
    captions: Sequence[Caption]
    heat: Heat | None = None


@dataclass(frozen=True)
class Gallery:
    """Whole rows of images. width: of each, in CSS pixels. crisp: enlarged, so pixels must stay squares."""

    shots: Sequence[Shot]
    width: int
    crisp: bool

    @property
    def heated(self) -> bool:
        return any(shot.heat for shot in self.shots)


def surest_mistakes(evaluation: Evaluation, images: ImageSet, maps: Maps, sheet: HeatSheet) -> Gallery | None:
    """The wrongly named images whose answer the network was surest of; None when there are none.

    maps: Grad-CAM where it is known, put on `sheet`. A file that has vanished since is left out, here and in the
    other galleries.
    """
    names = [score.name for score in evaluation.classes]

    def captions(index: int) -> list[Caption]:
        prediction = int(evaluation.predicted[index])
        return [
            Caption("truth", names[evaluation.labels[index]]),
            Caption("taken", names[prediction], "taken for "),
            Caption("sure", _probability(evaluation, index, prediction)),
        ]

    return _gallery(images, evaluation.mistakes(limit=MOST), captions, maps, sheet)


def least_sure(evaluation: Evaluation, images: ImageSet, maps: Maps, sheet: HeatSheet) -> Gallery | None:
    """The images whose two most probable classes are nearest to each other, right or wrong; None with one class."""
    names = [score.name for score in evaluation.classes]

    def captions(index: int) -> list[Caption]:
        second, first = np.argsort(evaluation.probabilities[index], kind="stable")[-2:]
        truth = int(evaluation.labels[index])
        verdict = ("right", "right: ") if first == truth else ("wrong", "wrong: ")
        return [
            Caption("truth", names[truth]),
            Caption(verdict[0], f"{names[first]}, {_probability(evaluation, index, int(first))}", verdict[1]),
            Caption("sure", f"{names[second]}, {_probability(evaluation, index, int(second))}", "then "),
        ]

    return _gallery(images, least_sure_indices(evaluation, MOST), captions, maps, sheet)


def suspected_labels(suspects: "Sequence[Suspect]", images: ImageSet) -> Gallery | None:
    """The images whose labels look most wrong; None when there are none."""
    by_index = {suspect.index: suspect for suspect in suspects[:MOST]}

    def captions(index: int) -> list[Caption]:
        suspect = by_index[index]
        return [Caption("truth", suspect.label, "labelled "), Caption("taken", suspect.suggested, "looks like ")]

    return _gallery(images, list(by_index), captions, {}, HeatSheet())


def least_sure_indices(evaluation: Evaluation, limit: int) -> list[int]:
    """Indices of the images with the least distance between the two highest probabilities, the nearest first."""
    if len(evaluation.classes) < 2:
        return []
    best = np.partition(evaluation.probabilities, -2, axis=1)[:, -2:]  # (N, 2), the second and the first
    order = np.argsort(best[:, 1] - best[:, 0], kind="stable")[:limit]
    return [int(index) for index in order]


def _probability(evaluation: Evaluation, index: int, answer: int) -> str:
    return format_probability(float(evaluation.probabilities[index, answer]))


def _gallery(
    images: ImageSet, indices: Sequence[int], captions: Callable[[int], list[Caption]], maps: Maps, sheet: HeatSheet
) -> Gallery | None:
    shots: list[Shot] = []
    width, crisp = PHOTO_WIDTH, False
    for index in indices:
        try:
            image = read_small(images, index, min_size=LARGEST)
        except ImageError:
            continue
        if not shots:
            crisp = max(image.shape[:2]) <= CRISP
            width = image.shape[1] * round(CRISP_WIDTH / image.shape[1]) if crisp else PHOTO_WIDTH
        heat = sheet.add(maps[index], (image.shape[0], image.shape[1])) if index in maps else None
        uri = png_uri(image) if crisp else jpeg_uri(image)
        shots.append(Shot(uri, images.ids[index], captions(index), heat))
        if len(shots) == ROWS * ((ROW_WIDTH + GAP) // (width + GAP)):
            break
    return Gallery(shots, width, crisp) if shots else None
