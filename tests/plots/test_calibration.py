from types import SimpleNamespace

import numpy as np
import pytest

from sightline import plots
from sightline.errors import DataError
from sightline.evaluation.calibration import Reliability, ReliabilityBin
from sightline.evaluation.intervals import Estimate


def measured(error: float, *bins: tuple[float, float, int]) -> Reliability:
    """A Reliability with these bins: confidence, accuracy, count."""
    return Reliability(
        bins=tuple(ReliabilityBin(0.0, 1.0, n, c, a, (a - 0.1, a + 0.05)) for c, a, n in bins),
        ece=Estimate(error, error - 0.01, error + 0.01, "bootstrap"),
        by_chance=0.004,
    )


BEFORE, AFTER = measured(0.09, (0.9, 0.8, 50), (0.5, 0.4, 10), (0.1, 0.0, 0)), measured(0.02, (0.8, 0.8, 60))


def test_before_and_after_stand_side_by_side(texts) -> None:  # type: ignore[no-untyped-def]
    evaluation = SimpleNamespace(temperature=1.5, reliability_before=BEFORE, reliability_after=AFTER)
    figure = plots.reliability(evaluation)
    before, after = figure.axes
    assert np.allclose(before.collections[1].get_offsets(), [[90, 80], [50, 40]])  # the empty bin has no dot
    assert np.allclose(after.collections[1].get_offsets(), [[80, 80]])
    assert np.allclose([s[:, 1] for s in before.collections[0].get_segments()], [[70, 85], [30, 45]])
    assert before.lines[0].get_xydata().tolist() == [[0, 0], [100, 100]]
    words = "\n".join(texts(figure))
    assert "Before calibration\nexpected calibration error 9.0 % (8.0 to 10.0)" in words
    assert "After, at temperature 1.50\nexpected calibration error 2.0 % (1.0 to 3.0)" in words
    assert "of which chance alone would be about 0.4 %" in words
    big, small = before.collections[1].get_sizes()
    assert big > small


def test_without_calibration_there_is_one_panel(texts) -> None:  # type: ignore[no-untyped-def]
    evaluation = SimpleNamespace(temperature=1.0, reliability_before=BEFORE, reliability_after=BEFORE)
    assert len(plots.reliability(evaluation).axes) == 1
    assert "Not calibrated" in "\n".join(texts(plots.reliability(evaluation)))
    assert len(plots.reliability(BEFORE).axes) == 1


def test_no_answer_is_refused() -> None:
    with pytest.raises(DataError, match="no answer was counted"):
        plots.reliability(measured(0.1, (0.5, 0.0, 0)))
