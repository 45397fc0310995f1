"""`sightline report`: a run's page written anew, with everything that can be asked of its network."""

import dataclasses
import os
from pathlib import Path

from sightline.commands.evaluate import left_out
from sightline.commands.predict import open_classifier
from sightline.data.batches import readable
from sightline.data.load import audit_data, load_recorded
from sightline.data.sources.builtin import NAMES
from sightline.data.split import read_manifest
from sightline.errors import RunError
from sightline.evaluation.evaluate import evaluate
from sightline.reporting.analysis import analyse
from sightline.reporting.audit_section import audit_section
from sightline.reporting.description import facts_of_job
from sightline.reporting.model_card import write_model_card
from sightline.reporting.report import write_report
from sightline.runs.job import read_job
from sightline.runs.records import read_metrics
from sightline.runs.run import Run
from sightline.training.range_test import read_range_test


def write_full_report(folder: str | os.PathLike[str], *, device: str = "auto") -> Path:
    """Write report.html and the model card of a finished run anew; the path of the report.

    Its test images are scored again, those that can be read, and its training images are looked at; metrics.json stays
    as the training left it. Raises RunError for a run that is unfinished,
    damaged or has no test images, DataError for data that is gone or has changed, ModelError, ConfigError.
    """
    run = Run(folder)
    job = read_job(run)
    if not run.is_complete:
        raise RunError(f"the training in {run.path} is not complete", hint=f"go on with it: {run.resume_command}")
    splits = load_recorded(job.data, read_manifest(run.split_path))
    if splits.test is None:
        raise RunError("this run has no test images", where=str(run.split_path), hint="its page has all there is")
    classifier = open_classifier(folder, device=device, precision=job.config.precision)
    test, _, unread = readable(splits.test, classifier.preprocess)
    splits = dataclasses.replace(splits, test=test, unused=(*splits.unused, *unread))
    evaluation = evaluate(classifier, test, note=left_out(unread))
    metrics = read_metrics(run)
    stages = metrics.stages
    material = analyse(classifier, splits, evaluation, run, learnt=not stages or not stages[0].kept)
    audit = None if job.data in NAMES else audit_section(audit_data(job.data, group_by=job.group_by))
    facts = facts_of_job(
        job, splits, stages=stages, range_test=read_range_test(run), circumstances=metrics.circumstances
    )
    write_report(
        run,
        facts,
        history=run.history,
        evaluation=evaluation,
        images=test,
        material=material,
        audit=audit,
        naive=metrics.naive,
    )
    write_model_card(run, facts, classifier, evaluation=evaluation, audit=audit, material=material)
    return run.report_path
