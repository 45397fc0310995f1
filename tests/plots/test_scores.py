import itertools

import numpy as np
import pytest

from sightline import plots
from sightline.errors import DataError
from sightline.evaluation.compare import Comparison
from sightline.evaluation.intervals import wilson_interval
from sightline.evaluation.slices import Slice

LABELS, PREDICTED = [0] * 8 + [1] * 4, [0] * 6 + [1] * 2 + [1] * 4
NAMES = ("cat", "dog", "bird")


def dots(axes) -> dict[float, float]:  # type: ignore[no-untyped-def]
    """Where each dot is: {row: value}."""
    [line] = [line for line in axes.lines if line.get_marker() == "o"]
    return {float(y): float(x) for x, y in line.get_xydata()}


def intervals(axes) -> list[list[float]]:  # type: ignore[no-untyped-def]
    return [segment[:, 0].tolist() for segment in axes.collections[0].get_segments()]


def test_scores_of_classes_weakest_first(answers, texts) -> None:  # type: ignore[no-untyped-def]
    figure = plots.class_scores(answers(LABELS, PREDICTED, NAMES))
    recall, precision, f1 = figure.axes
    assert dots(recall) == {0: 75, 1: 100}  # no image of a bird, so no dot
    assert dots(precision) == {0: 100, 1: pytest.approx(100 * 4 / 6)}
    assert dots(f1) == {0: pytest.approx(100 * 6 / 7), 1: pytest.approx(80)}
    low, high = wilson_interval(6, 8)
    assert intervals(recall)[0] == pytest.approx([100 * low, 100 * high])
    assert [label.get_text() for label in recall.get_yticklabels()] == ["cat", "dog", "bird"]
    words = texts(figure)
    assert "cat is the weakest class: 6 of 8 recognised, 75 % (41 to 93)" in words
    assert {"6 of 8", "4 of 4", "0 of 0"} <= set(words)


def test_a_perfect_result_has_no_weakest_class(answers, texts) -> None:  # type: ignore[no-untyped-def]
    assert "Every image of every class is recognised" in texts(plots.class_scores(answers([0, 1], [0, 1], ("a", "b"))))


@pytest.mark.parametrize("classes", [2, 100])
def test_names_never_touch(answers, classes) -> None:  # type: ignore[no-untyped-def]
    draws = np.random.default_rng(0).integers(0, classes, (2, 3000)).tolist()
    figure = plots.class_scores(answers(*draws, tuple(f"a class with a long name, {i}" for i in range(classes))))
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert all(above.y0 >= below.y1 - 1 for above, below in itertools.pairwise(boxes))
    assert all(box.x0 >= 0 for box in boxes)


def test_slices_are_named_by_kind(texts) -> None:  # type: ignore[no-untyped-def]
    parts = [
        Slice(kind="brightness", name="dark", total=90, correct=70, p_value=0.01),
        Slice(kind="size", name="small", total=30, correct=30, p_value=1.0),
    ]
    figure = plots.slices(parts)
    assert dots(figure.axes[0]) == {0: pytest.approx(100 * 70 / 90), 1: 100}
    assert intervals(figure.axes[0])[0] == pytest.approx([100 * end for end in wilson_interval(70, 90)])
    assert {"brightness: dark", "size: small", "70 of 90, differs", "30 of 30"} <= set(texts(figure))
    with pytest.raises(DataError, match="there is no slice to draw"):
        plots.slices([])


@pytest.mark.parametrize(("gained", "lost"), [(30, 10), (10, 30), (0, 0)])
def test_difference_stands_against_none(texts, gained, lost) -> None:  # type: ignore[no-untyped-def]
    result = Comparison(
        first="A",
        second="B",
        total=1000,
        first_correct=900,
        second_correct=900 + gained - lost,
        gained=tuple(map(str, range(gained))),
        lost=tuple(map(str, range(lost))),
        interval=((gained - lost - 12) / 1000, (gained - lost + 12) / 1000),
        p_value=0.002,
        more_images=0,
    )
    figure = plots.comparison(result)
    [axes] = figure.axes
    assert dots(axes) == {0: pytest.approx((gained - lost) / 10)}
    assert intervals(axes) == [pytest.approx([(gained - lost - 12) / 10, (gained - lost + 12) / 10])]
    low, high = axes.get_xlim()
    assert low == pytest.approx(-high)  # no difference is in the middle
    words = texts(figure)
    assert result.sentence in " ".join(words).replace("\n", " ")
    assert f"← worse: {lost} images lost" in words
    assert f"better: {gained} images gained →" in words
