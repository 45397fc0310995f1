"""What a report shows besides scores says what it is about."""

import torch

from sightline.data.imageset import ArrayImages, ImageSet
from sightline.reporting.material import NOTHING, Material


def test_whose_labels_were_looked_at() -> None:
    pixels = torch.zeros(1, 1, 1, 1, dtype=torch.uint8).expand(5000, 1, 1, 1)
    images = ImageSet(ArrayImages(pixels), torch.zeros(5000, dtype=torch.int64), ("cat",), ("",) * 5000)
    assert Material(suspects=(), suspect_images=images).among == "of the 5,000 training images looked at"
    assert Material(suspects=()).among == "of the test images"


def test_nobody_looked_is_not_the_same_as_nothing_was_found() -> None:
    assert NOTHING.suspects is None
    assert Material(suspects=()).suspects is not None
    assert (NOTHING.saliency, NOTHING.slices, NOTHING.snapshots, NOTHING.left_out) == ({}, (), (), "")
