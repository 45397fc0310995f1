"""The training loop. `fit` is the algorithm; what happens once in a while is one line in it."""

import contextlib
import warnings
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from torch import nn

from sightline.config import TrainConfig
from sightline.data.batches import Batches
from sightline.data.imageset import Splits
from sightline.errors import Interrupted
from sightline.models.contract import Network
from sightline.pixels.preprocess import Preprocess
from sightline.training.checkpoint import Checkpoints
from sightline.training.finite import LossGuard
from sightline.training.gradients import Gradients
from sightline.training.interruption import interruption
from sightline.training.setup import set_train_mode, set_up
from sightline.training.state import Stopwatch, TrainingState
from sightline.training.validation import Validation
from sightline.training.world import ALONE, World


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave. The `val_*` are None without a validation split.

    epoch: counted from 1. step: optimiser steps so far. lr: the first group's rate in the last step.
    train_loss: mean over the epoch's augmented images. val_interval: 95 % Wilson interval of val_accuracy.
    images_per_second: of the optimiser steps. seconds: since the training began, validation included.
    progress: of the training, 0 to 1; when it is stopped early, 1 is reached early.
    best_epoch: which has the best validation score so far, 0 for the weights at the beginning (where
        `config.start_competes` has them scored). With `config.keep_best` its weights are those the network ends with.
        None without a validation split.
    """

    epoch: int
    step: int
    lr: float
    train_loss: float
    val_loss: float | None
    val_accuracy: float | None
    val_interval: tuple[float, float] | None
    images_per_second: float
    seconds: float
    progress: float
    best_epoch: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a training came to; of one that goes on from a checkpoint and has nothing left to do, what that holds.

    epochs: how many are behind it. best_epoch: as in `Epoch`.
    """

    epochs: int
    best_epoch: int | None


def fit(
    network: Network,
    splits: Splits,
    config: TrainConfig | None = None,
    *,
    preprocess: Preprocess | None = None,
    checkpoints: Checkpoints | None = None,
    say: Callable[[str], object] = warnings.warn,
    world: World = ALONE,
) -> Generator[Epoch, None, Outcome]:
    """Train `network` in place, yielding after every epoch; stop early by leaving the loop.

    At its end it returns the outcome, as generators do: `outcome = yield from fit(...)`.

    However the loop is left, the network then has the weights of the best validation epoch (`config.keep_best`) or the
    last, averaged if `config.ema_decay` or `start_share` say so, and is in eval mode. At each yield it is in eval mode,
    too, with the weights of the last step; whatever mode you leave it in, training goes on in train mode.
    preprocess: how images become network input; by default cropped, with mean and deviation of the training images.
    checkpoints: where to save and, if something is saved there, where to go on from. SIGINT and SIGTERM then save and
    raise Interrupted; without it they do what they always do.
    say: gets the sentence when memory runs out, after which batches go through the network in more parts.
    world: the processes that train this network together, by default this one alone; `config.batch_size` is that of
        all together.

    Parameters with requires_grad off stay as they are, and so do the statistics of batch norms whose parameters all do.
    With `config.start_competes` the weights at the beginning are scored first and kept if no epoch is better.

    On a CPU the same seed, threads and hardware give the same weights bit for bit, also when a training was interrupted
    and resumed; only a time budget, `config.seconds`, cannot promise that. torch's global generator is seeded every
    step. Raises ConfigError, DataError, StorageError, RunError (a checkpoint that is damaged or of another training),
    TrainingError (a loss or weight is not finite, or memory too small for one image).
    """
    config = config or TrainConfig()
    setup = set_up(network, splits, config, preprocess)
    batches, validation = setup.batches, setup.validation(splits.val)
    saved = checkpoints.load() if checkpoints else None
    if saved is None:
        network.prepare(setup.sample())
    # Not before `prepare`: the average begins with these weights.
    state = TrainingState.start(network, config, dtype=setup.precision.dtype)
    if saved is not None:
        state.load_state_dict(saved)
    progress, optimizers, guard = state.progress, state.optimizers, LossGuard(network, world)
    watch = Stopwatch(progress, world)
    gradients = Gradients(network, setup, config, check=guard.look, say=say, world=world)
    if saved is None and config.start_competes and validation:
        progress.best, progress.best_epoch = validation.score(network), 0
        state.remember_best()

    set_train_mode(network, config)
    with (
        contextlib.closing(batches),
        _keeping(state),
        interruption() if checkpoints else contextlib.nullcontext() as interrupted,
    ):
        while (done := _done(state, batches, config)) < 1:
            batch = batches.batch(progress.step)
            optimizers.set_rates(
                config.schedule, done, warmup_fraction=config.warmup_fraction, scale=progress.rate_scale
            )
            loss_sum, progress.parts = gradients.add(batch, progress.step, parts=progress.parts)
            guard.require_finite()
            if config.clip_norm:
                nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
            optimizers.step()
            optimizers.zero_grad()
            state.ema.update()
            progress.step += 1
            progress.loss_sum = progress.loss_sum + loss_sum
            progress.images += len(batch.labels)
            progress.step_seconds += watch.lap()

            if progress.step % batches.steps_per_epoch == 0 or _done(state, batches, config) == 1:
                guard.check_weights(progress.step)
                network.eval()
                yield _finish_epoch(state, batches, validation, config, watch)
                set_train_mode(network, config)
                watch.lap()
            stop = world.any(bool(interrupted))
            finished = _done(state, batches, config) == 1
            if checkpoints and (world.decided(checkpoints.age >= config.checkpoint_seconds) or stop or finished):
                guard.check_weights(progress.step)  # a broken network must never replace a good checkpoint
                if world.writes:
                    checkpoints.save(state.state_dict())
            if stop:
                raise Interrupted(f"stopped after step {progress.step:,}; everything learnt is saved")
    return Outcome(progress.epoch, progress.best_epoch)


def _done(state: TrainingState, batches: Batches, config: TrainConfig) -> float:
    """The share of the training that is done, 0 to 1: of its time if it has a budget, otherwise of its steps."""
    progress = state.progress
    if progress.stopped:
        return 1.0
    if config.seconds is not None:
        return min(1.0, progress.seconds / config.seconds)
    return progress.step / (config.epochs * batches.steps_per_epoch)


def _finish_epoch(
    state: TrainingState, batches: Batches, validation: Validation | None, config: TrainConfig, watch: Stopwatch
) -> Epoch:
    """Score the averaged weights, let the score decide what it decides, and start counting the next epoch."""
    progress = state.progress
    progress.epoch += 1
    score = None
    if validation:
        with state.ema.applied():
            score = validation.score(state.network)
            better = score.better_than(progress.best)
            if better:
                progress.best, progress.best_epoch = score, progress.epoch
                if config.keep_best:
                    state.remember_best()
        progress.stopped = state.early_stopping.runs_out(better)
        if state.plateau.runs_out(better):
            progress.rate_scale *= config.plateau_factor
    watch.lap()
    epoch = Epoch(
        epoch=progress.epoch,
        step=progress.step,
        lr=state.optimizers.lr,
        train_loss=float(progress.loss_sum) / progress.images,
        val_loss=score.loss if score else None,
        val_accuracy=score.accuracy if score else None,
        val_interval=validation.interval(score) if validation and score else None,
        images_per_second=progress.images / progress.step_seconds,
        seconds=progress.seconds,
        progress=_done(state, batches, config),
        best_epoch=progress.best_epoch,
    )
    progress.loss_sum, progress.images, progress.step_seconds = 0.0, 0, 0.0
    return epoch


@contextlib.contextmanager
def _keeping(state: TrainingState) -> Iterator[None]:
    """However the block is left, the network then has the weights that count, and is in eval mode."""
    try:
        yield
    finally:
        if state.best_weights:
            state.network.load_state_dict(state.best_weights)
        elif averages := state.ema.averages():
            state.network.load_state_dict(state.network.state_dict() | averages)
        state.network.eval()
