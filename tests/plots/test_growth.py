from types import SimpleNamespace

import numpy as np
import pytest

from sightline import plots
from sightline.errors import DataError


def share(value: float) -> SimpleNamespace:
    return SimpleNamespace(value=value, low=value - 0.02, high=value + 0.01)


def result(gains: dict[str, float]) -> SimpleNamespace:
    return SimpleNamespace(
        points=[(400, share(0.8)), (100, share(0.6)), (200, share(0.7))],
        classes=[SimpleNamespace(name=name, gain=share(gain), more_images=50) for name, gain in gains.items()],
        sentence="50 more images of skirt are worth about 3 points.",
    )


def test_curve_and_gains_are_the_forecast(texts) -> None:  # type: ignore[no-untyped-def]
    figure = plots.forecast(result({"shirt": -0.001, "skirt": 0.031}))
    curve, gains = figure.axes
    assert curve.get_xscale() == "log"
    assert np.allclose(curve.lines[-1].get_xydata(), [[100, 60], [200, 70], [400, 80]])
    assert np.allclose(gains.lines[-1].get_xydata(), [[3.1, 0], [-0.1, 1]])
    assert np.allclose([s[:, 0] for s in gains.collections[0].get_segments()], [[1.1, 4.1], [-2.1, 0.9]])
    assert [label.get_text() for label in gains.get_yticklabels()] == ["skirt", "shirt"]
    words = texts(figure)
    assert "50 more images of skirt are worth about 3 points." in words
    assert words.count("50 more") == 2


def test_the_twenty_that_gain_most_are_drawn() -> None:
    _, gains = plots.forecast(result({f"class {i}": i / 1000 for i in range(100)})).axes
    assert [label.get_text() for label in gains.get_yticklabels()][::19] == ["class 99", "class 80"]


def test_without_classes_or_points() -> None:
    assert len(plots.forecast(result({})).axes) == 1
    with pytest.raises(DataError, match="the forecast has no points"):
        plots.forecast(SimpleNamespace(points=[], classes=[], sentence=""))
