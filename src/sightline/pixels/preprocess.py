"""How an image becomes what a network sees: the `Preprocess` object, saved with the weights and used everywhere."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline import config
from sightline.config import require, require_choices
from sightline.errors import InputError
from sightline.pixels.color import gray_to_rgb, rgb_to_gray
from sightline.pixels.decode import read_image

if TYPE_CHECKING:  # `sightline --help` must not wait for torch
    import torch
    from torch import Tensor

# Channel means of ImageNet's training images, RGB in [0, 1], and the mean over images of each one's own deviation: of
# a random subset nobody remembers (github.com/pytorch/vision/pull/1965), but most pretrained networks expect them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True, kw_only=True)
class Preprocess:
    """Size, shape and scale of a network's input.

    size: (H, W) in pixels.
    channels: 3 for RGB, 1 for grey (ITU-R 601).
    fit: how an image of another shape is brought to `size`. "crop": the largest centred part with the wanted aspect
        ratio is resized; "pad": the whole image is resized and centred, the border filled with the mean colour (which
        normalises to about 0, like a network's own padding); "squash": the aspect ratio is given up.
    interpolation: of the resize. All but "nearest" widen their filter when shrinking, so that nothing aliases.
    mean, std: per channel, of pixels scaled to [0, 1].

    Raises ConfigError for values that make no sense.
    """

    size: tuple[int, int]
    channels: int = 3
    fit: Literal["crop", "pad", "squash"] = "crop"
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bilinear"
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        require_choices(self)
        require(min(self.size) >= 1, f"size is {self.size}", "use a height and a width of 1 pixel or more")
        require(self.channels in (1, 3), f"channels is {self.channels}", "use 1 (grey) or 3 (RGB)")
        for name, values in (("mean", self.mean), ("std", self.std)):
            what = f"{name} has {len(values)} values for {self.channels} channels"
            require(len(values) == self.channels, what, "give one value for each channel")
            require(all(map(math.isfinite, values)), f"{name} is {values}", "use finite numbers")
        require(min(self.std) > 0, f"std is {self.std}", "use values above 0")

    def read(self, source: str | os.PathLike[str] | bytes) -> NDArray[np.uint8]:
        """An image file as the network sees it, before scaling: uint8 (C, h, w), channels last. Raises ImageError.

        Channels last in memory, as images are decoded, resized and best convolved: to part the colours and to bring
        them together again took as long as half of the resize.

        A JPEG is decoded at a smaller scale that is still twice the size needed, where there is one: of the clothing
        photos at 96 pixels the result differs from that of the full decode by 1.3 levels of 255 on average, and would
        by 2.6 if it were decoded at no less than once the size.
        """
        return self._planes(read_image(source, min_size=2 * max(self.size)), self._to_size)

    def read_part(
        self, source: str | os.PathLike[str] | bytes, box: Callable[[int, int], tuple[int, int, int, int]]
    ) -> NDArray[np.uint8]:
        """A part of what `read` would show, as large as the whole: uint8 (C, h, w), channels last. Raises ImageError.

        A part of a padded image has no border: it is cut from the image itself.

        box: from the height and width of what would be seen, the part's top, left, height and width in pixels. It is
        resized once, from the decoded image.
        """
        view = self._visible(read_image(source, min_size=2 * max(self.size)))
        top, left, height, width = box(*view.shape[:2])
        return self._planes(view[top : top + height, left : left + width], lambda part: self._resized(part, self.size))

    def pixels(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """uint8 (H, W, 3 or 1) of any size -> contiguous uint8 (C, h, w). An image of the right size keeps its bytes.

        Raises InputError for another dtype or shape.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3) or image.size == 0:
            what = f"the image is {image.dtype} of shape {image.shape}"
            raise InputError(what, hint="use uint8 (H, W, 3) or (H, W, 1)")
        return np.ascontiguousarray(self._planes(image, self._to_size))

    def _planes(
        self, image: NDArray[np.uint8], resize: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
    ) -> NDArray[np.uint8]:
        """uint8 (H, W, 3 or 1) -> uint8 (C, h, w), channels last in memory, of what `resize` makes of it."""
        if self.channels == 1 and image.shape[2] == 3:
            image = rgb_to_gray(image)[:, :, None]
        image = resize(image)
        if self.channels == 3 and image.shape[2] == 1:
            image = gray_to_rgb(image[:, :, 0])
        return image.transpose(2, 0, 1)

    def normalise(self, batch: "Tensor") -> "Tensor":
        """uint8 (B, C, H, W) -> float32 (B, C, H, W), channels last, on the same device: (x / 255 - mean) / std.

        Raises InputError for another dtype or number of channels.
        """
        import torch

        if batch.dtype != torch.uint8 or batch.shape[1] != self.channels:
            what = f"the batch is {batch.dtype} of shape {tuple(batch.shape)}"
            raise InputError(what, hint=f"give torch.uint8 (B, {self.channels}, H, W)")
        return scaled(batch, *_scale_and_shift_of_a_row(self.mean, self.std, batch.shape[3], batch.device))

    def to_json(self) -> dict[str, Any]:
        """The settings as plain JSON types."""
        return config.to_json(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Preprocess":
        """The settings from plain JSON types. Raises ConfigError naming an unknown key or an impossible value."""
        return config.from_json(cls, data, where="preprocess")

    def describe(self) -> str:
        """One sentence for reports and summaries."""
        height, width = self.size
        colour = "RGB" if self.channels == 3 else "Grey"
        words = {
            "crop": f"cropped to the centre and resized to {width} x {height} pixels",
            "pad": f"resized and padded with the mean colour to {width} x {height} pixels",
            "squash": f"resized to {width} x {height} pixels whatever their shape",
        }[self.fit]
        mean, std = (", ".join(f"{value:.4g}" for value in values) for values in (self.mean, self.std))
        return f"{colour} images {words} ({self.interpolation}), scaled to [0, 1], minus mean {mean}, over std {std}."

    def _to_size(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """uint8 (H, W, C) -> uint8 (h, w, C)."""
        height, width = image.shape[:2]
        wanted_height, wanted_width = self.size
        if (height, width) == self.size:
            return image
        if self.fit == "squash":
            return self._resized(image, self.size)
        if self.fit == "crop":
            return self._resized(self._visible(image), self.size)
        scale = max(height / wanted_height, width / wanted_width)
        inner = (max(1, round(height / scale)), max(1, round(width / scale)))
        top, left = (wanted_height - inner[0]) // 2, (wanted_width - inner[1]) // 2
        border = self._border(image.shape[2])
        canvas = np.broadcast_to(border, (*self.size, image.shape[2])).copy()
        canvas[top : top + inner[0], left : left + inner[1]] = self._resized(image, inner)
        return canvas

    def _visible(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What a network sees at all of uint8 (H, W, C): with fit "crop" the centre, in the shape of `size`."""
        if self.fit != "crop":
            return image
        height, width = image.shape[:2]
        scale = min(height / self.size[0], width / self.size[1])
        crop_height, crop_width = max(1, round(self.size[0] * scale)), max(1, round(self.size[1] * scale))
        top, left = (height - crop_height) // 2, (width - crop_width) // 2
        return image[top : top + crop_height, left : left + crop_width]

    def _resized(self, image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
        """uint8 (H, W, C) -> uint8 (h, w, C), antialiased unless nearest."""
        if self.interpolation in ("bilinear", "bicubic"):
            import torch
            from torch.nn import functional as F

            # Pillow's arithmetic (the results differ by a rounding, if at all) in half the time: Pillow copies every
            # image into a format of its own and back. https://github.com/pytorch/pytorch/pull/96848
            # The axis of one image comes in front, so that torch sees channels last and leaves them there.
            batch = torch.from_numpy(np.require(image, requirements=["C", "W"]))[None].permute(0, 3, 1, 2)
            resized = F.interpolate(batch, size=size, mode=self.interpolation, antialias=True)
            return resized[0].permute(1, 2, 0).numpy()
        channels = image.shape[2]
        source = Image.fromarray(image[:, :, 0] if channels == 1 else image)
        resized_image = source.resize((size[1], size[0]), RESAMPLING[self.interpolation])
        return np.asarray(resized_image).reshape(*size, channels)

    def _border(self, channels: int) -> NDArray[np.uint8]:
        """The mean colour, uint8 (channels,)."""
        mean = np.array(self.mean) if channels == self.channels else np.mean(self.mean, keepdims=True)
        border: NDArray[np.uint8] = np.rint(255 * mean).clip(0, 255).astype(np.uint8)
        return border


def scale_and_shift(mean: tuple[float, ...], std: tuple[float, ...]) -> tuple["Tensor", "Tensor"]:
    """(x / 255 - mean) / std as scale * x + shift, each float32 (C,)."""
    import torch

    return torch.tensor([1 / (255 * s) for s in std]), torch.tensor([-m / s for m, s in zip(mean, std, strict=True)])


def scaled(batch: "Tensor", scale: "Tensor", shift: "Tensor") -> "Tensor":
    """scale * x + shift of uint8 (B, C, H, W): float32 (B, C, H, W), channels last.

    scale, shift: float32 (W * C,), for each value of a channels-last image row. One multiply-add over whole rows is
    four times as fast on a CPU as broadcasting over three channels.
    """
    import torch

    size, channels, height, width = batch.shape
    values = batch.to(torch.float32, memory_format=torch.channels_last)
    rows = values.permute(0, 2, 3, 1).view(size * height, width * channels)  # the same memory
    torch.addcmul(shift, rows, scale, out=rows)
    return values


@cache
def _scale_and_shift_of_a_row(
    mean: tuple[float, ...], std: tuple[float, ...], width: int, device: "torch.device"
) -> tuple["Tensor", "Tensor"]:
    """`scale_and_shift` for `scaled`. Kept, because copying them to a GPU would wait for it at every batch."""
    scale, shift = scale_and_shift(mean, std)
    return scale.to(device).repeat(width), shift.to(device).repeat(width)
