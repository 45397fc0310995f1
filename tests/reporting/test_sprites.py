"""Every image is on the sheet once, where its sprite says."""

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
from sightline.reporting.sprites import COLUMNS, DrawnSheet, Sprite, SpriteSheet


def decoded(sheet: DrawnSheet | None) -> np.ndarray:
    assert sheet is not None
    return np.asarray(Image.open(BytesIO(base64.b64decode(sheet.uri.partition("base64,")[2]))))


def image_set(pixels: torch.Tensor) -> ImageSet:
    count = len(pixels)
    return ImageSet(ArrayImages(pixels), torch.zeros(count, dtype=torch.int64), ("cat",), tuple(map(str, range(count))))


def test_grey_images_lose_nothing() -> None:
    pixels = torch.arange(40, dtype=torch.uint8)[:, None, None, None].expand(40, 1, 5, 4)
    sheet = SpriteSheet(image_set(pixels))
    sprites = [sheet.add(index) for index in (7, *range(40))]
    assert sprites[0] == sprites[8] == Sprite(0, 0)  # added first, found again
    assert sprites[-1] == Sprite(39 % COLUMNS, 1)
    drawn = sheet.draw()
    values = decoded(drawn)
    assert values.shape == (2 * 5, COLUMNS * 4)
    assert values[0, 0] == 7
    assert values[5:, 4 * 7 : 4 * 8].tolist() == [[39] * 4] * 5
    assert drawn is not None
    assert (drawn.width, drawn.step_x, drawn.step_y, drawn.aspect, drawn.crisp) == (COLUMNS, 1, 1.25, 0.8, True)


def test_colour_images_do_not_bleed_into_their_neighbours() -> None:
    """JPEG's blocks are 8 x 8 pixels: a tile of 20 begins on one every 24, and its colour stays its own."""
    pixels = torch.tensor([[255, 0, 0], [0, 0, 255]], dtype=torch.uint8)[:, :, None, None].expand(2, 3, 20, 20)
    sheet = SpriteSheet(image_set(pixels))
    sheet.add(0), sheet.add(1)
    drawn = sheet.draw()
    values = decoded(drawn).astype(int)
    assert values.shape == (24, 48, 3)
    assert np.abs(values[:20, :20] - [255, 0, 0]).max() <= 3
    assert np.abs(values[:20, 24:44] - [0, 0, 255]).max() <= 3
    assert drawn is not None
    assert (drawn.width, drawn.step_x) == pytest.approx((48 / 20, 24 / 20))


def test_photos_are_squares_of_their_middle_and_vanished_ones_are_left_out(tmp_path: Path) -> None:
    photo = np.zeros((100, 300, 3), dtype=np.uint8)
    photo[:, 100:200] = 200
    Image.fromarray(photo).save(tmp_path / "0.png")
    files = EncodedImages(Files((tmp_path / "0.png", tmp_path / "gone.png")))
    sheet = SpriteSheet(ImageSet(files, torch.zeros(2, dtype=torch.int64), ("cat",), ("0.png", "gone.png")))
    assert sheet.add(1) is None
    assert sheet.add(0) == Sprite(0, 0)
    values = decoded(sheet.draw())
    assert values.shape == (56, 56, 3)
    assert values[:, 2:-2].min() > 190


def test_nothing_added() -> None:
    assert SpriteSheet(image_set(torch.zeros(1, 1, 4, 4, dtype=torch.uint8))).draw() is None
