"""The result in plain words: what was found, and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sightline.evaluation.evaluate import Evaluation
from sightline.evaluation.intervals import format_percent
from sightline.reporting.material import Material

if TYPE_CHECKING:
    from sightline.reporting.audit_section import AuditSection

WIDE = 0.06  # of an interval, from end to end: more test images would tell more
CLEAR_SHARE = 0.1  # of a class taken for one other: the pair deserves a look
UNCALIBRATED = 0.03  # expected calibration error from which a probability misleads
MOST_STEPS = 4


@dataclass(frozen=True)
class Line:
    """One thing found. anchor: the section that shows it."""

    what: str
    words: str
    anchor: str


@dataclass(frozen=True)
class Overview:
    """lines: in the order of interest. steps: what to do next, the most useful first."""

    lines: Sequence[Line]
    steps: Sequence[str]


def overview(
    evaluation: Evaluation, material: Material, *, audit: "AuditSection | None" = None, calibrated: bool = True
) -> Overview:
    """calibrated: whether there were validation images to fit a temperature to."""
    lines = [_weakest(evaluation), _confusion(evaluation), _top5(evaluation), _sureness(evaluation)]
    lines += [_unknown(evaluation), _labels(material), _growth(material)]
    return Overview([line for line in lines if line], _steps(evaluation, material, audit, calibrated)[:MOST_STEPS])


def _weakest(evaluation: Evaluation) -> Line:
    weakest = evaluation.weakest
    if weakest is None:
        return Line("Weakest class", "none: not one image was mistaken", "classes")
    share = format_percent(weakest.correct, weakest.support)
    words = f"{weakest.name}: {weakest.correct:,} of {weakest.support:,} recognised, {share}"
    return Line("Weakest class", words, "classes")


def _confusion(evaluation: Evaluation) -> Line | None:
    for truth, prediction, count in evaluation.confusions(1):
        times = "once" if count == 1 else f"{count:,} times"
        return Line("Commonest confusion", f"{truth} taken for {prediction}, {times}", "confusion")
    return None


def _top5(evaluation: Evaluation) -> Line | None:
    top5 = evaluation.top5
    if top5 is None or evaluation.weakest is None:
        return None
    share = format_percent(round(top5 * evaluation.total), evaluation.total)
    return Line("Among the first five", f"the right class for {share}", "classes")


def _sureness(evaluation: Evaluation) -> Line:
    error = evaluation.reliability_after.ece
    return Line("Probabilities", f"off by {error.text()} on average", "calibration")


def _unknown(evaluation: Evaluation) -> Line | None:
    count = int(evaluation.unknown.sum())
    if not count:
        return None
    return Line("Unknown", f"{format_percent(count, evaluation.total)} of the test images are called so", "calibration")


def _labels(material: Material) -> Line | None:
    if material.suspects is None:
        return None
    count = len(material.suspects)
    amount = "no label" if not count else f"{count:,}"
    words = f"{amount} {material.among} look{'s' if count < 2 else ''} wrong"
    return Line("Labels", words, "suspects" if count else "classes")


def _growth(material: Material) -> Line | None:
    """What the forecast says of all classes together; the rest is in its section."""
    if not material.forecast:
        return None
    return Line("More images", material.forecast.overall, "growth")


def _steps(evaluation: Evaluation, material: Material, audit: "AuditSection | None", calibrated: bool) -> list[str]:
    """What the figures advise, the most useful first."""
    steps = []
    if audit and any(finding.severity == "error" for finding in audit.findings):
        steps.append("Mend what the audit calls an error first: it makes the scores wrong.")
    if material.suspects:
        count = len(material.suspects)
        which = "the label that looks" if count == 1 else f"the {count:,} labels that look"
        steps.append(f"Look at {which} wrong: mending labels is cheaper than collecting images.")
    gains = sorted(material.forecast.classes, key=lambda part: -part.gain.value) if material.forecast else []
    if gains and gains[0].gain.low > 0:
        best = gains[0]
        points = f"{100 * best.gain.value:.0f}" if best.gain.value >= 0.015 else f"{100 * best.gain.value:.1f}"
        steps.append(
            f"Collect more images of {best.name}: {best.more_images:,} are worth about {points} points of its recall."
        )
    if pair := _clear_pair(evaluation):
        steps.append(pair)
    low, high = evaluation.interval
    if high - low > WIDE:
        steps.append(
            f"Test on more images: {evaluation.total:,} leave the accuracy anywhere from {100 * low:.0f} to "
            f"{100 * high:.0f} %."
        )
    if not calibrated and evaluation.reliability_after.ece.low > UNCALIBRATED:
        steps.append("Hold out images for validation: without them the probabilities cannot be calibrated.")
    if not steps:
        steps.append(
            "Try it on images that are like those it will meet; these figures hold for images like the test's."
        )
    return steps


def _clear_pair(evaluation: Evaluation) -> str:
    """The commonest confusion, when it is a large share of its class; else an empty text."""
    for truth, prediction, count in evaluation.confusions(1):
        support = next(score.support for score in evaluation.classes if score.name == truth)
        if count >= 3 and count / support >= CLEAR_SHARE:
            share = 100 * count / support
            return (
                f"Look at {truth} taken for {prediction}, {share:.0f} % of its class: are they told apart by what the "
                "images show?"
            )
    return ""
