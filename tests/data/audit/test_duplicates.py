import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from sightline.data.audit.duplicates import DuplicateGroup, bind, find_duplicates
from sightline.data.audit.fingerprint import Prints, content_print, fingerprint, fingerprint_arrays, join
from sightline.data.imageset import ArrayImages, ImageSet
from sightline.pixels.decode import read_image

Pixels = NDArray[np.uint8]


def drawn(count: int, seed: int = 0) -> Pixels:
    """Different images with the spectrum of photos, uint8 (count, 3, 48, 48)."""
    frequency = np.hypot(np.fft.fftfreq(48)[:, None], np.fft.fftfreq(48))
    frequency[0, 0] = np.inf
    noise = np.random.default_rng(seed).normal(size=(count, 3, 48, 48))
    images = np.fft.ifft2(np.fft.fft2(noise) / frequency).real
    return (128 + 40 * images / images.std()).clip(0, 255).astype(np.uint8)


def test_exact_and_near_copies_are_told_apart():
    images = drawn(8)
    images[3], images[5], images[6], images[7] = images[1], images[0, :, :, ::-1], images[2] // 8 * 8, images[1]
    groups = find_duplicates(fingerprint_arrays(images))
    assert groups == (
        DuplicateGroup((0, 5), "near"),
        DuplicateGroup((1, 3, 7), "exact"),
        DuplicateGroup((2, 6), "near"),
    )


def test_a_copy_of_a_copy_is_a_copy():
    images = drawn(5)
    images[2], images[4] = images[0, :, :, ::-1], images[0, :, :, ::-1]
    assert find_duplicates(fingerprint_arrays(images)) == (DuplicateGroup((0, 2, 4), "near"),)


def test_different_images_are_no_copies():
    assert find_duplicates(fingerprint_arrays(drawn(300))) == ()


def test_flat_images_are_copies_only_when_equal():
    sky = np.random.default_rng(0).integers(200, 203, (4, 3, 32, 32), dtype=np.uint8)
    sky[3] = sky[0]
    assert find_duplicates(fingerprint_arrays(sky)) == (DuplicateGroup((0, 3), "exact"),)


def test_the_same_pattern_in_another_colour_is_another_image():
    images = drawn(2)
    images[1] = images[0, [2, 0, 1]]
    assert find_duplicates(fingerprint_arrays(images)) == ()


@pytest.mark.parametrize("count", [0, 1])
def test_few_images_have_no_copies(count: int):
    assert find_duplicates(fingerprint_arrays(drawn(2)[:count])) == ()


def make_set(groups: tuple[str, ...] = (), count: int = 6) -> ImageSet:
    ids = tuple(f"{i}.jpg" for i in range(count))
    return ImageSet(
        ArrayImages(torch.zeros(count, 1, 1, 1)), torch.zeros(count, dtype=torch.int64), ("a",), ids, groups
    )


def test_copies_are_bound_by_name():
    groups = (DuplicateGroup((1, 4), "exact"), DuplicateGroup((2, 3), "near"))
    assert bind(groups, make_set()) == (
        "",
        "copies of 1.jpg",
        "copies of 2.jpg",
        "copies of 2.jpg",
        "copies of 1.jpg",
        "",
    )


def test_groups_that_share_a_copy_become_one():
    own = ("ann", "ann", "bob", "", "cid", "")
    bound = bind((DuplicateGroup((1, 2), "near"), DuplicateGroup((3, 5), "exact")), make_set(own))
    assert bound == ("ann", "ann", "ann", "copies of 3.jpg", "cid", "copies of 3.jpg")


def test_without_copies_the_groups_stay_as_they_are():
    assert bind((), make_set()) == ()
    assert bind((), make_set(("x", "", "x", "y", "", ""))) == ("x", "", "x", "y", "", "")


def jpeg(photo: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    photo.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def prints_of(files: list[bytes]) -> Prints:
    perceptual = [fingerprint(read_image(data, min_size=96)) for data in files]
    return Prints(content=np.stack([content_print(data) for data in files]), perceptual=np.stack(perceptual))


COPIES: dict[str, tuple[float, Callable[[Image.Image], bytes]]] = {
    "quality 60": (0.99, lambda photo: jpeg(photo, 60)),
    "half the size": (0.99, lambda photo: jpeg(photo.reduce(2), 90)),
    "twice the size": (0.99, lambda photo: jpeg(photo.resize((2 * photo.width, 2 * photo.height)), 90)),
    "mirrored": (0.9, lambda photo: jpeg(photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 90)),
    "cropped": (0.9, lambda photo: jpeg(photo.crop((photo.width // 33, 0, photo.width * 49 // 50, photo.height)), 90)),
    "cropped on every side": (
        0.9,
        lambda photo: jpeg(
            photo.crop((photo.width // 20, photo.height // 20, photo.width * 19 // 20, photo.height * 19 // 20)), 90
        ),
    ),
}


@pytest.mark.parametrize("kind", COPIES)
def test_planted_copies_of_photos_are_found(kind: str, shared_data: Path):
    paths = sorted((shared_data / "clothing").rglob("*.jpg"))[::25]
    share, copy = COPIES[kind]
    files = [path.read_bytes() for path in paths]
    copies = [copy(Image.fromarray(read_image(data, min_size=300))) for data in files]
    groups = {group.indices for group in find_duplicates(join([prints_of(files), prints_of(copies)]))}
    count = sum((i, i + len(paths)) in groups for i in range(len(paths)))
    assert count >= share * len(paths)


@pytest.mark.slow
def test_few_photos_are_mistaken_for_copies(shared_data: Path):
    files = [path.read_bytes() for path in sorted((shared_data / "clothing").rglob("*.jpg"))]
    groups = find_duplicates(prints_of(files))
    assert sum(len(group.indices) for group in groups) <= 0.005 * len(files)
