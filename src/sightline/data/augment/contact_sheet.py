"""Many small images on one sheet: with captions, or as a table of what each augmentation does."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Generator, Tensor

from sightline.config import AugmentConfig
from sightline.data.augment.augment import augment
from sightline.data.augment.mix import mix
from sightline.data.randomness import derived_seed
from sightline.errors import DataError

PAPER, INK, FAINT_INK = "#fdfcf9", "#1d1d1b", "#6b6a66"
GAP, MARGIN, LABEL_WIDTH = 8, 24, 200  # pixels
FONT_SIZE, LINE_HEIGHT = 13, 17  # pixels
TILE_SIZE = 96  # pixels, the longer side of a tile as nearly as whole multiples allow
SMALL_IMAGE = 64  # pixels; up to this size images are drawn with crisp pixels

# These words say what each setting does with the value it has. Their order is that of the sheet's rows.
DESCRIPTIONS: Mapping[str, Callable[[Any], str]] = {
    "flip": lambda kind: "left-right, half the images" if kind == "random" else "half now, the rest next epoch",
    "vertical_flip": lambda _: "top-bottom, half the images",
    "resized_crop": lambda share: f"{100 * share:.3g} to 100 % of the area",
    "shift": lambda pixels: f"up to {pixels} pixels",
    "rotate": lambda degrees: f"±{degrees:g}°",
    "zoom": lambda part: f"{1 - part:.3g} to {1 + part:.3g} times",
    "shear": lambda degrees: f"±{degrees:g}°",
    "brightness": lambda part: f"{1 - part:.3g} to {1 + part:.3g} times",
    "contrast": lambda part: f"{1 - part:.3g} to {1 + part:.3g} times",
    "saturation": lambda part: f"{1 - part:.3g} to {1 + part:.3g} times",
    "hue": lambda part: f"±{part:g} of the colour circle",
    "erase": lambda p: f"a rectangle in {100 * p:.3g} % of images",
    "cutout": lambda side: f"a square of {side} pixels",
    "policy": lambda kind: "RandAugment" if kind == "rand" else "TrivialAugment",
    "mixup": lambda alpha: f"share from Beta({alpha:g}, {alpha:g})",
    "cutmix": lambda alpha: f"share from Beta({alpha:g}, {alpha:g})",
}


def contact_sheet(images: Tensor, captions: Sequence[str], *, columns: int) -> Image.Image:
    """Images in rows of `columns`, a caption of one or more lines under each. uint8 (N, C, H, W) -> an RGB image.

    Small images are enlarged by a whole factor with crisp pixels, large ones are reduced smoothly. Captions that are
    wider than their image end in an ellipsis.
    """
    if len(images) != len(captions) or len(images) == 0:
        raise DataError(f"{len(images)} images and {len(captions)} captions", hint="give one caption for each image")
    columns = min(columns, len(images))
    tiles = [tile(image) for image in images]
    width, height = tiles[0].size
    lines = max(len(caption.splitlines()) for caption in captions)
    row_height = height + (4 + lines * LINE_HEIGHT + GAP if lines else 0) + GAP
    rows = -(-len(tiles) // columns)
    sheet = _paper(columns * (width + GAP) - GAP, rows * row_height - GAP)
    draw = ImageDraw.Draw(sheet)
    for position, (image, caption) in enumerate(zip(tiles, captions, strict=True)):
        row, column = divmod(position, columns)
        left, top = MARGIN + column * (width + GAP), MARGIN + row * row_height
        sheet.paste(image, (left, top))
        for number, line in enumerate(caption.splitlines()):
            ink = INK if number == 0 else FAINT_INK
            _write(draw, (left, top + height + 4 + number * LINE_HEIGHT), line, ink, width)
    return sheet


def augmentation_sheet(images: Tensor, config: AugmentConfig | None = None, *, seed: int = 0) -> Image.Image:
    """What augmentation does to uint8 (N, C, H, W): a row for each kind alone, a column for each image.

    config: the kinds it switches on are shown at its strengths, and then all together; None shows every kind at a
    strength that is easy to see.
    """
    settings = _visible(tuple(images.shape[1:])) if config is None else _switched_on(config)
    padding = AugmentConfig().padding if config is None else config.padding
    rows = [("original", "", AugmentConfig())]
    for name, value in settings:
        title = f"{name}: {value}" if isinstance(value, str) else name.replace("_", " ")
        alone = dataclasses.replace(AugmentConfig(), padding=padding, **{name: value})
        rows.append((title, DESCRIPTIONS[name](value), alone))
    if config is not None and len(settings) > 1:
        rows.append(("all together", "", config))
    tiles = [
        [tile(image) for image in _varied(images, kind, seed=derived_seed(seed, name, 0))] for name, _, kind in rows
    ]
    width, height = tiles[0][0].size
    sheet = _paper(LABEL_WIDTH + len(images) * (width + GAP) - GAP, len(rows) * (height + GAP) - GAP)
    draw = ImageDraw.Draw(sheet)
    for row, (name, range_text, _) in enumerate(rows):
        top = MARGIN + row * (height + GAP)
        middle = top + height // 2
        text_top = middle - LINE_HEIGHT if range_text else middle - LINE_HEIGHT // 2
        _write(draw, (MARGIN, text_top), name, INK, LABEL_WIDTH - GAP)
        _write(draw, (MARGIN, text_top + LINE_HEIGHT), range_text, FAINT_INK, LABEL_WIDTH - GAP)
        for column, image in enumerate(tiles[row]):
            sheet.paste(image, (MARGIN + LABEL_WIDTH + column * (width + GAP), top))
    return sheet


def tile(image: Tensor) -> Image.Image:
    """One image, uint8 (C, H, W), at the size it has on a sheet."""
    pixels = image.expand(3, -1, -1).permute(1, 2, 0).contiguous().cpu().numpy()
    drawn = Image.fromarray(pixels)
    longer = max(drawn.size)
    if longer <= SMALL_IMAGE:
        factor = max(1, round(TILE_SIZE / longer))
        return drawn.resize((drawn.width * factor, drawn.height * factor), Image.Resampling.NEAREST)
    drawn.thumbnail((TILE_SIZE, TILE_SIZE), Image.Resampling.LANCZOS)
    return drawn


def _visible(shape: tuple[int, ...]) -> list[tuple[str, Any]]:
    """Every augmentation with a value that is easy to see in images of `shape` (C, H, W)."""
    channels, side = shape[0], min(shape[1:])
    geometry = [
        ("flip", "random"),
        ("flip", "alternating"),
        ("vertical_flip", True),
        ("resized_crop", 0.35),
        ("shift", max(1, side // 8)),
        ("rotate", 30.0),
        ("zoom", 0.3),
        ("shear", 20.0),
    ]
    color = [("brightness", 0.5), ("contrast", 0.6), ("saturation", 0.9), ("hue", 0.2)]
    occlusion = [("erase", 1.0), ("cutout", max(1, side // 3)), ("policy", "rand"), ("policy", "trivial")]
    mixing = [("mixup", 1.0), ("cutmix", 1.0)]
    # Grey images have neither saturation nor hue.
    return geometry + (color if channels == 3 else color[:2]) + occlusion + mixing


def _switched_on(config: AugmentConfig) -> list[tuple[str, Any]]:
    """The augmentations that `config` switches on, with their values."""
    off = AugmentConfig()
    values = [(name, getattr(config, name)) for name in DESCRIPTIONS]
    return [(name, value) for name, value in values if value != getattr(off, name)]


def _varied(images: Tensor, config: AugmentConfig, *, seed: int) -> Tensor:
    """uint8 (N, C, H, W) augmented, and mixed if `config` mixes, as the first batch of a training would be."""
    generator = Generator(images.device).manual_seed(seed)
    indices = torch.arange(len(images), device=images.device)
    images = augment(images, config, indices=indices, epoch=0, generator=generator)
    mixed, _ = mix(images.float(), indices, len(images), config, generator=generator)
    return mixed.round().to(torch.uint8)


def _paper(width: int, height: int) -> Image.Image:
    """An empty sheet with room for `width` x `height` pixels within its margins."""
    return Image.new("RGB", (width + 2 * MARGIN, height + 2 * MARGIN), PAPER)


def _write(draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, ink: str, width: int) -> None:
    """One line of text from its upper left corner, shortened with an ellipsis to at most `width` pixels."""
    font = ImageFont.load_default(FONT_SIZE)
    if draw.textlength(text, font=font) > width:
        while text and draw.textlength(f"{text}…", font=font) > width:
            text = text[:-1]
        text = f"{text.rstrip()}…"
    draw.text(corner, text, fill=ink, font=font)
