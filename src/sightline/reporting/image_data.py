"""Images inside the page itself, as data URIs: a report is one file."""

import base64
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.data.imageset import ImageSet

CRISP = 64  # pixels; up to this size an image is enlarged by a whole number, with its pixels to be seen
CRISP_WIDTH, PHOTO_WIDTH = 104, 128  # CSS pixels at which images are shown, the first roughly
LARGEST = 2 * PHOTO_WIDTH  # pixels; enough for a screen with two of them to a CSS pixel


def read_small(images: ImageSet, index: int, *, min_size: int) -> NDArray[np.uint8]:
    """An image, uint8 (H, W, C); a large file is decoded at a scale that leaves both sides at least `min_size`.

    Raises ImageError when the file is unreadable or has vanished.
    """
    return images.images.read(index, min_size=min_size)


def format_probability(probability: float) -> str:
    """A probability for people, never a false certainty: "99.8 %", "over 99.9 %"."""
    return "over 99.9 %" if probability > 0.999 else f"{100 * probability:.1f} %"


def png_uri(image: NDArray[np.uint8]) -> str:
    """uint8 (H, W, 1 or 3) without loss."""
    file = BytesIO()
    as_pillow(image).save(file, "png", optimize=True)
    return data_uri("image/png", file.getvalue())


def jpeg_uri(image: NDArray[np.uint8]) -> str:
    """uint8 (H, W, 1 or 3), made smaller than LARGEST on both sides."""
    small = as_pillow(image)
    small.thumbnail((LARGEST, LARGEST))
    file = BytesIO()
    small.save(file, "jpeg", quality=85)
    return data_uri("image/jpeg", file.getvalue())


def data_uri(kind: str, content: bytes) -> str:
    """A file of a MIME type as an address that contains it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def as_pillow(image: NDArray[np.uint8]) -> Image.Image:
    """uint8 (H, W, 1 or 3) as Pillow has it."""
    return Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
