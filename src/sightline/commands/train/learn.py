"""From a network at its beginning to a classifier: a new head first where it is pretrained, then epoch by epoch."""

import contextlib
import dataclasses
from dataclasses import dataclass
from datetime import date

import torch

from sightline.classifier.classifier import Classifier
from sightline.commands.train.open import Start, with_room
from sightline.config import TrainConfig, from_json, to_json
from sightline.errors import Interrupted, StorageError, TrainingError
from sightline.evaluation.calibration import calibrate, calibrate_from
from sightline.inspection.recorder import SnapshotRecorder
from sightline.machine import files
from sightline.machine.clock import Clock
from sightline.machine.device import find_device, find_precision
from sightline.models.contract import Network
from sightline.models.transfer import blocks, groups_by_depth, most_blocks, unfreeze
from sightline.reporting.console import Narrator
from sightline.reporting.description import facts_of_job
from sightline.reporting.learning import best_epoch
from sightline.reporting.report import Facts, write_report
from sightline.reporting.stages import Stage
from sightline.runs.job import Job
from sightline.runs.run import Run
from sightline.training.checkpoint import Checkpoints
from sightline.training.fit import fit
from sightline.training.frozen import FrozenStage, train_frozen
from sightline.training.interruption import terminable
from sightline.training.range_test import RangeTest, range_test

HEADS = {"linear": "a linear head", "mlp": "a head with a hidden layer"}


@dataclass(frozen=True, eq=False)
class Learned:
    """A trained classifier, and what the report tells of its training."""

    classifier: Classifier
    facts: Facts

    @property
    def is_frozen(self) -> bool:
        """Whether it is a pretrained network whose head alone has learnt from this data."""
        return bool(self.facts.stages) and self.facts.stages[0].kept


def learn(start: Start, narrator: Narrator, clock: Clock) -> Learned:
    """Train. Ctrl-C and SIGTERM save and raise Interrupted, whose hint says how to go on."""
    job, splits = start.job, start.splits
    facts = facts_of_job(job, splits, fit_reason=start.fit_reason)
    network = start.pretrained.network if start.pretrained else _initial_network(job)
    frozen = None
    try:
        with terminable():
            if job.transfer:
                frozen, stage = _first_stage(start, network, narrator, clock)
                facts = dataclasses.replace(facts, stages=(stage,))
            if config := _gradual_training(network, job, validated=splits.val is not None):
                found, job = _at_the_best_rate(start, network, config, narrator)
                if found:
                    told = facts_of_job(job, splits, fit_reason=start.fit_reason)
                    facts = dataclasses.replace(told, stages=facts.stages, range_test=found)
                config = _gradual_training(network, job, validated=splits.val is not None)
                assert config is not None
                facts = _fit(start, network, config, facts, narrator, clock)
                frozen = None
                if facts.stages and not facts.stages[-1].kept:
                    # Validation has decided; its images may be learnt from.
                    frozen = _train_head(start, network, last=True)
    except (Interrupted, KeyboardInterrupt) as stop:
        kept = "the features of the images seen are kept" if job.transfer else "the last checkpoint, if any, is kept"
        what = stop.what if isinstance(stop, Interrupted) else f"stopped; {kept}"
        hint = f"go on with: {start.run.resume_command}"
        _stop_the_page(start.run, facts, f"Stopped; {hint}")
        raise Interrupted(what, hint=hint) from None
    except TrainingError as error:  # going on would end in the same way
        _stop_the_page(start.run, facts, f"Stopped: {error.what}")
        raise
    classifier = _classifier(network, start)
    if frozen:  # its head may have learnt from the validation images: what counts is what was said of images left out
        calibrate_from(classifier, frozen.head.left_out, frozen.labels)
    elif splits.val:
        calibrate(classifier, splits.val)
    return Learned(classifier, facts)


def _first_stage(start: Start, network: Network, narrator: Narrator, clock: Clock) -> tuple[FrozenStage, Stage]:
    """A new head on the network as it is, and what is told of it."""
    job = start.job
    assert job.transfer is not None
    budget = job.config.seconds
    with narrator.working("looking at every image with the pretrained network"):
        frozen = _train_head(
            start,
            network,
            last=job.transfer.stays_frozen(validated=start.splits.val is not None),
            seconds=None if budget is None else clock.left(budget),
        )
    varied = "1 varied view" if frozen.views == 1 else f"{frozen.views} varied views"
    views = f", {varied} of each" if frozen.views else ""
    stage = Stage(
        name="frozen",
        what=f"{HEADS[job.transfer.head]} on the features of the pretrained network{views}",
        correct=frozen.correct,
        total=frozen.total,
        seconds=frozen.seconds,
    )
    narrator.stage(stage)
    return frozen, stage


def _train_head(start: Start, network: Network, *, last: bool, seconds: float | None = None) -> FrozenStage:
    job = start.job
    assert job.transfer is not None
    return train_frozen(
        network, start.splits, job.config, job.transfer, preprocess=job.preprocess, last=last, seconds=seconds
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
    start: Start, network: Network, config: TrainConfig, narrator: Narrator
) -> tuple[RangeTest | None, Job]:
    """What a range test says, where one was asked for, and the job at that rate; one made before is found again."""
    run, job = start.run, start.job
    if not job.find_lr:
        where = run.lr_range_path
        return (from_json(RangeTest, run.lr_range, where=str(where)) if where.exists() else None), job
    found = range_test(network, start.splits, config, preprocess=job.preprocess)
    narrator.say(f"learning rate {found.suggestion:.2g}: {found.reason}")
    resolved = dataclasses.replace(job, config=job.config.with_lr(found.suggestion), find_lr=False)
    files.write_json(run.lr_range_path, to_json(found))  # first: while the job asks for a test, another may be made
    files.write_json(run.config_path, to_json(resolved))
    return found, resolved


def _fit(start: Start, network: Network, config: TrainConfig, facts: Facts, narrator: Narrator, clock: Clock) -> Facts:
    """Train epoch by epoch, and tell what it came to."""
    run, job, splits = start.run, start.job, start.splits
    if config.seconds is not None:
        config = dataclasses.replace(config, seconds=max(1e-3, clock.left(config.seconds)))
    head = network.head.get_submodule("output").state_dict()
    before = {name: tensor.clone() for name, tensor in head.items()}
    checkpoints = Checkpoints(run.checkpoint_folder)
    snapshots = SnapshotRecorder(
        run.snapshots_folder,
        network,
        splits,
        preprocess=job.preprocess,
        precision=find_precision(config.precision, find_device(config.device)),
        seed=config.seed,
    )
    if job.transfer:
        splits = with_room(splits, job)
    for epoch in fit(network, splits, config, preprocess=job.preprocess, checkpoints=checkpoints, say=narrator.say):
        narrator.epoch(epoch, epochs=facts.epochs, val_images=facts.val_images)
        run.append_history(dataclasses.asdict(epoch))
        snapshots.after(epoch)
        write_report(run, facts, history=run.history, live=True)
    if not facts.stages:
        return facts
    after = network.head.get_submodule("output").state_dict()
    kept = any(not torch.equal(before[name], after[name].to(before[name])) for name in before)
    second = _second_stage(network, start, kept=kept)
    narrator.stage(second)
    return dataclasses.replace(facts, stages=(dataclasses.replace(facts.stages[0], kept=not kept), second))


def _second_stage(network: Network, start: Start, *, kept: bool) -> Stage:
    job, history = start.job, start.run.history
    val_images = len(start.splits.val) if start.splits.val else 0
    best = best_epoch(history)
    assert job.transfer is not None
    return Stage(
        name="fine-tuned",
        what=_part(network, job.transfer.finetune),
        correct=round(best["val_accuracy"] * val_images) if best else 0,
        total=val_images if best else 0,
        seconds=history[-1]["seconds"] if history else 0.0,
        kept=kept,
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


def _classifier(network: Network, start: Start) -> Classifier:
    job, splits = start.job, start.splits
    assert network.architecture is not None
    network.requires_grad_(True)
    origin = start.pretrained.provenance if start.pretrained else {}
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


def _stop_the_page(run: Run, facts: Facts, why: str) -> None:
    """Let the report, which has followed the training until now, say that it has ended and why."""
    with contextlib.suppress(StorageError):  # why the training stopped is the news, not why the page cannot say so
        write_report(run, facts, history=run.history, stopped=why)
