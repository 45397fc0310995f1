"""What a training says in the terminal: one line an epoch, the result in the last five.

`NO_COLOR` and pipes get plain text.
"""

from contextlib import AbstractContextManager

from rich.console import Console
from rich.status import Status

from sightline.data.audit.audit import Audit
from sightline.evaluation.evaluate import Evaluation
from sightline.evaluation.metrics import format_percent
from sightline.reporting.audit_text import audit_summary
from sightline.reporting.scale import format_seconds
from sightline.reporting.stages import Stage
from sightline.runs.run import Run
from sightline.training.fit import Epoch


class Narrator:
    """Writes to the terminal and to the run's log.txt alike; `quiet` only to the log."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(quiet=quiet, highlight=False, emoji=False, soft_wrap=True)
        self.run: Run | None = None

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

    def stage(self, stage: Stage) -> None:
        """One line for a stage of a transfer."""
        accuracy = f"  validation {stage.accuracy}" if stage.total else ""
        kept = "" if stage.kept else "; not better, so not kept"
        self.say(f"{stage.name}: {stage.what}{accuracy}  {format_seconds(stage.seconds)}{kept}")

    def epoch(self, epoch: Epoch, *, epochs: int | None, val_images: int) -> None:
        """One line for one epoch."""
        of = f"/{epochs}" if epochs else ""
        left = epoch.seconds / epoch.progress - epoch.seconds
        parts = [f"epoch {epoch.epoch}{of}", f"loss {epoch.train_loss:.3f}"]
        if epoch.val_accuracy is not None:
            correct = round(epoch.val_accuracy * val_images)
            parts.append(f"validation {format_percent(correct, val_images)}")
        parts.append(f"{epoch.images_per_second:,.0f} images/s")
        parts.append(
            f"{format_seconds(left)} left" if epoch.progress < 1 else f"{format_seconds(epoch.seconds)} in all"
        )
        self.say("  ".join(parts))

    def result(self, run: Run, evaluation: Evaluation | None, *, seconds: float, resumed: bool = False) -> None:
        """The last five lines: result with interval, weakest class, what must be said of it, report, what next.

        seconds: since the training began, or `resumed`, since it went on.
        """
        if evaluation:
            share = format_percent(evaluation.correct, evaluation.total)
            took = f"{format_seconds(seconds)}{' since it was resumed' if resumed else ''}"
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
