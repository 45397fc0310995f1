"""Maps of what a network looked at, to be laid over images: one sheet of them, transparent where they are 0."""

from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.pixels.preprocess import Preprocess
from sightline.pixels.scales import ORANGE, OVERLAY, rgb
from sightline.reporting.image_data import data_uri

TILE = 24  # pixels; a map has 4 to 14 values on a side, and the page draws it smoothly
BORDER = 1  # pixels on every side that repeat the edge, so that neighbours do not bleed into each other
COLUMNS = 8
LEVELS = 32
HUE = tuple(int(value) for value in rgb(ORANGE))


@dataclass(frozen=True)
class Heat:
    """A map's column and row on the sheet, and where it lies on its image: left, top, width, height in per cent."""

    x: int
    y: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class DrawnHeats:
    """The sheet as a data URI. columns, rows: of tiles. margin: the border's share of a tile without it."""

    uri: str
    columns: int
    rows: int
    margin: float = BORDER / TILE


@dataclass(eq=False)
class HeatSheet:
    """Collects maps. preprocess: how images became the network's input, as in `Material`."""

    preprocess: Preprocess | None = None
    _maps: list[NDArray[np.uint8]] = field(default_factory=list)

    def add(self, values: NDArray[np.float32], shape: tuple[int, int]) -> Heat:
        """A map (H, W) in [0, 1] of an image of `shape` (height, width)."""
        number = len(self._maps)
        self._maps.append(_tile(values))
        return Heat(number % COLUMNS, number // COLUMNS, heat_box(shape, self.preprocess))

    def draw(self) -> DrawnHeats | None:
        """All that was added, or None."""
        if not self._maps:
            return None
        columns, rows = min(COLUMNS, len(self._maps)), -(-len(self._maps) // COLUMNS)
        pitch = TILE + 2 * BORDER
        sheet = np.zeros((rows, pitch, columns, pitch), dtype=np.uint8)
        for number, tile in enumerate(self._maps):
            sheet[number // COLUMNS, :, number % COLUMNS] = tile
        return DrawnHeats(_encoded(sheet.reshape(rows * pitch, columns * pitch)), columns, rows)


def heat_box(shape: tuple[int, int], preprocess: Preprocess | None) -> tuple[float, float, float, float]:
    """Where the network's input lies on an image (height, width): left, top, width, height in per cent of it.

    A crop lies inside the image, a padded input reaches beyond it.
    """
    if preprocess is None or preprocess.fit == "squash" or shape == preprocess.size:
        return 0.0, 0.0, 100.0, 100.0
    ratios = [side / input_side for side, input_side in zip(shape, preprocess.size, strict=True)]
    scale = min(ratios) if preprocess.fit == "crop" else max(ratios)
    height, width = (100 * scale * input_side / side for side, input_side in zip(shape, preprocess.size, strict=True))
    return (100 - width) / 2, (100 - height) / 2, width, height


def _tile(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W) in [0, 1] -> levels 0 to LEVELS - 1 of (TILE + 2, TILE + 2)."""
    small = Image.fromarray(values.astype(np.float32)).resize((TILE, TILE), Image.Resampling.BILINEAR)
    levels = np.rint(np.asarray(small).clip(0, 1) * (LEVELS - 1)).astype(np.uint8)
    return np.pad(levels, BORDER, mode="edge")


def _encoded(levels: NDArray[np.uint8]) -> str:
    image = Image.fromarray(levels)
    image.putpalette(list(HUE) * LEVELS)
    alpha = bytes(round(255 * OVERLAY * level / (LEVELS - 1)) for level in range(LEVELS))
    file = BytesIO()
    image.save(file, "png", transparency=alpha, optimize=True)
    return data_uri("image/png", file.getvalue())
