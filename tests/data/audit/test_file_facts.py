import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.data.audit.file_facts import LOOK, FileFacts
from sightline.data.audit.file_facts import examine as examine_with_prints
from sightline.data.images import EncodedImages
from sightline.data.imageset import ArrayImages
from sightline.data.originals import Files


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def examine(images: ArrayImages | EncodedImages) -> FileFacts:
    return examine_with_prints(images)[0]


@pytest.fixture
def noise() -> Image.Image:
    """A sharp image, 200 x 100."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (100, 200, 3), dtype=np.uint8))


def test_what_a_file_says_of_itself(tmp_path: Path, noise: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0110] = 6, "Canon", "Canon EOS 5D"
    paths = (
        saved(tmp_path / "a.png", noise),
        saved(tmp_path / "b.jpg", noise, exif=exif),
        saved(tmp_path / "c.png", noise.convert("P")),
    )
    facts = examine(EncodedImages(Files(paths)))
    assert facts.width.tolist() == [200, 100, 200]  # upright
    assert facts.height.tolist() == [100, 200, 100]
    assert facts.rotated.tolist() == [False, True, False]
    assert [facts.modes[i] for i in facts.mode] == ["RGB", "RGB", "P"]
    assert [facts.cameras[i] for i in facts.camera] == ["", "Canon EOS 5D", ""]
    assert facts.file_bytes.tolist() == [path.stat().st_size for path in paths]
    assert facts.unreadable == {}


def test_how_an_image_looks_by_hand() -> None:
    pixels = np.zeros((1, 3, 10, 20), dtype=np.uint8)
    pixels[0, 0] = 100  # red 100 everywhere
    pixels[0, 1, 1:-1, 2:-2] = 200  # green 200 in the middle: all but the outermost tenth of each side
    facts = examine(ArrayImages(torch.from_numpy(pixels)))
    middle = 8 * 16 / 200
    np.testing.assert_allclose(facts.mean_color, [[100, 200 * middle, 0]], rtol=1e-6)
    np.testing.assert_allclose(facts.border_color, [[100, 0, 0]], atol=1e-4)
    np.testing.assert_allclose(facts.brightness, 0.299 * 100 + 0.587 * 200 * middle, rtol=1e-6)
    np.testing.assert_allclose(facts.contrast, 0.587 * 200 * np.sqrt(middle * (1 - middle)), rtol=1e-5)
    assert facts.grey.tolist() == [False]
    assert (facts.file_bytes.tolist(), facts.modes) == ([0], ("RGB",))


def test_the_sharpness_of_a_chessboard_is_eight() -> None:
    # On a chessboard of 0 and 255 every Laplacian is 8 deviations of the luma: four neighbours, each two away.
    board = (np.indices((12, 12)).sum(axis=0) % 2 * 255).astype(np.uint8)
    facts = examine(ArrayImages(torch.from_numpy(board[None, None])))
    np.testing.assert_allclose(facts.sharpness, [8.0], rtol=1e-5)
    assert facts.grey.tolist() == [True]
    assert facts.modes == ("L",)


def test_a_plain_image_has_no_sharpness() -> None:
    facts = examine(ArrayImages(torch.full((2, 1, 1, 1), 7, dtype=torch.uint8)))
    assert np.isnan(facts.sharpness).all()
    assert facts.contrast.tolist() == [0, 0]


def test_size_and_compression_hardly_change_how_an_image_looks(tmp_path: Path) -> None:
    coarse = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 48, 3), dtype=np.uint8))
    large = coarse.resize((6 * LOOK, 8 * LOOK), Image.Resampling.BICUBIC)
    small = large.resize((2 * LOOK, 8 * LOOK // 3), Image.Resampling.LANCZOS)
    facts = examine(
        EncodedImages(Files((saved(tmp_path / "l.png", large), saved(tmp_path / "s.jpg", small, quality=85))))
    )
    np.testing.assert_allclose(facts.brightness[0], facts.brightness[1], atol=1)
    np.testing.assert_allclose(facts.sharpness[0], facts.sharpness[1], rtol=0.15)
    np.testing.assert_allclose(facts.border_color[0], facts.border_color[1], atol=3)


def test_bad_files_are_named_with_their_reasons_and_the_others_are_taken(tmp_path: Path, noise: Image.Image) -> None:
    whole = saved(tmp_path / "whole.png", noise)
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[:2000])
    page = tmp_path / "page.jpg"
    page.write_text("<html>")
    facts = examine(EncodedImages(Files((cut, whole, tmp_path / "gone.png", page))))
    assert sorted(facts.unreadable) == [0, 2, 3]
    assert "truncated" in facts.unreadable[0]
    assert facts.unreadable[2] == "there is no such file"
    assert facts.unreadable[3] == "it is an HTML page (a failed download?)"
    some = facts.take(np.array([3, 1]))
    assert some.width.tolist() == [0, 200]
    assert some.unreadable == {0: facts.unreadable[3]}


def test_equal_bytes_have_equal_prints(tmp_path: Path, noise: Image.Image) -> None:
    file = io.BytesIO()
    noise.save(file, "png")
    for name in "ab":
        (tmp_path / name).write_bytes(file.getvalue())
    saved(tmp_path / "c.png", noise, compress_level=1)
    _, prints = examine_with_prints(EncodedImages(Files(tmp_path / name for name in ("a", "b", "c.png"))))
    content = prints.content
    assert prints.perceptual[0].tobytes() == prints.perceptual[2].tobytes()
    assert content[0].tobytes() == content[1].tobytes() != content[2].tobytes()


def test_many_files_are_all_looked_at(tmp_path: Path) -> None:
    paths = [saved(tmp_path / f"{i}.png", Image.new("L", (3 + i % 7, 4), i)) for i in range(150)]
    facts = examine(EncodedImages(Files(paths)))
    assert facts.width.tolist() == [3 + i % 7 for i in range(150)]
    np.testing.assert_allclose(facts.brightness, np.arange(150), atol=1e-3)
