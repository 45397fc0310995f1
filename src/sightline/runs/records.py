"""What a training came to, as its run folder records it: stages, scores, a careless split's score, circumstances.

A training makes these records and a report reads them. metrics.json and stages.json hold them, with a format number;
what earlier versions wrote is brought to the present format as it is read.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.config import from_json, to_json
from sightline.errors import RunError
from sightline.machine import files
from sightline.runs.run import Record, Run

FORMAT = 2  # of metrics.json and stages.json. 1: metrics.json of version 0.1.0, which had no number


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of a transfer. correct, total: of the validation images, both 0 without any.

    name: "frozen" or "fine-tuned". what: how it was trained, as a clause. seconds: that it took. kept: whether the
    classifier is the one this stage left.
    """

    name: str
    what: str
    correct: int
    total: int
    seconds: float
    kept: bool = True


@dataclass(frozen=True)
class NaiveScore:
    """Right answers on test images: of a split that ignores duplicates and groups, and of the honest one."""

    correct: int
    total: int
    honest_correct: int
    honest_total: int


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What was known only while training: settings -> values in words; packages -> their versions."""

    settings: Mapping[str, str]
    versions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The contents of metrics.json. Whatever was not asked for or not possible is None or empty.

    test: the scores on the test split, as `Evaluation.to_json` gives them.
    """

    test: Record | None = None
    stages: tuple[Stage, ...] = ()
    naive: NaiveScore | None = None
    circumstances: Circumstances | None = None

    def to_json(self) -> Record:
        """As plain JSON types; what is None or empty is left out."""
        test = {"test": self.test} if self.test else {}  # converted already, and large
        rest = to_json(dataclasses.replace(self, test=None))
        return {"format": FORMAT} | test | {key: value for key, value in rest.items() if value}


def write_metrics(run: Run, metrics: Metrics) -> None:
    """Replace the run's metrics.json. Raises StorageError."""
    files.write_json(run.metrics_path, metrics.to_json())


def read_metrics(run: Run) -> Metrics:
    """The run's metrics.json. Raises RunError when it is missing, damaged or of a newer version, ConfigError."""
    saved = _at_present_format(run.metrics, run.metrics_path)
    test = saved.pop("test", None)
    return dataclasses.replace(from_json(Metrics, saved, where=str(run.metrics_path)), test=test)


def write_stages(run: Run, stages: Sequence[Stage]) -> None:
    """Replace the run's stages.json: the stages of a transfer that have come to their end. Raises StorageError."""
    files.write_json(run.stages_path, {"format": FORMAT, "stages": [to_json(stage) for stage in stages]})


def read_stages(run: Run) -> tuple[Stage, ...]:
    """The stages that have come to their end; empty when none has, or the run is no transfer.

    Raises RunError when the file is damaged or of a newer version, ConfigError.
    """
    if not run.stages_path.exists():
        return ()
    saved = _at_present_format(run.stages, run.stages_path)
    return tuple(from_json(Stage, stage, where=str(run.stages_path)) for stage in saved["stages"])


def best_record(history: Sequence[Record]) -> Record | None:
    """The epoch with the highest validation accuracy, among equals the first with the smallest validation loss.

    None when nothing was held out. An epoch is better than another by the same rule as in `training.stopping.Score`.
    """
    scored = [record for record in history if record.get("val_accuracy") is not None]
    return max(scored, key=lambda record: (record["val_accuracy"], -(record.get("val_loss") or 0.0)), default=None)


def _from_1(saved: Record) -> Record:
    """Version 0.1.0 wrote the same keys, without a format number."""
    return saved


MIGRATIONS: dict[int, Callable[[Record], Record]] = {1: _from_1}  # from this format to the next


def _at_present_format(saved: Record, path: Path) -> dict[str, Any]:
    """The contents of a file of records without their format number, brought to the present one."""
    contents = dict(saved)
    number = contents.pop("format", 1)
    if not isinstance(number, int) or not 1 <= number <= FORMAT:
        raise RunError(
            f"{path.name} has format {number}, this version reads up to {FORMAT}",
            where=str(path),
            hint="open it with the version of Sightline that wrote it",
        )
    for step in range(number, FORMAT):
        contents = MIGRATIONS[step](contents)
    return contents
