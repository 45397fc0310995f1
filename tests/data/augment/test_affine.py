"""One resample for rotation, zoom, shear and shift: exact where pixels fall on pixels."""

import pytest
import torch
from torch import Generator, Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as reference

from sightline.data.augment.affine import affine, random_affine


def noise(count: int = 3, channels: int = 3, height: int = 9, width: int = 9) -> Tensor:
    shape = (count, channels, height, width)
    return torch.randint(0, 256, shape, generator=Generator().manual_seed(1), dtype=torch.uint8)


def moved(
    images: Tensor,
    *,
    angle: float = 0,
    scale: float = 1,
    shear: float = 0,
    shift: tuple[int, int] = (0, 0),
    padding: str = "constant",
) -> Tensor:
    count = len(images)
    return affine(
        images,
        angle=torch.full((count,), float(angle)),
        scale=torch.full((count,), float(scale)),
        shear=torch.full((count,), float(shear)),
        shift=torch.tensor([shift] * count),
        padding=padding,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("size", [(9, 9), (8, 8), (6, 11)])
@pytest.mark.parametrize("padding", ["reflect", "edge", "constant"])
def test_zero_parameters_change_nothing(size: tuple[int, int], padding: str) -> None:
    images = noise(3, 3, *size)
    assert torch.equal(moved(images, padding=padding), images)


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("quarters", [1, 2, 3, -1])
def test_quarter_turns_agree_with_rot90(size: int, quarters: int) -> None:
    images = noise(2, 3, size, size)
    assert torch.equal(moved(images, angle=90 * quarters), torch.rot90(images, quarters, (-2, -1)))


def test_half_turn_of_an_image_that_is_not_square() -> None:
    images = noise(2, 1, 6, 10)
    assert torch.equal(moved(images, angle=180), images.flip(-1, -2))


def test_shift_moves_right_and_down() -> None:
    images = noise(2, 3, 7, 9)
    shifted = moved(images, shift=(2, 1))
    assert torch.equal(shifted[..., 1:, 2:], images[..., :-1, :-2])
    assert not shifted[..., 0, :].any()
    assert not shifted[..., :, :2].any()


def test_shift_comes_after_the_turn() -> None:
    images = noise(1, 1, 8, 8)
    turned = torch.rot90(images, 1, (-2, -1))
    assert torch.equal(moved(images, angle=90, shift=(3, 0))[..., 3:], turned[..., :-3])


def test_edge_padding_repeats_the_border_and_reflection_mirrors_it() -> None:
    images = torch.tensor([10, 20, 30, 40], dtype=torch.uint8).view(1, 1, 1, 4)
    assert moved(images, shift=(2, 0), padding="edge").flatten().tolist() == [10, 10, 10, 20]
    assert moved(images, shift=(2, 0), padding="reflect").flatten().tolist() == [20, 10, 10, 20]
    assert moved(images, shift=(2, 0), padding="constant").flatten().tolist() == [0, 0, 10, 20]


def test_twice_as_large_repeats_the_middle() -> None:
    images = torch.tensor([0, 80, 160, 240], dtype=torch.uint8).view(1, 1, 1, 4)
    # Output centres -1.5 -0.5 0.5 1.5 come from -0.75 -0.25 0.25 0.75, between the inner two and their neighbours.
    assert moved(images, scale=2, padding="edge").flatten().tolist() == [60, 100, 140, 180]


def test_shear_moves_the_bottom_right() -> None:
    images = torch.zeros(1, 1, 3, 5, dtype=torch.uint8)
    images[..., 2] = 200
    sheared = moved(images, shear=45)
    assert sheared[0, 0].tolist() == [[0, 200, 0, 0, 0], [0, 0, 200, 0, 0], [0, 0, 0, 200, 0]]


def test_shear_comes_before_the_turn() -> None:
    images = noise(1, 1, 9, 9)
    sheared = moved(images, shear=45)
    assert torch.equal(moved(images, shear=45, angle=90), torch.rot90(sheared, 1, (-2, -1)))


def test_agrees_with_torchvision_on_an_odd_angle_and_scale() -> None:
    images = noise(2, 3, 16, 12)
    expected = reference.affine(
        images.float(),
        angle=-20,  # torchvision turns clockwise
        translate=[2, -1],
        scale=0.8,
        shear=[0, 0],
        interpolation=InterpolationMode.BILINEAR,
    )
    difference = moved(images, angle=20, scale=0.8, shift=(2, -1)).float() - expected
    assert difference.abs().max() <= 0.51  # rounding


def test_each_image_has_its_own_amounts() -> None:
    images = noise(1, 3, 8, 8).expand(2, -1, -1, -1)
    angle, one, zero = torch.tensor([0.0, 90.0]), torch.ones(2), torch.zeros(2)
    turned = affine(images, angle=angle, scale=one, shear=zero, shift=torch.zeros(2, 2))
    assert torch.equal(turned[0], images[0])
    assert torch.equal(turned[1], torch.rot90(images[1], 1, (-2, -1)))


def test_random_affine_follows_its_generator() -> None:
    images = noise(8)

    def draw(seed: int) -> Tensor:
        return random_affine(images, rotate=20, zoom=0.2, shear=10, shift=1, generator=Generator().manual_seed(seed))

    assert draw(0).shape == images.shape
    assert draw(0).dtype == torch.uint8
    assert torch.equal(draw(0), draw(0))
    assert not torch.equal(draw(0), draw(1))


def test_random_affine_with_shift_alone_moves_whole_pixels() -> None:
    images = noise(50, 1, 9, 9)
    shifted = random_affine(images, shift=2, padding="constant", generator=Generator().manual_seed(0))
    offsets = set()
    for image, result in zip(images[:, 0], shifted[:, 0], strict=True):
        framed = torch.nn.functional.pad(image, (2, 2, 2, 2))
        places = [(y, x) for y in range(5) for x in range(5) if torch.equal(framed[y : y + 9, x : x + 9], result)]
        assert len(places) == 1
        offsets.add(places[0])
    assert len(offsets) > 15  # of 25
