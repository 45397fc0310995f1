from typing import Any

import numpy as np
import pytest

from sightline import plots
from sightline.errors import ConfigError, DataError
from sightline.inspection.snapshots import Probes, Snapshot

NOISE = np.random.default_rng(0)
PROBES = Probes(
    images=NOISE.integers(0, 256, (4, 8, 8, 1), dtype=np.uint8),
    ids=("a", "b", "c", "d"),
    labels=np.array([0, 1, 0, 1]),
    split="validation",
    classes=("cat", "dog"),
)


def snapshot(epoch: int, **changes: Any) -> Snapshot:
    values: dict[str, Any] = {
        "epoch": epoch,
        "seconds": 1.0,
        "cost": 0.1,
        "kernel_layer": "stages.0",
        "kernels": (epoch * NOISE.normal(size=(4, 3, 5, 5))).astype(np.float16),
        "map_layer": "stages.1",
        "maps": NOISE.integers(0, 256, (4, 9, 6, 6), dtype=np.uint8),
        "map_range": (-1.0, float(epoch)),
        "cams": NOISE.integers(0, 256, (4, 3, 3), dtype=np.uint8),
        "probabilities": np.full((4, 2), 0.5, np.float32),
        "truth": np.array([0, 0, 1, 1]),
        "predicted": np.array([0, 1, 1, 1]),
        "probes": PROBES,
    }
    return Snapshot(**(values | changes))


def drawn(figure, shape):  # type: ignore[no-untyped-def]
    return [image for image in figure.axes[0].images if image.get_array().shape == shape]


def test_columns_are_epochs_and_rows_have_one_scale(texts) -> None:  # type: ignore[no-untyped-def]
    taken = [snapshot(epoch) for epoch in range(1, 13)]
    figure = plots.snapshots(taken, epochs=3, probes=2)
    words = texts(figure)
    assert [word for word in words if word.startswith("epoch")] == ["epoch 1", "epoch 7", "epoch 12"]
    kernels = drawn(figure, (5, 5))
    chosen = [taken[0], taken[6], taken[11]]
    expected = np.concatenate([one.kernels.astype(np.float64).mean(axis=1) for one in chosen])
    assert np.allclose([image.get_array() for image in kernels], expected)
    reach = np.abs(expected).max()
    assert {image.get_clim() for image in kernels} == {(-reach, reach)}
    maps = drawn(figure, (6, 6))
    assert len(maps) == 27
    assert np.allclose(maps[0].get_array(), taken[0].maps[0, 0] / 255 * 2 - 1)
    assert {image.get_clim() for image in maps} == {(-1.0, 12.0)}
    cams = drawn(figure, (3, 3))
    assert [(image.get_array() == one.cams[probe]).all() for image, (one, probe) in zip(
        cams, [(one, probe) for one in chosen for probe in (0, 1)], strict=True
    )] == [True] * 6  # fmt: skip
    assert words.count("Grad-CAM") == 2
    assert "to 50 % of the true class" in " ".join(words).replace("\n", " ")
    assert len(drawn(figure, (2, 2, 4))) == 3


def test_what_a_network_lacks_has_no_row(texts) -> None:  # type: ignore[no-untyped-def]
    nothing = np.zeros((4, 0, 0), np.uint8)
    bare = snapshot(
        1,
        kernels=np.zeros((0, 0, 0, 0), np.float16),
        maps=np.zeros((4, 0, 0, 0), np.uint8),
        cams=nothing,
        truth=np.zeros(0, np.int64),
        predicted=np.zeros(0, np.int64),
    )
    assert texts(plots.snapshots([bare])) == ["epoch 1"]
    assert {"kernels", "feature maps", "Grad-CAM", "mistakes"} <= set(texts(plots.snapshots([snapshot(1)])))


def test_what_is_no_training_is_refused() -> None:
    with pytest.raises(DataError, match="there is no snapshot to draw"):
        plots.snapshots([])
    with pytest.raises(ConfigError, match="epochs is 0 and probes is 3: use 1 or more"):
        plots.snapshots([snapshot(1)], epochs=0)
