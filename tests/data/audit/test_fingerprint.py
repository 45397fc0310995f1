import hashlib

import numpy as np
import pytest

from sightline.data.audit.fingerprint import (
    PERCEPTUAL_BYTES,
    Prints,
    chroma,
    content_print,
    fingerprint,
    fingerprint_arrays,
    join,
    luma,
)
from sightline.errors import InputError


def test_a_plain_red_image_has_the_luma_and_chroma_of_jpeg():
    # ITU-T T.871: Y = 0.299 * 255 = 76.2, Cb = 128 - 0.1687 * 255 = 85.0, Cr = 128 + 0.5 * 255 = 255.5.
    prints = fingerprint(np.tile(np.array([255, 0, 0], dtype=np.uint8), (30, 40, 1)))[None]
    assert prints.shape == (1, PERCEPTUAL_BYTES)
    assert (luma(prints) == 76).all()
    assert (chroma(prints)[:, 0] == 85 - 128).all()
    assert (chroma(prints)[:, 1] == 127).all()


def test_a_grey_image_prints_alike_with_one_channel_and_with_three():
    grey = np.random.default_rng(0).integers(0, 256, (28, 28, 1), dtype=np.uint8)
    difference = fingerprint(grey).astype(int) - fingerprint(np.repeat(grey, 3, axis=2))
    assert np.abs(difference).max() <= 1
    assert (chroma(fingerprint(grey)[None]) == 0).all()


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (3, 47, 20), (3, 8, 11), (1, 1, 1)])
def test_arrays_print_as_single_images_do(shape: tuple[int, int, int]):
    images = np.random.default_rng(1).integers(0, 256, (5, *shape), dtype=np.uint8)
    prints = fingerprint_arrays(images)
    for image, perceptual in zip(images, prints.perceptual, strict=True):
        single = fingerprint(np.ascontiguousarray(image.transpose(1, 2, 0)))
        assert np.abs(single.astype(int) - perceptual).max() <= 1


def test_the_print_of_the_mirror_image_is_the_mirrored_print():
    image = np.random.default_rng(2).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    prints = fingerprint(image)[None]
    mirrored = fingerprint(np.ascontiguousarray(image[:, ::-1]))[None]
    assert np.abs(luma(prints)[:, :, ::-1] - luma(mirrored)).max() <= 1


def test_content_is_the_digest_of_the_bytes():
    images = np.arange(2 * 3 * 4 * 4, dtype=np.uint8).reshape(2, 3, 4, 4)
    prints = fingerprint_arrays(images)
    for image, content in zip(images, prints.content, strict=True):
        assert content.tobytes() == hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        assert np.array_equal(content, content_print(image.tobytes()))


def test_prints_are_joined_in_order_and_stay_small():
    images = np.random.default_rng(3).integers(0, 256, (4, 3, 16, 16), dtype=np.uint8)
    whole, parts = fingerprint_arrays(images), [fingerprint_arrays(images[:1]), fingerprint_arrays(images[1:])]
    assert np.array_equal(join(parts).content, whole.content)
    assert np.array_equal(join(parts).perceptual, whole.perceptual)
    assert (whole.content.nbytes + whole.perceptual.nbytes) / len(whole) < 500  # of 64 MB for 90,000 images more


def test_no_images_have_no_prints():
    assert len(fingerprint_arrays(np.empty((0, 3, 32, 32), dtype=np.uint8))) == 0


def test_what_is_no_image_is_refused():
    with pytest.raises(InputError, match=r"the image is float64 of shape \(4, 4, 3\): use uint8"):
        fingerprint(np.zeros((4, 4, 3)))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"the images are uint8 of shape \(2, 4, 4, 3\): use uint8"):
        fingerprint_arrays(np.zeros((2, 4, 4, 3), dtype=np.uint8))
    with pytest.raises(InputError, match=r"prints have the shapes \(2, 16\) and \(3, 450\)"):
        Prints(content=np.zeros((2, 16), np.uint8), perceptual=np.zeros((3, PERCEPTUAL_BYTES), np.uint8))
