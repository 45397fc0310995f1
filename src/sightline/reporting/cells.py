"""The images behind the cells of the confusion matrix: who presses a cell sees what was taken for what."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.evaluation.evaluate import Evaluation
from sightline.reporting.confusion import LARGEST_TABLE
from sightline.reporting.image_data import format_probability
from sightline.reporting.sprites import Sprite, SpriteSheet

MOST_IMAGES = 400  # of mistakes, on the whole page
OF_A_CELL = 12
OF_THE_DIAGONAL = 6  # for each class: those recognised least surely


@dataclass(frozen=True)
class CellImage:
    """One image of a cell, its name and how probable the network called its answer."""

    sprite: Sprite
    id: str
    probability: str


@dataclass(frozen=True)
class CellGallery:
    """Images of one cell. words: what the cell is, e.g. "12 images of shirt taken for coat". more: not shown."""

    row: int
    column: int
    words: str
    images: Sequence[CellImage]
    more: int


def cell_galleries(evaluation: Evaluation, sheet: SpriteSheet) -> list[CellGallery]:
    """Of the commonest mistakes the surest images, then of each class the least sure ones that were recognised.

    Right ones only where the matrix is a table. Each image is put on `sheet`; vanished files are left out.
    """
    num_classes = len(evaluation.classes)
    cells = evaluation.labels * num_classes + evaluation.predicted
    confidence = evaluation.probabilities.max(axis=1)
    order = np.lexsort((-confidence, cells))  # by cell, the surest first
    starts = np.searchsorted(cells[order], np.arange(num_classes * num_classes + 1))

    def members(cell: int) -> NDArray[np.int64]:
        return order[starts[cell] : starts[cell + 1]]

    counts = np.diff(starts)
    wrong = [cell for cell in np.argsort(-counts, kind="stable") if counts[cell] and cell % (num_classes + 1)]
    galleries, room = [], MOST_IMAGES
    for cell in wrong:
        if room <= 0:
            break
        indices = members(int(cell))[: min(OF_A_CELL, room)]
        room -= len(indices)
        galleries.append(_gallery(evaluation, sheet, int(cell), indices))
    if num_classes <= LARGEST_TABLE:
        right = [number * (num_classes + 1) for number in range(num_classes)]
        galleries += [
            _gallery(evaluation, sheet, cell, members(cell)[::-1][:OF_THE_DIAGONAL]) for cell in right if counts[cell]
        ]
    return [gallery for gallery in galleries if gallery.images]


def _gallery(evaluation: Evaluation, sheet: SpriteSheet, cell: int, indices: NDArray[np.int64]) -> CellGallery:
    row, column = divmod(cell, len(evaluation.classes))
    names, count = [score.name for score in evaluation.classes], int(evaluation.confusion[row, column])
    images = "1 image" if count == 1 else f"{count:,} images"
    taken = f"{images} of {names[row]} taken for {names[column]}"
    recognised = f"{images} of {names[row]} recognised; these least surely"
    placed = [(int(index), sprite) for index in indices if (sprite := sheet.add(int(index)))]
    return CellGallery(
        row=row,
        column=column,
        words=recognised if row == column else taken,
        images=[
            CellImage(sprite, evaluation.ids[index], format_probability(float(evaluation.probabilities[index].max())))
            for index, sprite in placed
        ],
        more=count - len(placed),
    )
