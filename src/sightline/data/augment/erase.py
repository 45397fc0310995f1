"""Hide a part of each image, so that no single part is relied on: random erasing and cutout."""

import math

import torch
from torch import Generator, Tensor

from sightline.data.randomness import uniform

ERASED_AREA = (0.02, 0.2)  # fraction of the image
ERASED_LOG_ASPECT = math.log(1 / 0.3)  # of height over width, so that tall and wide are alike


def random_erase(images: Tensor, *, p: float, generator: Generator) -> Tensor:
    """With probability `p`, 0 to 1, a rectangle of each image replaced by noise. uint8 (B, C, H, W) -> the same shape.

    The rectangle covers 2 to 20 % of the image, is 0.3 to 3.3 times as high as wide and lies wholly inside; each of
    its values is drawn evenly from 0 to 255. From arXiv 1708.04896 (RE-R), whose largest area is 40 %.
    """
    (count, _, height, width), device = images.shape, images.device
    area = uniform(*ERASED_AREA, count, generator=generator) * (height * width)
    aspect = uniform(-ERASED_LOG_ASPECT, ERASED_LOG_ASPECT, count, generator=generator).exp()
    tall = (area * aspect).sqrt().round().clamp(1, height)
    wide = (area / aspect).sqrt().round().clamp(1, width)
    top = ((height - tall + 1) * torch.rand(count, generator=generator, device=device)).floor()
    left = ((width - wide + 1) * torch.rand(count, generator=generator, device=device)).floor()
    chosen = torch.rand(count, generator=generator, device=device) < p
    noise = torch.randint(0, 256, images.shape, generator=generator, device=device, dtype=torch.uint8)
    inside = rectangle(top, left, tall * chosen, wide, size=(height, width))
    return torch.where(inside, noise, images)


def cutout(images: Tensor, *, side: int, generator: Generator) -> Tensor:
    """A square of `side` pixels in each image replaced by its mean colour. uint8 (B, C, H, W) -> the same shape.

    Its centre is any pixel, so that it may lie partly outside, as in arXiv 1708.04552. There it is filled with the
    data set's mean, which this function does not know.
    """
    (count, _, height, width), device = images.shape, images.device
    top = torch.randint(0, height, (count,), generator=generator, device=device) - side // 2
    left = torch.randint(0, width, (count,), generator=generator, device=device) - side // 2
    sides = torch.full_like(top, side)
    mean = images.float().mean(dim=(2, 3), keepdim=True).round().to(torch.uint8)
    return torch.where(rectangle(top, left, sides, sides, size=(height, width)), mean, images)


def rectangle(top: Tensor, left: Tensor, tall: Tensor, wide: Tensor, *, size: tuple[int, int]) -> Tensor:
    """Which pixels of an image of `size` (H, W) lie in each rectangle, given in pixels: (B,) -> bool (B, 1, H, W)."""
    rows = torch.arange(size[0], device=top.device)
    columns = torch.arange(size[1], device=top.device)
    in_rows = (rows >= top[:, None]) & (rows < (top + tall)[:, None])  # (B, H)
    in_columns = (columns >= left[:, None]) & (columns < (left + wide)[:, None])  # (B, W)
    return (in_rows[:, :, None] & in_columns[:, None, :])[:, None]
