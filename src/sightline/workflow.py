"""`train`: the whole job, from what the user calls the data to a run folder with a network and a report.

`_train` reads from top to bottom; each step is one call.
"""

import contextlib
import dataclasses
import importlib
import os
import shlex
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Literal

import torch

from sightline import files
from sightline.classifier import Classifier
from sightline.config import BalanceName, PrecisionName, TrainConfig, TrainOptions, from_json, to_json
from sightline.data.batches import readable
from sightline.data.builtin import NAMES
from sightline.data.imageset import ArrayImages, ImageSet, Splits, Unused
from sightline.data.load import load_data
from sightline.data.split import manifest_rows, read_manifest, write_manifest
from sightline.data.statistics import measure_preprocess
from sightline.describing import announcement, facts_of_job
from sightline.errors import ConfigError, InputError, Interrupted, RunError, StorageError
from sightline.evaluation.evaluate import Evaluation, evaluate, write_predictions
from sightline.job import Job, read_job
from sightline.models.contract import Network
from sightline.models.registry import Architecture, find_architecture
from sightline.pixels.preprocess import Preprocess
from sightline.planning import check_options, facts_of, make_plan
from sightline.reporting.console import Narrator
from sightline.reporting.report import write_report
from sightline.run import Run
from sightline.training.checkpoint import FILE_NAME, Checkpoints
from sightline.training.device import find_device, find_precision
from sightline.training.fit import fit

FINISHING_SECONDS = 2.0  # of a time budget kept back for scoring and the report, and
FINISHING_SHARE = 0.03  # this share of it


def train(
    data: str | os.PathLike[str] | None = None,
    *,
    model: str | None = None,
    recipe: str = "default",
    epochs: int | None = None,
    time: str | None = None,
    size: int | None = None,
    batch_size: int | None = None,
    lr: float | Literal["auto"] | None = None,
    balance: BalanceName = "auto",
    val: str | float | None = None,
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
        recipe=recipe,
        epochs=epochs,
        time=time,
        size=size,
        batch_size=batch_size,
        lr=lr,
        balance=balance,
        val=None if val is None else str(val),
        seed=seed,
        device=device,
        precision=precision,
        out=None if out is None else os.fspath(out),
        resume=None if resume is None else os.fspath(resume),
    )
    return _train(None if data is None else os.fspath(data), options, Narrator(quiet=quiet), _Clock(started))


def _train(data: str | None, options: TrainOptions, narrator: Narrator, clock: "_Clock") -> Run:
    if options.resume:
        run, job, splits = _reopen(data, options, narrator)
    else:
        run, job, splits = _begin(data, options, narrator, clock)
    narrator.run = run
    facts = facts_of_job(job, splits)
    narrator.say(announcement(job, facts))
    for warning in splits.warnings:
        narrator.say(warning)
    if splits.unused:
        files_are = "1 file is" if len(splits.unused) == 1 else f"{len(splits.unused):,} files are"
        narrator.say(f"{files_are} not used; see the end of the report")

    # Scoring needs scikit-learn, which takes a second to import: a thread does it while the network trains.
    threading.Thread(target=importlib.import_module, args=("sklearn.metrics",), daemon=True).start()
    network = _initial_network(job)
    checkpoints = Checkpoints(run.checkpoint_folder)
    config = _within_time(job.config, clock)
    with _how_to_go_on(run):
        for epoch in fit(network, splits, config, preprocess=job.preprocess, checkpoints=checkpoints):
            narrator.epoch(epoch, epochs=facts.epochs, val_images=facts.val_images)
            run.append_history(dataclasses.asdict(epoch))
            write_report(run, facts, history=run.history, live=True)

    classifier = _classifier(network, job, splits)
    classifier.save(run.model_folder)
    evaluation = _score(run, classifier, splits)
    write_report(run, facts, history=run.history, evaluation=evaluation, images=splits.test)
    narrator.result(run, evaluation, seconds=clock.elapsed)
    return run


def _begin(data: str | None, options: TrainOptions, narrator: Narrator, clock: "_Clock") -> tuple[Run, Job, Splits]:
    """A new run folder for a new training. Nothing is written before everything is known to be possible."""
    if data is None:
        raise ConfigError("no data is given", hint="name a data set or a folder, e.g. `sightline train digits`")
    check_options(options)
    find_precision(options.precision, find_device(options.device))
    splits = load_data(data, val=options.val, seed=options.seed)
    plan = make_plan(facts_of(splits), options)
    architecture = find_architecture(
        plan.model, num_classes=len(splits.classes), in_channels=splits.train.images.channels, size=plan.size
    )
    splits = _decoded(splits, _neutral_preprocess(architecture), narrator)
    preprocess = measure_preprocess(splits.train, _neutral_preprocess(architecture))
    job = Job(
        data=os.path.abspath(data) if os.path.exists(data) and data not in NAMES else data,
        val=options.val,
        recipe=options.recipe,
        architecture=architecture,
        preprocess=preprocess,
        config=plan.config,
    )
    if plan.config.seconds and _seconds_left(plan.config.seconds, clock) <= 0:
        raise ConfigError(f"{plan.config.seconds:g} s are over before training begins", hint="give a longer --time")
    if options.out is None:
        _mention_half_done(job, narrator)
    run = Run.create(options.out, splits.name, architecture.name)
    try:
        files.write_json(run.config_path, to_json(job))
        write_manifest(splits, run.split_path)
    except StorageError:
        run.discard()
        raise
    return run, job, splits


def _reopen(data: str | None, options: TrainOptions, narrator: Narrator) -> tuple[Run, Job, Splits]:
    """The run folder of a training to go on with, its job and its data, which must be what they were."""
    given = [
        f"--{field.name.replace('_', '-')}"
        for field in dataclasses.fields(options)
        if field.name != "resume" and getattr(options, field.name) != field.default
    ]
    if given:
        raise ConfigError(f"{', '.join(given)} cannot change in a resumed training", hint="leave it out")
    assert options.resume is not None
    run = Run(options.resume)
    job = read_job(run)
    if run.is_complete:
        raise RunError(f"the training in {run.path} is complete", hint=f"look at {run.report_path}")
    if data is not None and data not in (job.data, os.path.relpath(job.data)) and os.path.abspath(data) != job.data:
        raise ConfigError(f"this run was trained on {job.data}, not {data}", hint="leave the data out")
    splits = load_data(job.data, val=job.val, seed=job.config.seed)
    splits = _decoded(splits, job.preprocess, narrator)
    if tuple(manifest_rows(splits)) != read_manifest(run.split_path):
        raise RunError(
            "the data is not what this training began with",
            where=str(run.split_path),
            hint="train again from the start",
        )
    return run, job, splits


def _decoded(splits: Splits, preprocess: Preprocess, narrator: Narrator) -> Splits:
    """The same splits with every image in memory as the network sees it; unreadable files are listed as unused."""
    unused: list[Unused] = []

    def decode(image_set: ImageSet | None) -> ImageSet | None:
        if image_set is None:
            return None
        kept, pixels, bad = readable(image_set, preprocess)
        unused.extend(bad)
        return dataclasses.replace(kept, images=ArrayImages(pixels))

    with narrator.working(f"reading {splits.name}"):
        train, val, test = decode(splits.train), decode(splits.val), decode(splits.test)
    assert train is not None
    return dataclasses.replace(splits, train=train, val=val, test=test, unused=(*splits.unused, *unused))


def _neutral_preprocess(architecture: Architecture) -> Preprocess:
    """How images are brought to the network's size and channels, before their statistics are known."""
    channels = architecture.in_channels
    return Preprocess(
        size=(architecture.size, architecture.size), channels=channels, mean=(0.0,) * channels, std=(1.0,) * channels
    )


def _initial_network(job: Job) -> Network:
    """The network as its seed draws it; the caller's random numbers stay as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(job.config.seed)
        return job.architecture.build()


def _within_time(config: TrainConfig, clock: "_Clock") -> TrainConfig:
    """The config with its time budget reduced to what is left for training; at least a moment."""
    if config.seconds is None:
        return config
    return dataclasses.replace(config, seconds=max(1e-3, _seconds_left(config.seconds, clock)))


def _seconds_left(budget: float, clock: "_Clock") -> float:
    """Of a time budget, less what has passed and what scoring and the report will need."""
    return budget * (1 - FINISHING_SHARE) - FINISHING_SECONDS - clock.elapsed


def _classifier(network: Network, job: Job, splits: Splits) -> Classifier:
    classifier = Classifier(
        network,
        splits.classes,
        job.preprocess,
        job.architecture,
        views=job.config.views,
        note=splits.note,
        provenance={"data": splits.name, "date": date.today().isoformat(), "licence": "the user's own"},
    )
    device = find_device(job.config.device)
    return classifier.to(device, find_precision(job.config.precision, device).name)


def _score(run: Run, classifier: Classifier, splits: Splits) -> Evaluation | None:
    """The one look at the test split; its scores and answers are written to the run folder."""
    evaluation = evaluate(classifier, splits.test) if splits.test else None
    if evaluation:
        write_predictions(evaluation, run.predictions_path)
    files.write_json(run.metrics_path, {"test": evaluation.to_json()} if evaluation else {})
    return evaluation


def _mention_half_done(job: Job, narrator: Narrator) -> None:
    """Say so when a training of the same network on the same data was left half-done; of several, the latest."""
    for path in sorted(Path("runs").glob(f"*/checkpoint/{FILE_NAME}"), key=os.path.getmtime, reverse=True):
        run = Run(path.parent.parent)
        with contextlib.suppress(InputError):  # a damaged run is no reason not to begin another
            other = from_json(Job, run.config)
            if (other.data, other.architecture) == (job.data, job.architecture) and not run.is_complete:
                command = f"sightline train --resume {shlex.quote(str(run.path))}"
                narrator.say(f"a half-done training is in {run.path}; go on with it: {command}")
                return


@contextlib.contextmanager
def _how_to_go_on(run: Run) -> Iterator[None]:
    """Add to an interruption what to type to go on."""
    try:
        yield
    except Interrupted as stop:
        raise Interrupted(
            stop.what, hint=f"go on with: sightline train --resume {shlex.quote(str(run.path))}"
        ) from None


class _Clock:
    """Seconds since the user began to wait."""

    def __init__(self, started: float | None) -> None:
        self.started = time.monotonic() if started is None else started

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started
