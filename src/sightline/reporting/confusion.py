"""The confusion matrix as cells to be drawn: what was right stands back, what was mistaken is coloured.

One scale for everything would spend all its colours on the diagonal. So the colours count mistakes only: each as a
share of the images of its true class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.evaluation.evaluate import Evaluation
from sightline.pixels.scales import CIVIDIS, DARK_PAPER, LIGHT_PAPER
from sightline.reporting.colors import level, mixed, steps_on
from sightline.reporting.image_data import png_uri
from sightline.reporting.scale import significant

LARGEST_TABLE = 20  # classes; beyond, the numbers would be too small to read, and a picture shows the pattern

IMAGE_WIDTH = 560  # CSS pixels at most; each cell gets a whole number of them
PAPERS_AND_INKS = ((LIGHT_PAPER, "#1d1d1b"), (DARK_PAPER, "#eceae4"))


@dataclass(frozen=True)
class Cell:
    """kind: "none" where nothing was counted, else "right" or "wrong". level: 0 to 9 of the colours."""

    count: int
    kind: str
    level: int
    words: str


@dataclass(frozen=True)
class ConfusionTable:
    """rows: (true class, its cells). digits: of the longest number. largest: the share at the end of the scale."""

    names: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    digits: int
    largest: str


@dataclass(frozen=True)
class ConfusionImage:
    """The matrix of many classes, one pixel a cell. light, dark: data URIs for either paper. width: in CSS pixels."""

    light: str
    dark: str
    width: int
    largest: str


def confusion_table(evaluation: Evaluation) -> ConfusionTable:
    """Every number of the matrix, for up to LARGEST_TABLE classes."""
    names = [score.name for score in evaluation.classes]
    shares = mistake_shares(evaluation.confusion)
    largest = float(shares.max())

    def cell(row: int, column: int) -> Cell:
        count, support = int(evaluation.confusion[row, column]), evaluation.classes[row].support
        kind = "none" if count == 0 else "right" if row == column else "wrong"
        meaning = "recognised" if row == column else f"taken for {names[column]}"
        words = f"{names[row]} {meaning}: {count:,} of {support:,}"
        return Cell(count, kind, level(float(shares[row, column]), largest), words)

    classes = range(len(names))
    rows = [(names[row], [cell(row, column) for column in classes]) for row in classes]
    return ConfusionTable(names, rows, len(str(evaluation.confusion.max())), _percent(largest))


def confusion_image(evaluation: Evaluation) -> ConfusionImage:
    """The pattern of the mistakes of many classes, in the colours of the table."""
    largest = float(mistake_shares(evaluation.confusion).max())
    num_classes = len(evaluation.classes)
    light, dark = (png_uri(frames[0]) for frames in confusion_pixels([evaluation.confusion]))
    return ConfusionImage(light, dark, num_classes * max(1, IMAGE_WIDTH // num_classes), _percent(largest))


def confusion_pixels(matrices: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Matrices (K, K) as images of one pixel a cell on one scale: uint8 (n, K, K, 3) for light and for dark paper."""
    shares = np.stack([mistake_shares(matrix) for matrix in matrices])
    steps = np.minimum(shares / (float(shares.max()) or 1.0) * len(CIVIDIS), len(CIVIDIS) - 1).astype(np.int64) + 2
    steps[np.stack(matrices) == 0] = 0
    diagonal = np.arange(steps.shape[1])
    steps[:, diagonal, diagonal] = 1
    light, dark = (_palette(paper, ink)[steps] for paper, ink in PAPERS_AND_INKS)
    return light, dark


def mistake_shares(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of each true class (row), the share taken for each other class: (K, K) in [0, 1], 0 on the diagonal."""
    support = confusion.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = confusion / np.maximum(support, 1)
    np.fill_diagonal(shares, 0.0)
    return shares


def _palette(paper: str, ink: str) -> NDArray[np.uint8]:
    """Colours of nothing, of what was right, and of the ten steps of mistakes: uint8 (12, 3)."""
    colors = [mixed(ink, paper, 0.02), mixed(ink, paper, 0.1), *steps_on(paper)]
    return np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors], dtype=np.uint8)


def _percent(share: float) -> str:
    return f"{significant(100 * share, 2)} %"
