"""Vary training images, a whole batch at a time, on the device they live on.

`augment` applies what an `AugmentConfig` switches on, geometry first, then colour, then occlusion. What is off costs
nothing.
"""

from torch import Generator, Tensor

from sightline.config import AugmentConfig
from sightline.data.crop import alternating_flip, random_flip, random_shift


def augment(images: Tensor, config: AugmentConfig, *, indices: Tensor, epoch: int, generator: Generator) -> Tensor:
    """Images varied as `config` says: uint8 (B, C, H, W) -> the same shape and dtype.

    indices: (B,) int64, where each image stands in its data set; with `epoch` it decides an alternating flip.
    generator: on the images' device; the same state gives the same result. With everything off the very tensor that
    came in is returned.
    """
    if config.flip == "random":
        images = random_flip(images, generator=generator)
    if config.flip == "alternating":
        images = alternating_flip(images, indices=indices, epoch=epoch)
    if config.vertical_flip:
        images = random_flip(images, axis=-2, generator=generator)
    if config.shift:
        images = random_shift(images, amount=config.shift, padding=config.padding, generator=generator)
    return images
