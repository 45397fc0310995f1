"""What comes before training: the data found, audited, split and decoded, the plan made, the run folder begun."""

import contextlib
import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path

from sightline.commands.train.plan import check_options, facts_of, make_plan, parse_size, with_weights_at_hand
from sightline.commands.train.recipes import Plan
from sightline.config import AT_HAND, TrainConfig, TrainOptions, Transfer, from_json, to_json
from sightline.data.audit.audit import Audit
from sightline.data.audit.fit_choice import choose_fit, explain_fit
from sightline.data.imageset import ArrayImages, CachedImages, ImageSet, Splits
from sightline.data.load import load_audited, load_data, load_recorded
from sightline.data.sources.builtin import NAMES
from sightline.data.split import read_manifest, write_manifest
from sightline.data.statistics import measure_preprocess
from sightline.data.store.prepared import prepare
from sightline.errors import ConfigError, InputError, RunError, StorageError
from sightline.machine import files
from sightline.machine.clock import Clock
from sightline.machine.device import find_device, find_precision
from sightline.models.pretrained import Pretrained, load_pretrained
from sightline.models.registry import Architecture, find_architecture
from sightline.pixels.preprocess import Preprocess
from sightline.reporting.console import Narrator
from sightline.runs.job import Job, read_job
from sightline.runs.run import NAIVE, Run
from sightline.training.balance import with_balance
from sightline.training.checkpoint import FILE_NAME
from sightline.training.setup import require_company

ROOM = 8 / 7  # photos that will be cropped at random are kept this much larger than the network sees them
BORDER_IMAGES = 1_000  # at least half as many, where there are so many, are looked at for the colour of borders


@dataclass(frozen=True, eq=False)
class Start:
    """A training that can begin, or go on.

    pretrained: the network to begin with; None for one that learns from scratch.
    audit: None for named sets, and when a training goes on. fit_reason: why images are fitted to the network's shape
    as they are; empty when a training goes on.
    """

    run: Run
    job: Job
    splits: Splits
    pretrained: Pretrained | None
    audit: Audit | None = None
    fit_reason: str = ""


def begin(data: str | None, options: TrainOptions, narrator: Narrator, clock: Clock) -> Start:
    """A new run folder for a new training. Nothing is written before everything is known to be possible."""
    if data is None:
        raise ConfigError("no data is given", hint="name a data set or a folder, e.g. `sightline train digits`")
    check_options(options)
    device = find_device(options.device)
    find_precision(options.precision, device)
    with narrator.working(f"looking at {data}"):
        splits, audit = load_audited(data, val=options.val, seed=options.seed, group_by=options.group_by)
    if audit:
        narrator.audit(audit)
    options = with_weights_at_hand(options, facts_of(splits))
    plan = make_plan(facts_of(splits), options)
    pretrained, architecture, preprocess = _starting_point(plan, splits)
    preprocess = dataclasses.replace(preprocess, fit=choose_fit(options.fit, audit, preprocess.size))
    if not pretrained and preprocess.fit == "pad":
        preprocess = _with_border(splits.train, preprocess)
    # Recipes part batches to suit the caches of a CPU. A GPU is quicker with whole ones; `fit` parts what does not fit.
    config = plan.config if device.type == "cpu" else dataclasses.replace(plan.config, accumulate=1)
    splits = _prepared(splits, preprocess, config, plan.transfer, options.cache, narrator)
    if not pretrained and preprocess.fit != "pad":
        preprocess = measure_preprocess(splits.train, preprocess)
    if min(config.batch_size, len(splits.train)) == 1:  # or the outline would be drawn for nothing
        require_company(architecture.outline(), config, len(splits.train))
    job = Job(
        data=os.path.abspath(data) if os.path.exists(data) and data not in NAMES else data,
        val=options.val,
        group_by=options.group_by,
        cache=options.cache,
        recipe=plan.recipe,
        architecture=architecture,
        preprocess=preprocess,
        transfer=plan.transfer,
        config=with_balance(config, options.balance, tuple(splits.train.counts().values())),
        find_lr=options.lr == "auto",
        naive_too=options.naive_too,
        report=options.report,
    )
    if config.seconds and clock.left(config.seconds) <= 0:
        raise ConfigError(f"{config.seconds:g} s are over before training begins", hint="give a longer --time")
    if options.out is None:
        _mention_half_done(job, narrator)
    run = Run.create(options.out, splits.name, architecture.name)
    try:
        files.write_json(run.config_path, to_json(job))
        write_manifest(splits, run.split_path)
    except StorageError:
        run.discard()
        raise
    return Start(run, job, splits, pretrained, audit, explain_fit(options.fit, audit, preprocess.size))


def reopen(data: str | None, options: TrainOptions, narrator: Narrator) -> Start:
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
    return _go_on(run, job, narrator)


def _go_on(run: Run, job: Job, narrator: Narrator) -> Start:
    """A training that was begun in this folder, with its data; RunError when some of that cannot be read any more."""
    splits = load_recorded(job.data, read_manifest(run.split_path))
    prepared = _prepared(splits, job.preprocess, job.config, job.transfer, job.cache, narrator)
    if len(prepared.unused) > len(splits.unused):
        raise RunError(
            "the data is not what this training began with",
            where=str(run.split_path),
            hint="train again from the start",
        )
    pretrained = _load_again(job)
    return Start(run, job, prepared, pretrained)


def begin_naively(start: Start, narrator: Narrator) -> Start | None:
    """The same training on a split that ignores duplicates and groups, in a folder inside the run's; or going on there.

    None when there is nothing to ignore: the split would be the same.
    """
    folder = start.run.path / NAIVE
    if (folder / start.run.split_path.name).exists():  # the last that is written before training
        return _go_on(Run(folder), read_job(Run(folder)), narrator)
    copies = start.audit.duplicates if start.audit else ()
    parts = (start.splits.train, start.splits.val, start.splits.test)
    if not copies and not any(part.groups for part in parts if part):
        return None
    splits = load_data(start.job.data, val=start.job.val, seed=start.job.config.seed, bind=False)
    if _held_out(splits) == _held_out(start.splits) and len(splits.train) <= len(start.splits.train):
        return None
    job = dataclasses.replace(start.job, bound=False, naive_too=False)
    splits = _prepared(splits, job.preprocess, job.config, job.transfer, job.cache, narrator)
    if folder.exists():
        Run(folder).discard()
    run = Run.create(folder, splits.name, job.architecture.name)
    files.write_json(run.config_path, to_json(job))
    write_manifest(splits, run.split_path)
    pretrained = _load_again(job)
    return Start(run, job, splits, pretrained)


def _held_out(splits: Splits) -> set[str]:
    return {name for images in (splits.val, splits.test) if images for name in images.ids}


def _load_again(job: Job) -> Pretrained | None:
    """The pretrained network that a job begins with, with a fresh head; None for one that learns from scratch."""
    architecture = job.architecture
    if job.transfer is None:
        return None
    return load_pretrained(
        architecture.name,
        weights=_asked(job.transfer),
        num_classes=architecture.num_classes,
        size=architecture.size,
        in_channels=architecture.in_channels,
    )


def _asked(transfer: Transfer) -> str | None:
    """The weights as `load_pretrained` takes them: None for those that lie on this machine."""
    return None if transfer.weights == AT_HAND else transfer.weights


def with_room(splits: Splits, job: Job) -> Splits:
    """The same splits, training photos larger than the network sees them if they are to be cropped at random.

    What a frozen network says of photos that were resized twice is worth less: on the clothing photos 88.4 % against
    89.8 %. So they are decoded anew here rather than once at the larger size.
    """
    images = splits.train.images
    if not job.config.augment.resized_crop or isinstance(images, ArrayImages):
        return splits
    files = images.files if isinstance(images, CachedImages) else images
    train = dataclasses.replace(splits.train, images=files)
    alone = dataclasses.replace(splits, train=train, val=None, test=None)
    roomy = prepare(alone, job.preprocess, budget=_budget(job.cache), room=ROOM)
    return dataclasses.replace(splits, train=roomy.train)


def _prepared(
    splits: Splits,
    preprocess: Preprocess,
    config: TrainConfig,
    transfer: Transfer | None,
    cache: str | None,
    narrator: Narrator,
) -> Splits:
    """The same splits with every image decoded once, if the cache may take them."""
    room = ROOM if config.augment.resized_crop and transfer is None else 1.0
    with narrator.working(f"reading {splits.name}"):
        return prepare(splits, preprocess, budget=_budget(cache), room=room)


def _budget(cache: str | None) -> int | None:
    return None if cache is None else parse_size(cache)


def _starting_point(plan: Plan, splits: Splits) -> tuple[Pretrained | None, Architecture, Preprocess]:
    """The pretrained network, if the plan has one, what is trained, and how it sees images: from scratch, unscaled."""
    classes, channels = len(splits.classes), splits.train.images.channels
    if plan.transfer is None:
        architecture = find_architecture(plan.model, num_classes=classes, in_channels=channels, size=plan.size)
        return None, architecture, _neutral_preprocess(architecture)
    pretrained = load_pretrained(
        plan.model, weights=_asked(plan.transfer), num_classes=classes, size=plan.size, in_channels=channels
    )
    assert pretrained.network.architecture is not None
    return pretrained, pretrained.network.architecture, pretrained.preprocess


def _neutral_preprocess(architecture: Architecture) -> Preprocess:
    """How images are brought to the network's size and channels, before their statistics are known."""
    channels = architecture.in_channels
    return Preprocess(
        size=(architecture.size, architecture.size), channels=channels, mean=(0.0,) * channels, std=(1.0,) * channels
    )


def _with_border(image_set: ImageSet, preprocess: Preprocess) -> Preprocess:
    """`preprocess` with the statistics of whole images, for padding: the border has their mean colour.

    It must be known before images are decoded and kept; otherwise they would be trained on with a border of another
    colour than the one they are recognised with.
    """
    some = image_set.take(range(0, len(image_set), -(-len(image_set) // BORDER_IMAGES)))
    measured = measure_preprocess(some, dataclasses.replace(preprocess, fit="squash"))
    return dataclasses.replace(measured, fit="pad")


def _mention_half_done(job: Job, narrator: Narrator) -> None:
    """Say so when a training of the same network on the same data was left half-done; of several, the latest."""
    for path in sorted(Path("runs").glob(f"*/checkpoint/{FILE_NAME}"), key=os.path.getmtime, reverse=True):
        run = Run(path.parent.parent)
        with contextlib.suppress(InputError):  # a damaged run is no reason not to begin another
            other = from_json(Job, run.config)
            if (other.data, other.architecture) == (job.data, job.architecture) and not run.is_complete:
                narrator.say(f"a half-done training is in {run.path}; go on with it: {run.resume_command}")
                return
