"""Mirror images and take shifted crops of them: whole pixels move, none is resampled.

All functions are pure: (B, C, H, W) of any dtype in, a new tensor of the same dtype out. Randomness comes from the
generator that is passed, which must live on the images' device.
"""

from typing import Literal

import torch
from torch import Generator, Tensor

from sightline.data.randomness import scrambled_bit

Padding = Literal["reflect", "edge", "constant"]

# Values of an image from which on a CPU turns the chosen ones one by one, in a third of the time; smaller images would
# wait for the calls.
ALONE = 16_384

# From so many values on torch wakes a team of threads for a copy. It would wait for the next one in a busy loop, on the
# cores that are decoding the next images: they took 1.15 ms of a core each instead of 0.74.
TEAM = 32_768


def mirror(images: Tensor, chosen: Tensor, *, axis: int = -1) -> Tensor:
    """Images with those where `chosen` (B,) bool holds mirrored: axis -1 is left-right, axis -2 top-bottom."""
    count = len(images)
    if images.device.type == "cpu" and count and images[0].numel() >= ALONE:
        mirrored = torch.empty_like(images)
        other = -1 if axis == -2 else -2
        lines = max(1, (TEAM - 1) * images.shape[other] // images[0].numel())
        for image, copy, turned in zip(images, mirrored, chosen.tolist(), strict=True):
            for part, place in zip(image.split(lines, other), copy.split(lines, other), strict=True):
                place.copy_(part.flip(axis) if turned else part)
        return mirrored
    # Selecting rows from originals and mirrors is three plain copies: five times faster than torch.where on uint8.
    both = torch.cat([images, images.flip(axis)])
    rows = torch.arange(count, device=images.device) + count * chosen.to(torch.int64)
    return both.index_select(0, rows)


def random_flip(images: Tensor, *, axis: int = -1, p: float = 0.5, generator: Generator) -> Tensor:
    """Each image mirrored with probability `p`, 0 to 1: axis -1 is left-right, axis -2 top-bottom."""
    chosen = torch.rand(len(images), generator=generator, device=images.device) < p
    return mirror(images, chosen, axis=axis)


def alternating_flip(images: Tensor, *, indices: Tensor, epoch: int) -> Tensor:
    """Images mirrored left-right in every other epoch, about half of them in the even ones.

    Which half is told by a hash of each image's index (B,) in its data set, so that two consecutive epochs show every
    image both ways; a random flip shows half of them the same way twice. From arXiv 2404.00498, section 3.6.
    """
    return mirror(images, (scrambled_bit(indices) + epoch) % 2 == 1)


def pad(images: Tensor, amount: int, *, padding: Padding = "reflect") -> Tensor:
    """Images with `amount` pixels more on every side: (B, C, H, W) -> (B, C, H + 2 amount, W + 2 amount).

    reflect mirrors at the border pixel without repeating it, edge repeats the border pixel, constant is 0.
    """
    # torch.nn.functional.pad reflects no uint8, and index_select with cat takes half as long again.
    batch, channels, height, width = images.shape
    padded = images.new_zeros(batch, channels, height + 2 * amount, width + 2 * amount)
    padded[..., amount : amount + height, amount : amount + width] = images
    if padding == "constant":
        return padded
    for axis, size in ((-1, width), (-2, height)):
        first, last = amount, amount + size - 1  # of the image's own pixels
        for step in range(1, amount + 1):
            inwards = min(step, size - 1) if padding == "reflect" else 0
            padded.select(axis, first - step).copy_(padded.select(axis, first + inwards))
            padded.select(axis, last + step).copy_(padded.select(axis, last - inwards))
    return padded


def crop_at(images: Tensor, top: Tensor, left: Tensor, *, size: tuple[int, int]) -> Tensor:
    """A window of `size` (h, w) from each image, its corner at `top`, `left` (B,) int64: -> (B, C, h, w).

    Windows must lie inside the images.
    """
    (batch, channels, height, width), (h, w) = images.shape, size
    images = images.contiguous()
    # Every run of w neighbouring values in memory is one row of `runs`. Selecting rows copies memory in runs of w:
    # five times faster than fancy indexing, which copies value by value.
    runs = images.as_strided((images.numel() - w + 1, w), (1, 1))
    device = images.device
    planes = torch.arange(batch * channels, device=device).view(batch, channels, 1) * (height * width)
    lines = torch.arange(h, device=device) * width
    starts = planes + (top * width + left).view(batch, 1, 1) + lines
    return runs.index_select(0, starts.flatten()).view(batch, channels, h, w)


def random_shift(images: Tensor, *, amount: int, padding: Padding = "reflect", generator: Generator) -> Tensor:
    """Each image moved by whole pixels, -amount to +amount in both directions alike: a random crop of the padded image.

    What comes in at the border is said by `padding`; see `pad`.
    """
    corners = torch.randint(0, 2 * amount + 1, (2, len(images)), generator=generator, device=images.device)
    height, width = images.shape[-2:]
    return crop_at(pad(images, amount, padding=padding), corners[0], corners[1], size=(height, width))
