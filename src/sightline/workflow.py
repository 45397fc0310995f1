"""`train`: the whole job, from what the user calls the data to a run folder with a network and a report.

`_train` reads from top to bottom; each step is one call.
"""

import contextlib
import dataclasses
import importlib
import os
import platform
import shlex
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import torch

from sightline import __version__, files
from sightline.classifier import Classifier
from sightline.config import BalanceName, PrecisionName, TrainConfig, TrainOptions, from_json, to_json
from sightline.data.batches import readable
from sightline.data.builtin import NAMES
from sightline.data.imageset import ArrayImages, ImageSet, Splits, Unused
from sightline.data.load import load_data
from sightline.data.split import manifest_rows, read_manifest, write_manifest
from sightline.data.statistics import measure_preprocess
from sightline.errors import ConfigError, InputError, Interrupted, RunError, StorageError
from sightline.evaluation.evaluate import Evaluation, evaluate, write_predictions
from sightline.models.contract import Network
from sightline.models.registry import Architecture, find_architecture
from sightline.pixels.preprocess import Preprocess
from sightline.planning import check_options, facts_of, make_plan
from sightline.reporting.console import Narrator
from sightline.reporting.report import Facts, write_report
from sightline.run import Run
from sightline.training.checkpoint import FILE_NAME, Checkpoints
from sightline.training.device import find_device, find_precision
from sightline.training.fit import fit

FORMAT = 1  # of config.json
FINISHING_SECONDS = 2.0  # of a time budget kept back for scoring and the report, and
FINISHING_SHARE = 0.03  # this share of it


@dataclass(frozen=True, kw_only=True)
class Job:
    """The contents of config.json: all that is needed to repeat a training, or to go on with it."""

    format: int = FORMAT
    data: str
    val: str | None
    recipe: str
    architecture: Architecture
    preprocess: Preprocess
    config: TrainConfig


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
    facts = _facts(job, splits)
    narrator.say(_announcement(job, facts))
    for warning in splits.warnings:
        narrator.say(warning)
    if splits.unused:
        files_are = "1 file is" if len(splits.unused) == 1 else f"{len(splits.unused):,} files are"
        narrator.say(f"{files_are} not used; see the end of the report")

    # Scoring needs scikit-learn, which takes a second to import: a thread does it while the network trains.
    threading.Thread(target=importlib.import_module, args=("sklearn.metrics",), daemon=True).start()
    network = _initial_network(job)
    checkpoints = Checkpoints(run.checkpoint_folder, seconds=job.config.checkpoint_seconds)
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


def read_job(run: Run) -> Job:
    """The contents of the run's config.json. Raises RunError or ConfigError when it is missing, damaged or newer."""
    saved = run.config
    if saved.get("format") != FORMAT:
        raise RunError(
            f"config.json has format {saved.get('format')}, this version reads {FORMAT}",
            where=str(run.config_path),
            hint="go on with the version of Sightline that wrote it",
        )
    return from_json(Job, saved, where=str(run.config_path))


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


def _facts(job: Job, splits: Splits) -> Facts:
    """What the report tells of this training."""
    config, architecture = job.config, job.architecture
    device = find_device(config.device)
    precision = find_precision(config.precision, device)
    return Facts(
        data=splits.name,
        model=architecture.name,
        num_classes=len(splits.classes),
        parameters=architecture.parameters,
        train_images=len(splits.train),
        val_images=len(splits.val) if splits.val else 0,
        test_images=len(splits.test) if splits.test else 0,
        epochs=None if config.seconds else config.epochs,
        command=_command(job),
        note=splits.note,
        unused=splits.unused,
        settings={
            "recipe": job.recipe,
            "images": job.preprocess.describe(),
            "epochs": f"as many as fit into {config.seconds:.0f} s" if config.seconds else str(config.epochs),
            "batch size": f"{config.batch_size:,}",
            "optimisers": ", ".join(dict.fromkeys(group.optimizer for group in config.groups)),
            "peak learning rate": f"{config.lr:g}, {config.schedule} schedule",
            "label smoothing": f"{config.label_smoothing:g}",
            "augmentation": _augmentation(config),
            "views at test": config.views,
            "device": f"{device.type}, {precision.name}: {precision.reason}",
            "seed": str(config.seed),
        },
        versions={
            "sightline": __version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
        },
    )


def _augmentation(config: TrainConfig) -> str:
    """The augmentations that are on, e.g. "flip alternating, shift 2"."""
    default = type(config.augment)()
    on = [
        f"{field.name.replace('_', ' ')} {getattr(config.augment, field.name)}"
        for field in dataclasses.fields(default)
        if field.name != "padding" and getattr(config.augment, field.name) != getattr(default, field.name)
    ]
    return ", ".join(on) or "none"


def _command(job: Job) -> str:
    """The command that repeats this training with the same settings on the same data."""
    config = job.config
    words = ["sightline", "train", job.data, "--model", job.architecture.name, "--recipe", job.recipe]
    words += ["--time", f"{config.seconds:.12g}s"] if config.seconds else ["--epochs", str(config.epochs)]
    words += ["--size", str(job.architecture.size), "--batch-size", str(config.batch_size), "--lr", str(config.lr)]
    words += ["--val", job.val] if job.val is not None else []
    words += ["--seed", str(config.seed)]
    words += ["--device", config.device] if config.device != "auto" else []
    words += ["--precision", config.precision] if config.precision != "auto" else []
    return shlex.join(words)


def _announcement(job: Job, facts: Facts) -> str:
    """One line before training: what is trained on what, where, how precisely and why."""
    held_out = f" and {facts.val_images:,} for validation" if facts.val_images else ""
    return (
        f"{facts.model} ({facts.parameters:,} parameters) on {facts.data}: {facts.train_images:,} images{held_out}, "
        f"{facts.num_classes} classes; {facts.settings['device']}"
    )


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
