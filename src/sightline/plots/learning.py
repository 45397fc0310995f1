"""The history of a training: losses, and validation accuracy with its intervals."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sightline.errors import DataError
from sightline.evaluation.percent import in_percent
from sightline.plots.style import (
    ACCENT,
    FAINT_INK,
    NORMAL,
    Drawing,
    Share,
    chart,
    percent_text,
    percent_ticks,
    ranges,
    spread,
    styled,
    title,
)

HEIGHT = 3.1  # inches


@runtime_checkable
class HasHistory(Protocol):
    @property
    def history(self) -> Sequence[Mapping[str, Any]]: ...


@styled
def training_curves(history: HasHistory | Sequence[Any]) -> Drawing:
    """Training and validation loss by epoch, and beside them validation accuracy with its 95 % intervals.

    history: a Run, its history, or the Epochs that `fit` yielded. What was never recorded has no curve; without a
    validation split there is only the training loss. Raises DataError for a history without an epoch.
    """
    records = _records(history)
    if not records:
        raise DataError("the history is empty, so there is no curve to draw", hint="draw it when the first epoch ended")
    held_out = [record for record in records if record.get("val_accuracy") is not None]
    figure, axes = chart(1, 2 if held_out else 1, height=HEIGHT)
    _losses(axes[0, 0], records)
    if held_out:
        _accuracy(figure, axes[0, 1], held_out)
    for panel in axes.flat:
        panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        first, last = records[0]["epoch"], records[-1]["epoch"]
        panel.set_xlim(first - 0.04 * (last - first) - 0.2, last + 0.04 * (last - first) + 0.2)
        panel.grid(visible=False, axis="x")
    return figure


def _records(history: HasHistory | Sequence[Any]) -> list[dict[str, Any]]:
    """One dictionary an epoch, whatever the history was given as."""
    epochs = history.history if isinstance(history, HasHistory) else history
    if isinstance(epochs, str | Mapping) or not all(isinstance(e, Mapping) or hasattr(e, "epoch") for e in epochs):
        raise DataError("this is no history", hint="give a Run, run.history, or a list of what `fit` yielded")
    return [dict(epoch) if isinstance(epoch, Mapping) else dict(vars(epoch)) for epoch in epochs]


def _losses(axes: Axes, records: Sequence[Mapping[str, Any]]) -> None:
    curves = []
    for name, key, color in (("training", "train_loss", FAINT_INK), ("validation", "val_loss", ACCENT)):
        points = [(r["epoch"], r[key]) for r in records if r.get(key) is not None and math.isfinite(r[key])]
        if points:
            marker = "o" if len(points) == 1 else ""
            axes.plot(*zip(*points, strict=True), color=color, marker=marker, markersize=4.5, label=name)
            curves.append((name, color, points[-1]))
    if not curves:
        raise DataError("the history has no loss", hint="give records with `train_loss` or `val_loss`")
    axes.set_title("Loss (nats)")
    axes.margins(y=0.08)
    low, high = axes.get_ylim()
    in_points = 72 * HEIGHT * 0.7 / (high - low)  # of one nat, as near as labels need it
    places = spread([last[1] * in_points for _, _, last in curves], 1.25 * NORMAL)
    for (name, color, last), place in zip(curves, places, strict=True):
        offset = (6, place - last[1] * in_points)
        axes.annotate(name, last, offset, textcoords="offset points", color=color, va="center", annotation_clip=False)


def _accuracy(figure: Drawing, axes: Axes, records: Sequence[Mapping[str, Any]]) -> None:
    shares = [_share(record) for record in records]
    epochs = [record["epoch"] for record in records]
    axes.plot(epochs, [100 * share.value for share in shares], color=ACCENT, linewidth=0.8, alpha=0.5)
    ranges(axes, epochs, shares, size=max(1.6, min(4.5, 150 / len(epochs))))
    best = max(range(len(shares)), key=lambda index: shares[index].value)
    axes.set_title("Validation accuracy")
    title(figure, f"Validation accuracy was highest after epoch {epochs[best]}: {_words(shares[best])}")
    percent_ticks(axes, "y")


def _share(record: Mapping[str, Any]) -> Share:
    value = float(record["val_accuracy"])
    low, high = record.get("val_interval") or (value, value)
    return Share(value, float(low), float(high))


def _words(share: Share) -> str:
    return percent_text(share) if share.low < share.high else in_percent(share.value).short
