"""Flips, padding and shifts move whole pixels, so every result can be written down."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor
from torch.nn import functional as F

from sightline.data.augment.crop import ALONE, TEAM, alternating_flip, crop_at, mirror, pad, random_flip, random_shift


def numbered(count: int, channels: int = 3, height: int = 5, width: int = 4) -> Tensor:
    """Images in which every value tells its place, uint8 (B, C, H, W)."""
    values = torch.arange(count * channels * height * width) % 256
    return values.to(torch.uint8).view(count, channels, height, width)


def generator(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def test_mirror_turns_the_chosen_images_only() -> None:
    images = torch.tensor([[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]]], dtype=torch.uint8)
    chosen = torch.tensor([False, True])
    assert mirror(images, chosen).tolist() == [[[[1, 2], [3, 4]]], [[[6, 5], [8, 7]]]]
    assert mirror(images, chosen, axis=-2).tolist() == [[[[1, 2], [3, 4]]], [[[7, 8], [5, 6]]]]


@pytest.mark.parametrize(("height", "width", "least"), [(80, 90, ALONE), (131, 153, TEAM)])
@pytest.mark.parametrize("axis", [-1, -2])
def test_large_images_are_mirrored_one_by_one_and_alike(axis: int, height: int, width: int, least: int) -> None:
    images = numbered(6, 3, height, width)
    assert images[0].numel() >= least
    chosen = torch.tensor([True, False, True, True, False, False])
    expected = torch.where(chosen.view(-1, 1, 1, 1), images.flip(axis), images)
    before = images.clone()
    assert torch.equal(mirror(images, chosen, axis=axis), expected)
    together = mirror(images.contiguous(memory_format=torch.channels_last), chosen, axis=axis)
    assert torch.equal(together, expected)
    assert together.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images, before)


def test_random_flip_turns_about_half() -> None:
    images = numbered(1, 1, 1, 2).expand(10_000, -1, -1, -1)
    flipped = random_flip(images, generator=generator())
    turned = int((flipped[:, 0, 0, 0] == 1).sum())
    assert 4_800 < turned < 5_200  # four standard deviations
    assert torch.equal(random_flip(images, generator=generator()), flipped)
    assert not torch.equal(random_flip(images, generator=generator(1)), flipped)


@pytest.mark.parametrize(("p", "first"), [(0.0, 0), (1.0, 1)])
def test_random_flip_obeys_a_certain_probability(p: float, first: int) -> None:
    images = numbered(1, 1, 1, 2).expand(100, -1, -1, -1)
    assert (random_flip(images, p=p, generator=generator())[:, 0, 0, 0] == first).all()


def test_alternating_flip_shows_each_image_both_ways_in_turn() -> None:
    images, indices = numbered(40), torch.arange(100, 140)
    epochs = [alternating_flip(images, indices=indices, epoch=epoch) for epoch in range(4)]
    assert torch.equal(epochs[1], epochs[0].flip(-1))
    assert torch.equal(epochs[2], epochs[0])
    assert torch.equal(epochs[3], epochs[1])


def test_alternating_flip_starts_with_half_and_depends_on_the_index_alone() -> None:
    indices = torch.arange(10_000)
    images = numbered(1, 1, 1, 2).expand(10_000, -1, -1, -1)
    flipped = alternating_flip(images, indices=indices, epoch=0)
    assert 4_800 < int((flipped[:, 0, 0, 0] == 1).sum()) < 5_200
    order = torch.randperm(10_000, generator=generator())
    assert torch.equal(alternating_flip(images, indices=indices[order], epoch=0), flipped[order])


def test_pad_by_hand() -> None:
    row = torch.tensor([1, 2, 3], dtype=torch.uint8).view(1, 1, 1, 3).expand(1, 1, 3, 3)
    assert pad(row, 2, padding="reflect")[0, 0, 0].tolist() == [3, 2, 1, 2, 3, 2, 1]
    assert pad(row, 2, padding="edge")[0, 0, 0].tolist() == [1, 1, 1, 2, 3, 3, 3]
    assert pad(row, 2, padding="constant")[0, 0].tolist() == [[0] * 7] * 2 + [[0, 0, 1, 2, 3, 0, 0]] * 3 + [[0] * 7] * 2


@pytest.mark.parametrize(("padding", "mode"), [("reflect", "reflect"), ("edge", "replicate"), ("constant", "constant")])
def test_pad_agrees_with_torch(padding: str, mode: str) -> None:
    images = numbered(2, 3, 7, 6)
    expected = F.pad(images.float(), (3, 3, 3, 3), mode=mode).to(torch.uint8)
    assert torch.equal(pad(images, 3, padding=padding), expected)  # type: ignore[arg-type]


def test_reflection_beyond_the_image_stops_at_its_far_border() -> None:
    row = torch.tensor([1, 2], dtype=torch.uint8).view(1, 1, 1, 2)
    assert pad(row, 3)[0, 0, 0].tolist() == [2, 2, 2, 1, 2, 1, 1, 1]


@settings(max_examples=40)
@given(st.data())
def test_crop_at_is_slicing(data: st.DataObject) -> None:
    batch, channels = data.draw(st.integers(1, 4)), data.draw(st.sampled_from([1, 3]))
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    h, w = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    corner = st.tuples(st.integers(0, height - h), st.integers(0, width - w))
    corners = data.draw(st.lists(corner, min_size=batch, max_size=batch))
    images = numbered(batch + 1, channels, height, width)[1:]  # begins in the middle of its storage
    cropped = crop_at(images, *torch.tensor(corners).T, size=(h, w))
    for image, crop, (top, left) in zip(images, cropped, corners, strict=True):
        assert torch.equal(crop, image[:, top : top + h, left : left + w])


def test_crop_at_reads_images_that_are_not_contiguous() -> None:
    images = numbered(2, 3, 6, 6).to(memory_format=torch.channels_last)
    cropped = crop_at(images, torch.tensor([1, 0]), torch.tensor([2, 3]), size=(3, 3))
    assert torch.equal(cropped, torch.stack([images[0, :, 1:4, 2:5], images[1, :, 0:3, 3:6]]))


def test_random_shift_reaches_every_offset_equally() -> None:
    image = torch.zeros(1, 1, 5, 5, dtype=torch.uint8)
    image[0, 0, 2, 2] = 1
    shifted = random_shift(image.expand(9_000, -1, -1, -1), amount=1, padding="constant", generator=generator())
    counts = shifted.sum(dim=0)[0].tolist()  # where the dot went
    inner = [counts[y][x] for y in (1, 2, 3) for x in (1, 2, 3)]
    assert sum(inner) == 9_000
    assert all(870 < count < 1_130 for count in inner)  # each 1,000 on average, four standard deviations


def test_random_shift_fills_with_what_padding_says() -> None:
    image = torch.tensor([1, 2, 3], dtype=torch.uint8).view(1, 1, 1, 3).expand(200, 1, 3, 3)
    shifted = random_shift(image, amount=1, padding="edge", generator=generator())
    assert {tuple(row) for row in shifted[:, 0, 1].tolist()} == {(1, 1, 2), (1, 2, 3), (2, 3, 3)}
    shifted = random_shift(image, amount=1, padding="reflect", generator=generator())
    assert {tuple(row) for row in shifted[:, 0, 1].tolist()} == {(2, 1, 2), (1, 2, 3), (2, 3, 2)}
