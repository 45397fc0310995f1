"""`train`: the whole job, from what the user calls the data to a run folder with a network and a report.

`_train` reads from top to bottom; each step is one call.
"""

import dataclasses
import importlib
import os
import threading
import time
from typing import Any, Literal

from sightline.commands.train.learn import Learned, learn
from sightline.commands.train.open import Start, begin, begin_naively, reopen
from sightline.config import BalanceName, FitName, HeadName, PrecisionName, ReportName, TrainOptions
from sightline.data.store.stamps import changed_files
from sightline.errors import Interrupted
from sightline.evaluation.evaluate import Evaluation, evaluate, write_predictions
from sightline.machine import files
from sightline.machine.clock import Clock
from sightline.reporting.analysis import Deadline, analyse
from sightline.reporting.audit_section import audit_section
from sightline.reporting.console import Narrator
from sightline.reporting.description import announcement, facts_of_job
from sightline.reporting.material import NOTHING, Material
from sightline.reporting.model_card import write_model_card
from sightline.reporting.naive import NaiveScore
from sightline.reporting.report import Facts, write_report
from sightline.runs.job import Job
from sightline.runs.run import Run


def train(
    data: str | os.PathLike[str] | None = None,
    *,
    model: str | None = None,
    weights: str | os.PathLike[str] | None = None,
    head: HeadName | None = None,
    finetune: str | int | None = None,
    recipe: str = "default",
    epochs: int | None = None,
    time: str | float | None = None,
    size: int | None = None,
    fit: FitName = "auto",
    cache: str | None = None,
    batch_size: int | None = None,
    lr: float | Literal["auto"] | None = None,
    balance: BalanceName = "auto",
    val: str | float | None = None,
    group_by: str | None = None,
    naive_too: bool = False,
    report: ReportName = "full",
    seed: int = 0,
    device: str = "auto",
    precision: PrecisionName = "auto",
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    started: float | None = None,
) -> Run:
    """Train a classifier on `data` and return its run folder: the network, its scores and a report.

    data: a named set, a folder of class folders or a CSV table (see `load_data`); not needed with `resume`.
    The options are those of `sightline train`, told in `config.TrainOptions`.
    started: `time.monotonic()` when the user began to wait, which a time budget counts from; by default now.

    Ctrl-C and SIGTERM save and raise Interrupted, whose hint says how to go on. Raises ConfigError, DataError,
    ModelError, StorageError, RunError for what the user can mend, TrainingError when the loss is not finite.
    """
    options = TrainOptions(
        model=model,
        weights=None if weights is None else os.fspath(weights),
        head=head,
        finetune=None if finetune is None else str(finetune),
        recipe=recipe,
        epochs=epochs,
        time=None if time is None else str(time),
        size=size,
        fit=fit,
        cache=cache,
        batch_size=batch_size,
        lr=lr,
        balance=balance,
        val=None if val is None else str(val),
        group_by=group_by,
        naive_too=naive_too,
        report=report,
        seed=seed,
        device=device,
        precision=precision,
        out=None if out is None else os.fspath(out),
        resume=None if resume is None else os.fspath(resume),
    )
    return _train(None if data is None else os.fspath(data), options, Narrator(quiet=quiet), Clock(started))


def _train(data: str | None, options: TrainOptions, narrator: Narrator, clock: Clock) -> Run:
    start = reopen(data, options, narrator) if options.resume else begin(data, options, narrator, clock)
    run, splits = start.run, start.splits
    narrator.run = run
    narrator.say(announcement(start.job, facts_of_job(start.job, splits)))
    for warning in splits.warnings:
        narrator.say(warning)
    if splits.unused:
        files_are = "1 file is" if len(splits.unused) == 1 else f"{len(splits.unused):,} files are"
        narrator.say(f"{files_are} not used; see the end of the report")

    # Scoring needs scikit-learn, which takes a second to import: a thread does it while the network trains.
    threading.Thread(target=importlib.import_module, args=("sklearn.metrics",), daemon=True).start()
    learned = learn(start, narrator, clock)
    learned.classifier.save(run.model_folder)
    began = time.monotonic()
    evaluation = evaluate(learned.classifier, splits.test) if splits.test else None
    scoring_seconds = time.monotonic() - began
    naive = _naive_score(start, evaluation, narrator) if start.job.naive_too else None
    changed = tuple(file for part in (splits.train, splits.val, splits.test) for file in changed_files(part))
    for file in changed:
        narrator.say(f"{file.path}: {file.reason}")
    if evaluation:
        write_predictions(evaluation, run.predictions_path)
    files.write_json(run.metrics_path, _metrics(evaluation, naive, learned.facts))
    facts = dataclasses.replace(learned.facts, unused=(*learned.facts.unused, *changed))
    audit = audit_section(start.audit) if start.audit else None
    deadline = _deadline(start.job, clock, evaluation, scoring_seconds)
    material = _material(start, learned, evaluation, narrator, deadline) if evaluation else NOTHING
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
    narrator.result(run, evaluation, seconds=clock.elapsed, resumed=options.resume is not None)
    return run


def _deadline(job: Job, clock: Clock, evaluation: Evaluation | None, scoring_seconds: float) -> Deadline:
    """When the report has to be there: at the end of a time budget. What scoring took says what an image takes."""
    if job.config.seconds is None or evaluation is None:
        return Deadline()
    at = clock.started + job.config.seconds
    return Deadline(at=at, seconds_per_image=scoring_seconds / evaluation.total)


def _material(
    start: Start, learned: Learned, evaluation: Evaluation, narrator: Narrator, deadline: Deadline
) -> Material:
    """What the report shows besides scores and history, as far as a time budget leaves time for it."""
    if start.job.report == "quick":
        return Material(left_out=f"A quick report was asked for; sightline report {start.run.path} makes it whole.")
    with narrator.working("looking into the network for the report"):
        return analyse(
            learned.classifier,
            start.splits,
            evaluation,
            start.run,
            learnt=not learned.is_frozen,
            deadline=deadline,
        )


def _naive_score(start: Start, evaluation: Evaluation | None, narrator: Narrator) -> NaiveScore | None:
    """What the same training scores on a split that ignores duplicates and groups, and says so.

    Interrupted, it goes on when the whole training does.
    """
    if evaluation is None:
        narrator.say("there are no test images by which a naive split could flatter")
        return None
    naive = begin_naively(start, narrator)
    if naive is None or naive.splits.test is None:
        narrator.say("a naive split would be the same: there are no duplicates or groups for it to tear apart")
        return None
    narrator.say("training once more, on a split that ignores duplicates and groups")
    try:
        learned = learn(naive, narrator, Clock())
    except Interrupted as stop:
        raise Interrupted(stop.what, hint=f"go on with: {start.run.resume_command}") from None
    flattering = evaluate(learned.classifier, naive.splits.test)
    score = NaiveScore(flattering.correct, flattering.total, evaluation.correct, evaluation.total)
    narrator.say(score.sentence)
    return score


def _metrics(evaluation: Evaluation | None, naive: NaiveScore | None, facts: Facts) -> dict[str, Any]:
    """The contents of metrics.json."""
    metrics: dict[str, Any] = {"test": evaluation.to_json()} if evaluation else {}
    if facts.stages:
        metrics["stages"] = [dataclasses.asdict(stage) for stage in facts.stages]
    if naive:
        metrics["naive"] = dataclasses.asdict(naive)
    # What this machine was like is known now only; a report that is written anew elsewhere tells it from here.
    metrics["circumstances"] = {"settings": dict(facts.settings), "versions": dict(facts.versions)}
    return metrics
