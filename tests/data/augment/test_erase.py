"""Erased rectangles and cut-out squares: where they lie, how large they are, what fills them."""

import pytest
import torch
from torch import Generator, Tensor

from sightline.data.augment.erase import cutout, random_erase, rectangle


def flat(count: int, value: int = 0, height: int = 20, width: int = 30) -> Tensor:
    return torch.full((count, 3, height, width), value, dtype=torch.uint8)


def generator(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def test_rectangle_by_hand() -> None:
    inside = rectangle(torch.tensor([1]), torch.tensor([0]), torch.tensor([1]), torch.tensor([2]), size=(3, 3))
    assert inside[0, 0].int().tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_rectangle_is_clipped_at_the_border() -> None:
    inside = rectangle(torch.tensor([-1]), torch.tensor([2]), torch.tensor([2]), torch.tensor([2]), size=(3, 3))
    assert inside[0, 0].int().tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_erased_rectangles_keep_their_area_and_shape() -> None:
    # Noise is 0 in one of 256 values; over three channels a changed pixel is missed once in 16 million.
    changed = (random_erase(flat(500), p=1, generator=generator()) != 0).any(dim=1)
    heights = changed.any(dim=2).sum(dim=1)
    widths = changed.any(dim=1).sum(dim=1)
    assert torch.equal(changed.sum(dim=(1, 2)), heights * widths)  # one solid rectangle
    share = heights * widths / (20 * 30)
    assert 0.01 < share.min() < 0.04  # 2 %, but for whole pixels
    assert 0.17 < share.max() < 0.23
    aspect = heights / widths
    assert 0.2 < aspect.min() < 0.4
    assert 2.5 < aspect.max() < 4.5


def test_erasing_spreads_over_the_whole_image() -> None:
    changed = (random_erase(flat(2_000), p=1, generator=generator()) != 0).any(dim=1)
    assert changed.any(dim=0).all()


@pytest.mark.parametrize(("p", "low", "high"), [(0.0, 0, 0), (0.25, 430, 570), (1.0, 2_000, 2_000)])
def test_erasing_happens_with_its_probability(p: float, low: int, high: int) -> None:
    erased = random_erase(flat(2_000), p=p, generator=generator()).flatten(1).any(dim=1)
    assert low <= int(erased.sum()) <= high


def test_erasing_fills_with_noise_and_leaves_the_rest() -> None:
    images = flat(300, 7)
    erased = random_erase(images, p=1, generator=generator())
    values = erased[(erased != 7)].float()
    assert values.mean().item() == pytest.approx(127.5, abs=2)
    assert values.min() == 0
    assert values.max() == 255
    assert torch.equal(images, flat(300, 7))  # the input is untouched


def test_cutout_is_a_square_of_the_mean_colour() -> None:
    images = flat(200, 0, 9, 9)
    images[:, 0, :, :3] = 90  # the red mean is 30
    cut = cutout(images, side=5, generator=generator())
    assert set(cut[:, 0].unique().tolist()) == {0, 30, 90}
    assert not cut[:, 1:].any()
    hidden = cut[:, 0] == 30
    assert hidden.sum(dim=(1, 2)).max() == 25  # wholly inside
    assert hidden.sum(dim=(1, 2)).min() == 9  # centred on a corner
    assert hidden.flatten(1).any(dim=1).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_same_generator_same_result(seed: int) -> None:
    images = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8, generator=generator())
    for function in (
        lambda g: random_erase(images, p=0.5, generator=g),
        lambda g: cutout(images, side=3, generator=g),
    ):
        result = function(generator(seed))
        assert result.shape == images.shape
        assert result.dtype == torch.uint8
        assert torch.equal(result, function(generator(seed)))
