"""The learning-rate range test: raise the rate step by step until training breaks, and see where it learns fastest.

Leslie N. Smith, "Cyclical Learning Rates for Training Neural Networks", arXiv 1506.01186, section 3.3, with a rate that
rises exponentially, as in fastai. Of the rates that the curve offers, the steepest descent is too low for networks that
learn at any rate, and a lowest point may come long after all is learnt: we take the rate at which most of the fall is
done (docs/experiments.md).
"""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sightline.config import TrainConfig, from_json
from sightline.data.imageset import Splits
from sightline.models.contract import Network
from sightline.models.watching import modes_restored
from sightline.pixels.preprocess import Preprocess
from sightline.runs.run import Run
from sightline.training.gradients import Gradients
from sightline.training.optimizers import Optimizers
from sightline.training.setup import set_train_mode, set_up

LOWEST, HIGHEST = 1e-3, 1e2  # times the config's own rate
FEWEST_STEPS, MOST_STEPS = 40, 100
BROKEN = 4.0  # times the smallest loss so far: there is nothing more to see, as in fastai
FLAT = 0.1  # a loss that falls by less than this share of its first value says nothing about rates
MOST = 0.9  # of the fall
FEWEST_POINTS = 5  # from the first rate to that of the smallest loss
BLUR = 0.04  # of the curve's length: the deviation of the Gaussian that smooths it


@dataclass(frozen=True)
class RangeTest:
    """rates: of the first parameter group, rising. losses: of the batch before the step with that rate.

    suggestion: the rate to use as the peak. found: whether the curve shows it; otherwise it is the config's own.
    reason: why, as a clause.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float
    found: bool
    reason: str


def read_range_test(run: Run) -> RangeTest | None:
    """What the run's `--lr auto` saw; None when nothing was looked for. Raises RunError, ConfigError for damage."""
    return from_json(RangeTest, run.lr_range, where=str(run.lr_range_path)) if run.lr_range_path.exists() else None


def range_test(
    network: Network, splits: Splits, config: TrainConfig | None = None, *, preprocess: Preprocess | None = None
) -> RangeTest:
    """Train at rates from a thousandth to a hundred times those of `config`, up to where the loss explodes.

    All parameter groups keep their ratio, as in `TrainConfig.with_lr`, which takes the suggestion. About an epoch's
    steps are made, at least 40 and at most 100. Afterwards weights, buffers, modes and torch's random numbers are what
    they were; the network is on the device that trains. Raises what `fit` raises before its first step.
    """
    config = config or TrainConfig()
    with _undone(network):
        setup = set_up(network, splits, config, preprocess)
        network.prepare(setup.sample())
        steps = min(MOST_STEPS, max(FEWEST_STEPS, setup.batches.steps_per_epoch))
        optimizers = Optimizers(network, config.groups, dtype=setup.precision.dtype)
        gradients = Gradients(network, setup, config, check=lambda *_: None, say=lambda _: None)
        set_train_mode(network, config)
        parts, losses = config.accumulate, list[float]()
        scales = np.geomspace(LOWEST, HIGHEST, steps).tolist()
        for step, scale in enumerate(scales):
            batch = setup.batches.batch(step)
            loss_sum, parts = gradients.add(batch, step, parts=parts)
            loss = float(loss_sum) / len(batch.labels)  # on an accelerator this waits
            if not math.isfinite(loss) or (losses and loss > BROKEN * min(losses)):
                break
            losses.append(loss)
            optimizers.set_rates("constant", 0.0, warmup_fraction=0.0, scale=scale)
            optimizers.step()
            optimizers.zero_grad()
    rates = [config.lr * scale for scale in scales[: len(losses)]]
    return suggest(rates, losses, own=config.lr)


def suggest(rates: Sequence[float], losses: Sequence[float], *, own: float) -> RangeTest:
    """Read a curve: the lowest rate by which nine tenths of the smoothed loss's fall are done, or `own` without a fall.

    rates: in equal ratios, rising. losses: finite, at most as many.
    """

    def result(suggestion: float, reason: str, *, found: bool = False) -> RangeTest:
        return RangeTest(tuple(rates), tuple(losses), suggestion, found, reason)

    curve = smooth(losses)
    lowest = int(curve.argmin()) if len(curve) else 0
    if len(curve) == 0 or (lowest + 1 < FEWEST_POINTS and curve[-1] > (1 + FLAT) * curve[0]):
        return result(own, "the loss rose from the lowest rates on")
    if lowest + 1 < FEWEST_POINTS or curve[lowest] > (1 - FLAT) * curve[0]:
        return result(own, "the loss hardly fell at any rate")
    enough = int((curve <= curve[0] - MOST * (curve[0] - curve[lowest])).argmax())
    return result(rates[enough], "nine tenths of the loss's fall were done by then", found=True)


def smooth(values: Sequence[float]) -> NDArray[np.float64]:
    """The values averaged with their neighbours by a Gaussian, on both sides alike, so that nothing moves: (N,)."""
    places = np.arange(len(values))
    weights = np.exp(-0.5 * ((places[:, None] - places) / (BLUR * max(len(values), 1))) ** 2)
    averaged: NDArray[np.float64] = weights @ np.asarray(values, dtype=np.float64) / weights.sum(axis=1)
    return averaged


@contextlib.contextmanager
def _undone(network: nn.Module) -> Iterator[None]:
    """Afterwards the network's weights, buffers and modes, and torch's random numbers, are what they were before."""
    tensors = {name: tensor.detach().clone() for name, tensor in _tensors(network)}
    gpus = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=gpus), modes_restored(network):
        try:
            yield
        finally:
            with torch.no_grad():
                for name, tensor in _tensors(network):
                    tensor.copy_(tensors[name])
            network.zero_grad(set_to_none=True)


def _tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from network.named_parameters()
    yield from network.named_buffers()
