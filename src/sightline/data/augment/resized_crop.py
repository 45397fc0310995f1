"""Random resized crops: a random part of each image, brought to one size.

Going deeper with convolutions (arXiv 1409.4842, section 6): a part of 8 to 100 % of the image's area whose aspect ratio
is between 3/4 and 4/3. As in torchvision the ratio is drawn evenly on a logarithmic scale; what does not fit into the
image is cut to its border, where torchvision draws again up to ten times.

Shrinking is antialiased: each pixel is the mean of all it covers, weighted by a triangle, as in Pillow's "bilinear".
Resampling to the same size twice blurs a little, so keep images at least as large as the largest crop needs.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from sightline.data.randomness import uniform
from sightline.machine.threads import usable_cores

RUN = 8  # images a thread takes at a time
RATIO = 4 / 3  # of width to height at most, and of height to width


def random_resized_crop(images: Tensor, *, smallest: float, size: tuple[int, int], generator: Generator) -> Tensor:
    """A random part of each image, resized: uint8 (B, C, H, W) -> uint8 (B, C, h, w) with (h, w) = `size`.

    smallest: the least share of the area that is kept, above 0 to 1.
    """
    parts = random_parts(len(images), smallest=smallest, generator=generator)
    return crop_and_resize(images, *boxes_of(parts, images.shape[2], images.shape[3]), size=size)


def random_parts(count: int, *, smallest: float, generator: Generator) -> Tensor:
    """Random parts of images of any size: share of the area, ratio, and where from 0 to 1 down and across: (B, 4)."""
    share = uniform(smallest, 1, count, generator=generator)
    ratio = torch.exp(uniform(-math.log(RATIO), math.log(RATIO), count, generator=generator))
    down, across = (uniform(0, 1, count, generator=generator) for _ in range(2))
    return torch.stack([share, ratio, down, across], dim=1)


def boxes_of(parts: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Top, left, height and width of the parts (B, 4) of images of this size, in whole pixels: int64 (B,) each."""
    share, ratio, down, across = parts.unbind(1)
    area = rows * columns * share
    height = torch.sqrt(area / ratio).round().clamp(1, rows)
    width = torch.sqrt(area * ratio).round().clamp(1, columns)
    top, left = (down * (rows - height)).round(), (across * (columns - width)).round()
    return top.long(), left.long(), height.long(), width.long()


def box_of(part: Sequence[float], rows: int, columns: int) -> tuple[int, int, int, int]:
    """`boxes_of` for one image, ten times as fast as with tensors; threads that decode ask for each one by one."""
    share, ratio, down, across = part
    area = rows * columns * share
    height = min(max(1, round(math.sqrt(area / ratio))), rows)
    width = min(max(1, round(math.sqrt(area * ratio))), columns)
    return round(down * (rows - height)), round(across * (columns - width)), height, width


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """The whole images at another size, antialiased: uint8 (B, C, H, W) -> uint8 (B, C, h, w)."""
    if images.device.type == "cpu":
        return F.interpolate(images, size=size, mode="bilinear", antialias=True)
    return F.interpolate(images.float(), size=size, mode="bilinear", antialias=True).round().to(torch.uint8)


def crop_and_resize(
    images: Tensor,
    top: Tensor,
    left: Tensor,
    height: Tensor,
    width: Tensor,
    *,
    size: tuple[int, int],
    rows: Tensor | None = None,
) -> Tensor:
    """The given part of each image, resized: uint8 (B, C, H, W) -> uint8 (B, C, h, w); boxes as `boxes_of` gives.

    rows: (B,) int64, where the images of the boxes stand in `images` (N, C, H, W); by default one box belongs to each.

    On a CPU torch's uint8 resize, image by image in as many threads as there are cores, takes 0.11 ms of one core for
    224 x 224 pixels with channels last in memory, more with channels apart; the crops lie as the images do.
    Sampling a whole batch in floats takes 1.2 ms an image, and is not antialiased. On a GPU one matrix product per axis
    does all images at once. The two differ by one level at most, from rounding.
    """
    if images.device.type != "cpu":
        chosen = images if rows is None else images.index_select(0, rows)
        return resampled(chosen, top, left, height, width, size=size)
    count, channels = len(top), images.shape[1]
    places = range(count) if rows is None else rows.tolist()
    together = images.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if together else torch.contiguous_format
    crops = torch.empty((count, channels, *size), dtype=torch.uint8, memory_format=layout)
    # Copied by NumPy, which does it in the thread that asks: torch would wake a team of threads in each of ours.
    order = (0, 2, 3, 1) if together else (0, 1, 2, 3)
    source, target = images.permute(order).numpy(), crops.permute(order).numpy()
    boxes = torch.stack([top, left, top + height, left + width], dim=1).tolist()

    def crop(first: int) -> None:
        for i in range(first, min(first + RUN, count)):
            y0, x0, y1, x1 = boxes[i]
            box = np.s_[y0:y1, x0:x1] if together else np.s_[:, y0:y1, x0:x1]
            part = torch.from_numpy(source[places[i]][box].copy())[None]
            resized = resize(part.permute(0, 3, 1, 2) if together else part, size)
            target[i] = resized.permute(order)[0].numpy()

    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(crop, range(0, count, RUN)))
    return crops


def resampled(
    images: Tensor, top: Tensor, left: Tensor, height: Tensor, width: Tensor, *, size: tuple[int, int]
) -> Tensor:
    """`crop_and_resize` as two matrix products over the batch."""
    rows = _weights(top, height, images.shape[2], size[0])  # (B, h, H)
    columns = _weights(left, width, images.shape[3], size[1])  # (B, w, W)
    crops = rows[:, None] @ images.float() @ columns[:, None].mT  # (B, C, h, w)
    return crops.round().clamp(0, 255).to(torch.uint8)


def _weights(start: Tensor, length: Tensor, pixels: int, outputs: int) -> Tensor:
    """How much each pixel of an axis counts in each output, float32 (B, outputs, pixels); 0 outside the part."""
    scale = (length / outputs).view(-1, 1, 1)  # pixels an output covers
    centres = start.view(-1, 1, 1) + (torch.arange(outputs, device=start.device).view(1, -1, 1) + 0.5) * scale
    position = torch.arange(pixels, device=start.device)
    distance = (position + 0.5 - centres).abs() / scale.clamp(min=1)
    inside = (position >= start[:, None]) & (position < (start + length)[:, None])  # (B, pixels)
    weights = (1 - distance).clamp(min=0) * inside[:, None]
    return weights / weights.sum(-1, keepdim=True)
