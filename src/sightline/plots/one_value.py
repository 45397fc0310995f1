"""The numbers behind one value of a convolution or pooling layer, as cells to be read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import Colormap
from numpy.typing import NDArray

from sightline.errors import ConfigError, DataError
from sightline.inspection.one_value import Arithmetic
from sightline.plots.canvas import GAP, LINE, MARGIN, Canvas, as_values, canvas
from sightline.plots.style import (
    FAINT_INK,
    HAIRLINE,
    MAGNITUDES,
    NORMAL,
    SIGNED,
    SMALL,
    Drawing,
    ink_on,
    number_text,
    styled,
    text_width,
    wrapped,
)

GRID = 132.0  # points, the most that one grid of numbers takes
CELL = 30.0  # points, the most that one number takes
SIGN = 26.0  # points between two grids, for the sign
SUM = 62.0  # points for the sum at the end of a row
KINDS = {"maximum": "the largest of its window", "average": "the mean of its window"}
SMALLEST = 3.5  # points; a number that would be smaller is left out, and its colour stays


@styled
def arithmetic(numbers: Arithmetic, *, limit: int = 4) -> Drawing:
    """Input patch times kernel, value by value, and the products added up: one value of a layer.

    A row for each input channel, those that contribute most first; beyond `limit` they are one number. Raises
    ConfigError for a limit below 1, DataError where patch, kernel and products differ in shape.
    """
    if limit < 1:
        raise ConfigError(f"limit is {limit}", hint="use 1 or more")
    patch = np.asarray(numbers.patch, dtype=np.float64)
    kernel, products = as_values(numbers.kernel, "(c, kh, kw)"), as_values(numbers.products, "(c, kh, kw)")
    if not patch.shape == kernel.shape == products.shape:
        shapes = ", ".join(str(array.shape) for array in (patch, kernel, products))
        raise DataError(f"patch, kernel and products have the shapes {shapes}", hint="give what `arithmetic` returned")
    sums = products.sum(axis=(1, 2))
    largest = np.argsort(-np.abs(sums), kind="stable")[:limit]
    cell = min(CELL, GRID / max(kernel.shape[1:]))
    high, wide = (cell * count for count in kernel.shape[1:])
    wide_named = max(wide, 42.0)
    top, pitch = MARGIN + 2 * LINE * NORMAL + GAP + LINE * SMALL, high + LINE * SMALL + GAP
    sheet = 2 * MARGIN + 3 * wide_named + 2 * SIGN + SUM
    total = wrapped(_total(numbers, sums, largest), sheet - 2 * MARGIN, NORMAL)
    page = canvas(sheet, top + len(largest) * pitch + len(total.splitlines()) * LINE * NORMAL + MARGIN)
    where = f"channel {numbers.channel}, row {numbers.row}, column {numbers.column}"
    page.text(MARGIN, MARGIN, f"{numbers.layer}: {KINDS.get(numbers.kind, numbers.kind)}", size=NORMAL)
    page.text(MARGIN, MARGIN + LINE * NORMAL, where, ink=FAINT_INK)
    lefts = [MARGIN + number * (wide_named + SIGN) for number in range(3)]
    grids = ((patch, _input_colors(patch)), (kernel, _signed(kernel)), (products, _signed(products)))
    for left, name in zip(lefts, ("input", "kernel", "products"), strict=True):
        page.text(left, top - 2, name, ink=FAINT_INK, va="bottom")
    for row, place in enumerate(largest):
        upper = top + row * pitch
        middle = upper + high / 2
        for left, (values, colors) in zip(lefts, grids, strict=True):
            _cells(page, values[place], left, upper, cell, *colors)
        page.text(lefts[0], upper + high + 1, f"input channel {numbers.channels[place]}", size=6.0, ink=FAINT_INK)
        for left, sign in zip(lefts[1:], ("\N{MULTIPLICATION SIGN}", "="), strict=True):
            page.text(left - SIGN / 2, middle, sign, size=12, ha="center", va="center")
        page.text(lefts[2] + wide + 6, middle, f"sum {number_text(sums[place])}", size=NORMAL - 1, va="center")
    page.text(MARGIN, top + len(largest) * pitch, total, size=NORMAL)
    return page.figure


def _total(numbers: Arithmetic, sums: NDArray[np.float64], largest: NDArray[np.int64]) -> str:
    """The last line: every row's sum, the rest, the bias, and what they come to."""
    rest = len(sums) - len(largest)
    terms = [number_text(float(sums[place])) for place in largest]
    if rest:
        others = float(sums.sum() - sums[largest].sum())
        terms.append(f"{number_text(others)} (the other {rest:,} {'channel' if rest == 1 else 'channels'})")
    if numbers.bias:
        terms.append(f"{number_text(numbers.bias)} (bias)")
    return f"{_joined(terms)} = {number_text(numbers.value)}; the network computed {number_text(numbers.output)}"


def _joined(terms: Sequence[str]) -> str:
    return " + ".join(terms).replace("+ -", "- ")


def _cells(
    page: Canvas,
    values: NDArray[np.float64],
    left: float,
    top: float,
    cell: float,
    cmap: Colormap,
    ends: tuple[float, float],
) -> None:
    """A grid of coloured cells (kh, kw), each with its number in an ink that is legible on it."""
    low, high = ends
    finite = np.where(np.isfinite(values), values, low)
    rows, columns = values.shape
    page.image(finite, left, top, columns * cell, rows * cell, cmap=cmap, vmin=low, vmax=high)
    page.box(left, top, columns * cell, rows * cell, edgecolor=HAIRLINE, linewidth=0.5)
    words = [[_short(value) for value in line] for line in values]
    longest = max((text for line in words for text in line), key=lambda text: text_width(text, SMALL))
    size = min(8.0, SMALL * 0.86 * cell / text_width(longest, SMALL), 0.6 * cell)
    if size < SMALLEST:
        return
    for (row, column), value in np.ndenumerate(finite):
        color: Any = cmap((value - low) / (high - low))
        middle = (left + (column + 0.5) * cell, top + (row + 0.5) * cell)
        page.text(*middle, words[row][column], size=size, ink=ink_on(color[:3]), ha="center", va="center")


def _short(value: float) -> str:
    """Few characters: 0.25 as ".25", 12.34 as "12.3"; the infinity that a maximum is padded with has its sign."""
    if not np.isfinite(value):
        return "-∞" if value < 0 else "∞"
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.3g}"
    if float(text) == 0:
        return "0"
    return text.replace("0.", ".", 1) if abs(float(text)) < 1 else text


def _input_colors(patch: NDArray[np.float64]) -> tuple[Colormap, tuple[float, float]]:
    """The even scale for values from 0 up, the signed one for others."""
    finite = patch[np.isfinite(patch)]
    if finite.size and finite.min() < 0:
        return _signed(finite)
    return MAGNITUDES, (0.0, float(finite.max()) if finite.size and finite.max() > 0 else 1.0)


def _signed(values: NDArray[np.float64]) -> tuple[Colormap, tuple[float, float]]:
    reach = float(np.abs(values).max()) or 1.0
    return SIGNED, (-reach, reach)
