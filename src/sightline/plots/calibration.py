"""Whether probabilities mean what they say: reliability diagrams."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from sightline.errors import DataError
from sightline.evaluation.calibration import Reliability
from sightline.evaluation.evaluate import Evaluation
from sightline.plots.style import (
    ACCENT,
    FAINT_INK,
    SMALL,
    Drawing,
    Share,
    chart,
    percent_text,
    percent_ticks,
    styled,
)


@styled
def reliability(evaluation: Evaluation | Reliability) -> Drawing:
    """How often answers are right, by how sure they are: before the temperature and after it, side by side.

    evaluation: an Evaluation, or one Reliability for one panel. A dot a bin, its 95 % interval as a line, its area by
    the number of answers; on the diagonal, a probability is what it says. Raises DataError when no answer was counted.
    """
    if isinstance(evaluation, Reliability):
        panels = [("", evaluation)]
    elif evaluation.temperature == 1:
        panels = [("Not calibrated", evaluation.reliability_after)]
    else:
        after = f"After, at temperature {evaluation.temperature:.2f}"
        panels = [("Before calibration", evaluation.reliability_before), (after, evaluation.reliability_after)]
    figure, grid = chart(1, len(panels), height=4.15, width=0.3 + 3.45 * len(panels), sharex=True, sharey=True)
    for axes, (name, measured) in zip(grid[0], panels, strict=True):
        _panel(axes, name, measured)
    grid[0, 0].set_ylabel("of these answers, right")
    return figure


def _panel(axes: Axes, name: str, measured: Reliability) -> None:
    bins = [one for one in measured.bins if one.count > 0]
    if not bins:
        raise DataError("no answer was counted, so there is no reliability", hint="evaluate at least one image")
    axes.plot([0, 100], [0, 100], color=FAINT_INK, linewidth=0.8)
    along: dict[str, Any] = {"rotation": 45, "rotation_mode": "anchor", "transform_rotates_text": True}
    axes.text(1, 7, "as often right as sure", color=FAINT_INK, fontsize=SMALL, **along)
    x = [100 * one.confidence for one in bins]
    shares = [Share(one.accuracy, *one.interval) for one in bins]
    axes.vlines(x, [100 * s.low for s in shares], [100 * s.high for s in shares], color=ACCENT, linewidth=1, alpha=0.75)
    counts = np.array([one.count for one in bins])
    axes.scatter(
        x, [100 * s.value for s in shares], s=12 + 90 * counts / counts.sum(), color=ACCENT, linewidth=0, zorder=3
    )
    error = (
        f"expected calibration error {percent_text(measured.ece)},\n"
        f"of which chance alone would be about {100 * measured.by_chance:.2g} %"
    )
    axes.set_title(f"{name}\n{error}" if name else error)
    axes.set(xlim=(-3, 103), ylim=(-3, 103), aspect="equal", xlabel="how sure the answer is")
    percent_ticks(axes, "x")
    percent_ticks(axes, "y")
