"""The confusion matrix as cells to be drawn: what was right stands back, what was mistaken is coloured.

One scale for everything would spend all its colours on the diagonal. So the colours count mistakes only: each as a share
of the images of its true class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.evaluation.evaluate import Evaluation
from sightline.reporting.colors import CIVIDIS, level
from sightline.reporting.image_data import png_uri
from sightline.reporting.scale import significant

LARGEST_TABLE = 20  # classes; beyond, the numbers would be too small to read, and a picture shows the pattern


@dataclass(frozen=True)
class Cell:
    """kind: "right" on the diagonal, "wrong", or "none" where nothing was counted. level: 0 to 9 of the colours."""

    count: int
    kind: str
    level: int
    words: str


@dataclass(frozen=True)
class ConfusionTable:
    """rows: (true class, a cell for each prediction). digits: of the longest number. largest: share at the scale's end."""

    names: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    digits: int
    largest: str


@dataclass(frozen=True)
class ConfusionImage:
    """The matrix of many classes, one pixel a cell: a PNG data URI. largest: share at the scale's end."""

    uri: str
    num_classes: int
    largest: str


def confusion_table(evaluation: Evaluation) -> ConfusionTable:
    """Every number of the matrix, for up to LARGEST_TABLE classes."""
    names = [score.name for score in evaluation.classes]
    shares = mistake_shares(evaluation)
    largest = float(shares.max())

    def cell(row: int, column: int) -> Cell:
        count, support = int(evaluation.confusion[row, column]), evaluation.classes[row].support
        kind = "right" if row == column else "wrong" if count else "none"
        meaning = "recognised" if row == column else f"taken for {names[column]}"
        words = f"{names[row]} {meaning}: {count:,} of {support:,}"
        return Cell(count, kind, level(float(shares[row, column]), largest), words)

    classes = range(len(names))
    rows = [(names[row], [cell(row, column) for column in classes]) for row in classes]
    return ConfusionTable(names, rows, len(str(evaluation.confusion.max())), _percent(largest))


def confusion_image(evaluation: Evaluation) -> ConfusionImage:
    """The pattern of the mistakes of many classes; the diagonal has the colour of none."""
    shares = mistake_shares(evaluation)
    largest = float(shares.max())
    palette = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in CIVIDIS], dtype=np.uint8)
    steps = np.minimum(shares / (largest or 1.0) * len(CIVIDIS), len(CIVIDIS) - 1).astype(np.int64)
    return ConfusionImage(png_uri(palette[steps]), len(evaluation.classes), _percent(largest))


def mistake_shares(evaluation: Evaluation) -> NDArray[np.float64]:
    """Of each true class (row), the share taken for each other class: (K, K) in [0, 1], 0 on the diagonal."""
    support = evaluation.confusion.sum(axis=1, keepdims=True)
    shares = evaluation.confusion / np.maximum(support, 1)
    np.fill_diagonal(shares, 0.0)
    return shares


def _percent(share: float) -> str:
    return f"{significant(100 * share, 2)} %"
