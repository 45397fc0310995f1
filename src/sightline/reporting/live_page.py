"""report.html while a training goes on: drawn again after every epoch, and once more when it stops before its end."""

import contextlib
from typing import Any

from sightline.data.imageset import Splits
from sightline.errors import StorageError
from sightline.reporting.description import facts_of_job
from sightline.reporting.report import write_report
from sightline.runs.job import Job
from sightline.runs.records import Stage
from sightline.runs.run import Run
from sightline.training.fit import Epoch
from sightline.training.listener import Listener
from sightline.training.range_test import RangeTest


class LivePage(Listener):
    """The page of one run. It reads the run's history: `training.history.HistoryFile` has to be told first.

    resumed: the run has a page, which stays when the training is refused before anything has happened in it, because
    its checkpoint is damaged for instance.
    """

    def __init__(self, run: Run, job: Job, splits: Splits, *, resumed: bool = False) -> None:
        self.run, self.job, self.splits = run, job, splits
        self.goes_on = not resumed
        self.stages: tuple[Stage, ...] = ()
        self.rates: RangeTest | None = None

    def stage(self, stage: Stage) -> None:
        self.stages, self.goes_on = (*self.stages, stage), True

    def range_test(self, result: RangeTest, job: Job) -> None:
        self.rates, self.job, self.goes_on = result, job, True

    def epoch(self, epoch: Epoch) -> None:
        self.goes_on = True
        self._write(live=True)

    def checkpoint(self, step: int) -> None:
        self.goes_on = True

    def stop(self, reason: str) -> None:
        if not self.goes_on:
            return
        with contextlib.suppress(StorageError):  # why the training stopped is the news, not why the page cannot say so
            self._write(stopped=reason)

    def _write(self, **state: Any) -> None:
        facts = facts_of_job(self.job, self.splits, stages=self.stages, range_test=self.rates)
        write_report(self.run, facts, history=self.run.history, **state)
