from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from sightline import plots
from sightline.errors import DataError
from sightline.runs.run import Run
from sightline.training.fit import Epoch


def record(epoch: int, **values: Any) -> dict[str, Any]:
    return {"epoch": epoch, "train_loss": 2 / epoch, "val_loss": 3 / epoch} | values


HISTORY = [
    record(1, val_accuracy=0.5, val_interval=[0.4, 0.6]),
    record(2, val_accuracy=0.9, val_interval=[0.85, 0.93]),
    record(3, val_accuracy=0.8, val_interval=[0.7, 0.87]),
]


def test_curves_are_the_history(texts) -> None:  # type: ignore[no-untyped-def]
    figure = plots.training_curves(HISTORY)
    loss, accuracy = figure.axes
    drawn = {line.get_label(): line.get_xydata().tolist() for line in loss.lines}
    assert drawn["training"] == [[1, 2], [2, 1], [3, pytest.approx(2 / 3)]]
    assert drawn["validation"] == [[1, 3], [2, 1.5], [3, 1]]
    assert accuracy.lines[-1].get_ydata().tolist() == pytest.approx([50, 90, 80])
    [intervals] = [c for c in accuracy.collections if isinstance(c, LineCollection)]
    ends = [segment[:, 1].tolist() for segment in intervals.get_segments()]
    assert np.allclose(ends, [[40, 60], [85, 93], [70, 87]])
    assert "Validation accuracy was highest after epoch 2: 90 % (85 to 93)" in texts(figure)


def test_labels_of_curves_that_meet_do_not_touch() -> None:
    history = [{"epoch": n, "train_loss": 1.0 + 1 / n, "val_loss": 1.0 + 1.01 / n} for n in range(1, 30)]
    figure = plots.training_curves(history)
    figure.draw_without_rendering()
    first, second = (text.get_window_extent() for text in figure.axes[0].texts)
    assert not first.overlaps(second)


def test_run_records_and_epochs_draw_alike(digits_run: Run) -> None:
    def losses(history: Any) -> list[Any]:
        return [line.get_ydata().tolist() for line in plots.training_curves(history).axes[0].lines]

    names = Epoch.__dataclass_fields__
    epochs = [Epoch(**{name: record[name] for name in names}) for record in digits_run.history]
    assert losses(digits_run) == losses(digits_run.history) == losses(epochs)


def test_without_validation_there_is_only_the_training_loss() -> None:
    [axes] = plots.training_curves([{"epoch": 1, "train_loss": 1.0, "val_loss": None, "val_accuracy": None}]).axes
    [line] = axes.lines
    assert line.get_xydata().tolist() == [[1, 1]]
    assert line.get_marker() == "o"  # a line of one point would not be seen


def test_epochs_are_whole_numbers() -> None:
    figure = plots.training_curves(HISTORY[:1])
    figure.draw_without_rendering()
    assert {tick.get_text() for tick in figure.axes[0].get_xticklabels()} <= {"0", "1", "2"}


@dataclass
class Other:
    loss: float


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        ([], "the history is empty, so there is no curve to draw: draw it when the first epoch ended"),
        ([Other(1.0)], "this is no history: give a Run, run.history, or a list of what `fit` yielded"),
        ("runs/digits-1", "this is no history: give a Run, run.history, or a list of what `fit` yielded"),
        ([{"epoch": 1}], "the history has no loss: give records with `train_loss` or `val_loss`"),
    ],
)
def test_what_is_no_history_is_refused(history: Any, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        plots.training_curves(history)
    assert str(caught.value) == sentence
