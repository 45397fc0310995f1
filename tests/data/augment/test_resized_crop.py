"""Random resized crops: boxes by the rules, pixels as Pillow has them, and the same by both ways of resizing."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator, Tensor

from sightline.config import AugmentConfig
from sightline.data.augment.augment import augment
from sightline.data.augment.resized_crop import (
    RATIO,
    box_of,
    boxes_of,
    crop_and_resize,
    random_parts,
    random_resized_crop,
    resampled,
    resize,
)


def generator(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def noise(count: int, height: int = 40, width: int = 40) -> Tensor:
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator())


def random_boxes(shape: tuple[int, ...], *, smallest: float, generator: Generator) -> tuple[Tensor, ...]:
    return boxes_of(random_parts(shape[0], smallest=smallest, generator=generator), shape[2], shape[3])


def boxes(*rows: tuple[int, int, int, int]) -> tuple[Tensor, ...]:
    return tuple(torch.tensor(column) for column in zip(*rows, strict=True))


def test_by_hand() -> None:
    image = torch.tensor([[0, 10, 20, 30]] * 4, dtype=torch.uint8).view(1, 1, 4, 4)
    same = crop_and_resize(image, *boxes((1, 1, 2, 2)), size=(2, 2))
    assert same[0, 0].tolist() == [[10, 20], [10, 20]]
    # Two pixels to four: each output lies a quarter of a pixel beside the inputs, and the border is repeated.
    twice = crop_and_resize(image, *boxes((0, 1, 2, 2)), size=(2, 4))
    assert twice[0, 0, 0].tolist() == [10, 12, 18, 20] or twice[0, 0, 0].tolist() == [10, 13, 18, 20]


def test_crops_are_what_pillow_makes_of_them() -> None:
    images = noise(2)
    crops = crop_and_resize(images, *boxes((3, 5, 30, 24), (0, 0, 40, 40)), size=(16, 12))
    for image, crop, (y, x, h, w) in zip(images, crops, [(3, 5, 30, 24), (0, 0, 40, 40)], strict=True):
        cut = Image.fromarray(image[:, y : y + h, x : x + w].permute(1, 2, 0).numpy())
        expected = np.asarray(cut.resize((12, 16), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
        assert np.abs(crop.numpy().astype(int) - expected).max() <= 1


@pytest.mark.parametrize("size", [(16, 16), (40, 40), (50, 30)])
def test_matrix_products_give_the_same(size: tuple[int, int]) -> None:
    images = noise(50, 40, 48)
    boxes = random_boxes(images.shape, smallest=0.1, generator=generator())
    one, other = crop_and_resize(images, *boxes, size=size), resampled(images, *boxes, size=size)
    assert (one.int() - other.int()).abs().max() <= 1


def test_channels_that_lie_together_stay_so_and_change_no_pixel() -> None:
    images = noise(30, 40, 48)
    boxes = random_boxes(images.shape, smallest=0.1, generator=generator())
    apart = crop_and_resize(images, *boxes, size=(24, 20))
    together = crop_and_resize(images.contiguous(memory_format=torch.channels_last), *boxes, size=(24, 20))
    assert torch.equal(apart, together)
    assert apart.is_contiguous()
    assert together.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_crops_of_some_of_many(layout: torch.memory_format) -> None:
    images = noise(30, 40, 48).contiguous(memory_format=layout)
    rows = torch.tensor([7, 29, 7, 0])
    boxes = random_boxes((len(rows), *images.shape[1:]), smallest=0.1, generator=generator())
    some = crop_and_resize(images, *boxes, size=(24, 20), rows=rows)
    assert torch.equal(some, crop_and_resize(images[rows], *boxes, size=(24, 20)))


def test_boxes_keep_to_the_rules() -> None:
    top, left, height, width = random_boxes((20_000, 3, 200, 200), smallest=0.25, generator=generator())
    assert min(top.min(), left.min()) >= 0
    assert max((top + height).max(), (left + width).max()) <= 200
    area, ratio = (height * width) / 200**2, width / height
    assert 0.245 < area.min() < 0.26
    assert area.max() > 0.95
    assert 1 / RATIO - 0.01 < ratio.min() < 0.76
    assert 1.32 < ratio.max() < RATIO + 0.01
    assert abs(float(ratio.log().mean())) < 0.005  # as often upright as lying
    # Evenly spread areas would have their middle at 0.625; the largest ones are cut to the border.
    assert 0.60 < area.median() < 0.63
    corners = (top[height < 200] / (200 - height[height < 200])).mean()
    assert 0.49 < corners < 0.51


def test_everything_is_kept_when_asked_for() -> None:
    _, _, height, width = random_boxes((100, 3, 30, 30), smallest=1, generator=generator())
    assert (height.max(), width.max()) == (30, 30)
    assert (torch.maximum(height, width) == 30).all()  # one side is always whole


def test_the_same_generator_gives_the_same_crops() -> None:
    images = noise(8)
    first, again, other = (
        random_resized_crop(images, smallest=0.3, size=(20, 20), generator=generator(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_augment_brings_larger_images_to_the_size() -> None:
    images, indices = noise(4), torch.arange(4)
    config = AugmentConfig(resized_crop=0.4, flip="random", shift=2)
    crops = augment(images, config, indices=indices, epoch=0, generator=generator(), size=(32, 32))
    assert crops.shape == (4, 3, 32, 32)
    plain = augment(images, AugmentConfig(), indices=indices, epoch=0, generator=generator(), size=(32, 32))
    assert torch.equal(plain, resize(images, (32, 32)))
    cropped = AugmentConfig(resized_crop=0.4)
    same_size = augment(images, cropped, indices=indices, epoch=0, generator=generator())
    assert same_size.shape == images.shape
    assert not torch.equal(same_size, images)


def test_thin_stripes_become_grey() -> None:
    images = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    images[..., ::2] = 200
    small = crop_and_resize(images, *boxes((0, 0, 64, 64)), size=(16, 16))
    assert (small[..., 1:-1].int() - 100).abs().max() <= 4


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_same() -> None:
    images = noise(8)
    boxes = random_boxes(images.shape, smallest=0.3, generator=generator())
    on_gpu = crop_and_resize(images.cuda(), *(part.cuda() for part in boxes), size=(24, 24)).cpu()
    assert (on_gpu.int() - crop_and_resize(images, *boxes, size=(24, 24)).int()).abs().max() <= 1
    assert (resize(images.cuda(), (24, 24)).cpu().int() - resize(images, (24, 24)).int()).abs().max() <= 1


def test_boxes_one_by_one_are_the_same() -> None:
    parts = random_parts(1_000, smallest=0.08, generator=generator())
    for rows, columns in ((1, 7), (224, 224), (480, 640)):
        together = torch.stack(boxes_of(parts, rows, columns), dim=1)
        alone = torch.tensor([box_of(part, rows, columns) for part in parts.tolist()])
        assert (together - alone).abs().max() <= 1  # float32 and float64 round apart, rarely
        assert (together != alone).any(1).sum() < 5
