"""Vary training images, a whole batch at a time, on the device they live on.

`augment` applies what an `AugmentConfig` switches on, geometry first, then colour, then occlusion. What is off costs
nothing.
"""

from torch import Generator, Tensor

from sightline.config import AugmentConfig
from sightline.data.augment.affine import random_affine
from sightline.data.augment.color_jitter import random_color
from sightline.data.augment.crop import alternating_flip, random_flip, random_shift
from sightline.data.augment.erase import cutout, random_erase
from sightline.data.augment.policy import random_policy
from sightline.data.augment.resized_crop import random_resized_crop, resize


def augment(
    images: Tensor,
    config: AugmentConfig,
    *,
    indices: Tensor,
    epoch: int,
    generator: Generator,
    size: tuple[int, int] | None = None,
) -> Tensor:
    """Images varied as `config` says: uint8 (B, C, H, W) -> the same dtype, and the same shape unless `size` is given.

    indices: (B,) int64, where each image stands in its data set; with `epoch` it decides an alternating flip.
    size: (h, w) of the result, where the images are larger: their random crops, if there are any, or they themselves
        are resized to it.
    generator: on the images' device; the same state gives the same result. With everything off the very tensor that
    came in is returned.
    """
    size = size or (images.shape[2], images.shape[3])
    if config.resized_crop:
        images = random_resized_crop(images, smallest=config.resized_crop, size=size, generator=generator)
    elif images.shape[2:] != size:
        images = resize(images, size)
    if config.flip == "random":
        images = random_flip(images, generator=generator)
    if config.flip == "alternating":
        images = alternating_flip(images, indices=indices, epoch=epoch)
    if config.vertical_flip:
        images = random_flip(images, axis=-2, generator=generator)
    if config.rotate or config.zoom or config.shear:
        images = random_affine(
            images,
            rotate=config.rotate,
            zoom=config.zoom,
            shear=config.shear,
            shift=config.shift,  # free here, and the image is resampled only once
            padding=config.padding,
            generator=generator,
        )
    elif config.shift:
        images = random_shift(images, amount=config.shift, padding=config.padding, generator=generator)
    if config.policy != "none":
        images = random_policy(images, policy=config.policy, generator=generator)
    if config.brightness or config.contrast or config.saturation or config.hue:
        images = random_color(
            images,
            brightness=config.brightness,
            contrast=config.contrast,
            saturation=config.saturation,
            hue=config.hue,
            generator=generator,
        )
    if config.erase:
        images = random_erase(images, p=config.erase, generator=generator)
    if config.cutout:
        images = cutout(images, side=config.cutout, generator=generator)
    return images
