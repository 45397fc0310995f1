import itertools

import numpy as np
import pytest

from sightline import plots
from sightline.errors import ConfigError, DataError
from sightline.plots.confusion import MISTAKES, RIGHT, mistake_colors
from sightline.plots.style import contrast

# Truth 0: 6 right, 2 called 1. Truth 1: 3 right, 1 called 2. Truth 2: none.
LABELS, PREDICTED = [0] * 8 + [1] * 4, [0] * 6 + [1] * 2 + [1] * 3 + [2]
NAMES = ("cat", "dog", "a name that is too long for any axis of a figure on a page")


def cells(figure) -> dict[tuple[int, int], str]:  # type: ignore[no-untyped-def]
    return {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in figure.axes[0].texts}


@pytest.mark.parametrize(
    ("normalise", "expected"),
    [
        (None, {(0, 0): "6", (0, 1): "2", (1, 1): "3", (1, 2): "1"}),
        ("true", {(0, 0): "75", (0, 1): "25", (1, 1): "75", (1, 2): "25"}),
        ("pred", {(0, 0): "100", (0, 1): "40", (1, 1): "60", (1, 2): "100"}),
        ("all", {(0, 0): "50", (0, 1): "17", (1, 1): "25", (1, 2): "8.3"}),
    ],
)
def test_numbers_are_the_counts_and_their_shares(answers, texts, normalise, expected) -> None:  # type: ignore[no-untyped-def]
    figure = plots.confusion_matrix(answers(LABELS, PREDICTED, NAMES), normalise=normalise)
    assert cells(figure) == expected
    assert "9 of 12 images on the diagonal: recognised" in texts(figure)


def test_colors_count_mistakes_only() -> None:
    counts = np.array([[6, 2], [0, 4]])
    colors = mistake_colors(counts, counts.astype(float), largest=2.0)
    assert colors[0, 1] == pytest.approx(MISTAKES(1.0))
    right = tuple(int(RIGHT[i : i + 2], 16) / 255 for i in (1, 3, 5))
    assert colors[0, 0, :3] == pytest.approx(right)
    assert colors[1, 1, :3] == pytest.approx(right)
    assert contrast(colors[1, 0, :3], "#fdfcf9") == pytest.approx(1)


def test_more_mistakes_are_always_darker() -> None:
    dark = [contrast(MISTAKES(level)[:3], "#fdfcf9") for level in np.linspace(0, 1, 50)]
    assert (np.diff(dark) > 0).all()


@pytest.mark.parametrize("classes", [2, 10, 25])
def test_every_number_is_legible(answers, classes) -> None:  # type: ignore[no-untyped-def]
    draws = np.random.default_rng(0).integers(0, classes, (2, 2000))
    figure = plots.confusion_matrix(answers(*draws.tolist(), tuple(f"class {i}" for i in range(classes))))
    axes = figure.axes[0]
    figure.draw_without_rendering()
    pixels = axes.images[0].get_array()
    cell = axes.transData.transform([(0, 0), (1, 0)])
    for text in axes.texts:
        column, row = text.get_position()
        assert contrast(text.get_color(), pixels[int(row), int(column), :3]) >= 4.5
        assert text.get_window_extent().width < abs(cell[1, 0] - cell[0, 0])


def test_many_classes_have_colors_and_names_without_numbers(answers) -> None:  # type: ignore[no-untyped-def]
    draws = np.random.default_rng(0).integers(0, 100, (2, 3000)).tolist()
    figure = plots.confusion_matrix(answers(*draws, tuple(f"class {i}" for i in range(100))))
    axes = figure.axes[0]
    assert not axes.texts
    figure.draw_without_rendering()
    extents = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert len(extents) == 100
    assert not any(low.overlaps(high) for low, high in itertools.pairwise(extents))


def test_no_mistake_needs_no_scale(answers) -> None:  # type: ignore[no-untyped-def]
    assert len(plots.confusion_matrix(answers([0, 1], [0, 1], ("cat", "dog"))).axes) == 1


def test_what_cannot_be_drawn_is_refused(answers) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match="normalise is 'rows': use 'true', 'pred', 'all' or None"):
        plots.confusion_matrix(answers([0], [0], ("cat", "dog")), normalise="rows")
    with pytest.raises(DataError, match="no image was scored"):
        plots.confusion_matrix(answers([], [], ("cat", "dog")))
