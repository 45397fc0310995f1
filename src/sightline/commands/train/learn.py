"""From a network at its beginning to a classifier: a new head first where it is pretrained, then epoch by epoch.

The test images are not looked at.
"""

import contextlib
import copy
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import torch

from sightline.classifier.classifier import Classifier
from sightline.commands.train.open import Opened, with_room
from sightline.commands.train.stages import first_stage, gradual_training, judged_stages, train_head
from sightline.config import TrainConfig, to_json
from sightline.errors import Interrupted
from sightline.evaluation.calibration import calibrate, calibrate_from
from sightline.inspection.recorder import SnapshotRecorder
from sightline.machine import files
from sightline.machine.clock import Clock
from sightline.machine.device import find_device, find_precision
from sightline.models.contract import Network
from sightline.runs.job import Job
from sightline.runs.records import Stage, epoch_of, write_stages
from sightline.runs.run import Run
from sightline.training.checkpoint import Checkpoints
from sightline.training.fit import Epoch, Outcome, fit
from sightline.training.frozen import FrozenStage
from sightline.training.history import HistoryFile
from sightline.training.interruption import terminable
from sightline.training.listener import Listener, Listeners, stop_told
from sightline.training.range_test import RangeTest, range_test, read_range_test


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
    # A copy: other trainings may begin with the same network.
    network = copy.deepcopy(opened.pretrained.network) if opened.pretrained else _initial_network(job)
    head: FrozenStage | None = None
    stages: tuple[Stage, ...] = ()
    rates: RangeTest | None = None
    with stop_told(listener):
        with _resumable(run, job), terminable():
            if job.transfer:
                head, stage = first_stage(opened, network, listener, clock)
                stages = (stage,)
                listener.stage(stage)
            if config := gradual_training(network, job, validated=validated):
                rates, job = _at_the_best_rate(opened, network, config, listener)
                config = gradual_training(network, job, validated=validated)
                assert config is not None
                outcome = _fit(opened, network, config, listener, clock)
                head = None
                if stages:
                    stages = judged_stages(stages[0], opened, network, outcome)
                    write_stages(run, stages)
                    listener.stage(stages[-1])
                if stages and stages[0].kept:
                    # Validation has decided; its images may be learnt from.
                    head = train_head(opened, network, last=True)
        classifier = _classifier(network, opened)
        if head:  # it may have learnt from the validation images: what counts is what was said of images left out
            calibrate_from(classifier, head.head.left_out, head.labels)
        elif opened.splits.val:
            calibrate(classifier, opened.splits.val)
        return Learned(classifier, job, stages, rates)


@contextlib.contextmanager
def _resumable(run: Run, job: Job) -> Iterator[None]:
    """Whoever stops the block is told in what state the training is left and how to go on."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt) as stop:
        progress = (
            "the features of the images seen are kept" if job.transfer else "the last checkpoint, if any, is kept"
        )
        what = stop.what if isinstance(stop, Interrupted) else f"stopped; {progress}"
        raise Interrupted(what, hint=f"go on with: {run.resume_command}") from None


def _at_the_best_rate(
    opened: Opened, network: Network, config: TrainConfig, listener: Listener
) -> tuple[RangeTest | None, Job]:
    """What a range test says, where one was asked for, and the job at that rate; one made before is read again."""
    run, job = opened.run, opened.job
    if not job.find_lr:
        earlier = read_range_test(run)
        if earlier:
            listener.range_test(earlier, job)
        return earlier, job
    result = range_test(network, opened.splits, config, preprocess=job.preprocess)
    resolved = dataclasses.replace(job, config=job.config.with_lr(result.suggestion), find_lr=False)
    files.write_json(run.lr_range_path, to_json(result))  # first: while the job asks for a test, another may be made
    files.write_json(run.config_path, to_json(resolved))
    listener.range_test(result, resolved)
    return result, resolved


def _fit(opened: Opened, network: Network, config: TrainConfig, listener: Listener, clock: Clock) -> Outcome:
    """Train epoch by epoch, and let the run's history end where the training does."""
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
    checkpoints = RunCheckpoints(run, listeners)
    outcome = Outcome(0, None)

    def epochs() -> Iterator[Epoch]:
        nonlocal outcome
        outcome = yield from fit(
            network, splits, config, preprocess=job.preprocess, checkpoints=checkpoints, say=listeners.say
        )

    for epoch in epochs():
        listeners.epoch(epoch)
    # After a kill it may be ahead of the checkpoint, and under --time there may be no time to catch up with it.
    run.cut_history(outcome.epochs)
    return outcome


class RunCheckpoints(Checkpoints):
    """The checkpoint of a run, of which a listener is told; those of version 0.1.0 are completed from the history."""

    def __init__(self, run: Run, listener: Listener) -> None:
        super().__init__(run.checkpoint_folder)
        self.run = run
        self.listener = listener

    def save(self, state: dict[str, Any]) -> None:
        super().save(state)
        self.listener.checkpoint(state["progress"]["step"])

    def load(self) -> dict[str, Any] | None:
        state = super().load()
        if state and "best_epoch" not in state["progress"]:
            best = state["progress"]["best"]
            state["progress"]["best_epoch"] = epoch_of(best, self.run.history) if best else None
        return state


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
