"""What an image is recognised by when it comes back as a copy: 466 bytes that survive resizing and re-encoding.

The content print is equal for equal bytes only. The perceptual print is a small thumbnail rather than a hash of bits:
it can be mirrored, shifted and enlarged when two images are compared, which a hash cannot, and costs hardly more.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.errors import InputError

SIDE = 20  # pixels of the thumbnail's brightness, down and across
COLOUR_SIDE = 5  # pixels of its colour
CONTENT_BYTES = 16
PERCEPTUAL_BYTES = SIDE**2 + 2 * COLOUR_SIDE**2
NEUTRAL = 128  # the level of Cb and Cr that means no colour
CHUNK = 1_024  # images resized at a time, so that their float32 copies stay small

# RGB -> luma, Cb, Cr as JPEG has them (ITU-T T.871, section 7).
YCBCR = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]],
    dtype=np.float32,
)


@dataclass(frozen=True, eq=False)
class Prints:
    """The prints of N images.

    content: uint8 (N, 16), BLAKE2b of the file's bytes, or of the pixels of images in memory.
    perceptual: uint8 (N, 450), luma of 20 x 20 pixels, then Cb and Cr of 5 x 5 each, row by row.
    """

    content: NDArray[np.uint8]
    perceptual: NDArray[np.uint8]

    def __post_init__(self) -> None:
        shapes = self.content.shape, self.perceptual.shape
        count = len(self.content)
        if shapes != ((count, CONTENT_BYTES), (count, PERCEPTUAL_BYTES)):
            what = f"prints have the shapes {shapes[0]} and {shapes[1]}"
            raise InputError(what, hint=f"give (N, {CONTENT_BYTES}) and (N, {PERCEPTUAL_BYTES})")

    def __len__(self) -> int:
        return len(self.content)


def join(parts: Sequence[Prints]) -> Prints:
    """The prints of several sets as one, in that order, so that copies across them can be found."""
    return Prints(
        content=np.concatenate([part.content for part in parts]),
        perceptual=np.concatenate([part.perceptual for part in parts]),
    )


def content_print(data: bytes) -> NDArray[np.uint8]:
    """What equal bytes have in common: uint8 (16,)."""
    return np.frombuffer(hashlib.blake2b(data, digest_size=CONTENT_BYTES).digest(), dtype=np.uint8)


def fingerprint(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The perceptual print, uint8 (450,), of one image, uint8 (H, W, 3) or (H, W, 1), of any size.

    Raises InputError for another dtype or shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
        raise InputError(f"the image is {image.dtype} of shape {image.shape}", hint="use uint8 (H, W, 3) or (H, W, 1)")
    source = Image.fromarray(image if image.shape[2] == 3 else image[:, :, 0])
    # The triangle filter blurs a little, and so its thumbnail can be shifted by parts of a pixel without aliasing: of
    # crops recognised at the same rate of false alarms it gave 3 points more than the box filter.
    small = np.asarray(source.resize((SIDE, SIDE), Image.Resampling.BILINEAR), dtype=np.float32)
    planes = small.reshape(SIDE, SIDE, -1).transpose(2, 0, 1)
    prints: NDArray[np.uint8] = _prints_of(planes[None])[0]
    return prints


def fingerprint_arrays(images: NDArray[np.uint8]) -> Prints:
    """The prints of images in memory, uint8 (N, C, H, W) with C 1 or 3: those `fingerprint` gives, within a level.

    Raises InputError for another dtype or shape.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        what = f"the images are {images.dtype} of shape {images.shape}"
        raise InputError(what, hint="use uint8 (N, 3, H, W) or (N, 1, H, W)")
    count, _, height, width = images.shape
    down, across = _triangle_filter(height), _triangle_filter(width).T
    content = np.empty((count, CONTENT_BYTES), dtype=np.uint8)
    perceptual = np.empty((count, PERCEPTUAL_BYTES), dtype=np.uint8)
    for start in range(0, count, CHUNK):
        chunk = np.ascontiguousarray(images[start : start + CHUNK])
        digests = (hashlib.blake2b(image, digest_size=CONTENT_BYTES).digest() for image in chunk)
        content[start : start + CHUNK] = np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, CONTENT_BYTES)
        perceptual[start : start + CHUNK] = _prints_of(down @ chunk.astype(np.float32) @ across)
    return Prints(content=content, perceptual=perceptual)


def luma(perceptual: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Brightness of the thumbnails, 0 to 255: (N, 450) -> float32 (N, 20, 20)."""
    return perceptual[:, : SIDE**2].reshape(-1, SIDE, SIDE).astype(np.float32)


def chroma(perceptual: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Colour of the thumbnails, Cb and Cr, -128 to 127: (N, 450) -> float32 (N, 2, 5, 5)."""
    return perceptual[:, SIDE**2 :].reshape(-1, 2, COLOUR_SIDE, COLOUR_SIDE).astype(np.float32) - NEUTRAL


def _prints_of(small: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Thumbnails (n, C, 20, 20), 0 to 255, as prints (n, 450)."""
    count, channels = small.shape[:2]
    prints = np.full((count, PERCEPTUAL_BYTES), NEUTRAL, dtype=np.uint8)
    if channels == 1:
        prints[:, : SIDE**2] = _levels(small)
        return prints
    planes = YCBCR @ small.reshape(count, 3, -1)
    prints[:, : SIDE**2] = _levels(planes[:, 0])
    block = SIDE // COLOUR_SIDE
    blocks = planes[:, 1:].reshape(count, 2, COLOUR_SIDE, block, COLOUR_SIDE, block)
    prints[:, SIDE**2 :] = _levels(blocks.mean(axis=(3, 5)) + NEUTRAL)
    return prints


def _levels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.rint(values).clip(0, 255).astype(np.uint8).reshape(len(values), -1)
    return levels


def _triangle_filter(size: int) -> NDArray[np.float32]:
    """What resizes `size` pixels to 20, as Pillow's BILINEAR does: (20, size), each row summing to 1."""
    scale = size / SIDE
    centres = (np.arange(SIDE) + 0.5) * scale
    distance = np.abs(np.arange(size) + 0.5 - centres[:, None]) / max(scale, 1.0)
    weights = np.maximum(1 - distance, 0)
    normalised: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised
