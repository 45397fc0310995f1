"""A history becomes charts, a table and a sentence, whatever is missing from it."""

import pytest

from sightline.reporting.learning import accuracy_of, learning
from sightline.runs.run import Record


def record(epoch: int, accuracy: float | None = None) -> Record:
    interval = None if accuracy is None else [accuracy - 0.01, accuracy + 0.01]
    loss = None if accuracy is None else 1 - accuracy
    return {
        "epoch": epoch,
        "train_loss": 1 / epoch,
        "val_loss": loss,
        "val_accuracy": accuracy,
        "val_interval": interval,
        "seconds": 30.0 * epoch,
    }


HISTORY = [record(1, 0.5), record(2, 0.8), record(3, 0.75)]


def test_curves_and_table() -> None:
    section = learning(HISTORY, planned_epochs=None)
    assert section.sentence == (
        "Validation accuracy was highest after epoch 2, at 80.0 % (79.0 to 81.0); it began at 50.0 %."
    )
    assert section.columns == ["Training loss", "Validation loss", "Validation accuracy", "Time"]
    assert section.rows[1] == ["2", "0.500", "0.200", "80.0 % (79.0 to 81.0)", "1 min"]
    assert section.loss is not None
    assert [mark.text for mark, _ in section.loss.labels] == ["training", "validation"]
    assert section.accuracy is not None
    assert section.accuracy.curves[0].band
    assert section.accuracy.labels[0][1] == "75.0 %"


def test_axis_is_planned_while_training_goes_on() -> None:
    section = learning(HISTORY, planned_epochs=20)
    assert section.loss is not None
    assert section.loss.x_ticks[-1].text == "20"


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        ([], "The first epoch is under way; its numbers will be the first points of the curves."),
        ([record(1)], "No images were held out for validation, so the curve shows the training loss alone."),
        (
            [record(1, 0.5)],
            "After the first epoch the network recognised 50.0 % (49.0 to 51.0) of the validation images.",
        ),
    ],
)
def test_sentences_at_the_start(history: list[Record], sentence: str) -> None:
    section = learning(history, planned_epochs=5)
    assert section.sentence == sentence
    assert (section.loss is None) == (not history)
    assert (section.accuracy is None) == all(r["val_accuracy"] is None for r in history)


def test_epochs_without_validation_are_gaps() -> None:
    section = learning([record(1, 0.5), record(2), record(3, 0.6)], planned_epochs=None)
    assert section.accuracy is not None
    assert [readout.text.split(":")[0] for readout in section.accuracy.readouts] == ["epoch 1", "epoch 3"]
    assert section.rows[1][2:4] == ["\N{EN DASH}", "\N{EN DASH}"]


def test_accuracy_without_an_interval() -> None:
    assert str(accuracy_of({"val_accuracy": 0.8123})) == "81.2 %"
