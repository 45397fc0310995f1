"""Change brightness, contrast, saturation and hue, each image by amounts of its own.

The four `adjust_*` functions take float images (B, C, H, W) in [0, 1] and one number an image, and return floats in
[0, 1]. `random_color` draws the numbers and does all four in one pass over uint8 images.
"""

import torch
from torch import Generator, Tensor

from sightline.data.randomness import uniform


def random_color(
    images: Tensor,
    *,
    brightness: float = 0.0,
    contrast: float = 0.0,
    saturation: float = 0.0,
    hue: float = 0.0,
    generator: Generator,
) -> Tensor:
    """Each image with its colours changed, in this order. uint8 (B, C, H, W) -> the same shape.

    brightness, contrast, saturation: 0 to 1; the factor is drawn uniformly from 1 - value to 1 + value.
    hue: 0 to 0.5; the turn is drawn uniformly from -hue to +hue of the colour circle. Grey images (C = 1) have neither
    saturation nor hue and skip these two.
    """
    count = len(images)
    colors = images.float() / 255
    if brightness:
        colors = adjust_brightness(colors, uniform(1 - brightness, 1 + brightness, count, generator=generator))
    if contrast:
        colors = adjust_contrast(colors, uniform(1 - contrast, 1 + contrast, count, generator=generator))
    if images.shape[1] == 3 and saturation:
        colors = adjust_saturation(colors, uniform(1 - saturation, 1 + saturation, count, generator=generator))
    if images.shape[1] == 3 and hue:
        colors = adjust_hue(colors, uniform(-hue, hue, count, generator=generator))
    return (colors * 255).round_().to(torch.uint8)


def adjust_brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Every value times `factor` (B,), 0 or more: 0 is black, 1 no change, 2 twice as bright."""
    return (images * factor[:, None, None, None]).clamp_(0, 1)


def adjust_contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Every value's distance from the image's mean luma times `factor` (B,): 0 is one flat grey, 1 no change."""
    mean = luma(images).mean(dim=(1, 2, 3), keepdim=True)
    return (mean + (images - mean) * factor[:, None, None, None]).clamp_(0, 1)


def adjust_saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Every colour's distance from its own grey times `factor` (B,): 0 is a grey image, 1 no change. C must be 3."""
    grey = luma(images)
    return (grey + (images - grey) * factor[:, None, None, None]).clamp_(0, 1)


def adjust_hue(images: Tensor, turn: Tensor) -> Tensor:
    """Every hue turned by `turn` (B,) of the colour circle, -0.5 to 0.5; HSV value and chroma stay. C must be 3.

    1/3 makes red green, green blue, and blue red.
    """
    red, green, blue = images.unbind(1)
    value, chroma = images.amax(1), images.amax(1) - images.amin(1)
    safe = torch.where(chroma > 0, chroma, 1.0)
    # Hue in sixths of the circle, counted from red: which channel is largest says in which third it lies.
    sixths = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    sixths = sixths + 6 * turn[:, None, None]
    # Each channel is `value` near its own hue and falls to `value - chroma` within two sixths of it.
    channels = []
    for start in (5, 3, 1):
        position = (start + sixths) % 6
        channels.append(value - chroma * torch.minimum(position, 4 - position).clamp(0, 1))
    return torch.stack(channels, dim=1)


def luma(images: Tensor) -> Tensor:
    """Brightness as ITU-R 601 weighs it, (B, C, H, W) -> (B, 1, H, W); grey images are their own."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.unbind(1)
    return (0.299 * red + 0.587 * green + 0.114 * blue)[:, None]
