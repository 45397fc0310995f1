"""The stages of a transfer: what each came to, and which one is kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from sightline.evaluation.metrics import format_percent


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage. correct, total: of the validation images, both 0 without any. what: how it was trained, as a clause.

    seconds: that it took. kept: whether the classifier is the one this stage left.
    """

    name: str
    what: str
    correct: int
    total: int
    seconds: float
    kept: bool = True

    @property
    def accuracy(self) -> str:
        """E.g. "89.2 % (85.7 to 92.0)"; a dash without validation images."""
        return format_percent(self.correct, self.total) if self.total else "\N{EN DASH}"


def stages_sentence(stages: Sequence[Stage], *, unfinished: bool = False) -> str:
    """What the stages came to. unfinished: the training goes on, or was stopped before its end."""
    if len(stages) < 2 and unfinished:
        return "The new head is trained; fine-tuning has not come to its end."
    if len(stages) < 2:
        alone = "Only the new head was trained; the pretrained network stayed as it was."
        judged = " Validation judged a head that had not seen its images; the one kept has learnt from them, too."
        return alone + judged if stages[0].total else alone
    first, last = stages
    if not last.total:
        return "There are no validation images to say whether fine-tuning paid; it was asked for, so it is kept."
    more = last.correct - first.correct
    if last.kept and more > 0:
        return f"Fine-tuning paid: {more:+d} of {last.total:,} validation images, so it is kept."
    if last.kept:
        return "Fine-tuning recognised no more of the validation images, but with less loss, so it is kept."
    return "Fine-tuning did not recognise more of the validation images, so the first stage is kept."
