"""From a network at its beginning to a classifier: a new head first where it is pretrained, then epoch by epoch.

The test images are not looked at.
"""

import dataclasses
from dataclasses import dataclass
from datetime import date
from typing import Any

import torch

from sightline.classifier.classifier import Classifier
from sightline.commands.train.open import Opened, with_room
from sightline.config import TrainConfig, from_json, to_json
from sightline.errors import Interrupted, TrainingError
from sightline.evaluation.calibration import calibrate, calibrate_from
from sightline.inspection.recorder import SnapshotRecorder
from sightline.machine import files
from sightline.machine.clock import Clock
from sightline.machine.device import find_device, find_precision
from sightline.models.contract import Network
from sightline.models.transfer import blocks, groups_by_depth, most_blocks, unfreeze
from sightline.runs.job import Job
from sightline.runs.records import Stage, best_record, read_stages, write_stages
from sightline.runs.run import Run
from sightline.training.checkpoint import Checkpoints
from sightline.training.fit import fit
from sightline.training.frozen import FrozenStage, train_frozen
from sightline.training.history import HistoryFile
from sightline.training.interruption import terminable
from sightline.training.listener import Listener, Listeners
from sightline.training.range_test import RangeTest, range_test

HEADS = {"linear": "a linear head", "mlp": "a head with a hidden layer"}


@dataclass(frozen=True, eq=False)
class Learned:
    """A trained, calibrated classifier, and how it came about.

    job: with the learning rate that was found, where one was looked for. stages: of a transfer, otherwise empty.
    """

    classifier: Classifier
    job: Job
    stages: tuple[Stage, ...] = ()
    range_test: RangeTest | None = None

    @property
    def is_frozen(self) -> bool:
        """Whether it is a pretrained network whose head alone has learnt from this data."""
        return bool(self.stages) and self.stages[0].kept


def learn(opened: Opened, *, listener: Listener | None = None, clock: Clock | None = None) -> Learned:
    """Train. Ctrl-C and SIGTERM save and raise Interrupted, whose hint says how to go on.

    Raises TrainingError when a loss is not finite or memory too small, DataError, StorageError, RunError, ConfigError.
    """
    listener, clock = listener or Listener(), clock or Clock()
    job, run, validated = opened.job, opened.run, opened.splits.val is not None
    network = opened.pretrained.network if opened.pretrained else _initial_network(job)
    head: FrozenStage | None = None
    stages: tuple[Stage, ...] = ()
    rates: RangeTest | None = None
    try:
        with terminable():
            if job.transfer:
                head, stage = _first_stage(opened, network, listener, clock)
                stages = (stage,)
                listener.stage(stage)
            if config := _gradual_training(network, job, validated=validated):
                rates, job = _at_the_best_rate(opened, network, config, listener)
                config = _gradual_training(network, job, validated=validated)
                assert config is not None
                best_epoch = _fit(opened, network, config, listener, clock)
                head = None
                if stages:
                    stages = _judged(stages[0], _second_stage(network, opened), best_epoch)
                    write_stages(run, stages)
                    listener.stage(stages[-1])
                if stages and stages[0].kept:
                    # Validation has decided; its images may be learnt from.
                    head = _train_head(opened, network, last=True)
    except (Interrupted, KeyboardInterrupt) as stop:
        progress = (
            "the features of the images seen are kept" if job.transfer else "the last checkpoint, if any, is kept"
        )
        what = stop.what if isinstance(stop, Interrupted) else f"stopped; {progress}"
        hint = f"go on with: {run.resume_command}"
        listener.stop(f"Stopped; {hint}")
        raise Interrupted(what, hint=hint) from None
    except TrainingError as error:  # going on would end in the same way
        listener.stop(f"Stopped: {error.what}")
        raise
    classifier = _classifier(network, opened)
    if head:  # it may have learnt from the validation images: what counts is what was said of images left out
        calibrate_from(classifier, head.head.left_out, head.labels)
    elif opened.splits.val:
        calibrate(classifier, opened.splits.val)
    return Learned(classifier, job, stages, rates)


def _first_stage(opened: Opened, network: Network, listener: Listener, clock: Clock) -> tuple[FrozenStage, Stage]:
    """A new head on the network as it is, and the record of that.

    Where the second stage has begun already, its checkpoint holds that head: one like it is made only to hold the
    checkpoint's weights, in no more time than it takes, and the record is the one that was made then.
    """
    job, run = opened.job, opened.run
    assert job.transfer is not None
    earlier = read_stages(run) if Checkpoints(run.checkpoint_folder).path.exists() else ()
    budget = None if earlier else job.config.seconds
    with listener.working("looking at every image with the pretrained network"):
        head = _train_head(
            opened,
            network,
            last=job.transfer.stays_frozen(validated=opened.splits.val is not None),
            seconds=None if budget is None else clock.remaining(budget),
        )
    if earlier:
        return head, dataclasses.replace(earlier[0], kept=True)
    varied = "1 varied view" if head.views == 1 else f"{head.views} varied views"
    views = f", {varied} of each" if head.views else ""
    stage = Stage(
        name="frozen",
        what=f"{HEADS[job.transfer.head]} on the features of the pretrained network{views}",
        correct=head.correct,
        total=head.total,
        seconds=head.seconds,
    )
    write_stages(run, [stage])
    return head, stage


def _train_head(opened: Opened, network: Network, *, last: bool, seconds: float | None = None) -> FrozenStage:
    job = opened.job
    assert job.transfer is not None
    return train_frozen(
        network, opened.splits, job.config, job.transfer, preprocess=job.preprocess, last=last, seconds=seconds
    )


def _gradual_training(network: Network, job: Job, *, validated: bool) -> TrainConfig | None:
    """How the network is trained epoch by epoch, the part of it that learns made ready; None when only its head was."""
    transfer = job.transfer
    if transfer is None:
        return job.config
    if transfer.stays_frozen(validated=validated):
        return None
    match transfer.finetune:
        case "auto":
            unfreeze(network, most_blocks(network))
        case "all":
            unfreeze(network, "all")
        case number:
            unfreeze(network, int(number))
    config = job.config
    if transfer.by_depth:
        groups = groups_by_depth(network, lr=config.lr, weight_decay=config.groups[0].weight_decay)
        config = dataclasses.replace(config, groups=groups)
    # Without validation images there is nothing to compare by: who asks for fine-tuning then gets it.
    return dataclasses.replace(config, start_competes=validated, keep_best=validated)


def _at_the_best_rate(
    opened: Opened, network: Network, config: TrainConfig, listener: Listener
) -> tuple[RangeTest | None, Job]:
    """What a range test says, where one was asked for, and the job at that rate; one made before is read again."""
    run, job = opened.run, opened.job
    if not job.find_lr:
        where = run.lr_range_path
        if not where.exists():
            return None, job
        result = from_json(RangeTest, run.lr_range, where=str(where))
        listener.range_test(result, job)
        return result, job
    result = range_test(network, opened.splits, config, preprocess=job.preprocess)
    resolved = dataclasses.replace(job, config=job.config.with_lr(result.suggestion), find_lr=False)
    files.write_json(run.lr_range_path, to_json(result))  # first: while the job asks for a test, another may be made
    files.write_json(run.config_path, to_json(resolved))
    listener.range_test(result, resolved)
    return result, resolved


def _fit(opened: Opened, network: Network, config: TrainConfig, listener: Listener, clock: Clock) -> int | None:
    """Train epoch by epoch; which epoch's weights are the best, as `Epoch.best_epoch` says it."""
    run, job, splits = opened.run, opened.job, opened.splits
    if config.seconds is not None:
        config = dataclasses.replace(config, seconds=max(1e-3, clock.remaining(config.seconds)))
    snapshots = SnapshotRecorder(
        run.snapshots_folder,
        network,
        splits,
        preprocess=job.preprocess,
        precision=find_precision(config.precision, find_device(config.device)),
        seed=config.seed,
    )
    # The history first: others read it.
    listeners = Listeners([HistoryFile(run), listener, snapshots])
    if job.transfer:
        splits = with_room(splits, job)
    checkpoints = _ToldCheckpoints(run, listeners)
    for epoch in fit(network, splits, config, preprocess=job.preprocess, checkpoints=checkpoints, say=listeners.say):
        listeners.epoch(epoch)
    # The loop cannot say it: a training that was stopped after its last epoch has no more of them.
    history = run.history
    if not history:  # the time was over before the first epoch was
        return 0 if config.start_competes else None
    best: int | None = history[-1].get("best_epoch")
    return best


class _ToldCheckpoints(Checkpoints):
    """Checkpoints of a run, of which a listener is told."""

    def __init__(self, run: Run, listener: Listener) -> None:
        super().__init__(run.checkpoint_folder)
        self.listener = listener

    def save(self, state: dict[str, Any]) -> None:
        super().save(state)
        self.listener.checkpoint(state["progress"]["step"])


def _judged(first: Stage, second: Stage, best_epoch: int | None) -> tuple[Stage, Stage]:
    """Both stages, one of them kept: the second unless the weights it began with are the best."""
    if not second.total:
        second_wins = True  # nothing to compare by: who asks for fine-tuning then gets it
    elif best_epoch is None:  # begun by version 0.1.0, whose checkpoints do not say
        second_wins = second.correct > first.correct
    else:
        second_wins = best_epoch > 0
    return dataclasses.replace(first, kept=not second_wins), dataclasses.replace(second, kept=second_wins)


def _second_stage(network: Network, opened: Opened) -> Stage:
    job, history = opened.job, opened.run.history
    val_images = len(opened.splits.val) if opened.splits.val else 0
    best = best_record(history)
    assert job.transfer is not None
    return Stage(
        name="fine-tuned",
        what=_part(network, job.transfer.finetune),
        correct=round(best["val_accuracy"] * val_images) if best else 0,
        total=val_images if best else 0,
        seconds=history[-1]["seconds"] if history else 0.0,
    )


def _part(network: Network, finetune: str) -> str:
    """What learns in the second stage, as a clause."""
    if finetune == "all":
        return "the whole network"
    count = most_blocks(network) if finetune == "auto" else int(finetune)
    return f"the head with the last {count} of {len(blocks(network))} blocks"


def _initial_network(job: Job) -> Network:
    """The network as its seed draws it; the caller's random numbers stay as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(job.config.seed)
        return job.architecture.build()


def _classifier(network: Network, opened: Opened) -> Classifier:
    job, splits = opened.job, opened.splits
    assert network.architecture is not None
    network.requires_grad_(True)
    origin = opened.pretrained.provenance if opened.pretrained else {}
    classifier = Classifier(
        network,
        splits.classes,
        job.preprocess,
        network.architecture,
        views=job.config.views,
        note=splits.note,
        provenance={"data": splits.name, "date": date.today().isoformat(), "licence": "the user's own"} | origin,
    )
    device = find_device(job.config.device)
    return classifier.to(device, find_precision(job.config.precision, device).name)
