"""Contact sheets: where images stand, that their pixels are crisp, and which rows an augmentation sheet has."""

import numpy as np
import pytest
import torch
from PIL import ImageColor, ImageDraw
from torch import Generator, Tensor

from sightline.config import AugmentConfig
from sightline.data.augment.contact_sheet import (
    DESCRIPTIONS,
    GAP,
    LABEL_WIDTH,
    MARGIN,
    PAPER,
    augmentation_sheet,
    contact_sheet,
    tile,
)
from sightline.errors import DataError

PAPER_RGB = ImageColor.getrgb(PAPER)


def noise(count: int = 4, channels: int = 3, size: int = 32) -> Tensor:
    shape = (count, channels, size, size)
    return torch.randint(0, 256, shape, generator=Generator().manual_seed(0), dtype=torch.uint8)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines of text that sheets draw."""
    lines: list[str] = []
    draw_text = ImageDraw.ImageDraw.text

    def record(self: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, *, fill: str, font: object) -> None:
        lines.append(text)
        draw_text(self, corner, text, fill=fill, font=font)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", record)
    return lines


def test_small_images_are_enlarged_with_crisp_pixels() -> None:
    image = noise(1)[0]
    drawn = np.asarray(tile(image))
    assert drawn.shape == (96, 96, 3)
    assert np.array_equal(drawn, np.repeat(np.repeat(image.permute(1, 2, 0).numpy(), 3, axis=0), 3, axis=1))


def test_grey_images_become_rgb() -> None:
    drawn = np.asarray(tile(noise(1, 1, 28)[0]))
    assert drawn.shape == (84, 84, 3)
    assert (drawn[..., 0] == drawn[..., 2]).all()


def test_large_images_are_reduced_in_their_own_shape() -> None:
    assert tile(torch.zeros(3, 100, 200, dtype=torch.uint8)).size == (96, 48)


def test_images_stand_in_rows_with_equal_gaps() -> None:
    images = noise(5)
    sheet = np.asarray(contact_sheet(images, [""] * 5, columns=3))
    assert sheet.shape == (2 * MARGIN + 2 * 96 + GAP, 2 * MARGIN + 3 * 96 + 2 * GAP, 3)
    for position, image in enumerate(images):
        top, left = MARGIN + position // 3 * (96 + GAP), MARGIN + position % 3 * (96 + GAP)
        assert np.array_equal(sheet[top : top + 96, left : left + 96], np.asarray(tile(image)))
    assert (sheet[:MARGIN] == PAPER_RGB).all()
    assert (sheet[:, MARGIN + 96 : MARGIN + 96 + GAP] == PAPER_RGB).all()
    assert (sheet[MARGIN + 96 + GAP :, MARGIN + 2 * (96 + GAP) :] == PAPER_RGB).all()  # the place that stays empty


def test_captions_stand_under_their_image_and_never_under_the_next(written: list[str]) -> None:
    images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    sheet = np.asarray(contact_sheet(images, ["cat\nwas dog, 97 %", "a caption much wider than its image"], columns=2))
    assert written[:2] == ["cat", "was dog, 97 %"]
    assert written[2].endswith("…")
    assert "a caption much".startswith(written[2][:10])
    below = sheet[MARGIN + 96 : -MARGIN]
    assert (below[:, MARGIN : MARGIN + 96] != PAPER_RGB).any()
    assert (below[:, MARGIN + 96 : MARGIN + 96 + GAP] == PAPER_RGB).all()
    assert (below[:, MARGIN + 96 + GAP + 96 :] == PAPER_RGB).all()


def test_captions_must_match() -> None:
    with pytest.raises(DataError, match="4 images and 1 captions: give one caption for each image"):
        contact_sheet(noise(4), ["one"], columns=2)


def test_every_augmentation_has_a_row(written: list[str]) -> None:
    sheet = augmentation_sheet(noise(3))
    titles = [
        "original", "flip: random", "flip: alternating", "vertical flip", "resized crop", "shift", "rotate", "zoom",
        "shear", "brightness", "contrast", "saturation", "hue", "erase", "cutout", "policy: rand", "policy: trivial",
        "mixup", "cutmix",
    ]  # fmt: skip
    assert written[::2] == titles
    assert written[9] == "35 to 100 % of the area"
    assert written[11] == "up to 4 pixels"
    assert not any(line.endswith("…") for line in written)
    assert sheet.height == 2 * MARGIN + len(titles) * (96 + GAP) - GAP
    assert sheet.width == 2 * MARGIN + LABEL_WIDTH + 3 * (96 + GAP) - GAP


def test_every_setting_is_described() -> None:
    fields = set(AugmentConfig.__dataclass_fields__)
    assert fields - set(DESCRIPTIONS) == {"padding"}


def test_rows_show_the_images_and_what_becomes_of_them() -> None:
    images = noise(3)
    sheet = np.asarray(augmentation_sheet(images))

    def cell(row: int, column: int) -> np.ndarray:
        top, left = MARGIN + row * (96 + GAP), MARGIN + LABEL_WIDTH + column * (96 + GAP)
        return sheet[top : top + 96, left : left + 96]

    for column, image in enumerate(images):
        assert np.array_equal(cell(0, column), np.asarray(tile(image)))
    for row in range(1, 18):
        assert any(not np.array_equal(cell(row, column), cell(0, column)) for column in range(3))


def test_grey_images_have_no_colour_rows(written: list[str]) -> None:
    augmentation_sheet(noise(2, 1, 28))
    assert "contrast" in written
    assert "saturation" not in written
    assert "hue" not in written


def test_a_configuration_shows_its_own_strengths_then_all_together(written: list[str]) -> None:
    augmentation_sheet(noise(2), AugmentConfig(shift=2, erase=0.25))
    expected = ["original", "", "shift", "up to 2 pixels", "erase", "a rectangle in 25 % of images", "all together", ""]
    assert written == expected


def test_a_configuration_with_nothing_on_shows_the_originals(written: list[str]) -> None:
    augmentation_sheet(noise(2), AugmentConfig())
    assert written == ["original", ""]


def test_the_same_seed_draws_the_same_sheet() -> None:
    images = noise(2)
    config = AugmentConfig(rotate=20, mixup=1.0)
    sheets = [augmentation_sheet(images, config, seed=seed) for seed in (0, 0, 1)]
    assert sheets[0].tobytes() == sheets[1].tobytes()
    assert sheets[0].tobytes() != sheets[2].tobytes()
