"""The surest mistakes, the least sure answers and the suspected labels, in whole rows with their captions."""

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.data.images import EncodedImages
from sightline.data.imageset import ArrayImages, ImageSet
from sightline.data.originals import Files
from sightline.diagnosis.label_errors import Suspect
from sightline.evaluation.evaluate import Evaluation, score
from sightline.reporting.galleries import least_sure, surest_mistakes, suspected_labels
from sightline.reporting.heat import HeatSheet


def decoded(uri: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(uri.partition("base64,")[2])))


def all_wrong(total: int) -> Evaluation:
    """Every image is a cat called a dog, the later the surer."""
    sure = np.linspace(0.6, 0.9, total, dtype=np.float32)
    probabilities = np.stack([1 - sure, sure], axis=1)
    ids = tuple(f"{i}.png" for i in range(total))
    return score(probabilities, np.zeros(total, dtype=np.int64), ("cat", "dog"), ids=ids)


@pytest.mark.parametrize(("size", "width", "images"), [(28, 112, 21), (32, 96, 24), (8, 104, 21), (64, 128, 18)])
def test_three_whole_rows_of_whole_multiples(size: int, width: int, images: int) -> None:
    evaluation = all_wrong(40)
    pixels = torch.arange(40, dtype=torch.uint8)[:, None, None, None].expand(40, 1, size, size)
    data = ImageSet(ArrayImages(pixels), torch.zeros(40, dtype=torch.int64), ("cat", "dog"), evaluation.ids)
    gallery = surest_mistakes(evaluation, data, {}, HeatSheet())
    assert gallery is not None
    assert (gallery.width, gallery.crisp, len(gallery.shots)) == (width, True, images)
    first = gallery.shots[0]
    assert first.id == "39.png"
    assert [(line.label, line.words) for line in first.captions] == [("", "cat"), ("taken for ", "dog"), ("", "90.0 %")]
    assert np.asarray(decoded(first.uri)).max() == 39


def test_a_vanished_file_is_left_out(tmp_path: Path) -> None:
    paths = tuple(tmp_path / f"{i}.png" for i in range(3))
    for path in paths[:2]:
        Image.new("RGB", (200, 100), "red").save(path)
    evaluation = all_wrong(3)
    data = ImageSet(EncodedImages(Files(paths)), torch.zeros(3, dtype=torch.int64), ("cat", "dog"), evaluation.ids)
    gallery = surest_mistakes(evaluation, data, {}, HeatSheet())
    assert gallery is not None
    assert [mistake.id for mistake in gallery.shots] == ["1.png", "0.png"]
    assert (gallery.width, gallery.crisp) == (128, False)


def test_no_mistakes() -> None:
    perfect = score(np.eye(2, dtype=np.float32), np.array([0, 1]), ("cat", "dog"), ids=("a", "b"))
    data = ImageSet(
        ArrayImages(torch.zeros(2, 1, 4, 4, dtype=torch.uint8)), torch.tensor([0, 1]), ("cat", "dog"), ("a", "b")
    )
    assert surest_mistakes(perfect, data, {}, HeatSheet()) is None


def grey_images(count: int) -> ImageSet:
    pixels = torch.zeros(count, 1, 4, 4, dtype=torch.uint8)
    return ImageSet(ArrayImages(pixels), torch.zeros(count, dtype=torch.int64), ("cat", "dog", "fox"), ("a", "b", "c"))


def test_least_sure_by_hand() -> None:
    """The distances between the two best are 0.5, 0.1 and 0.2."""
    probabilities = np.array([[0.7, 0.2, 0.1], [0.45, 0.1, 0.55], [0.5, 0.3, 0.2]], dtype=np.float32)
    evaluation = score(probabilities, np.array([0, 0, 0]), ("cat", "dog", "fox"), ids=("a", "b", "c"))
    gallery = least_sure(evaluation, grey_images(3), {}, HeatSheet())
    assert gallery is not None
    assert [shot.id for shot in gallery.shots] == ["b", "c", "a"]
    lines = [[f"{line.label}{line.words}" for line in shot.captions] for shot in gallery.shots[:2]]
    assert lines == [
        ["cat", "wrong: fox, 55.0 %", "then cat, 45.0 %"],
        ["cat", "right: cat, 50.0 %", "then dog, 30.0 %"],
    ]


def test_one_class_is_never_in_doubt() -> None:
    only = score(np.ones((2, 1), dtype=np.float32), np.array([0, 0]), ("cat",), ids=("a", "b"))
    assert least_sure(only, grey_images(3), {}, HeatSheet()) is None


def test_suspected_labels_keep_their_order() -> None:
    suspects = [Suspect(2, "c", "cat", "fox", 0.9), Suspect(0, "a", "cat", "dog", 0.8)]
    gallery = suspected_labels(suspects, grey_images(3))
    assert gallery is not None
    assert [shot.id for shot in gallery.shots] == ["c", "a"]
    assert [f"{line.label}{line.words}" for line in gallery.shots[0].captions] == ["labelled cat", "looks like fox"]
    assert suspected_labels([], grey_images(3)) is None


def test_maps_are_laid_over_the_images_that_have_one() -> None:
    evaluation, sheet = all_wrong(3), HeatSheet()
    maps = {2: np.ones((4, 4), dtype=np.float32)}
    gallery = surest_mistakes(evaluation, grey_images(3), maps, sheet)
    assert gallery is not None
    assert gallery.heated
    assert [shot.heat is not None for shot in gallery.shots] == [True, False, False]
    assert sheet.draw() is not None
