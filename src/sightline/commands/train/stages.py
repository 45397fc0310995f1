"""The two stages of a transfer: a new head on the network as it is, then more of the network, and which one is kept."""

import dataclasses

from sightline.commands.train.open import Opened
from sightline.config import TrainConfig
from sightline.machine.clock import Clock
from sightline.models.contract import Network
from sightline.models.transfer import blocks, groups_by_depth, most_blocks, unfreeze
from sightline.runs.job import Job
from sightline.runs.records import Stage, best_record, read_stages, write_stages
from sightline.training.checkpoint import Checkpoints
from sightline.training.fit import Outcome
from sightline.training.frozen import FrozenStage, train_frozen
from sightline.training.listener import Listener

HEADS = {"linear": "a linear head", "mlp": "a head with a hidden layer"}


def first_stage(opened: Opened, network: Network, listener: Listener, clock: Clock) -> tuple[FrozenStage, Stage]:
    """A new head on the network as it is, and the record of that.

    Where the second stage has begun already, its checkpoint holds that head: one like it is made only to hold the
    checkpoint's weights, in no more time than it takes, and the record is the one that was made then.
    """
    job, run = opened.job, opened.run
    assert job.transfer is not None
    earlier = read_stages(run) if Checkpoints(run.checkpoint_folder).path.exists() else ()
    budget = None if earlier else job.config.seconds
    with listener.working("looking at every image with the pretrained network"):
        head = train_head(
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


def train_head(opened: Opened, network: Network, *, last: bool, seconds: float | None = None) -> FrozenStage:
    job = opened.job
    assert job.transfer is not None
    return train_frozen(
        network, opened.splits, job.config, job.transfer, preprocess=job.preprocess, last=last, seconds=seconds
    )


def gradual_training(network: Network, job: Job, *, validated: bool) -> TrainConfig | None:
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


def judged_stages(first: Stage, opened: Opened, network: Network, outcome: Outcome) -> tuple[Stage, Stage]:
    """Both stages, the one whose weights validation found better kept; the second where nothing was held out.

    outcome: of the second stage, which begins with the weights of the first.
    """
    second = _second_stage(opened, network)
    second_wins = outcome.best_epoch != 0
    return dataclasses.replace(first, kept=not second_wins), dataclasses.replace(second, kept=second_wins)


def _second_stage(opened: Opened, network: Network) -> Stage:
    """The record of the second stage, as if it were kept."""
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
