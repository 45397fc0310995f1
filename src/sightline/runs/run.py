"""A run folder: everything one training leaves behind, and how to read it back.

runs/<data>-<model>-<n>/
    model/            the best network: model.safetensors and model.json
    checkpoint/       what resuming needs
    config.json       every setting
    split.csv         which image is in which split
    lr_range.json     what the range test of `--lr auto` saw, where there was one
    stages.json       the stages of a transfer that have come to their end
    history.jsonl     one line an epoch
    snapshots/        the network after some of its epochs, to scrub through: see `inspection/snapshots.py`
    metrics.json      scores on the test split
    predictions.csv   the answer for every test image
    report.html       a page to look at
    log.txt           what was said, with times
    inspect/          what `sightline inspect` drew, a folder an image
    naive/            the second training of `--naive-too`: a run folder without a model
"""

import contextlib
import itertools
import json
import os
import re
import shlex
import shutil
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sightline.errors import RunError, StorageError
from sightline.machine import files
from sightline.runs.formats import at_present_format

if TYPE_CHECKING:  # reading a run's tables needs no network
    from sightline.classifier.classifier import Classifier

Record = dict[str, Any]  # one epoch of the history

NAIVE = "naive"  # the folder of the second training, within that of the first


class Run:
    """The run folder at `path`. Opening it reads nothing; each property reads its file when asked.

    Raises RunError when the folder does not exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise RunError(f"there is no run folder {self.path}", hint="it may have been moved; give its new place")

    @classmethod
    def create(cls, out: str | os.PathLike[str] | None, data_name: str, model_name: str) -> Self:
        """A new run folder at `out`, or at the first free runs/<data>-<model>-<n>.

        Raises StorageError when `out` exists and is not an empty folder, or cannot be written.
        """
        if out is not None:
            path = Path(out)
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise StorageError(
                    f"{path} exists and is not empty", hint="choose another folder, or go on with it: --resume"
                )
            files.make_folder(path)
            return cls(path)
        stem = re.sub(r"[^\w.-]+", "-", f"{data_name}-{model_name}").strip("-.")
        files.make_folder(Path("runs"))
        for n in itertools.count(1):
            path = Path("runs", f"{stem}-{n}")
            try:
                with files.storage_errors(path):
                    path.mkdir()
            except StorageError as error:
                # Another training may take the number between looking and making: making is the look.
                if not isinstance(error.__cause__, FileExistsError):
                    raise
            else:
                break
        return cls(path)

    def discard(self) -> None:
        """Delete this run folder, and runs/ if nothing else is there; what cannot be deleted stays."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self.path.parent == Path("runs"):
            with contextlib.suppress(OSError):
                self.path.parent.rmdir()

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def model_folder(self) -> Path:
        return self.path / "model"

    @property
    def checkpoint_folder(self) -> Path:
        return self.path / "checkpoint"

    @property
    def config_path(self) -> Path:
        return self.path / "config.json"

    @property
    def split_path(self) -> Path:
        return self.path / "split.csv"

    @property
    def lr_range_path(self) -> Path:
        return self.path / "lr_range.json"

    @property
    def stages_path(self) -> Path:
        return self.path / "stages.json"

    @property
    def history_path(self) -> Path:
        return self.path / "history.jsonl"

    @property
    def snapshots_folder(self) -> Path:
        return self.path / "snapshots"

    @property
    def metrics_path(self) -> Path:
        return self.path / "metrics.json"

    @property
    def predictions_path(self) -> Path:
        return self.path / "predictions.csv"

    @property
    def report_path(self) -> Path:
        return self.path / "report.html"

    @property
    def log_path(self) -> Path:
        return self.path / "log.txt"

    @property
    def config(self) -> Record:
        """Every setting of the training, as config.json has it."""
        return self._read_json(self.config_path)

    @property
    def lr_range(self) -> Record:
        """What the range test of `--lr auto` saw. Raises RunError when there was none."""
        return self._read_json(self.lr_range_path)

    @property
    def stages(self) -> Record:
        """The contents of stages.json; see `runs.records.read_stages`. Raises RunError when there is none."""
        return at_present_format(self._read_json(self.stages_path), self.stages_path)

    @property
    def metrics(self) -> Record:
        """The contents of metrics.json; its key `test` holds the scores on the test split."""
        return at_present_format(self._read_json(self.metrics_path), self.metrics_path)

    @property
    def test(self) -> Record:
        """The scores on the test split. Raises RunError when the data had none."""
        metrics = self.metrics
        if "test" not in metrics:
            raise RunError(
                "this run has no test split", where=str(self.metrics_path), hint="see `metrics` for the rest"
            )
        test: Record = metrics["test"]
        return test

    @property
    def resume_command(self) -> str:
        """What to type to go on with this training; with the whole of it when this is its second, naive one."""
        whole = self.path.parent
        path = whole if self.path.name == NAIVE and (whole / self.config_path.name).exists() else self.path
        return f"sightline train --resume {shlex.quote(str(path))}"

    @property
    def is_complete(self) -> bool:
        """Whether training ended and its model was scored."""
        return self.metrics_path.exists() and (self.model_folder / "model.json").exists()

    @cached_property
    def classifier(self) -> "Classifier":
        """The best network of this run. Raises RunError or ModelError when it is missing or damaged."""
        from sightline.classifier.classifier import Classifier

        return Classifier.load(self.path)

    @property
    def history(self) -> list[Record]:
        """One record an epoch, oldest first; empty before the first epoch ends.

        A last line that a kill cut short is left out. Raises RunError for damage anywhere else.
        """
        records, _ = self._read_history()
        return records

    def append_history(self, record: Record) -> None:
        """Add one epoch. An epoch trained again after a resume takes the place of its old record and what followed.

        record: plain JSON types with an `epoch`, counted from 1.
        """
        records, whole = self._read_history()
        earlier = [old for old in records if old["epoch"] < record["epoch"]]
        line = json.dumps(record) + "\n"
        if whole and len(earlier) == len(records):
            with files.storage_errors(self.history_path), open(self.history_path, "a", encoding="utf-8") as file:
                file.write(line)
        else:
            files.write_text(self.history_path, "".join(json.dumps(old) + "\n" for old in earlier) + line)

    def cut_history(self, epochs: int) -> None:
        """Forget what is recorded of epochs behind the first `epochs`. Raises StorageError."""
        records, _ = self._read_history()
        earlier = [record for record in records if record["epoch"] <= epochs]
        if len(earlier) < len(records):
            files.write_text(self.history_path, "".join(json.dumps(record) + "\n" for record in earlier))

    def log(self, line: str) -> None:
        """Add a line to log.txt, with the local time before it."""
        with files.storage_errors(self.log_path), open(self.log_path, "a", encoding="utf-8") as file:
            file.write(f"{datetime.now().isoformat(sep=' ', timespec='seconds')}  {line}\n")

    def _read_history(self) -> tuple[list[Record], bool]:
        """The records, and whether the last line is whole."""
        if not self.history_path.exists():
            return [], True
        lines = self._read_text(self.history_path).splitlines(keepends=True)
        records: list[Record] = []
        for number, line in enumerate(lines, start=1):
            try:
                records.append({"epoch": number} | json.loads(line))
            except (ValueError, TypeError) as error:
                if number == len(lines):
                    return records, False
                raise RunError(
                    f"line {number} is damaged: {error}", where=str(self.history_path), hint="delete that line"
                ) from error
        return records, not lines or lines[-1].endswith("\n")

    def _read_json(self, path: Path) -> Record:
        try:
            value = json.loads(self._read_text(path))
        except ValueError as error:
            raise RunError(f"not valid JSON: {error}", where=str(path), hint="restore it from a copy") from error
        if not isinstance(value, dict):
            raise RunError("expected a JSON object", where=str(path), hint="restore it from a copy")
        return value

    def _read_text(self, path: Path) -> str:
        if not self.path.is_dir():
            raise RunError(
                f"the run folder {self.path} is gone", hint="it may have been moved; open it at its new place"
            )
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            unbegun = "give a run folder, e.g. runs/digits-speednet_s-1"
            unfinished = "the training has not come that far, or the file was deleted; `--resume` goes on with it"
            hint = unbegun if path == self.config_path else unfinished
            raise RunError(f"{self.path} has no {path.name}", hint=hint) from error
        except UnicodeDecodeError as error:
            raise RunError(f"not text: {error}", where=str(path), hint="restore it from a copy") from error
