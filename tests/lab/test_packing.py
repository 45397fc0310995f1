"""What is packed for the page comes out of it again."""

import json

import numpy as np
import pytest

from sightline.lab.packing import packed, picture_uri, plain, scaled, short

from .conftest import unpacked


def test_bytes_come_back_whatever_their_layout() -> None:
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.testing.assert_array_equal(unpacked(json.loads(json.dumps(packed(values)))), values)
    np.testing.assert_array_equal(unpacked(packed(values[:, ::2])), values[:, ::2])


@pytest.mark.parametrize("lowest", [0.0, -2.0])
def test_maps_come_back_to_half_a_step_of_their_scale(lowest: float) -> None:
    values = np.linspace(lowest, 3, 60, dtype=np.float32).reshape(3, 4, 5)
    answer = scaled(values)
    shares = unpacked(answer) / 255
    again = answer["high"] * (2 * shares - 1 if answer["signed"] else shares)
    assert answer["signed"] == (lowest < 0)
    assert answer["high"] == 3
    np.testing.assert_allclose(again, values, atol=3 / 255 + 1e-6)


def test_a_map_of_zeros_has_a_scale() -> None:
    answer = scaled(np.zeros((1, 2, 2), np.float32))
    assert (answer["high"], answer["signed"]) == (1, False)
    assert not unpacked(answer).any()


def test_small_pictures_keep_every_pixel() -> None:
    assert picture_uri(np.zeros((64, 64, 3), np.uint8)).startswith("data:image/png")
    assert picture_uri(np.zeros((65, 64, 3), np.uint8)).startswith("data:image/jpeg")


def test_numbers_are_short_and_json_has_no_infinity() -> None:
    assert short(1 / 3) == 0.3333
    assert plain(np.array([[1 / 3, -np.inf]], np.float32)) == [[0.333333, None]]
