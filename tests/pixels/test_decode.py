"""Every kind of file the promise names, made here byte by byte where the pixel values can be known in advance."""

import io
import os
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.errors import ImageError
from sightline.pixels import decode
from sightline.pixels.decode import READERS, read_image

ODD_IMAGES = Path(os.environ.get("SIGHTLINE_DATA", "/nowhere")) / "odd-pictures"
needs_odd_images = pytest.mark.skipif(
    not ODD_IMAGES.is_dir(), reason="needs odd-pictures/ in the folder that SIGHTLINE_DATA names"
)


def encoded(image: Image.Image, format_name: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format_name, **options)
    return stream.getvalue()


def attempt(source: Path | bytes, **options: int) -> np.ndarray | ImageError:
    try:
        return read_image(source, **options)
    except ImageError as error:
        return error


def assert_is_image(array: np.ndarray) -> None:
    assert array.dtype == np.uint8
    assert array.ndim == 3
    assert array.shape[2] == 3
    assert array.size > 0


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG from its parts; `rows` are packed samples, each row led by filter byte 0."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def grey_tiff(values: bytes, *, width: int, bits: int, photometric: int, sample_format: int = 1) -> bytes:
    """A one-row, little-endian TIFF from its parts (TIFF 6.0, section 2)."""
    short, long = 3, 4
    entries = [
        (256, long, width),
        (257, long, 1),
        (258, short, bits),
        (259, short, 1),  # no compression
        (262, short, photometric),
        (273, long, 8),  # the pixels follow the header
        (277, short, 1),
        (278, long, 1),
        (279, long, len(values)),
        (339, short, sample_format),
    ]
    directory = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    start = 8 + len(values)
    return (
        b"II*\0"
        + struct.pack("<I", start)
        + values
        + struct.pack("<H", len(entries))
        + directory
        + struct.pack("<I", 0)
    )


def grey(array: np.ndarray) -> list[list[int]]:
    """The one channel of an image whose channels are equal."""
    assert array.dtype == np.uint8
    assert (array == array[:, :, :1]).all()
    return array[:, :, 0].tolist()


PHOTO = Image.fromarray(np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3).astype(np.uint8) // 4 + 40)


class TestFormats:
    @pytest.mark.parametrize("format_name", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
    def test_lossless_formats_give_the_pixels_back(self, format_name):
        options = {"lossless": True} if format_name == "WEBP" else {}
        array = read_image(encoded(PHOTO, format_name, **options))
        assert array.tolist() == np.asarray(PHOTO).tolist()

    @pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
    def test_jpeg_is_close(self, options):
        smooth = PHOTO.resize((8, 8)).resize((64, 48), Image.Resampling.BICUBIC)
        array = read_image(encoded(smooth, "JPEG", quality=95, **options))
        assert np.abs(array.astype(int) - np.asarray(smooth)).mean() < 3

    def test_avif_is_close(self):
        flat = Image.new("RGB", (32, 16), (200, 100, 50))
        array = read_image(encoded(flat, "AVIF", quality=95))
        assert array.shape == (16, 32, 3)
        assert np.abs(array.astype(int) - (200, 100, 50)).max() <= 4

    def test_avif_under_its_general_brand(self):
        file = encoded(Image.new("RGB", (32, 16), (200, 100, 50)), "AVIF")
        assert file[4:12] == b"ftypavif"
        assert read_image(file[:8] + b"mif1" + file[12:]).shape == (16, 32, 3)

    def test_grey_jpeg_gets_three_equal_channels(self):
        array = read_image(encoded(Image.new("L", (10, 6), 77), "JPEG"))
        assert grey(array) == [[77] * 10] * 6

    def test_type_is_told_by_content_not_by_suffix(self, tmp_path):
        path = tmp_path / "really_a_png.jpg"
        path.write_bytes(encoded(PHOTO, "PNG"))
        assert read_image(path).tolist() == np.asarray(PHOTO).tolist()
        assert read_image(str(path)).tolist() == np.asarray(PHOTO).tolist()

    def test_result_can_be_written_to(self):
        array = read_image(encoded(PHOTO, "PNG"))
        array[0, 0] = 7
        assert array.flags.c_contiguous
        assert array[0, 0].tolist() == [7, 7, 7]

    @pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "TIFF"])
    def test_first_of_several_frames(self, format_name):
        frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue", "lime")]
        options = {"lossless": True} if format_name == "WEBP" else {}
        array = read_image(encoded(frames[0], format_name, save_all=True, append_images=frames[1:], **options))
        assert (array == (255, 0, 0)).all()


class TestDepths:
    """Samples written here by hand; what they must become follows from the depth alone."""

    def test_png_grey_of_1_2_4_and_8_bits(self):
        assert grey(read_image(png(4, 1, 1, 0, b"\0\x50"))) == [[0, 255, 0, 255]]
        assert grey(read_image(png(4, 1, 2, 0, b"\0\x1b"))) == [[0, 85, 170, 255]]
        assert grey(read_image(png(4, 1, 4, 0, b"\0\x05\xaf"))) == [[0, 85, 170, 255]]
        assert grey(read_image(png(4, 1, 8, 0, b"\0\x00\x01\xfe\xff"))) == [[0, 1, 254, 255]]

    def test_png_grey_of_16_bits_is_scaled_and_rounded(self):
        # 65535 / 255 = 257: 128 rounds down to 0, 129 up to 1, 257 is exactly 1.
        rows = b"\0" + struct.pack(">6H", 0, 128, 129, 257, 32768, 65535)
        assert grey(read_image(png(6, 1, 16, 0, rows))) == [[0, 0, 1, 1, 128, 255]]

    def test_png_rgb_of_16_bits(self):
        rows = b"\0" + struct.pack(">6H", 65535, 0, 32768, 257, 514, 771)
        assert read_image(png(2, 1, 16, 2, rows)).tolist() == [[[255, 0, 128], [1, 2, 3]]]

    def test_png_palette(self):
        palette = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255])
        array = read_image(png(3, 1, 8, 3, b"\0\x02\x00\x01", (b"PLTE", palette)))
        assert array.tolist() == [[[0, 0, 255], [255, 0, 0], [0, 255, 0]]]

    def test_tiff_of_16_bits(self):
        values = struct.pack("<3H", 0, 257, 65535)
        assert grey(read_image(grey_tiff(values, width=3, bits=16, photometric=1))) == [[0, 1, 255]]

    def test_tiff_of_16_bits_where_zero_is_white(self):
        values = struct.pack("<3H", 0, 257, 65535)
        assert grey(read_image(grey_tiff(values, width=3, bits=16, photometric=0))) == [[255, 254, 0]]

    def test_tiff_of_12_bits_uses_the_whole_range(self):
        values = bytes([0xFF, 0xF0, 0x00])  # 4095, 0
        assert grey(read_image(grey_tiff(values, width=2, bits=12, photometric=1))) == [[255, 0]]

    def test_tiff_of_32_bits_beyond_16_is_stretched(self):
        values = struct.pack("<3i", -1000, 0, 1000)
        file = grey_tiff(values, width=3, bits=32, photometric=1, sample_format=2)
        assert grey(read_image(file)) == [[0, 128, 255]]

    def test_float_tiff_from_0_to_1(self):
        values = struct.pack("<4f", 0.0, 0.2, 1.0, float("nan"))
        file = grey_tiff(values, width=4, bits=32, photometric=1, sample_format=3)
        assert grey(read_image(file)) == [[0, 51, 255, 0]]

    def test_float_tiff_of_another_range_is_stretched(self):
        values = struct.pack("<4f", -50.0, 0.0, 50.0, float("inf"))
        file = grey_tiff(values, width=4, bits=32, photometric=1, sample_format=3)
        assert grey(read_image(file)) == [[0, 128, 255, 0]]

    def test_constant_float_image_beyond_1_is_black(self):
        values = struct.pack("<2f", 7.0, 7.0)
        assert grey(read_image(grey_tiff(values, width=2, bits=32, photometric=1, sample_format=3))) == [[0, 0]]


class TestTransparency:
    """All on white."""

    def test_alpha_is_composited(self):
        image = Image.new("RGBA", (3, 1))
        image.putdata([(0, 0, 0, 0), (0, 0, 0, 51), (10, 20, 30, 255)])  # 51 is a fifth: 4/5 of the white is left
        expected = [[[255, 255, 255], [204, 204, 204], [10, 20, 30]]]
        for format_name in ("PNG", "TIFF", "WEBP"):
            options = {"lossless": True, "exact": True} if format_name == "WEBP" else {}
            assert read_image(encoded(image, format_name, **options)).tolist() == expected, format_name

    def test_grey_with_alpha(self):
        rows = b"\0" + bytes([0, 0, 100, 255])
        assert grey(read_image(png(2, 1, 8, 4, rows))) == [[255, 100]]

    def test_palette_with_transparency_chunk(self):
        palette = bytes([255, 0, 0, 0, 0, 0])
        for alphas, expected in ((b"\0", [255, 255, 255]), (b"\xcc", [255, 51, 51])):  # 0xcc is four fifths
            array = read_image(png(2, 1, 8, 3, b"\0\x00\x01", (b"PLTE", palette), (b"tRNS", alphas)))
            assert array.tolist() == [[expected, [0, 0, 0]]]

    @pytest.mark.parametrize(
        ("depth", "row", "key", "expected"),
        [
            (1, b"\x50", 0, [255, 255, 255, 255]),
            (2, b"\x1b", 2, [0, 85, 255, 255]),
            (4, b"\x05\xaf", 5, [0, 255, 170, 255]),
            (8, b"\x00\x01\x02\x03", 1, [0, 255, 2, 3]),
            (16, struct.pack(">4H", 0, 257, 514, 515), 514, [0, 1, 255, 2]),
        ],
    )
    def test_transparent_grey_at_every_depth(self, depth, row, key, expected):
        array = read_image(png(4, 1, depth, 0, b"\0" + row, (b"tRNS", struct.pack(">H", key))))
        assert grey(array) == [expected]

    def test_transparent_colour_of_8_and_16_bits(self):
        key8, key16 = struct.pack(">3H", 9, 8, 7), struct.pack(">3H", 0x0908, 0x0807, 0x0706)
        rows8, rows16 = b"\0" + bytes([9, 8, 7, 1, 2, 3]), b"\0" + key16 + struct.pack(">3H", 257, 514, 771)
        expected = [[[255, 255, 255], [1, 2, 3]]]
        assert read_image(png(2, 1, 8, 2, rows8, (b"tRNS", key8))).tolist() == expected
        assert read_image(png(2, 1, 16, 2, rows16, (b"tRNS", key16))).tolist() == expected

    def test_transparent_gif(self):
        image = Image.new("P", (2, 1))
        image.putpalette([255, 0, 0, 0, 0, 255])
        image.putdata([0, 1])
        assert read_image(encoded(image, "GIF", transparency=0)).tolist() == [[[255, 255, 255], [0, 0, 255]]]


class TestCmyk:
    """By arithmetic; OpenCV 5.0 decoded random files of both kinds to within 2 levels of what comes out here."""

    def test_adobe_jpeg_is_inverted(self):
        for ink, colour in (((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 255), (0, 0, 0)), ((0, 0, 0, 0), (255,) * 3)):
            array = read_image(encoded(Image.new("CMYK", (16, 16), ink), "JPEG", quality=100, subsampling=0))
            assert np.abs(array.astype(int) - colour).max() <= 3, ink

    def test_ycck_jpeg(self):
        # A CMYK file becomes YCCK by its Adobe marker's last byte. The stored planes are Y, Cb, Cr of the inks of red
        # (0, 255, 255), which are 179, 171, 0, and K; Pillow stores 255 minus what it is given.
        file = encoded(Image.new("CMYK", (16, 16), (255 - 179, 255 - 171, 255, 0)), "JPEG", quality=100)
        marker = file.index(b"Adobe")
        ycck = file[: marker + 11] + b"\x02" + file[marker + 12 :]
        assert np.abs(read_image(ycck).astype(int) - (255, 0, 0)).max() <= 3

    def test_tiff_is_not_inverted(self):
        array = read_image(encoded(Image.new("CMYK", (2, 2), (0, 255, 255, 0)), "TIFF"))
        assert (array == (255, 0, 0)).all()


class TestOrientation:
    """A red corner: stored at the top left, it must turn up where the EXIF orientation (1 to 8) puts it."""

    CORNERS = ((0, 0), (0, -1), (-1, -1), (-1, 0), (0, 0), (0, -1), (-1, -1), (-1, 0))

    @pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_every_format_that_carries_it(self, format_name, orientation):
        stored = Image.new("RGB", (64, 32), "white")
        stored.paste((255, 0, 0), (0, 0, 16, 16))
        exif = Image.Exif()
        exif[0x0112] = orientation
        array = read_image(
            encoded(stored, format_name, exif=exif, **({"quality": 95} if format_name != "TIFF" else {}))
        )
        assert array.shape == ((32, 64, 3) if orientation <= 4 else (64, 32, 3))
        reds = [corner for corner in ((0, 0), (0, -1), (-1, -1), (-1, 0)) if array[corner][1] < 128]
        assert reds == [self.CORNERS[orientation - 1]]

    def test_damaged_exif_leaves_the_image_as_stored(self):
        file = encoded(PHOTO, "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff broken")
        assert read_image(file).tolist() == np.asarray(PHOTO).tolist()

    @needs_odd_images
    def test_eight_photos_look_the_same(self):
        photos = [read_image(ODD_IMAGES / f"orientation/Landscape_{i}.jpg").astype(int) for i in range(1, 9)]
        assert {photo.shape for photo in photos} == {photos[0].shape}
        differences = [np.abs(photo - photos[0]).mean() for photo in photos]
        assert max(differences) < 4  # eight separate JPEG compressions of one photo
        assert np.abs(photos[0][:, ::-1] - photos[0]).mean() > 20  # what a missed flip would give


class TestLimits:
    def test_no_memory_is_not_called_damage(self, monkeypatch):
        def refuse(image: Image.Image) -> None:
            raise MemoryError

        monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", refuse)
        with pytest.raises(ImageError, match="there is not enough memory for it: make the image smaller"):
            read_image(encoded(PHOTO, "PNG"))

    def test_pixel_limit_comes_before_decoding(self):
        with pytest.raises(ImageError) as caught:
            read_image(png(30_000, 20_000, 8, 2, b""))  # there are no pixels to decode: only the header can speak
        assert str(caught.value) == (
            "cannot read image from memory: its 30000 x 20000 pixels are 600.0 megapixels, "
            "more than the limit of 100.0: make the image smaller or raise max_pixels"
        )

    def test_limit_can_be_set_either_way(self):
        file = encoded(PHOTO, "PNG")
        assert read_image(file, max_pixels=48 * 64).shape == (48, 64, 3)
        with pytest.raises(ImageError, match="more than the limit"):
            read_image(file, max_pixels=48 * 64 - 1)

    @pytest.mark.parametrize("height", [4_750, 9_000])
    def test_limit_above_pillows_own(self, height):
        # Pillow alone would warn about 95 megapixels and refuse 180; here only max_pixels counts.
        with pytest.raises(ImageError, match=r"damaged, truncated or of a rare kind \(image file is truncated"):
            read_image(png(20_000, height, 1, 0, b"\0" * 100), max_pixels=200_000_000)

    def test_a_readers_own_limit_is_said(self):
        header = b"VP8X" + struct.pack("<I", 10) + b"\0" * 4 + b"\xff\x3f\0" * 2  # a WebP canvas of 16384 x 16384
        file = b"RIFF" + struct.pack("<I", 4 + len(header)) + b"WEBP" + header
        with pytest.raises(ImageError, match=r"it has too many pixels \(.*268435456.*\): make the image smaller$"):
            read_image(file, max_pixels=10**9)

    def test_min_size_scales_a_jpeg_while_decoding(self):
        file = encoded(PHOTO.resize((800, 600)), "JPEG")
        assert read_image(file, min_size=300).shape == (300, 400, 3)
        assert read_image(file, min_size=299).shape == (300, 400, 3)
        assert read_image(file, min_size=301).shape == (600, 800, 3)
        assert read_image(file, min_size=10).shape == (75, 100, 3)  # libjpeg's limit is 1/8
        assert read_image(file, min_size=5000).shape == (600, 800, 3)
        assert read_image(encoded(PHOTO, "PNG"), min_size=4).shape == (48, 64, 3)

    def test_scaled_jpeg_shows_the_same(self):
        smooth = PHOTO.resize((8, 6)).resize((800, 600), Image.Resampling.BICUBIC)
        small = read_image(encoded(smooth, "JPEG", quality=95), min_size=100)
        assert np.abs(small.astype(int) - np.asarray(smooth.resize((200, 150), Image.Resampling.BOX))[:150]).mean() < 2


class TestBadFiles:
    @pytest.mark.parametrize("format_name", ["JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "AVIF", "PPM"])
    def test_truncated(self, format_name, tmp_path):
        file = encoded(PHOTO, format_name)
        path = tmp_path / "half"
        path.write_bytes(file[: len(file) // 2])
        with pytest.raises(ImageError) as caught:
            read_image(path)
        assert str(caught.value).startswith(f"cannot read image {path}: it is damaged, truncated or of a rare kind (")
        assert str(caught.value).endswith("): remove the file, or get an intact copy")

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "the file is empty"),
            (b"<!DOCTYPE html><html><body>404</body></html>", "it is an HTML page (a failed download?)"),
            (b"\n  <html lang='en'>", "it is an HTML page (a failed download?)"),
            (b"version https://git-lfs.github.com/spec/v1\noid", "it is a Git LFS pointer (run `git lfs pull`)"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "it is a HEIC photo"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is an SVG or XML document"),
            (b"%!PS-Adobe-3.0 EPSF-3.0", "it is a PDF or PostScript document"),
            (b"8BPS\0\x01", "it is a Photoshop document"),
            (b"PK\x03\x04", "it is an archive"),
            (b"hello, this is text", "it is not an image of a known type"),
            (b"\0" * 1000, "it is not an image of a known type"),
        ],
    )
    def test_other_content_is_named(self, content, reason, tmp_path):
        path = tmp_path / "cat.jpg"
        path.write_bytes(content)
        with pytest.raises(ImageError) as caught:
            read_image(path)
        assert caught.value.what == f"cannot read image {path}: {reason}"
        assert caught.value.reason == reason
        assert caught.value.hint

    def test_hint_lists_the_types(self):
        with pytest.raises(ImageError, match=r"the types read here are JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF, PNM$"):
            read_image(b"hello")

    def test_missing_file_and_folder(self, tmp_path):
        with pytest.raises(ImageError, match=r"no-such\.jpg: there is no such file"):
            read_image(tmp_path / "no-such.jpg")
        with pytest.raises(ImageError, match="it is a folder"):
            read_image(tmp_path)

    @pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "PPM"])
    def test_flipped_bytes_give_an_array_or_the_one_error(self, format_name):
        file = bytearray(encoded(PHOTO, format_name))
        generator = np.random.default_rng(0)
        for _ in range(40):
            damaged = bytearray(file)
            for position in generator.integers(2, len(file), 8):
                damaged[position] = generator.integers(256)
            result = attempt(bytes(damaged), max_pixels=1_000_000)
            if isinstance(result, ImageError):
                assert result.what.startswith("cannot read image from memory: ")
            else:
                assert_is_image(result)


class TestWarnings:
    """Pillow warns about odd files; here an image is read or it is not. Warnings are errors in these tests anyway."""

    # An APNG whose animation control chunk claims no frames: Pillow warns "Invalid APNG, ...".
    WARNED = png(1, 1, 8, 0, b"\0\x05", (b"acTL", struct.pack(">II", 0, 0)))

    def test_pillow_would_warn(self):
        with pytest.warns(UserWarning, match="Invalid APNG"):
            Image.open(io.BytesIO(self.WARNED))

    def test_none_escapes_and_the_filters_are_left_alone(self):
        before = list(warnings.filters)
        assert grey(read_image(self.WARNED)) == [[5]]
        assert warnings.filters == before

    def test_none_escapes_from_threads(self):
        before = list(warnings.filters)
        results: list[object] = []

        def read_many() -> None:
            for _ in range(100):
                try:
                    results.append(grey(read_image(self.WARNED)))
                except BaseException as error:
                    results.append(error)

        threads = [threading.Thread(target=read_many) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [[[5]]] * 400
        assert warnings.filters == before


@pytest.mark.parametrize("decoder", ["decode._jpeg_pixels", "ImageFile.load"])
def test_decoding_releases_the_gil(decoder, monkeypatch):
    # Nobody is made to give up the GIL within 100 s, so `start` returns once the thread gives it up by itself; its
    # stack then shows where. If the decoder kept it, that would be at the end, or copying the finished array.
    file = encoded(PHOTO.resize((4000, 3000)), "JPEG", quality=95)
    if decoder == "ImageFile.load":
        monkeypatch.setattr(decode, "simplejpeg", None)
    interval = sys.getswitchinterval()
    thread = threading.Thread(target=read_image, args=(file,))
    sys.setswitchinterval(100)
    try:
        thread.start()
        frame = sys._current_frames().get(thread.ident)
        functions = []
        while frame is not None:
            functions.append(f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}")
            frame = frame.f_back
    finally:
        sys.setswitchinterval(interval)
        thread.join()
    assert decoder in functions


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(("width", "height"), [(640, 481), (333, 500), (9, 7)])
@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"subsampling": 1}, {"progressive": True}])
@pytest.mark.parametrize("orientation", [1, 6])
def test_simplejpeg_and_pillow_see_the_same(mode, width, height, options, orientation, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(PHOTO.convert(mode).resize((width, height)), "JPEG", exif=exif, **options)
    fast = [read_image(file, min_size=size) for size in (None, 200, 100, 50, 1)]
    monkeypatch.setattr(decode, "simplejpeg", None)
    for size, pixels in zip((None, 200, 100, 50, 1), fast, strict=True):
        assert np.array_equal(pixels, read_image(file, min_size=size))


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_a_truncated_jpeg_is_the_same_error_with_and_without_simplejpeg(keep, monkeypatch):
    file = encoded(PHOTO, "JPEG")
    messages = []
    for _ in range(2):
        with pytest.raises(ImageError) as caught:
            read_image(file[: int(keep * len(file))])
        messages.append(str(caught.value))
        monkeypatch.setattr(decode, "simplejpeg", None)
    assert messages[0] == messages[1]


@needs_odd_images
class TestOddImages:
    def test_each_is_an_array_or_the_one_error_within_two_seconds(self):
        refused = []
        for path in sorted(ODD_IMAGES.glob("pillow/*")):
            start = time.process_time()
            result = attempt(path)
            assert time.process_time() - start < 2, path
            if isinstance(result, ImageError):
                assert str(path) in result.what
                refused.append(path.name)
            else:
                assert_is_image(result)
        # None is refused that a promised format should have: the others are of other types, or TIFF and BMP crashers.
        promised = (".jpg", ".mpo", ".png", ".gif", ".webp", ".avif")
        assert [name for name in refused if name.endswith(promised)] == ["broken.png", "broken_data_stream.png"]
        assert len(refused) <= 24

    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc to see peak memory")
    def test_all_of_them_stay_below_one_gigabyte(self):
        script = """
import pathlib, re, sys
from sightline.errors import ImageError
from sightline.pixels import decode
from sightline.pixels.decode import read_image
for path in sorted(pathlib.Path(sys.argv[1]).glob("*/*")):
    try:
        read_image(path)
    except ImageError:
        pass
print(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
"""
        done = subprocess.run(
            [sys.executable, "-c", script, ODD_IMAGES], capture_output=True, text=True, timeout=60, check=True
        )
        assert int(done.stdout) < 1_000_000  # kB

    def test_avif_rotations_look_alike(self):
        turned = [
            read_image(ODD_IMAGES / f"pillow/avif__rot{r}mir{m}.avif") for r, m in ((0, 1), (1, 0), (2, 0), (3, 0))
        ]
        assert len({array.shape for array in turned}) == 1


def test_every_reader_is_reached_by_its_own_signature():
    files = {name: encoded(PHOTO, {"PNM": "PPM", "WebP": "WEBP"}.get(name, name)) for name, _, _ in READERS}
    for name, file in files.items():
        matching = [reader_name for reader_name, signature, _ in READERS if signature.match(file[:64])]
        assert matching == [name]
