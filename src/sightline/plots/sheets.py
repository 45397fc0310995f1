"""Sheets of images with captions: any images, the mistakes, what augmentation does."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from sightline.config import AugmentConfig
from sightline.data.augment.contact_sheet import augmentation_sheet
from sightline.data.imageset import ImageSet
from sightline.errors import ConfigError, DataError
from sightline.evaluation.evaluate import Evaluation
from sightline.plots.canvas import (
    GAP,
    LINE,
    MARGIN,
    SHEET_WIDTH,
    Canvas,
    as_image,
    canvas,
    fitted_size,
)
from sightline.plots.style import DOTS_PER_INCH, NORMAL, SMALL, Drawing, styled, wrapped

TILE = 66.0  # points, about, of the longer side of an image


@styled
def contact_sheet(
    images: Sequence[ArrayLike], captions: Sequence[str] = (), *, columns: int | None = None, title: str = ""
) -> Drawing:
    """Images in rows, each with its caption below; all at one scale, with crisp pixels where they are small.

    images: each uint8 (H, W), (H, W, 1) or (H, W, 3). captions: one for each, of one or more lines, or none at all.
    columns: as many as fit the width of a page unless given. Raises DataError for no image, or another number of
    captions; ConfigError for fewer than one column.
    """
    return _sheet(images, captions, columns=columns, title=title).figure


@styled
def mistakes(evaluation: Evaluation, images: ImageSet, *, limit: int = 20) -> Drawing:
    """The wrongly named images, the most confident first: true class, what it was called, how probable that seemed.

    images: those that were evaluated, in the same order. Raises DataError when they are others, or when there is no
    mistake; ConfigError for a limit below 1.
    """
    if limit < 1:
        raise ConfigError(f"limit is {limit}", hint="use 1 or more")
    if evaluation.ids != images.ids:
        raise DataError("these are not the images that were evaluated", hint="give the set that `evaluate` was given")
    chosen = evaluation.mistakes(limit)
    if not chosen:
        raise DataError("every image is recognised, so there is no mistake to show", hint="evaluate on more images")
    names = [score.name for score in evaluation.classes]
    captions = []
    for index in chosen:
        answer = int(evaluation.predicted[index])
        sure = 100 * float(evaluation.probabilities[index, answer])
        captions.append(f"{names[int(evaluation.labels[index])]}\ncalled {names[answer]}\n{_percent(sure)} sure")
    wrong = evaluation.total - evaluation.correct
    some = "the" if len(chosen) == 1 else f"the {len(chosen):,}"
    first = "" if len(chosen) == wrong else f"; here {some} most confident"
    title = f"{wrong:,} of {evaluation.total:,} images {'is' if wrong == 1 else 'are'} mistaken{first}"
    return _sheet([images.images.read(index) for index in chosen], captions, columns=None, title=title).figure


@styled
def augmentations(images: Tensor, config: AugmentConfig | None = None, *, seed: int = 0) -> Drawing:
    """What augmentation does to images uint8 (N, C, H, W): a row for each kind alone, a column for each image.

    config: the kinds it switches on are shown at its strengths, and then all together; None shows every kind at a
    strength that is easy to see. Raises DataError for anything but uint8 images.
    """
    if getattr(images, "ndim", 0) != 4 or str(images.dtype) != "torch.uint8" or len(images) == 0:
        raise DataError("these are not images to augment", hint="give a uint8 tensor (N, C, H, W)")
    sheet = np.asarray(augmentation_sheet(images, config, seed=seed))
    height, width = (72 * side / DOTS_PER_INCH for side in sheet.shape[:2])
    page = canvas(width, height)
    page.image(sheet, 0, 0, width, height, interpolation="nearest")
    return page.figure


def _sheet(images: Sequence[ArrayLike], captions: Sequence[str], *, columns: int | None, title: str) -> Canvas:
    if len(images) == 0:
        raise DataError("there is no image to draw", hint="give at least one")
    if len(captions) not in (0, len(images)):
        raise DataError(f"{len(images)} images and {len(captions)} captions", hint="give one caption for each image")
    if columns is not None and columns < 1:
        raise ConfigError(f"columns is {columns}", hint="use 1 or more")
    pixels = [as_image(image) for image in images]
    largest = max(pixels, key=lambda image: max(image.shape[:2]))
    longer = max(fitted_size(largest.shape, TILE))
    scale = longer / max(largest.shape[:2])
    sizes = [(image.shape[1] * scale, image.shape[0] * scale) for image in pixels]
    if max(largest.shape[:2]) > 4 * min(max(image.shape[:2]) for image in pixels):
        sizes = [fitted_size(image.shape, TILE) for image in pixels]  # one scale would leave the small ones as dots
    wide, high = max(width for width, _ in sizes), max(height for _, height in sizes)
    wide = max(wide, 60.0 if captions else 0.0)  # narrower, and captions would be mere ellipses
    fitting = int((SHEET_WIDTH - 2 * MARGIN + GAP) // (wide + GAP))
    columns = min(len(images), columns or max(1, fitting))
    lines = max((len(caption.splitlines()) for caption in captions), default=0)
    rows = -(-len(images) // columns)
    pitch = high + (3 + lines * LINE * SMALL if lines else 0) + GAP
    width = max(2 * MARGIN + columns * (wide + GAP) - GAP, 220.0 if title else 0.0)
    heading = wrapped(title, width - 2 * MARGIN, NORMAL)
    top = MARGIN + (len(heading.splitlines()) * LINE * NORMAL + GAP if title else 0)
    page = canvas(width, top + rows * pitch - GAP + MARGIN)
    page.text(MARGIN, MARGIN, heading, size=NORMAL)
    for number, (image, (across, down)) in enumerate(zip(pixels, sizes, strict=True)):
        row, column = divmod(number, columns)
        left, upper = MARGIN + column * (wide + GAP), top + row * pitch
        page.image(image, left, upper + high - down, across, down)
        if captions:
            page.caption(left, upper + high + 3, captions[number].splitlines(), wide)
    return page


def _percent(value: float) -> str:
    return f"{value:.0f} %" if value < 99.5 else ">99 %"
