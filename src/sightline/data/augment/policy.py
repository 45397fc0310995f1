"""Augmentation policies from torchvision: a few random operations an image, chosen from a fixed list."""

from typing import Literal

import torch
from torch import Generator, Tensor

from sightline.data.randomness import global_generator_from
from sightline.machine.late_compiler import late_compiler


def random_policy(images: Tensor, *, policy: Literal["rand", "trivial"], generator: Generator) -> Tensor:
    """Each image under operations of its own. uint8 (B, C, H, W) -> the same shape.

    rand: RandAugment (arXiv 1909.13719), two operations at magnitude 9 of 30. trivial: TrivialAugmentWide (arXiv
    2103.10158), one operation at a random magnitude. Both as torchvision.transforms.v2 has them. They are slow, 0.1 to
    0.2 ms for a small image and 1 ms for a photo, because torchvision draws once a call and so must see single images.
    """
    with late_compiler():
        from torchvision.transforms import v2  # imported late: it takes a while and most trainings use no policy

    transform = v2.RandAugment() if policy == "rand" else v2.TrivialAugmentWide()
    with global_generator_from(generator):
        return torch.stack([transform(image) for image in images])
