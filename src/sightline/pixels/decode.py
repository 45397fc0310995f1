"""Image bytes -> RGB uint8 (H, W, 3), upright: whatever the file's mode, depth, orientation or state.

What becomes of the unusual, by rule rather than by accident:

- type: told by the first bytes, never by the suffix; only the readers in `READERS` ever see the bytes
- several frames or pages (GIF, APNG, WebP, AVIF, TIFF, MPO): the first
- orientation: applied, from EXIF or XMP, in every format that carries it
- transparency (alpha channel, palette, PNG's transparency chunk): composited on white
- 16-bit grey: 0..65535 scaled to 0..255; 32-bit grey: as 16-bit where its values fit, else lowest..highest
- float grey: 0..1 scaled to 0..255 where its values fit, else lowest..highest; NaN and infinities count as lowest
- CMYK and YCCK: converted without a colour profile; inverted in JPEG files, as Adobe writes them
- colour profiles: not applied, as in the other libraries people train with

Pillow's decoders release the GIL, so threads decode in parallel.
"""

import io
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from sightline.errors import ImageError

BACKGROUND = (255, 255, 255)  # what shows through transparent pixels
MAX_PIXELS = 100_000_000

# How a file of each format begins (its first 64 bytes) and what reads it. Asking Pillow's own `Image.open` would also
# run decoders that start other programs (EPS) or are rarely exercised, and refuses above its own, global pixel limit.
READERS: tuple[tuple[str, re.Pattern[bytes], Callable[[BinaryIO], ImageFile.ImageFile]], ...] = (
    ("JPEG", re.compile(rb"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n"), PngImagePlugin.PngImageFile),
    ("WebP", re.compile(rb"RIFF....WEBP", re.DOTALL), WebPImagePlugin.WebPImageFile),
    ("BMP", re.compile(rb"BM"), BmpImagePlugin.BmpImageFile),
    ("GIF", re.compile(rb"GIF8[79]a"), GifImagePlugin.GifImageFile),
    ("TIFF", re.compile(rb"II[*+]\0|MM\0[*+]"), TiffImagePlugin.TiffImageFile),
    ("AVIF", re.compile(rb"....ftyp(avif|avis)", re.DOTALL), AvifImagePlugin.AvifImageFile),
    ("PNM", re.compile(rb"P[1-6]\s"), PpmImagePlugin.PpmImageFile),
)

# What else is found under an image's name, so that the message can say it.
STRANGERS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"\s*<(!doctype html|html|head|body)", re.IGNORECASE), "an HTML page (a failed download?)"),
    (re.compile(rb"version https://git-lfs"), "a Git LFS pointer (run `git lfs pull`)"),
    (re.compile(rb"....ftyp(hei|hev|mif1|msf1)", re.DOTALL), "a HEIC photo"),
    (re.compile(rb"\s*<(\?xml|svg)"), "an SVG or XML document"),
    (re.compile(rb"%PDF|%!PS|\xc5\xd0\xd3\xc6"), "a PDF or PostScript document"),
    (re.compile(rb"8BPS"), "a Photoshop document"),
    (re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"), "a JPEG 2000 image"),
    (re.compile(rb"PK\x03\x04|\x1f\x8b|Rar!|7z\xbc\xaf"), "an archive"),
)

UPRIGHT = {  # EXIF orientation -> what turns the stored image upright (Exif 2.32, tag 0x0112)
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ORIENTATION_TAG = 0x0112


def read_image(
    source: str | os.PathLike[str] | bytes, *, max_pixels: int = MAX_PIXELS, min_size: int | None = None
) -> NDArray[np.uint8]:
    """One image file as RGB uint8 (H, W, 3), upright, C-contiguous and writable.

    source: a path, or the file's bytes.
    max_pixels: larger images are refused before any pixel is decoded.
    min_size: a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size (faster) as long as its short side keeps at least
        this many pixels; None decodes at full size.

    Raises ImageError, naming the file and the reason, for whatever cannot be read as an image.
    """
    name = "from memory" if isinstance(source, bytes) else os.fspath(source)
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as stream, _pillow_silenced():
            image = _open(stream, name)
            _check_size(image, name, max_pixels)
            if min_size is not None:
                image.draft(None, (min_size, min_size))  # JPEG only; the other readers ignore it
            image.load()
            return _to_rgb_array(_upright(image))
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise _unreadable(name, "there is no such file", "check the path") from error
    except IsADirectoryError as error:
        raise _unreadable(name, "it is a folder", "give the path of a file") from error
    except PermissionError as error:
        raise _unreadable(name, "permission denied", "make the file readable") from error
    except Exception as error:  # Pillow's readers raise about fifteen unrelated types for damaged bytes
        reason = f"it is damaged or truncated ({_first_line(error)})"
        raise _unreadable(name, reason, "remove the file or get an intact copy") from error


def _open(stream: BinaryIO, name: str) -> ImageFile.ImageFile:
    """The image's header, by the reader its first bytes ask for. No pixel is decoded yet."""
    start = stream.read(64)
    stream.seek(0)
    if not start:
        raise _unreadable(name, "the file is empty", "remove the file or get an intact copy")
    for _, signature, reader in READERS:
        if signature.match(start):
            return reader(stream)
    found = next((what for signature, what in STRANGERS if signature.match(start)), "of an unknown type")
    formats = ", ".join(format_name for format_name, _, _ in READERS)
    raise _unreadable(name, f"it is {found}, not an image of a supported type", f"convert it to one of {formats}")


def _check_size(image: Image.Image, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise _unreadable(name, f"it has no pixels ({width} x {height})", "remove the file or get an intact copy")
    if width * height > max_pixels:
        size = f"{width} x {height} pixels are {width * height / 1e6:,.1f} megapixels"
        hint = "make the image smaller or raise max_pixels"
        raise _unreadable(name, f"its {size}, more than the limit of {max_pixels / 1e6:,.1f}", hint)


def _upright(image: Image.Image) -> Image.Image:
    """`image`, loaded, turned as its EXIF orientation says."""
    try:
        orientation = image.getexif().get(ORIENTATION_TAG)
    except Exception:  # damaged EXIF raises as variously as damaged pixels; the pixels are fine without it
        return image
    turn = UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _to_rgb_array(image: Image.Image) -> NDArray[np.uint8]:
    """Any Pillow mode as RGB uint8 (H, W, 3)."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _deep_grey_to_rgb(np.asarray(image), image.info.get("transparency"))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        opaque = Image.new("RGB", image.size, BACKGROUND)
        opaque.paste(image, mask=image.getchannel("A"))
        return np.array(opaque)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _deep_grey_to_rgb(values: NDArray[np.generic], transparent: object) -> NDArray[np.uint8]:
    """Grey (H, W) of 16 or 32 bits or float -> RGB uint8 (H, W, 3). `transparent`: the value that is see-through."""
    levels = np.nan_to_num(values.astype(np.float64), nan=-np.inf, posinf=-np.inf, neginf=-np.inf)
    finite = levels[np.isfinite(levels)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    nominal = 1.0 if values.dtype.kind == "f" else 65535.0
    if low >= 0 and high <= nominal:
        low, high = 0.0, nominal
    levels = (np.maximum(levels, low) - low) * (255 / max(high - low, np.finfo(np.float64).tiny))
    grey = np.rint(levels).astype(np.uint8)
    rgb = np.repeat(grey[:, :, None], 3, axis=2)
    if isinstance(transparent, int):
        rgb[values == transparent] = BACKGROUND
    return rgb


def _unreadable(name: str, reason: str, hint: str) -> ImageError:
    return ImageError(f"cannot read image {name}: {reason}", hint=hint)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


_silence = ("ignore", None, Warning, re.compile(r"PIL\."), 0)
_silence_lock = threading.Lock()
_silence_users = 0


@contextmanager
def _pillow_silenced() -> Iterator[None]:
    """Keep Pillow's warnings about odd files from the user, in any number of threads at once.

    `warnings.catch_warnings` restores a copy of the process's filters and so undoes what other threads changed; this
    adds one filter while any thread decodes and takes away that one only.
    """
    global _silence_users
    with _silence_lock:
        _silence_users += 1
        if _silence not in warnings.filters:
            warnings.filters.insert(0, _silence)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        with _silence_lock:
            _silence_users -= 1
            if _silence_users == 0 and _silence in warnings.filters:
                warnings.filters.remove(_silence)  # type: ignore[attr-defined]
