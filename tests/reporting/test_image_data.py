"""Images travel inside the page: small ones without loss, photos made small."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from sightline.reporting.image_data import format_probability, jpeg_uri, png_uri


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
