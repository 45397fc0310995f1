"""Rows of pixels, and what is being read."""

from concurrent.futures import Future

import torch

from sightline.data.images import Reading, rows_of
from sightline.errors import ImageError


def test_rows_keep_how_channels_lie_in_memory() -> None:
    images = torch.arange(4 * 3 * 5 * 6).view(4, 3, 5, 6)
    chosen = torch.tensor([2, 0, 2])
    for source in (images, images.contiguous(memory_format=torch.channels_last)):
        rows = rows_of(source, chosen)
        assert torch.equal(rows, images[chosen])
        assert rows.stride() == source.stride()


def test_a_reading_is_done_when_all_its_parts_are() -> None:
    parts = [Future[dict[int, ImageError]]() for _ in range(2)]
    pixels, damaged = torch.zeros(4, 1, 2, 2, dtype=torch.uint8), ImageError("damaged")
    parts[1].set_result({3: damaged})
    parts[0].set_result({})
    assert Reading(pixels, parts).result() == (pixels, {3: damaged})
    assert Reading(pixels).result() == (pixels, {})
