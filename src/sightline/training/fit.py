"""The training loop. `fit` is the algorithm; what happens once in a while is one line in it."""

import contextlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from sightline.config import TrainConfig
from sightline.data.batches import Batch, Batches, to_resident
from sightline.data.imageset import Splits
from sightline.data.mix import mix
from sightline.data.randomness import derived_seed
from sightline.data.statistics import default_preprocess
from sightline.errors import ConfigError, Interrupted
from sightline.models.contract import Network
from sightline.pixels.preprocess import Preprocess
from sightline.training.checkpoint import Checkpoints
from sightline.training.device import find_device, find_precision, keep_freed_memory
from sightline.training.finite import LossGuard
from sightline.training.interruption import interruption
from sightline.training.losses import balanced_weights, cross_entropy, l2_penalty
from sightline.training.state import Stopwatch, TrainingState
from sightline.training.validation import Validation

PREPARE_IMAGES = 5_000  # at most, that `Network.prepare` sees


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave. The `val_*` are None without a validation split.

    epoch: counted from 1. step: optimiser steps so far. lr: the first group's rate in the last step.
    train_loss: mean over the epoch's augmented images. val_interval: 95 % Wilson interval of val_accuracy.
    images_per_second: of the optimiser steps. seconds: since the training began, validation included.
    progress: of the training, 0 to 1; when it is stopped early, 1 is reached early.
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


def fit(
    network: Network,
    splits: Splits,
    config: TrainConfig | None = None,
    *,
    preprocess: Preprocess | None = None,
    checkpoints: Checkpoints | None = None,
) -> Iterator[Epoch]:
    """Train `network` in place, yielding after every epoch; stop early by leaving the loop.

    However the loop is left, the network then has the weights of the best validation epoch (`config.keep_best`) or the
    last, averaged if `config.ema_decay` says so, and is in eval mode. At each yield it is in eval mode, too, with the
    weights of the last step; whatever mode you leave it in, training goes on in train mode.
    preprocess: how images become network input; by default cropped, with mean and deviation of the training images.
    checkpoints: where to save and, if something is saved there, where to go on from. SIGINT and SIGTERM then save and
    raise Interrupted; without it they do what they always do.

    On a CPU the same seed, threads and hardware give the same weights bit for bit, also when a training was interrupted
    and resumed; only a time budget, `config.seconds`, cannot promise that. torch's global generator is seeded every
    step. Raises ConfigError, DataError, StorageError, RunError (a checkpoint that is damaged or of another training),
    TrainingError (a loss or weight is not finite).
    """
    config = config or TrainConfig()
    keep_freed_memory()
    device = find_device(config.device)
    precision = find_precision(config.precision, device)
    preprocess = preprocess or default_preprocess(splits.train, network.input_shape)
    batches = Batches(
        to_resident(splits.train, preprocess),
        splits.train.labels,
        batch_size=config.batch_size,
        augment=config.augment,
        seed=config.seed,
        device=device,
        drop_last=True,
    )
    validation = (
        Validation(to_resident(splits.val, preprocess).to(device), splits.val.labels.to(device), preprocess, precision)
        if splits.val
        else None
    )
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    _require_match(network, preprocess.normalise(batches.images[:1]), len(splits.classes))
    saved = checkpoints.load() if checkpoints else None
    if saved is None:
        network.prepare(preprocess.normalise(_sample(batches.images, PREPARE_IMAGES)))
    state = TrainingState.start(network, config)  # not before `prepare`: the average begins with these weights
    if saved is not None:
        state.load_state_dict(saved)
    weights = balanced_weights(batches.labels, len(splits.classes)) if config.class_weights == "balanced" else None
    progress, optimizers, guard, watch = state.progress, state.optimizers, LossGuard(network), Stopwatch(state.progress)

    network.train()
    with _keeping(state), interruption() if checkpoints else contextlib.nullcontext() as interrupted:
        while (done := _done(state, batches, config)) < 1:
            batch = batches.batch(progress.step)
            torch.manual_seed(derived_seed(config.seed, "step", progress.step))  # dropout
            optimizers.set_rates(
                config.schedule, done, warmup_fraction=config.warmup_fraction, scale=progress.rate_scale
            )
            for part in _parts(batch, config.accumulate):
                inputs, targets = _network_input(part, preprocess, config, len(splits.classes), progress.step)
                with precision.autocast(device):
                    logits = network(inputs)
                loss = cross_entropy(logits, targets, label_smoothing=config.label_smoothing, class_weights=weights)
                loss = loss + l2_penalty(network, config.l2)
                guard.check(progress.step, loss, inputs)
                (loss * (len(part.labels) / len(batch.labels))).backward()  # type: ignore[no-untyped-call]
                progress.loss_sum = progress.loss_sum + loss.detach() * len(part.labels)
            if config.clip_norm:
                nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
            optimizers.step()
            optimizers.zero_grad()
            state.ema.update()
            progress.step += 1
            progress.images += len(batch.labels)
            progress.step_seconds += watch.lap()

            if progress.step % batches.steps_per_epoch == 0 or _done(state, batches, config) == 1:
                guard.check_weights(progress.step)
                network.eval()
                yield _finish_epoch(state, batches, validation, config, watch)
                network.train()
                watch.lap()
            if checkpoints and (checkpoints.due or interrupted or _done(state, batches, config) == 1):
                guard.check_weights(progress.step)  # a broken network must never replace a good checkpoint
                checkpoints.save(state.state_dict())
            if interrupted:
                raise Interrupted(f"stopped after step {progress.step:,}; everything learnt is saved")


@torch.no_grad()
def _require_match(network: Network, image: Tensor, num_classes: int) -> None:
    """Raise ConfigError unless the network takes `image`, (1, C, H, W), and has one output for each class."""
    try:
        outputs = network.eval()(image).shape[1]
    except RuntimeError as error:
        built, found = (" x ".join(map(str, shape)) for shape in (network.input_shape, image.shape[1:]))
        raise ConfigError(
            f"the network does not take images of {found}", hint=f"it was built for channels x height x width {built}"
        ) from error
    if outputs != num_classes:
        raise ConfigError(
            f"the network has {outputs} outputs and the data {num_classes} classes",
            hint=f"build it with num_classes={num_classes}, or call network.replace_head({num_classes})",
        )


def _sample(images: Tensor, count: int) -> Tensor:
    """At most `count` of the images, evenly spaced: many sets are ordered by class."""
    return images[:: math.ceil(len(images) / count)]


def _done(state: TrainingState, batches: Batches, config: TrainConfig) -> float:
    """The share of the training that is done, 0 to 1: of its time if it has a budget, otherwise of its steps."""
    progress = state.progress
    if progress.stopped:
        return 1.0
    if config.seconds is not None:
        return min(1.0, progress.seconds / config.seconds)
    return progress.step / (config.epochs * batches.steps_per_epoch)


def _parts(batch: Batch, count: int) -> Iterator[Batch]:
    """The batch in `count` parts as equal as can be, whose gradients are accumulated."""
    parts = zip(*(tensor.tensor_split(min(count, len(tensor))) for tensor in batch), strict=True)
    return itertools.starmap(Batch, parts)


def _network_input(
    batch: Batch, preprocess: Preprocess, config: TrainConfig, num_classes: int, step: int
) -> tuple[Tensor, Tensor]:
    """Normalised images (B, C, H, W) and targets: class numbers (B,), or soft labels (B, K) where images mix."""
    inputs = preprocess.normalise(batch.images)
    if not (config.augment.mixup or config.augment.cutmix):
        return inputs, batch.labels
    generator = Generator(inputs.device).manual_seed(derived_seed(config.seed, "mix", step))
    return mix(inputs, batch.labels, num_classes, config.augment, generator=generator)


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
                progress.best = score
                if config.keep_best:
                    state.remember_best()
        progress.stopped = state.early_stopping.seen(better)
        if state.plateau.seen(better):
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
        elif state.ema.decay:
            state.network.load_state_dict(state.network.state_dict() | state.ema.average)
        state.network.eval()
