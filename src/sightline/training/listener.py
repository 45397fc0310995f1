"""What happens in a training, for whoever wants to hear it: the terminal, a page, a tracker, a notebook."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from sightline.data.audit.audit import Audit
from sightline.data.imageset import Splits
from sightline.errors import Interrupted, SightlineError
from sightline.evaluation.evaluate import Evaluation
from sightline.runs.job import Job
from sightline.runs.records import Stage
from sightline.runs.run import Run
from sightline.training.fit import Epoch
from sightline.training.range_test import RangeTest


class Listener:
    """Override what you want to hear; the rest does nothing. Pass it to `sightline.train(listeners=[...])`.

    The methods are called in the process and thread that trains, which waits for them. What they raise ends the
    training as any error does: everything up to the last checkpoint is kept.
    """

    def say(self, line: str, *, style: str = "") -> None:
        """A line for people. style: rich's, which may be ignored."""

    def working(self, what: str) -> AbstractContextManager[Any]:
        """Something that takes seconds goes on while the block runs."""
        return contextlib.nullcontext()

    def audit(self, audit: Audit) -> None:
        """The data have been looked at; named sets are not."""

    def begin(self, run: Run, job: Job, splits: Splits, *, resumed: bool) -> None:
        """There is a run folder, and training begins, or goes on."""

    def stage(self, stage: Stage) -> None:
        """A stage of a transfer has come to its end. Where a second one is kept, the first, told before, is not."""

    def range_test(self, result: RangeTest, job: Job) -> None:
        """`--lr auto` has found a rate, or had found it before the training was resumed; `job` has it."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is over; the network is in eval mode, with the weights of its last step."""

    def checkpoint(self, step: int) -> None:
        """Everything learnt up to this step is on the disk."""

    def stop(self, reason: str) -> None:
        """The training is over before its end, whatever the cause: it was interrupted, or something failed."""

    def result(self, run: Run, evaluation: Evaluation | None, *, seconds: float) -> None:
        """All is written. evaluation: on the test images, None without any. seconds: that the user waited."""


class Listeners(Listener):
    """Several as one: each is told everything, in their order."""

    def __init__(self, listeners: Iterable[Listener]) -> None:
        self.listeners = tuple(listeners)

    def say(self, line: str, *, style: str = "") -> None:
        self._each(lambda listener: listener.say(line, style=style))

    def working(self, what: str) -> AbstractContextManager[Any]:
        with contextlib.ExitStack() as stack:
            for listener in self.listeners:
                stack.enter_context(listener.working(what))
            return stack.pop_all()

    def audit(self, audit: Audit) -> None:
        self._each(lambda listener: listener.audit(audit))

    def begin(self, run: Run, job: Job, splits: Splits, *, resumed: bool) -> None:
        self._each(lambda listener: listener.begin(run, job, splits, resumed=resumed))

    def stage(self, stage: Stage) -> None:
        self._each(lambda listener: listener.stage(stage))

    def range_test(self, result: RangeTest, job: Job) -> None:
        self._each(lambda listener: listener.range_test(result, job))

    def epoch(self, epoch: Epoch) -> None:
        self._each(lambda listener: listener.epoch(epoch))

    def checkpoint(self, step: int) -> None:
        self._each(lambda listener: listener.checkpoint(step))

    def stop(self, reason: str) -> None:
        self._each(lambda listener: listener.stop(reason))

    def result(self, run: Run, evaluation: Evaluation | None, *, seconds: float) -> None:
        self._each(lambda listener: listener.result(run, evaluation, seconds=seconds))

    def _each(self, tell: Callable[[Listener], None]) -> None:
        for listener in self.listeners:
            tell(listener)


@contextlib.contextmanager
def stop_told(listener: Listener) -> Iterator[None]:
    """Tell the listener when the block ends by an error or an interruption, which goes on its way."""
    try:
        yield
    except BaseException as error:
        listener.stop(_reason(error))
        raise


def _reason(error: BaseException) -> str:
    """Why a training stopped, e.g. "Stopped: the loss became nan at step 12"."""
    if isinstance(error, Interrupted):
        return f"Stopped; {error.hint}"
    if isinstance(error, SightlineError):
        return f"Stopped: {error.what}"
    return f"Stopped: {error}" if str(error) else f"Stopped: {type(error).__name__}"
