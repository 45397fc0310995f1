"""The keys by which features are found again."""

import torch
from torch import Generator

from sightline.training.feature_cache import pixel_keys


def test_equal_pixels_have_equal_keys_however_they_lie_in_memory() -> None:
    images = torch.randint(0, 256, (5, 3, 8, 6), dtype=torch.uint8, generator=Generator().manual_seed(0))
    keys = pixel_keys(images)
    assert len(set(keys.tolist())) == 5
    assert torch.equal(pixel_keys(images.contiguous(memory_format=torch.channels_last)), keys)
    images[2, 1, 7, 5] += 1
    assert (pixel_keys(images) == keys).tolist() == [True, True, False, True, True]
