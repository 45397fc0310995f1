"""A planned training made ready: its images decoded, its run folder begun; or those of an earlier one opened again."""

import contextlib
import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path

from sightline.commands.train.plan import Planned, parse_size, weights_of
from sightline.config import TrainOptions, from_json, require, to_json
from sightline.data.audit.audit import Audit
from sightline.data.imageset import ImageSet, Splits
from sightline.data.load import load_recorded
from sightline.data.split import read_manifest, write_manifest
from sightline.data.statistics import measure_preprocess
from sightline.data.store.prepared import prepare
from sightline.errors import ConfigError, InputError, RunError, StorageError
from sightline.machine import files
from sightline.machine.clock import Clock
from sightline.models.pretrained import Pretrained, load_pretrained
from sightline.pixels.preprocess import Preprocess
from sightline.runs.job import Job, read_job
from sightline.runs.run import Run
from sightline.training.checkpoint import FILE_NAME
from sightline.training.listener import Listener

ROOM = 8 / 7  # photos that will be cropped at random are kept this much larger than the network sees them
BORDER_IMAGES = 1_000  # at least half as many, where there are so many, are looked at for the colour of borders


@dataclass(frozen=True, eq=False)
class Prepared:
    """Splits whose images are decoded, and how a network sees them; every plan that wants the same `view` may use it.

    view: in words, e.g. "cropped to 64 x 64 pixels in 3 channels, for random crops".
    """

    splits: Splits
    preprocess: Preprocess
    view: str


@dataclass(frozen=True, eq=False)
class Opened:
    """A training that can begin, or go on. pretrained: the network to begin with; None to learn from scratch.

    audit: None for named sets, and when a training goes on, which is then `resumed`.
    """

    run: Run
    job: Job
    splits: Splits
    pretrained: Pretrained | None
    audit: Audit | None = None
    resumed: bool = False


def prepare_images(splits: Splits, planned: Planned, *, listener: Listener | None = None) -> Prepared:
    """Every image decoded once, as far as the cache may take them, and measured for a network that learns from scratch.

    Raises DataError when no training image of a class can be read.
    """
    job, preprocess = planned.job, planned.job.preprocess
    if not planned.pretrained and preprocess.fit == "pad":
        preprocess = _with_border(splits.train, preprocess)
    splits = decoded(splits, dataclasses.replace(job, preprocess=preprocess), listener or Listener())
    if not planned.pretrained and preprocess.fit != "pad":
        preprocess = measure_preprocess(splits.train, preprocess)
    return Prepared(splits, preprocess, _view(planned))


def _view(planned: Planned) -> str:
    """What images are decoded to for this plan."""
    preprocess = planned.job.preprocess
    height, width = preprocess.size
    framed = {"crop": "cropped", "pad": "padded", "squash": "squashed"}[preprocess.fit]
    crops = ", for random crops" if _room(planned.job) > 1 else ""
    measured = "" if planned.pretrained else ", measured"
    return f"{framed} to {height} x {width} pixels in {preprocess.channels} channels{crops}{measured}"


def open_run(
    planned: Planned,
    prepared: Prepared,
    *,
    out: str | os.PathLike[str] | None = None,
    audit: Audit | None = None,
    listener: Listener | None = None,
    clock: Clock | None = None,
) -> Opened:
    """A new run folder with its config.json and split.csv.

    out: by default the first free runs/DATA-MODEL-N. audit: told in the report. clock: since when a time budget counts.
    Raises ConfigError when that is over already or the images were prepared for another view, StorageError.
    """
    listener, clock = listener or Listener(), clock or Clock()
    require(
        _view(planned) == prepared.view,
        f"the images were prepared for another plan: {prepared.view}, and this one wants them {_view(planned)}",
        "call prepare_images with this plan",
    )
    job = dataclasses.replace(planned.job, preprocess=prepared.preprocess)
    if job.config.seconds and clock.remaining(job.config.seconds) <= 0:
        raise ConfigError(f"{job.config.seconds:g} s are over before training begins", hint="give a longer --time")
    if out is None:
        _mention_half_done(job, listener)
    run = new_run(job, prepared.splits, out)
    return Opened(run, job, prepared.splits, planned.pretrained, audit)


def new_run(job: Job, splits: Splits, out: str | os.PathLike[str] | None) -> Run:
    """A run folder with what must be known to go on. When that cannot be written there is none. Raises StorageError."""
    run = Run.create(out, splits.name, job.architecture.name)
    try:
        files.write_json(run.config_path, to_json(job))
        write_manifest(splits, run.split_path)
    except StorageError:
        run.discard()
        raise
    return run


def reopen(data: str | None, options: TrainOptions, *, listener: Listener | None = None) -> Opened:
    """The run folder `options.resume` to go on with. Raises ConfigError, RunError unless all is as it was."""
    changes = [
        f"--{field.name.replace('_', '-')}"
        for field in dataclasses.fields(options)
        if field.name != "resume" and getattr(options, field.name) != field.default
    ]
    if changes:
        raise ConfigError(f"{', '.join(changes)} cannot change in a resumed training", hint="leave it out")
    assert options.resume is not None
    run = Run(options.resume)
    job = read_job(run)
    if run.is_complete:
        raise RunError(f"the training in {run.path} is complete", hint=f"look at {run.report_path}")
    if data is not None and data not in (job.data, os.path.relpath(job.data)) and os.path.abspath(data) != job.data:
        raise ConfigError(f"this run was trained on {job.data}, not {data}", hint="leave the data out")
    return go_on(run, listener or Listener())


def go_on(run: Run, listener: Listener) -> Opened:
    """A training that was begun in this folder, with its data; RunError when some of that cannot be read any more."""
    job = read_job(run)
    splits = load_recorded(job.data, read_manifest(run.split_path))
    readable = decoded(splits, job, listener)
    if len(readable.unused) > len(splits.unused):
        raise RunError(
            "the data is not what this training began with",
            where=str(run.split_path),
            hint="train again from the start",
        )
    return Opened(run, job, readable, load_again(job), resumed=True)


def load_again(job: Job) -> Pretrained | None:
    """The pretrained network that a job begins with, with a fresh head; None for one that learns from scratch."""
    architecture = job.architecture
    if job.transfer is None:
        return None
    return load_pretrained(
        architecture.name,
        weights=weights_of(job.transfer),
        num_classes=architecture.num_classes,
        size=architecture.size,
        in_channels=architecture.in_channels,
    )


def with_room(splits: Splits, job: Job) -> Splits:
    """The same splits, training photos larger than the network sees them if they are to be cropped at random.

    What a frozen network says of photos that were resized twice is worth less: on the clothing photos 88.4 % against
    89.8 %. So they are decoded anew here rather than once at the larger size.
    """
    encoded = splits.train.images.encoded
    if not job.config.augment.resized_crop or encoded is None:
        return splits
    train = dataclasses.replace(splits.train, images=encoded)
    alone = dataclasses.replace(splits, train=train, val=None, test=None)
    roomy = prepare(alone, job.preprocess, budget=_budget(job.cache), room=ROOM)
    return dataclasses.replace(splits, train=roomy.train)


def decoded(splits: Splits, job: Job, listener: Listener) -> Splits:
    """The same splits with every image decoded once, if the cache may take them."""
    with listener.working(f"reading {splits.name}"):
        return prepare(splits, job.preprocess, budget=_budget(job.cache), room=_room(job))


def _room(job: Job) -> float:
    """By which factor training images are kept larger than the network sees them."""
    return ROOM if job.config.augment.resized_crop and job.transfer is None else 1.0


def _budget(cache: str | None) -> int | None:
    return None if cache is None else parse_size(cache)


def _with_border(image_set: ImageSet, preprocess: Preprocess) -> Preprocess:
    """`preprocess` with the statistics of whole images, for padding: the border has their mean colour.

    It must be known before images are decoded and kept; otherwise they would be trained on with a border of another
    colour than the one they are recognised with.
    """
    some = image_set.take(range(0, len(image_set), -(-len(image_set) // BORDER_IMAGES)))
    measured = measure_preprocess(some, dataclasses.replace(preprocess, fit="squash"))
    return dataclasses.replace(measured, fit="pad")


def _mention_half_done(job: Job, listener: Listener) -> None:
    """Say so when a training of the same network on the same data was left half-done; of several, the latest."""
    for path in sorted(Path("runs").glob(f"*/checkpoint/{FILE_NAME}"), key=os.path.getmtime, reverse=True):
        run = Run(path.parent.parent)
        with contextlib.suppress(InputError):  # a damaged run is no reason not to begin another
            other = from_json(Job, run.config)
            if (other.data, other.architecture) == (job.data, job.architecture) and not run.is_complete:
                listener.say(f"a half-done training is in {run.path}; go on with it: {run.resume_command}")
                return
