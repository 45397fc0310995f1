"""Rotate, zoom, shear and shift images in one bilinear resample, each image by amounts of its own."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from sightline.data.augment.crop import Padding
from sightline.data.randomness import uniform

# These are torch's names. Its reflection repeats the border pixel, which `crop.pad` does not.
_PADDING_MODES = {"reflect": "reflection", "edge": "border", "constant": "zeros"}


def random_affine(
    images: Tensor,
    *,
    rotate: float = 0.0,
    zoom: float = 0.0,
    shear: float = 0.0,
    shift: int = 0,
    padding: Padding = "reflect",
    generator: Generator,
) -> Tensor:
    """Each image rotated, zoomed, sheared and moved by random amounts, all in one resample. uint8 (B, C, H, W) -> same.

    rotate: degrees, 0 to 180; the angle is drawn from -rotate to +rotate. zoom: 0 to below 1; the scale is drawn from
    1 - zoom to 1 + zoom. shear: degrees, 0 to below 90. shift: whole pixels in both directions. All draws are uniform.
    """
    count, device = len(images), images.device
    return affine(
        images,
        angle=uniform(-rotate, rotate, count, generator=generator),
        scale=uniform(1 - zoom, 1 + zoom, count, generator=generator),
        shear=uniform(-shear, shear, count, generator=generator),
        shift=torch.randint(-shift, shift + 1, (count, 2), generator=generator, device=device),
        padding=padding,
    )


def affine(
    images: Tensor, *, angle: Tensor, scale: Tensor, shear: Tensor, shift: Tensor, padding: Padding = "reflect"
) -> Tensor:
    """Each image scaled, sheared, then rotated about its centre, then moved. uint8 (B, C, H, W) -> the same shape.

    angle: (B,) degrees, positive is counter-clockwise. scale: (B,) above 0, larger is closer. shear: (B,) degrees by
    which vertical lines lean, positive moves the bottom right. shift: (B, 2) pixels to the right and down.
    """
    matrix = inverse_matrix(angle, scale, shear, shift, size=(images.shape[-2], images.shape[-1]))
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    moved = F.grid_sample(
        images.float(), grid, mode="bilinear", padding_mode=_PADDING_MODES[padding], align_corners=False
    )
    return moved.round_().clamp_(0, 255).to(torch.uint8)


def inverse_matrix(angle: Tensor, scale: Tensor, shear: Tensor, shift: Tensor, *, size: tuple[int, int]) -> Tensor:
    """Where each output pixel comes from, float32 (B, 2, 3), in torch's coordinates (-1 to 1 across the image)."""
    height, width = size
    radians, lean = torch.deg2rad(angle), torch.tan(torch.deg2rad(shear))
    cos, sin = torch.cos(radians), torch.sin(radians)
    # Pixel coordinates about the centre, y down. Forwards: scale, x + lean * y, rotate; here backwards.
    top = torch.stack([cos - lean * sin, -sin - lean * cos], dim=1)
    bottom = torch.stack([sin, cos], dim=1)
    linear = torch.stack([top, bottom], dim=1) / scale[:, None, None]  # (B, 2, 2)
    # Torch's unit is half an image, which is not the same length across and down unless the image is square.
    unit = torch.tensor([width / 2, height / 2], device=angle.device)
    linear = linear * unit[None, None, :] / unit[None, :, None]
    offset = -linear @ (shift / unit)[:, :, None]
    return torch.cat([linear, offset], dim=2)
