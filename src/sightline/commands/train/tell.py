"""The last step of a training: what it came to, written into the run folder."""

import dataclasses

from sightline.commands.train.judge import Judged
from sightline.commands.train.learn import Learned
from sightline.commands.train.open import Opened
from sightline.evaluation.evaluate import write_predictions
from sightline.machine.clock import Clock
from sightline.reporting.analysis import Deadline, analyse
from sightline.reporting.audit_section import audit_section
from sightline.reporting.description import circumstances_of, facts_of_job
from sightline.reporting.material import NOTHING, Material
from sightline.reporting.model_card import write_model_card
from sightline.reporting.report import write_report
from sightline.runs.records import Metrics, NaiveScore, write_metrics
from sightline.training.listener import Listener


def tell(
    opened: Opened,
    learned: Learned,
    judged: Judged,
    *,
    naive: NaiveScore | None = None,
    listener: Listener | None = None,
    clock: Clock | None = None,
) -> None:
    """Write predictions.csv, metrics.json, report.html and the model card beside the saved model. Raises StorageError.

    naive: see `naive.score_naively`. clock: since when a time budget counts, which decides how much of the report there
    is time for.
    """
    listener, clock = listener or Listener(), clock or Clock()
    run, splits, evaluation = opened.run, opened.splits, judged.evaluation
    for file in judged.changed:
        listener.say(f"{file.path}: {file.reason}")
    if evaluation:
        write_predictions(evaluation, run.predictions_path)
    circumstances = circumstances_of(learned.job, splits)
    metrics = Metrics(
        test=evaluation.to_json() if evaluation else None,
        stages=learned.stages,
        naive=naive,
        circumstances=circumstances,
    )
    write_metrics(run, metrics)
    facts = facts_of_job(
        learned.job, splits, stages=learned.stages, range_test=learned.range_test, circumstances=circumstances
    )
    facts = dataclasses.replace(facts, unused=(*facts.unused, *judged.changed))
    audit = audit_section(opened.audit) if opened.audit else None
    material = _material(opened, learned, judged, listener, clock)
    write_report(
        run,
        facts,
        history=run.history,
        evaluation=evaluation,
        images=splits.test,
        material=material,
        audit=audit,
        naive=naive,
    )
    write_model_card(run, facts, learned.classifier, evaluation=evaluation, audit=audit, material=material)
    listener.result(run, evaluation, seconds=clock.elapsed)


def _material(opened: Opened, learned: Learned, judged: Judged, listener: Listener, clock: Clock) -> Material:
    """What the report shows besides scores and history, as far as a time budget leaves time for it."""
    run, evaluation = opened.run, judged.evaluation
    if evaluation is None:
        return NOTHING
    if opened.job.report == "quick":
        return Material(left_out=f"A quick report was asked for; sightline report {run.path} makes it whole.")
    budget = opened.job.config.seconds
    deadline = (
        # What scoring took says what an image takes.
        Deadline(at=clock.started + budget, seconds_per_image=judged.seconds / evaluation.total)
        if budget
        else Deadline()
    )
    with listener.working("looking into the network for the report"):
        return analyse(
            learned.classifier, opened.splits, evaluation, run, learnt=not learned.is_frozen, deadline=deadline
        )
