"""What the inspection page says, of numbers known by hand."""

import numpy as np
import pytest

from sightline.classifier.classifier import Prediction
from sightline.inspection.embeddings import Neighbour
from sightline.inspection.fields import ReceptiveField
from sightline.inspection.maps import Activations
from sightline.reporting.inspection_page import (
    Inspection,
    cam_sentence,
    fields_sentence,
    kernel_grid,
    large_view,
    map_grid,
    neighbour_tiles,
    neighbours_sentence,
    render_inspection,
)


def activations(values: np.ndarray) -> Activations:
    flat = values.reshape(len(values), -1)
    return Activations(
        layer="stages.one", values=values, mean=flat.mean(1), max=flat.max(1), dead=np.abs(flat).max(1) <= 1e-6
    )


def neighbour(label: str, side: int = 8) -> Neighbour:
    return Neighbour(id=f"{label}/1", label=label, similarity=0.5, image=np.zeros((side, side, 1), np.uint8))


def test_half_of_the_map_is_in_its_largest_values() -> None:
    cam = np.zeros((10, 10), np.float32)
    cam[0, :5] = 1.0  # half of the sum
    cam[5:] = 0.0999  # nearly the other half, in 50 pixels
    assert cam_sentence("cat", cam) == "Half of what speaks for cat lies within 5 % of the image."
    assert cam_sentence("cat", np.zeros((4, 4), np.float32)) == "Nothing in the image speaks for cat by Grad-CAM."


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (("a", "b", "b"), "Of the 3 training images most alike to the network 1 is a."),
        (("a", "a", "b"), "Of the 3 training images most alike to the network 2 are a."),
        (("a", "a"), "Of the 2 training images most alike to the network all are a."),
        (("b", "b"), "Of the 2 training images most alike to the network none are a."),
        (("b",), "The training image most alike to the network is b."),
    ],
)
def test_the_neighbours_are_counted(labels: tuple[str, ...], sentence: str) -> None:
    assert neighbours_sentence("a", [neighbour(label) for label in labels]) == sentence


def test_small_neighbours_keep_their_pixels() -> None:
    tiles, width, crisp = neighbour_tiles([neighbour("a"), neighbour("b")])
    assert (width, crisp) == (96, True)
    assert [(tile.caption, tile.figure) for tile in tiles] == [("a", "0.500"), ("b", "0.500")]
    assert tiles[0].uri.startswith("data:image/png")
    tiles, width, crisp = neighbour_tiles([neighbour("a", 300)])
    assert (width, crisp) == (96, False)
    assert tiles[0].uri.startswith("data:image/jpeg")
    assert neighbour_tiles([]) == ([], 0, False)


def test_a_class_of_two_lines_is_one_name() -> None:
    """A folder may be called so on Linux."""
    tiles, width, crisp = neighbour_tiles([neighbour("grey\ncat")])
    page = render_inspection(
        Inspection(
            run="runs/a",
            model="lenet5",
            image="a.png",
            view=large_view(np.zeros((8, 8, 1), np.uint8), "the image", "an image"),
            prediction=Prediction("dog", 0.75, (("dog", 0.75), ("grey\ncat", 0.25))),
            cams=(),
            neighbours=tiles,
            neighbours_width=width,
            neighbours_crisp=crisp,
        )
    )
    assert '<span class="truth">grey\ncat</span><span class="sure">0.500</span>' in page


def test_the_strongest_channels_come_first_and_the_dead_are_named() -> None:
    values = np.zeros((30, 2, 2), np.float32)
    values[:, 0, 0] = np.arange(30) / 2
    grid = map_grid(activations(values), "Sequential", "maps.png")
    assert [tile.caption for tile in grid.tiles] == [str(i) for i in range(29, 5, -1)]
    assert grid.sentence == (
        "30 channels of 2 x 2. The 24 that fire most are shown, strongest first; all are in the file. "
        "1 channel fires nowhere in this image: 0."
    )
    assert (grid.low, grid.high, grid.width, grid.crisp) == ("0", "14", 80, True)
    few = map_grid(activations(values[:2] - 1), "Conv2d", "maps.png")
    assert few.sentence == "2 channels of 2 x 2 (Conv2d). Every channel fires somewhere in this image."
    assert few.low == "\N{MINUS SIGN}1"
    none = map_grid(activations(np.zeros((20, 1, 1), np.float32)), "ReLU", "maps.png")
    assert none.sentence.endswith(
        "20 channels fire nowhere in this image: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 8 more."
    )
    assert none.tiles[0].dim
    assert none.tiles[0].caption == "0, dead"


def test_kernels_have_a_scale_that_is_even_around_zero() -> None:
    kernels = np.zeros((40, 3, 3, 3), np.float32)
    kernels[1, 2, 0, 0] = -0.25
    grid = kernel_grid("stages.conv1", kernels, "kernels.png")
    assert (grid.low, grid.high) == ("\N{MINUS SIGN}0.25", "0.25")
    assert len(grid.tiles) == 32
    assert "40 filters of 3 x 3 weights, red, green and blue side by side." in grid.sentence
    assert grid.sentence.endswith("The first 32 are shown; all are in the file.")
    many = kernel_grid("stages.conv1", kernels[:2].repeat(4, axis=1), "kernels.png")
    assert "the first 3 of 12 channels" in many.sentence


def test_a_receptive_field_in_words() -> None:
    effective = np.zeros((20, 20), np.float32)
    effective[:4, :4] = 1
    field = ReceptiveField(
        layer="stages.two", unit=(1, 1), image_size=(20, 20), box=(-2, -2, 9, 9), whole=False, effective=effective
    )
    sentence = (
        "One value of stages.two can depend on a square of 11 x 11 pixels; what counts for it is about as large as 4"
    )
    assert fields_sentence([field]).startswith(f"{sentence} x 4. ")
    view = large_view(np.zeros((20, 20, 3), np.uint8), "a caption", "words", box=field.clipped)
    assert (view.width, view.crisp, view.size, view.box) == (300, True, (20, 20), (0, 0, 9, 9))
