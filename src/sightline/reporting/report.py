"""report.html: one page that says what was trained, how well it sees, and where it errs.

The file needs no network and no other file, and says everything without its script, which only sorts, opens and plays.
While a training goes on it is drawn again after every epoch, without a script and quickly: the figures are SVG and
tables that the templates write (docs/decisions/0002-report-figures-as-svg.md).
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from sightline import __version__
from sightline.data.imageset import ImageSet
from sightline.evaluation.evaluate import Evaluation
from sightline.evaluation.intervals import proportion
from sightline.machine import files
from sightline.pixels.scales import DARK_PAPER, LIGHT_PAPER
from sightline.reporting import colors
from sightline.reporting.description import TrainingFacts
from sightline.reporting.learning import accuracy_of, learning
from sightline.reporting.material import NOTHING, Material
from sightline.reporting.naive import naive_sentence
from sightline.reporting.overview import overview
from sightline.reporting.range_chart import range_figure
from sightline.reporting.scale import format_seconds
from sightline.reporting.sections import extras, images_shown, scores
from sightline.reporting.stages import stage_accuracy, stages_sentence
from sightline.runs.records import NaiveScore, best_record
from sightline.runs.run import Record, Run

if TYPE_CHECKING:
    from sightline.reporting.audit_section import AuditSection

UNUSED = 50  # files listed by name
REFRESH_SECONDS = 3


def write_report(
    run: Run,
    facts: TrainingFacts,
    *,
    history: Sequence[Record],
    evaluation: Evaluation | None = None,
    images: ImageSet | None = None,
    material: Material = NOTHING,
    audit: "AuditSection | None" = None,
    naive: NaiveScore | None = None,
    live: bool = False,
    stopped: str = "",
) -> Path:
    """Write the run's report.html and return its path. Raises StorageError.

    history: one record an epoch, with `epoch` and what is known of `train_loss`, `val_loss`, `val_accuracy`,
        `val_interval` (low, high) and `seconds` since the start.
    evaluation: the scores on the test images. images: those images, to show some of them.
    material: what else was worked out from them; each piece may be missing.
    audit: what `audit_section` made of the data's audit. naive: what a naive split says, where it was asked for.
    live: training goes on; the page reloads itself. stopped: why it does not, before its end, and what to do about it.
    """
    page = render(
        facts,
        history=history,
        evaluation=evaluation,
        images=images,
        material=material,
        audit=audit,
        naive=naive,
        live=live,
        stopped=stopped,
        run_name=run.name,
    )
    files.write_text(run.report_path, page)
    return run.report_path


def render(
    facts: TrainingFacts,
    *,
    history: Sequence[Record],
    evaluation: Evaluation | None = None,
    images: ImageSet | None = None,
    material: Material = NOTHING,
    audit: "AuditSection | None" = None,
    naive: NaiveScore | None = None,
    live: bool = False,
    stopped: str = "",
    run_name: str = "",
) -> str:
    """The page as HTML; the parameters are those of `write_report`."""
    scored = evaluation is not None and evaluation.total > 0
    return render_page(
        "report.html",
        script=_script() if scored else None,
        facts=facts,
        run_name=run_name,
        refresh_seconds=REFRESH_SECONDS if live else 0,
        progress=_progress(facts, history) if live else stopped,
        headline=_headline(history, evaluation),
        note=evaluation.note if evaluation and evaluation.note else facts.note,
        scores=scores(evaluation, facts.class_counts) if evaluation and scored else None,
        names=[score.name for score in evaluation.classes] if evaluation else [],
        overview=overview(evaluation, material, audit=audit, calibrated=facts.val_images > 0)
        if evaluation and scored
        else None,
        images=images_shown(evaluation, images, material) if evaluation and scored and images else None,
        more=extras(evaluation, material) if evaluation and scored else None,
        material=material,
        learning=learning(history, planned_epochs=facts.epochs if live or stopped else None),
        rate=range_figure(facts.range_test) if facts.range_test else None,
        trained=_trained(facts, history, live=live),
        unused=facts.unused[:UNUSED],
        audit=audit,
        naive=naive_sentence(naive) if naive else "",
        stage_accuracy=stage_accuracy,
        stages=stages_sentence(facts.stages, unfinished=live or bool(stopped)) if facts.stages else "",
        seconds=format_seconds,
    )


def render_page(template: str, **content: object) -> str:
    """A page of `templates/`, with what every page needs: version, date, colours."""
    return (
        _environment()
        .get_template(template)
        .render(
            version=__version__,
            today=f"{datetime.now().day} {datetime.now():%B %Y, %H:%M}",
            light_steps=_steps_and_inks(LIGHT_PAPER),
            dark_steps=_steps_and_inks(DARK_PAPER),
            **content,
        )
    )


@dataclass(frozen=True)
class Headline:
    """The one number: value "94.1 %", interval "93.6 to 94.5", and of what."""

    value: str
    interval: str
    of: str


def _headline(history: Sequence[Record], evaluation: Evaluation | None) -> Headline | None:
    """The test accuracy, or before there is one that of the best epoch on the validation images."""
    if evaluation:
        accuracy = proportion(evaluation.correct, evaluation.total).percent
        of = f"of {evaluation.total:,} test images recognised"
    elif best := best_record(history):
        accuracy, of = accuracy_of(best), f"of the validation images recognised, after epoch {best['epoch']}"
    else:
        return None
    return Headline(accuracy.short, accuracy.interval, of)


def _progress(facts: TrainingFacts, history: Sequence[Record]) -> str:
    """Where a training that goes on has come to, and how long it will take yet."""
    done = history[-1]["epoch"] if history else 0
    if facts.epochs is None:
        return f"Training: {done} epochs done"
    text = f"Training: {done} of {facts.epochs} epochs done"
    seconds = history[-1].get("seconds") if history else None
    if seconds and done < facts.epochs:
        text += f", about {_roughly(seconds / done * (facts.epochs - done))} to go"
    return text


def _roughly(seconds: float) -> str:
    """A duration that is itself a guess: no seconds beyond two minutes."""
    return format_seconds(seconds if seconds < 120 else 60 * round(seconds / 60))


def _trained(facts: TrainingFacts, history: Sequence[Record], *, live: bool) -> str:
    """What was trained on what, for how long."""
    seconds = history[-1].get("seconds") if history else None
    epochs = len(history)
    duration = f"{epochs} epoch{'' if epochs == 1 else 's'}" + (f" in {format_seconds(seconds)}" if seconds else "")
    verb = "learns" if live else "learned"
    return (
        f"{facts.model}, a network with {facts.parameters:,} parameters, {verb} {facts.num_classes} classes from "
        f"{facts.train_images:,} images of {facts.data}" + (f": {duration}." if epochs else ".")
    )


@dataclass(frozen=True)
class Script:
    """The page's script, and the hash by which the page's security policy knows it from any other."""

    text: str
    hash: str


@cache
def _script() -> Script:
    text = (Path(__file__).parent / "templates" / "report.js").read_text(encoding="utf-8")
    digest = hashlib.sha256(text.encode()).digest()
    return Script(text, f"sha256-{base64.b64encode(digest).decode()}")


@cache
def _steps_and_inks(paper: str) -> list[tuple[str, str]]:
    """The colours of the confusion matrix, faintest first, each with the ink for a number on it."""
    return [(color, colors.ink_on(color)) for color in colors.steps_on(paper)]


def _unbroken(value: object) -> object:
    """Text whose per cent signs stay on the line of their numbers."""
    return value.replace(" %", "\N{NO-BREAK SPACE}%") if isinstance(value, str) else value


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,  # class names and file names come from the user's disk
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_unbroken,
    )
    environment.filters["thousands"] = "{:,}".format
    environment.filters["sentence"] = lambda text: text[:1].upper() + text[1:]
    return environment
