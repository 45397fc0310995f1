import itertools

import numpy as np
import pytest

from sightline import plots
from sightline.errors import DataError
from sightline.inspection.embeddings import EmbeddingMap

NOISE = np.random.default_rng(0)


def clusters(classes: int, each: int = 20) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(classes), each)
    return NOISE.normal(size=(classes, 2))[labels] * 8 + NOISE.normal(size=(len(labels), 2)) * 0.4, labels


def test_dots_are_the_points_to_scale() -> None:
    points, labels = clusters(3)
    figure = plots.embedding_map(points, labels, ("a", "b", "c"))
    lines = figure.axes[0].lines
    drawn = np.concatenate([line.get_xydata() for line in lines])
    scale = np.ptp(drawn[:, 0]) / np.ptp(points[:, 0])
    moved = (points - points.mean(axis=0)) * (scale, -scale)  # down a page is up a plane
    assert np.allclose(drawn - drawn.mean(axis=0), moved)
    assert [len(line.get_xydata()) for line in lines] == [20, 20, 20]
    assert len({line.get_color() for line in lines}) == 3


def test_where_colors_run_out_shapes_go_on() -> None:
    points, labels = clusters(10)
    lines = plots.embedding_map(points, labels, tuple("abcdefghij")).axes[0].lines
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 10


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_names_lie_on_the_sheet_and_never_on_another(texts, classes) -> None:  # type: ignore[no-untyped-def]
    points, labels = clusters(classes)
    names = [f"a class with a long name, {number}" for number in range(classes)]
    figure = plots.embedding_map(points, labels, names)
    words = texts(figure)
    boxes = [t.get_window_extent() for t in figure.axes[0].texts if t.get_bbox_patch() is not None]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width for box in boxes)
    missing = classes - len(boxes)
    assert (f"{missing} of {classes} class names found no room." in words) == (missing > 0)
    assert classes > 10 or missing == 0


def test_a_map_takes_its_own_labels_and_images(texts) -> None:  # type: ignore[no-untyped-def]
    chosen = EmbeddingMap(
        points=np.array([[-1, 0], [1, 0]], np.float32),
        indices=np.array([3, 1]),
        method="t-SNE of something; 2 of 4 images.",
    )
    images = NOISE.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    figure = plots.embedding_map(chosen, [0, 1, 0, 1], ("cat", "dog"), list(images))
    first, second = figure.axes[0].images
    assert (first.get_array() == images[3]).all()
    assert (second.get_array() == images[1]).all()
    assert first.get_extent()[0] < second.get_extent()[0]
    words = texts(figure)
    assert "t-SNE of something; 2 of 4 images." in words
    assert "dog" in words
    assert "cat" not in words  # none of its images is on the map


def test_thumbnails_never_overlap() -> None:
    points, labels = clusters(4, each=60)
    images = [np.zeros((8, 8), np.uint8)] * len(points)
    figure = plots.embedding_map(points, labels, tuple("abcd"), images)
    corners = [(image.get_extent()[0], image.get_extent()[3]) for image in figure.axes[0].images]
    assert 4 < len(corners) < len(points)
    assert all(max(abs(a - c), abs(b - d)) >= 17 for (a, b), (c, d) in itertools.combinations(corners, 2))


@pytest.mark.parametrize(
    ("points", "labels", "sentence"),
    [
        (np.zeros((3, 2)), [0, 1], r"points of shape \(3, 2\) and 2 labels: give \(N, 2\) points and N of the others"),
        (np.zeros((2, 3)), [0, 1], r"points of shape \(2, 3\) and 2 labels"),
        (np.zeros((2, 2)), [0, 2], "a label is 2 of 2 classes: give every class its name"),
        (np.zeros((0, 2)), [], r"values of shape \(0, 2\)"),
    ],
)
def test_what_does_not_match_is_refused(points, labels, sentence) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=sentence):
        plots.embedding_map(points, labels, ("cat", "dog"))


def test_one_image_is_a_map() -> None:
    figure = plots.embedding_map([[0.0, 0.0]], [0], ("cat",))
    figure.draw_without_rendering()
    (dots,) = figure.axes[0].lines
    assert dots.get_xydata().shape == (1, 2)
    assert np.isfinite(dots.get_xydata()).all()
    assert [text.get_text() for text in figure.axes[0].texts if text.get_bbox_patch() is not None] == ["cat"]
