"""Image bytes -> RGB uint8 (H, W, 3), upright: whatever the file's mode, depth, orientation or state.

What becomes of the unusual, by rule rather than by accident:

- type: told by the first bytes, never by the suffix; only the readers in `READERS` ever see the bytes
- several frames or pages (GIF, APNG, WebP, AVIF, TIFF, MPO): the first
- orientation: applied, from EXIF or XMP, in every format that carries it
- transparency (alpha channel, palette, PNG's transparency chunk): composited on white
- grey of 12 and 16 bits: scaled to 0..255; of 32 bits: as 16 where the values fit, else lowest..highest is scaled
- float grey: 0..1 scaled to 0..255 where the values fit, else lowest..highest; NaN and infinities count as lowest
- CMYK and YCCK: converted without a colour profile; taken as inverted in JPEG files, as Adobe writes them
- colour profiles: not applied, as in the other libraries people train with

JPEGs are decoded by simplejpeg where it is installed and Pillow has nothing to add: the same pixels, by the same
libjpeg-turbo, in half the time (docs/decisions/0009). Both release the GIL, so threads decode in parallel. For a
damaged TIFF, libtiff itself may write a line to standard error besides the ImageError raised here.
"""

import contextlib
import io
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

try:
    import simplejpeg  # type: ignore[import-untyped]
except ImportError:  # no wheel for this platform
    simplejpeg = None

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
    ("AVIF", re.compile(rb"....ftyp(avif|avis|m[is]f1.{0,40}avif)", re.DOTALL), AvifImagePlugin.AvifImageFile),
    ("PNM", re.compile(rb"P[1-6]\s"), PpmImagePlugin.PpmImageFile),
)

# Other things are found under an image's name: so the message can say which.
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
LYING = {UPRIGHT[code] for code in (5, 6, 7, 8)}  # these exchange width and height
ORIENTATION_TAG = 0x0112
MAKE_TAG, MODEL_TAG = 0x010F, 0x0110
BITS_TAG, PHOTOMETRIC_TAG, WHITE_IS_ZERO = 258, 262, 0  # TIFF 6.0, section 8


@dataclass(frozen=True)
class Header:
    """What a file says of its image besides the pixels.

    mode: Pillow's, e.g. "RGB", "L", "P". width, height: in pixels at full size, upright. rotated: an orientation was
    applied. camera: maker and model from EXIF, empty when it has none.
    """

    mode: str
    width: int
    height: int
    rotated: bool
    camera: str


def read_image(
    source: str | os.PathLike[str] | bytes,
    *,
    name: str = "from memory",
    max_pixels: int = MAX_PIXELS,
    min_size: int | None = None,
) -> NDArray[np.uint8]:
    """One image file as RGB uint8 (H, W, 3), upright, C-contiguous and writable.

    source: a path, or the file's bytes. name: what errors call these bytes; a file is called by its path.
    max_pixels: larger images are refused before any pixel is decoded.
    min_size: a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size (faster) as long as its short side keeps at least
        this many pixels; None decodes at full size.

    Raises ImageError, naming the file and the reason, for whatever cannot be read as an image.
    """
    return read_with_header(source, name=name, max_pixels=max_pixels, min_size=min_size)[0]


def read_with_header(
    source: str | os.PathLike[str] | bytes,
    *,
    name: str = "from memory",
    max_pixels: int = MAX_PIXELS,
    min_size: int | None = None,
) -> tuple[NDArray[np.uint8], Header]:
    """The image as `read_image` reads it, and what else its file says. Raises ImageError."""
    name = name if isinstance(source, bytes) else os.fspath(source)
    with (
        image_errors(name),
        io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as stream,
        _pillow_silenced(),
    ):
        image = _open(stream, name)
        _check_size(image, name, max_pixels)
        mode, (width, height) = image.mode, image.size
        if min_size is not None:
            image.draft(None, (min_size, min_size))  # JPEG only; the other readers ignore it
        pixels = _jpeg_pixels(image, stream)
        if pixels is None:
            _correct_transparent_colour(image)
            image.load()
        turn = _turn_upright(image)
        if turn in LYING:
            width, height = height, width
        header = Header(mode, width, height, turn is not None, _camera(image))
        if pixels is not None and turn is None:
            return pixels, header
        rgb = _to_rgb(image) if pixels is None else Image.fromarray(pixels)
        return np.array(rgb if turn is None else rgb.transpose(turn)), header


@contextmanager
def image_errors(name: str) -> Iterator[None]:
    """Turn whatever the block raises into an ImageError that names the image and the reason."""
    try:
        yield
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise _unreadable(name, "there is no such file", "check the path") from error
    except IsADirectoryError as error:
        raise _unreadable(name, "it is a folder", "give the path of a file") from error
    except PermissionError as error:
        raise _unreadable(name, "permission denied", "make the file readable") from error
    except Image.DecompressionBombError as error:  # a few of Pillow's readers have a fixed limit of their own
        raise _unreadable(name, f"it has too many pixels ({error})", "make the image smaller") from error
    except MemoryError as error:
        raise _unreadable(name, "there is not enough memory for it", "make the image smaller") from error
    except Exception as error:  # Pillow's readers raise about fifteen unrelated types for damaged bytes
        detail = (str(error).splitlines() or [type(error).__name__])[0]
        reason = f"it is damaged, truncated or of a rare kind ({detail})"
        raise _unreadable(name, reason, "remove the file, or get an intact copy") from error


def _open(stream: BinaryIO, name: str) -> ImageFile.ImageFile:
    """The image's header, by the reader its first bytes ask for. No pixel is decoded yet."""
    start = stream.read(64)
    stream.seek(0)
    if not start:
        raise _unreadable(name, "the file is empty", "remove the file, or get an intact copy")
    for _, signature, reader in READERS:
        if signature.match(start):
            return reader(stream)
    content = next((what for signature, what in STRANGERS if signature.match(start)), "not an image of a known type")
    formats = ", ".join(format_name for format_name, _, _ in READERS)
    raise _unreadable(name, f"it is {content}", f"the types read here are {formats}")


def _check_size(image: Image.Image, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise _unreadable(name, f"it has no pixels ({width} x {height})", "remove the file, or get an intact copy")
    if width * height > max_pixels:
        size = f"{width} x {height} pixels are {width * height / 1e6:,.1f} megapixels"
        hint = "make the image smaller or raise max_pixels"
        raise _unreadable(name, f"its {size}, more than the limit of {max_pixels / 1e6:,.1f}", hint)


def _jpeg_pixels(image: ImageFile.ImageFile, stream: BinaryIO) -> NDArray[np.uint8] | None:
    """A grey or RGB JPEG, opened and not yet loaded, as RGB uint8 (H, W, 3) of the size that `draft` has chosen.

    None for all others, and for damaged ones: Pillow then decides what can be made of them.
    """
    if simplejpeg is None or not isinstance(image, JpegImagePlugin.JpegImageFile) or image.mode not in ("L", "RGB"):
        return None
    width, height = image.size
    stream.seek(0)
    with contextlib.suppress(ValueError):
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(stream.read(), "RGB", min_height=height, min_width=width)
        if pixels.shape == (height, width, 3):
            return pixels
    return None


def _turn_upright(image: Image.Image) -> Image.Transpose | None:
    """What the EXIF orientation of a loaded image asks for (a TIFF has been turned by then and asks for nothing)."""
    try:
        return UPRIGHT.get(image.getexif().get(ORIENTATION_TAG, 1))
    except Exception:  # damaged EXIF raises as variously as damaged pixels; the pixels are fine without it
        return None


def _camera(image: ImageFile.ImageFile) -> str:
    """Maker and model of the camera that EXIF names, e.g. "Canon EOS 5D"; empty when it names none."""
    try:
        exif = image.getexif()
        make, model = (str(exif.get(tag, "")).strip(" \0") for tag in (MAKE_TAG, MODEL_TAG))
    except Exception:  # as above
        return ""
    return model if model.startswith(make) else f"{make} {model}".strip()


def _to_rgb(image: ImageFile.ImageFile) -> Image.Image:
    """Any Pillow mode as RGB, transparent pixels as BACKGROUND."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _deep_grey_to_rgb(image)
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    layered = image.convert("RGBA")
    opaque = Image.new("RGB", image.size, BACKGROUND)
    opaque.paste(layered, mask=layered.getchannel("A"))
    return opaque


def _deep_grey_to_rgb(image: ImageFile.ImageFile) -> Image.Image:
    """Grey of more than 8 bits (Pillow's modes I;16, I and F) as RGB."""
    values = np.asarray(image)
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    full = 1.0 if image.mode == "F" else 4095.0 if tags.get(BITS_TAG) == (12,) else 65535.0
    levels = values.astype(np.float32 if values.dtype.itemsize == 2 else np.float64)
    finite = np.isfinite(levels)
    low, high = levels.min(where=finite, initial=np.inf), levels.max(where=finite, initial=-np.inf)
    if low >= 0 and high <= full:
        low, high = 0.0, full
    levels = (np.where(finite, levels, low) - low) / ((high - low) or 1)
    if tags.get(PHOTOMETRIC_TAG) == WHITE_IS_ZERO:
        levels = 1 - levels
    grey = np.rint(levels * 255).astype(np.uint8)
    rgb = np.repeat(grey[:, :, None], 3, axis=2)
    if "transparency" in image.info:  # PNG: the one value that is see-through
        rgb[values == image.info["transparency"]] = BACKGROUND
    return Image.fromarray(rgb)


def _correct_transparent_colour(image: ImageFile.ImageFile) -> None:
    """Bring a PNG's transparent colour to the 8 bits of the pixels.

    The file has it at its own depth, and so does Pillow's `info`, although Pillow decodes grey of 2 and 4 bits and RGB
    of 16 bits to 8 and then compares.
    """
    colour = image.info.get("transparency")
    depth = image.tile[0].args if image.format == "PNG" and image.tile else None
    if isinstance(colour, int) and depth in ("L;2", "L;4"):
        image.info["transparency"] = colour * (85 if depth == "L;2" else 17)
    elif isinstance(colour, tuple) and depth == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in colour)


def _unreadable(name: str, reason: str, hint: str) -> ImageError:
    return ImageError(f"cannot read image {name}: {reason}", reason=reason, hint=hint)


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
