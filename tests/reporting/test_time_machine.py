"""Films have a frame an epoch, on one scale, and say what they show."""

import base64
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.pixels.scales import BLUE, ORANGE, rgb
from sightline.reporting.time_machine import Film, time_machine


def frames(film: Film | None, count: int) -> np.ndarray:
    """RGBA (n, H, W, 4)."""
    assert film is not None
    pixels = np.asarray(Image.open(BytesIO(base64.b64decode(film.uri.partition("base64,")[2]))).convert("RGBA"))
    return pixels.reshape(count, -1, pixels.shape[1], 4)


def test_kernels_on_one_signed_scale(report_parts: Callable[..., Any]) -> None:
    first, second, _ = report_parts(3, channels=1).material.snapshots
    weights = np.zeros((2, 1, 2, 2), dtype=np.float16)
    weights[0, 0, 0, 0], weights[1, 0, 1, 1] = -2, 1
    machine = time_machine([replace(first, kernels=weights), replace(second, kernels=0 * weights)])
    film = frames(machine.kernels, 2)
    assert film.shape == (2, 2, 5, 4)  # two kernels of 2 x 2 beside each other with a gap
    assert film[0, 0, 0].tolist() == [*rgb(BLUE), 255]
    assert film[0, 1, 4].tolist() == [*rgb(ORANGE), round(255 * 8 / 15)]  # half of the largest, in steps of a fifteenth
    assert film[1, :, :, 3].max() == 0
    assert machine.kernels is not None
    assert machine.kernels.what == "Kernels of stem, from \N{MINUS SIGN}2.0 (blue) to 2.0 (orange)"


def test_every_film_has_all_frames(report_parts: Callable[..., Any]) -> None:
    machine = time_machine(report_parts(3).material.snapshots)
    assert machine.epochs == [1, 2, 3]
    assert [film.name for film in machine.films] == ["kernels", "confusion", "heat-0", "maps-0", "heat-1", "maps-1"]
    for film in machine.films:
        height, width = frames(film, 3).shape[1:3]
        assert film.aspect == pytest.approx(width / height)
    assert machine.watched[0].answers == ["right: class 0, 66.7 %"] * 3
    assert machine.watched[1].answers == ["wrong: class 0, 66.7 %"] * 3
    assert machine.sentence.startswith(
        "From epoch 1 to epoch 3 the share of validation images recognised went from 30 %"
    )


def test_a_network_without_convolution_and_data_without_validation(report_parts: Callable[..., Any]) -> None:
    nothing, none = np.zeros((0, 0, 0, 0)), np.zeros(0, dtype=np.int64)
    bare = [
        replace(
            snapshot, kernels=nothing, maps=np.zeros((2, 0, 0, 0)), cams=np.zeros((2, 0, 0)), truth=none, predicted=none
        )
        for snapshot in report_parts(3).material.snapshots
    ]
    machine = time_machine(bare)
    assert machine.films == []
    assert machine.sentence == "What the network was like from epoch 1 to epoch 3."


def test_one_snapshot(report_parts: Callable[..., Any]) -> None:
    machine = time_machine(report_parts(3).material.snapshots[:1])
    assert (machine.epochs, machine.stills) == ([1], [0])
    assert machine.sentence.startswith("After epoch 1 the network recognised")
