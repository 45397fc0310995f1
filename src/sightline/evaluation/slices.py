"""Is the classifier better on some images than on others? Its accuracy by group, size, brightness and the like.

A slice that differs says where to look, not why: bright images may be hard because they are bright, or because the
hard classes are photographed in the sun.
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from sightline.data.audit.file_facts import LUMA, examine
from sightline.data.images import Images, Pixels
from sightline.data.imageset import ImageSet
from sightline.data.originals import Originals
from sightline.errors import DataError, ImageError
from sightline.evaluation.evaluate import Evaluation
from sightline.evaluation.intervals import wilson_interval
from sightline.machine.threads import usable_cores
from sightline.pixels.decode import image_errors

Kind = Literal["group", "size", "brightness", "contrast", "sharpness"]

MOST_GROUPS = 10
FEW_SIZES = 3  # different sizes, up to which each is a slice
SIGNIFICANT = 0.05  # for all slices together
HEADERS = 4_096  # read at a time: as many tasks wait for a thread
PART = 500  # images in memory as floats at once
NAMES: dict[Kind, tuple[str, str, str]] = {
    "brightness": ("darkest third", "middle third", "brightest third"),
    "contrast": ("least contrast", "middle third", "most contrast"),
    "sharpness": ("softest third", "middle third", "sharpest third"),
}


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Accuracy on some of the images: `correct` of `total`. interval: its 95 % Wilson interval.

    kind: by what they are chosen; name: which of them. p_value: how likely a difference so large from all
    other images would be by chance, by Fisher's exact test; times the slices that are still to be judged
    when all are taken from the clearest on (S. Holm, Scandinavian Journal of Statistics 6, 1979), so that of all slices
    together no more than 5 in 100 evaluations mark any without cause. differs: it is below 0.05.
    """

    kind: Kind
    name: str
    total: int
    correct: int
    p_value: float

    @property
    def accuracy(self) -> float:
        return self.correct / self.total

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(self.correct, self.total)

    @property
    def differs(self) -> bool:
        return self.p_value < SIGNIFICANT


def slices(evaluation: Evaluation, images: ImageSet) -> tuple[Slice, ...]:
    """Accuracy by what the images are like; kinds that do not vary are left out.

    By group: the ten with most images. By size: of the short side in pixels, from the header where the images are
    files. By brightness (mean luma), contrast (its standard deviation) and sharpness (standard deviation of its
    Laplacian over the contrast): in thirds. The images are matched by id; more than were evaluated may be there.

    Raises DataError when evaluated images are missing.
    """
    from scipy.stats import fisher_exact

    rows = _matched(evaluation, images)
    right = evaluation.predicted == evaluation.labels
    parts = list(_chosen(images, rows))
    p_values = []
    for _, _, chosen in parts:
        counts = [[int((right & part).sum()), int((~right & part).sum())] for part in (chosen, ~chosen)]
        p_values.append(float(fisher_exact(counts).pvalue))
    return tuple(
        Slice(kind=kind, name=name, total=int(chosen.sum()), correct=int((right & chosen).sum()), p_value=p_value)
        for (kind, name, chosen), p_value in zip(parts, holm(p_values), strict=True)
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for being several, by Holm's step-down method; at most 1, and in the same order."""
    corrected, largest = [0.0] * len(p_values), 0.0
    for done, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, p_values[place] * (len(p_values) - done)))
        corrected[place] = largest
    return corrected


_Chosen = tuple[Kind, str, NDArray[np.bool_]]  # kind, name, and which of the evaluated images: (N,)


def _matched(evaluation: Evaluation, images: ImageSet) -> NDArray[np.int64]:
    """Where in the set each evaluated image is."""
    if evaluation.ids == images.ids:
        return np.arange(len(images))
    places = {name: place for place, name in enumerate(images.ids)}
    missing = [name for name in evaluation.ids if name not in places]
    if missing:
        what = f"{len(missing):,} evaluated images are not in the set, the first is {missing[0]}"
        raise DataError(what, hint="give the images that were evaluated")
    return np.array([places[name] for name in evaluation.ids])


def _chosen(images: ImageSet, rows: NDArray[np.int64]) -> Iterator[_Chosen]:
    """Every slice of the images at `rows`."""
    if images.groups:
        yield from _by_group(np.array([images.groups[row] for row in rows]))
    looks = _looks(images.images)
    yield from _by_size(looks.pop("size")[rows])
    for kind, values in looks.items():
        for third, (chosen, _, _) in enumerate(_thirds(values[rows])):
            yield kind, NAMES[kind][third], chosen


def _by_group(groups: NDArray[np.str_]) -> Iterator[_Chosen]:
    names, counts = np.unique(groups[groups != ""], return_counts=True)
    if len(names) > 1:
        for place in np.argsort(-counts, kind="stable")[:MOST_GROUPS]:
            yield "group", str(names[place]), groups == names[place]


def _by_size(sizes: NDArray[np.float32]) -> Iterator[_Chosen]:
    """Slices by the short side in pixels; NaN where it is not known."""
    different = np.unique(sizes[~np.isnan(sizes)])
    if len(different) <= FEW_SIZES:
        if len(different) > 1:
            yield from (("size", f"short side {size:.0f} pixels", sizes == size) for size in different)
        return
    for chosen, low, high in _thirds(sizes):
        yield "size", f"short side {low:.0f} to {high:.0f} pixels", chosen


def _thirds(values: NDArray[np.float32]) -> list[tuple[NDArray[np.bool_], float, float]]:
    """The third with the least values, the middle and the rest, each with its least and largest; NaN is in none.

    Equal values stay together. Nothing where a third would be empty, as of images that all look alike.
    """
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return []
    first, second = np.quantile(known, (1 / 3, 2 / 3), method="lower")
    parts = (values <= first, (values > first) & (values <= second), values > second)
    if not all(part.any() for part in parts):
        return []
    return [(part, float(values[part].min()), float(values[part].max())) for part in parts]


def _looks(images: Images) -> dict[Kind, NDArray[np.float32]]:
    """Of each image its short side in pixels, brightness, contrast and sharpness, float32 (N,); NaN if unknown."""
    decoded, encoded = images.decoded, images.encoded
    if decoded is None:
        facts, _ = examine(images)
        short = np.minimum(facts.width, facts.height).astype(np.float32)
        measures = (short, facts.brightness, facts.contrast, facts.sharpness)
        for measure in measures:
            measure[list(facts.unreadable)] = np.nan
    else:
        here = np.full(len(images), min(decoded.shape[1:]), dtype=np.float32)
        measures = (here if encoded is None else _short_sides(encoded.originals), *_measures(decoded))
    size, brightness, contrast, sharpness = measures
    return {"size": size, "brightness": brightness, "contrast": contrast, "sharpness": sharpness}


_Measures = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def _short_sides(originals: Originals) -> NDArray[np.float32]:
    """From the headers alone: upright or not is the same to the short side."""

    def short_side(index: int) -> float:
        try:
            with image_errors(originals.name(index)), originals.open(index) as file, Image.open(file) as image:
                return min(image.size)
        except ImageError:
            return math.nan

    sides = np.empty(len(originals), dtype=np.float32)
    with ThreadPoolExecutor(usable_cores()) as pool:
        for first in range(0, len(originals), HEADERS):
            part = range(first, min(first + HEADERS, len(originals)))
            sides[first : part.stop] = list(pool.map(short_side, part))
    return sides


def _measures(decoded: Pixels) -> _Measures:
    """Brightness, contrast and sharpness, as `file_facts.FileFacts` has them, some at a time."""
    measured = np.full((3, len(decoded)), np.nan, dtype=np.float32)
    for rows in torch.split(torch.arange(len(decoded)), PART):
        pixels = decoded.start(rows).result()[0].float()  # (B, C, H, W)
        luma = torch.einsum("bchw,c->bhw", pixels, torch.from_numpy(LUMA)) if pixels.shape[1] == 3 else pixels[:, 0]
        contrast = luma.flatten(1).std(dim=1, correction=0)
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        measured[0, part], measured[1, part] = luma.mean(dim=(1, 2)), contrast
        if min(luma.shape[1:]) > 2:
            near = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]
            detail = (near - 4 * luma[:, 1:-1, 1:-1]).flatten(1).std(dim=1, correction=0)
            measured[2, part] = torch.where(contrast > 0, detail / contrast, torch.nan)
    brightness, contrasts, sharpness = measured
    return brightness, contrasts, sharpness
