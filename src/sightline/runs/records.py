"""What a training came to, as its run folder records it: stages, scores, a careless split's score, circumstances.

A training makes these records and a report reads them. metrics.json and stages.json hold them, with a format number
(see `formats`).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sightline.config import from_json, to_json
from sightline.machine import files
from sightline.runs.formats import FORMAT
from sightline.runs.run import Record, Run


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

    format: int = FORMAT
    test: Mapping[str, Any] | None = None
    stages: tuple[Stage, ...] = ()
    naive: NaiveScore | None = None
    circumstances: Circumstances | None = None

    def to_json(self) -> Record:
        """As plain JSON types; what is None or empty is left out."""
        contents = to_json(dataclasses.replace(self, test=None)) | {"test": self.test}  # converted already, and large
        return {key: value for key, value in contents.items() if value}


@dataclass(frozen=True, kw_only=True)
class _Stages:
    """The contents of stages.json."""

    format: int = FORMAT
    stages: tuple[Stage, ...]


def write_metrics(run: Run, metrics: Metrics) -> None:
    """Replace the run's metrics.json. Raises StorageError."""
    files.write_json(run.metrics_path, metrics.to_json())


def read_metrics(run: Run) -> Metrics:
    """The run's metrics.json. Raises RunError or ConfigError when it is missing, damaged or of a newer version."""
    return from_json(Metrics, run.metrics, where=str(run.metrics_path))


def write_stages(run: Run, stages: Sequence[Stage]) -> None:
    """Replace the run's stages.json: the stages of a transfer that have come to their end. Raises StorageError."""
    files.write_json(run.stages_path, to_json(_Stages(stages=tuple(stages))))


def read_stages(run: Run) -> tuple[Stage, ...]:
    """The stages that have come to their end; empty when none has, or the run is no transfer.

    Raises RunError or ConfigError when the file is damaged or of a newer version.
    """
    if not run.stages_path.exists():
        return ()
    return from_json(_Stages, run.stages, where=str(run.stages_path)).stages


def best_record(history: Sequence[Record]) -> Record | None:
    """The epoch with the highest validation accuracy, among equals the first with the smallest validation loss.

    None when nothing was held out. An epoch is better than another by the same rule as in `training.stopping.Score`.
    """
    scored = [record for record in history if record.get("val_accuracy") is not None]
    return max(scored, key=lambda record: (record["val_accuracy"], -(record.get("val_loss") or 0.0)), default=None)


def epoch_of(score: Mapping[str, float], history: Sequence[Record]) -> int:
    """The first epoch with this validation score, 0 when none has it: then it is that of the weights at the beginning.

    score: `accuracy` and `loss`, as a checkpoint has them.
    """
    same = (
        int(record["epoch"])
        for record in history
        if (record.get("val_accuracy"), record.get("val_loss")) == (score["accuracy"], score["loss"])
    )
    return next(same, 0)
