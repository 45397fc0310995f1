"""The stages of a transfer in words: what each came to, and which one is kept."""

from collections.abc import Sequence

from sightline.evaluation.intervals import format_percent
from sightline.runs.records import Stage


def stage_accuracy(stage: Stage) -> str:
    """E.g. "89.2 % (85.7 to 92.0)"; a dash without validation images."""
    return format_percent(stage.correct, stage.total) if stage.total else "\N{EN DASH}"


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
