"""The history of a training as two charts, a table and a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass

from sightline.evaluation.percent import Percent, in_percent
from sightline.reporting.charts import Curve, LineChart, line_chart
from sightline.reporting.class_table import NONE
from sightline.reporting.scale import format_seconds, significant
from sightline.runs.records import best_record
from sightline.runs.run import Record


@dataclass(frozen=True)
class Learning:
    """sentence: what the curves show. rows: epoch, then the columns, in words. A chart is None without its numbers."""

    sentence: str
    loss: LineChart | None
    accuracy: LineChart | None
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


COLUMNS = {
    "train_loss": "Training loss",
    "val_loss": "Validation loss",
    "val_accuracy": "Validation accuracy",
    "seconds": "Time",
}


def learning(history: Sequence[Record], *, planned_epochs: int | None) -> Learning:
    """history: one record an epoch, oldest first. planned_epochs: how far the axis reaches while training goes on."""
    last_epoch = max([record["epoch"] for record in history] + [planned_epochs or 1])
    losses = [
        Curve(label, points, [significant(value) for _, value in points], tone)
        for label, key, tone in (("training", "train_loss", "quiet"), ("validation", "val_loss", "accent"))
        if (points := _points(history, key))
    ]
    shares = [record for record in history if record.get("val_accuracy") is not None]
    accuracies = [accuracy_of(record) for record in shares]
    accuracy = Curve(
        "validation",
        [(record["epoch"], 100 * record["val_accuracy"]) for record in shares],
        [str(text) for text in accuracies],
        "accent",
        [(100 * low, 100 * high) for low, high in filter(None, map(_interval, shares))],
        accuracies[-1].short if accuracies else "",
    )
    columns = [key for key in COLUMNS if any(record.get(key) is not None for record in history)]
    return Learning(
        sentence=_sentence(history, shares),
        loss=line_chart(losses, title="Loss by epoch", last_epoch=last_epoch) if losses else None,
        accuracy=line_chart([accuracy], title="Validation accuracy by epoch", unit=" %", last_epoch=last_epoch)
        if shares
        else None,
        columns=[COLUMNS[key] for key in columns],
        rows=[[str(record["epoch"]), *(_cell(record, key) for key in columns)] for record in history],
    )


def accuracy_of(record: Record) -> Percent:
    """The validation accuracy of an epoch, e.g. "93.2 % (92.5 to 93.8)"; without an interval when none was recorded."""
    return in_percent(record["val_accuracy"], _interval(record))


def _interval(record: Record) -> tuple[float, float] | None:
    """The interval of the validation accuracy, in [0, 1]; None when none was recorded."""
    return None if record.get("val_interval") is None else tuple(record["val_interval"])


def _points(history: Sequence[Record], key: str) -> list[tuple[int, float]]:
    return [(record["epoch"], float(record[key])) for record in history if record.get(key) is not None]


def _cell(record: Record, key: str) -> str:
    value = record.get(key)
    if value is None:
        return NONE
    if key == "val_accuracy":
        return str(accuracy_of(record))
    return format_seconds(value) if key == "seconds" else significant(value)


def _sentence(history: Sequence[Record], shares: Sequence[Record]) -> str:
    best = best_record(history)
    if not history:
        return "The first epoch is under way; its numbers will be the first points of the curves."
    if best is None:
        return "No images were held out for validation, so the curve shows the training loss alone."
    if len(shares) == 1:
        return f"After the first epoch the network recognised {accuracy_of(best)} of the validation images."
    return (
        f"Validation accuracy was highest after epoch {best['epoch']}, at {accuracy_of(best)}; "
        f"it began at {accuracy_of(shares[0]).short}."
    )
