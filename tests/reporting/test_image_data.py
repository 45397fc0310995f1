"""Images travel inside the page: small ones without loss, photos made small."""

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.data.imageset import ArrayImages, FileImages, ImageSet
from sightline.evaluation.evaluate import Evaluation, score
from sightline.reporting.image_data import format_probability, jpeg_uri, png_uri, surest_mistakes


def decoded(uri: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(uri.partition("base64,")[2])))


@pytest.mark.parametrize("channels", [1, 3])
def test_png_loses_nothing(channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 6, channels), dtype=np.uint8)
    uri = png_uri(image)
    assert uri.startswith("data:image/png;base64,")
    np.testing.assert_array_equal(np.asarray(decoded(uri)).reshape(8, 6, channels), image)


def test_photos_are_made_small() -> None:
    uri = jpeg_uri(np.full((600, 1200, 3), 90, dtype=np.uint8))
    assert uri.startswith("data:image/jpeg;base64,")
    assert decoded(uri).size == (256, 128)
    assert len(uri) < 3000


@pytest.mark.parametrize(
    ("probability", "text"), [(0.5, "50.0 %"), (0.9985, "99.9 %"), (0.9991, "over 99.9 %"), (1.0, "over 99.9 %")]
)
def test_no_false_certainty(probability: float, text: str) -> None:
    assert format_probability(probability) == text


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
    found = surest_mistakes(evaluation, data)
    assert found is not None
    assert (found.width, found.crisp, len(found.images)) == (width, True, images)
    first = found.images[0]
    assert (first.id, first.truth, first.prediction, first.probability) == ("39.png", "cat", "dog", "90.0 %")
    assert np.asarray(decoded(first.uri)).max() == 39


def test_a_vanished_file_is_left_out(tmp_path: Path) -> None:
    paths = tuple(tmp_path / f"{i}.png" for i in range(3))
    for path in paths[:2]:
        Image.new("RGB", (200, 100), "red").save(path)
    evaluation = all_wrong(3)
    data = ImageSet(FileImages(paths), torch.zeros(3, dtype=torch.int64), ("cat", "dog"), evaluation.ids)
    found = surest_mistakes(evaluation, data)
    assert found is not None
    assert [mistake.id for mistake in found.images] == ["1.png", "0.png"]
    assert (found.width, found.crisp) == (128, False)


def test_no_mistakes() -> None:
    perfect = score(np.eye(2, dtype=np.float32), np.array([0, 1]), ("cat", "dog"), ids=("a", "b"))
    data = ImageSet(
        ArrayImages(torch.zeros(2, 1, 4, 4, dtype=torch.uint8)), torch.tensor([0, 1]), ("cat", "dog"), ("a", "b")
    )
    assert surest_mistakes(perfect, data) is None
