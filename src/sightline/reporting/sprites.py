"""Many small images on one sheet: the page carries each once, however often it shows it.

The style sheet cuts a sprite out of the sheet by its column and row; `templates/pixels.css` has the rule.
"""

from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.data.imageset import ImageSet
from sightline.errors import ImageError
from sightline.reporting.image_data import CRISP, as_pillow, data_uri, read_small

COLUMNS = 32
PHOTO_TILE = 56  # pixels; a photograph on the sheet is a square of its middle
LOSSLESS = 16  # pixels; up to this size every pixel is seen, and PNG is no larger than JPEG
BLOCK = 8  # pixels of a JPEG's blocks: tiles that begin on one do not bleed into their neighbours


@dataclass(frozen=True)
class Sprite:
    """An image's column and row on the sheet."""

    x: int
    y: int


@dataclass(frozen=True)
class DrawnSheet:
    """The sheet as a data URI, and its sizes in widths of a sprite: its own width, and the steps between sprites.

    aspect: of a sprite, width over height. crisp: its pixels are to be seen as squares.
    """

    uri: str
    width: float
    step_x: float
    step_y: float
    aspect: float
    crisp: bool


@dataclass(eq=False)
class SpriteSheet:
    """Collects images of one set; each is put on the sheet once."""

    images: ImageSet
    _sprites: dict[int, Sprite | None] = field(default_factory=dict)
    _tiles: list[NDArray[np.uint8]] = field(default_factory=list)

    def add(self, index: int) -> Sprite | None:
        """The place of an image on the sheet; None when its file has vanished."""
        if index not in self._sprites:
            self._sprites[index] = self._placed(index)
        return self._sprites[index]

    def draw(self) -> DrawnSheet | None:
        """All that was added, or None when nothing was. Grey and tiny images are PNG, others JPEG."""
        if not self._tiles:
            return None
        height, width, channels = self._tiles[0].shape
        lossless = channels == 1 or max(height, width) <= LOSSLESS
        step = 1 if lossless else BLOCK
        pitch_y, pitch_x = (-(-size // step) * step for size in (height, width))
        columns, rows = min(COLUMNS, len(self._tiles)), -(-len(self._tiles) // COLUMNS)
        sheet = np.zeros((rows, pitch_y, columns, pitch_x, channels), dtype=np.uint8)
        for number, tile in enumerate(self._tiles):
            edges = ((0, pitch_y - height), (0, pitch_x - width), (0, 0))
            sheet[number // COLUMNS, :, number % COLUMNS] = np.pad(tile, edges, mode="edge")
        whole = as_pillow(sheet.reshape(rows * pitch_y, columns * pitch_x, channels))
        return DrawnSheet(
            uri=_encoded(whole, lossless=lossless),
            width=columns * pitch_x / width,
            step_x=pitch_x / width,
            step_y=pitch_y / width,
            aspect=width / height,
            crisp=max(height, width) < CRISP,
        )

    def _placed(self, index: int) -> Sprite | None:
        try:
            image = read_small(self.images, index, min_size=2 * PHOTO_TILE)
        except ImageError:
            return None
        if not self._tiles:
            self._size = image.shape[:2] if max(image.shape[:2]) <= CRISP else (PHOTO_TILE, PHOTO_TILE)
            self._channels = image.shape[2]
        number = len(self._tiles)
        self._tiles.append(_tile(image, self._size, self._channels))
        return Sprite(number % COLUMNS, number // COLUMNS)


def _tile(image: NDArray[np.uint8], size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """The middle of uint8 (H, W, C), resized to `size` unless it has it, with as many channels as the others."""
    if image.shape[:2] != size:
        height, width = image.shape[:2]
        scale = min(height / size[0], width / size[1])
        kept_height, kept_width = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
        top, left = (height - kept_height) // 2, (width - kept_width) // 2
        part = as_pillow(np.ascontiguousarray(image[top : top + kept_height, left : left + kept_width]))
        resized = part.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        image = np.asarray(resized).reshape(*size, image.shape[2])
    if image.shape[2] != channels:
        image = image.repeat(3, axis=2) if channels == 3 else image.mean(axis=2, keepdims=True).astype(np.uint8)
    return image


def _encoded(sheet: Image.Image, *, lossless: bool) -> str:
    file = BytesIO()
    if lossless:
        sheet.save(file, "png", optimize=False, compress_level=6)
        return data_uri("image/png", file.getvalue())
    sheet.save(file, "jpeg", quality=80, subsampling=0)
    return data_uri("image/jpeg", file.getvalue())
