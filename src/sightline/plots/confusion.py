"""The confusion matrix as a heat map of the mistakes."""

from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, to_rgba
from numpy.typing import NDArray

from sightline.errors import ConfigError, DataError
from sightline.evaluation.evaluate import Evaluation
from sightline.plots.style import INK, MAGNITUDES, PAPER, Drawing, ink_on, shortened, styled, text_width

Normalise = Literal["true", "pred", "all"]

WITH_NUMBERS = 25  # classes; with more, numbers would be too small to read, and the colours show the pattern
NAME_ROOM = 130.0  # points for the longest class name

_MEANINGS = {
    "true": "mistakes, % of the true class",
    "pred": "mistakes, % of the class called",
    "all": "mistakes, % of all images",
    None: "mistakes, images",
}

# From the paper to the dark end of cividis: more is always further from the paper. The light half is faded into it, so
# that a single mistake does not look like a hundred.
_STEPS = ((0.0, 0.0), (0.08, 0.45), (0.3, 0.75), (0.5, 1.0), (1.0, 1.0))  # place, strength


def _faded() -> Colormap:
    paper = np.array([int(PAPER[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    colors = [(place, tuple(k * np.array(MAGNITUDES(1 - place)[:3]) + (1 - k) * paper)) for place, k in _STEPS]
    return LinearSegmentedColormap.from_list("mistakes", colors)


MISTAKES = _faded()
RIGHT = "#e9e6de"  # the diagonal stands back: it would take all the colours from the mistakes


@styled
def confusion_matrix(evaluation: Evaluation, *, normalise: Normalise | None = "true") -> Drawing:
    """How often each class (row) was taken for each class (column); the colours count mistakes, by one scale.

    normalise: percent of each true class ("true"), of each answer ("pred"), of all images ("all"), or counts (None).
    Up to 25 classes every cell has its number; a class without images is an empty row. Raises ConfigError for another
    `normalise`, DataError when no image was scored.
    """
    if normalise not in _MEANINGS:
        raise ConfigError(f"normalise is {normalise!r}", hint="use 'true', 'pred', 'all' or None")
    counts = np.asarray(evaluation.confusion)
    if counts.sum() == 0:
        raise DataError("no image was scored, so there is nothing to confuse", hint="evaluate at least one image")
    values = shares(counts, normalise)
    names = [score.name for score in evaluation.classes]
    side, size = _layout(len(names))
    figure = Drawing(figsize=((side + 170) / 72, (side + 90) / 72), layout="constrained")
    axes = figure.subplots()
    largest = largest_mistake(values)
    axes.imshow(mistake_colors(counts, values, largest))
    heat = ScalarMappable(Normalize(0, largest or 1.0), MISTAKES)
    _name(axes, names, size)
    if len(names) <= WITH_NUMBERS:
        _write(axes, counts, values, largest, normalise, side / len(names))
    if largest > 0:
        bar = figure.colorbar(heat, ax=axes, shrink=0.6, aspect=28, pad=0.02)
        bar.set_label(_MEANINGS[normalise])
        bar.outline.set_visible(False)
        bar.ax.grid(visible=False)
    recognised = int(np.trace(counts))
    axes.set_title(f"{recognised:,} of {int(counts.sum()):,} images on the diagonal: recognised", pad=8)
    return figure


def largest_mistake(values: NDArray[np.float64]) -> float:
    """The largest value (K, K) off the diagonal; 0 for one class."""
    return float(np.where(np.eye(len(values), dtype=bool), 0.0, values).max())


def mistake_colors(counts: NDArray[np.int64], values: NDArray[np.float64], largest: float) -> NDArray[np.float64]:
    """Colours (K, K, 4) of the cells: of mistakes by their value up to `largest`, none where nothing was counted."""
    colors = np.asarray(MISTAKES(values / (largest or 1.0)))
    colors[np.diag_indices(len(counts))] = to_rgba(RIGHT)
    colors[counts == 0] = to_rgba(PAPER)
    return colors


def shares(counts: NDArray[np.int64], normalise: Normalise | None) -> NDArray[np.float64]:
    """What the cells show: counts, or percents of a row, a column or everything; 0 where there is nothing to divide."""
    if normalise is None:
        return counts.astype(np.float64)
    axis = {"true": 1, "pred": 0, "all": None}[normalise]
    totals = counts.sum(axis=axis, keepdims=True)
    return np.asarray(100 * counts / np.maximum(totals, 1), dtype=np.float64)


def _layout(classes: int) -> tuple[float, float]:
    """The side of the matrix and the size of the class names, in points."""
    side = min(620.0, max(190.0, 34.0 * classes))
    return side, max(3.5, min(8.5, 0.85 * side / classes))


def _name(axes: Axes, names: list[str], size: float) -> None:
    short = [shortened(name, NAME_ROOM, size) for name in names]
    cell = _layout(len(names))[0] / len(names)
    level = max(text_width(name, size) for name in short) <= 0.92 * cell
    places = range(len(names))
    axes.set_yticks(places, short, fontsize=size, color=INK)
    axes.set_xticks(places, short, fontsize=size, color=INK, rotation=0 if level else 90)
    axes.set(xlabel="called", ylabel="truth")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _write(
    axes: Axes,
    counts: NDArray[np.int64],
    values: NDArray[np.float64],
    largest: float,
    normalise: Normalise | None,
    cell: float,
) -> None:
    """The number of every cell that is not empty, in an ink that its colour leaves legible."""
    words = {
        (int(row), int(column)): _number(values[row, column], normalise) for row, column in np.argwhere(counts > 0)
    }
    size = min(8.5, 0.42 * cell, min(8.5 * 0.86 * cell / text_width(text, 8.5) for text in words.values()))
    for (row, column), text in words.items():
        color: Any = RIGHT if row == column else MISTAKES(values[row, column] / (largest or 1.0))
        ink = INK if row == column else ink_on(color[:3])
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=ink)


def _number(value: float, normalise: Normalise | None) -> str:
    if normalise is None:
        return f"{int(value):,}"
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.05 else "<0.1"
