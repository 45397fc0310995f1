"""What a training says in the terminal: one line an epoch, the result in the last five.

`NO_COLOR` and pipes get plain text.
"""

from contextlib import AbstractContextManager

from rich.console import Console
from rich.status import Status

from sightline.data.audit.audit import Audit
from sightline.data.imageset import Splits
from sightline.evaluation.evaluate import Evaluation
from sightline.evaluation.intervals import format_percent
from sightline.reporting.audit_text import audit_summary
from sightline.reporting.description import announcement, facts_of_job
from sightline.reporting.scale import format_seconds
from sightline.reporting.stages import stage_accuracy
from sightline.runs.job import Job
from sightline.runs.records import Stage
from sightline.runs.run import Run
from sightline.training.fit import Epoch
from sightline.training.listener import Listener
from sightline.training.range_test import RangeTest


class Narrator(Listener):
    """Writes to the terminal and to the run's log.txt alike; `quiet` only to the log.

    run: whose log that is; None until training begins. epochs: that are planned, None when the time decides.
    val_images: of which each epoch recognises some.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(quiet=quiet, highlight=False, emoji=False, soft_wrap=True)
        self.run: Run | None = None
        self.epochs: int | None = None
        self.val_images = 0
        self.resumed = False

    def say(self, line: str, *, style: str = "") -> None:
        """One line. style: rich's, for the terminal only."""
        self.console.print(line, style=style or None, markup=False)
        if self.run:
            self.run.log(line)

    def working(self, what: str) -> AbstractContextManager[Status]:
        """Shows `what` is being done while the block runs; in a terminal only."""
        return self.console.status(what, spinner_style="dim") if self.console.is_terminal else _Silent(what)

    def audit(self, audit: Audit) -> None:
        """A few lines on what was found in the data."""
        for line in audit_summary(audit):
            self.say(line)

    def begin(self, run: Run, job: Job, splits: Splits, *, resumed: bool) -> None:
        """What is trained on what, and what must be said of the data."""
        facts = facts_of_job(job, splits)
        self.epochs, self.val_images = facts.epochs, facts.val_images
        if self.run:  # the second training of --naive-too is told as a part of the first
            return
        self.run, self.resumed = run, resumed
        self.say(announcement(job, facts))
        for warning in splits.warnings:
            self.say(warning)
        if splits.unused:
            files_are = "1 file is" if len(splits.unused) == 1 else f"{len(splits.unused):,} files are"
            self.say(f"{files_are} not used; see the end of the report")

    def stage(self, stage: Stage) -> None:
        """One line for a stage of a transfer."""
        accuracy = f"  validation {stage_accuracy(stage)}" if stage.total else ""
        remark = "" if stage.kept else "; not better, so not kept"
        self.say(f"{stage.name}: {stage.what}{accuracy}  {format_seconds(stage.seconds)}{remark}")

    def range_test(self, result: RangeTest, job: Job) -> None:
        """The rate that was found."""
        self.say(f"learning rate {result.suggestion:.2g}: {result.reason}")

    def epoch(self, epoch: Epoch) -> None:
        """One line for one epoch."""
        of = f"/{self.epochs}" if self.epochs else ""
        seconds_left = epoch.seconds / epoch.progress - epoch.seconds
        parts = [f"epoch {epoch.epoch}{of}", f"loss {epoch.train_loss:.3f}"]
        if epoch.val_accuracy is not None:
            correct = round(epoch.val_accuracy * self.val_images)
            parts.append(f"validation {format_percent(correct, self.val_images)}")
        parts.append(f"{epoch.images_per_second:,.0f} images/s")
        parts.append(
            f"{format_seconds(seconds_left)} left" if epoch.progress < 1 else f"{format_seconds(epoch.seconds)} in all"
        )
        self.say("  ".join(parts))

    def result(self, run: Run, evaluation: Evaluation | None, *, seconds: float) -> None:
        """The last five lines: result with interval, weakest class, what must be said of it, report, what next.

        seconds: since the training began, or since it went on.
        """
        if evaluation:
            share = format_percent(evaluation.correct, evaluation.total)
            took = f"{format_seconds(seconds)}{' since it was resumed' if self.resumed else ''}"
            self.say(f"test accuracy {share} on {evaluation.total:,} images, {took}", style="bold")
            if evaluation.weakest:
                weakest = evaluation.weakest
                recalled = format_percent(weakest.correct, weakest.support)
                self.say(
                    f"weakest class  {weakest.name}: {weakest.correct} of {weakest.support} recognised, {recalled}"
                )
            if evaluation.note:
                self.say(f"note           {evaluation.note}")
        self.say(f"report         {run.report_path}")
        self.say(f"next           sightline predict {run.path} IMAGE...")


class _Silent(AbstractContextManager[Status]):
    """A status that is never shown: pipes want lines, not spinners."""

    def __init__(self, what: str) -> None:
        self.status = Status(what)

    def __enter__(self) -> Status:
        return self.status

    def __exit__(self, *_: object) -> None:
        return None
