"""Training on a GPU: the same loop, with the data resident there."""

import dataclasses
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sightline.config import AugmentConfig, ParameterGroup, TrainConfig
from sightline.data.imageset import Splits
from sightline.errors import Interrupted, TrainingError
from sightline.models.contract import Network
from sightline.training.checkpoint import Checkpoints
from sightline.training.fit import fit

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")

Tiny = Callable[..., Network]

CONFIG = TrainConfig(
    epochs=8,
    batch_size=32,
    accumulate=2,
    groups=(
        ParameterGroup(match="filters", optimizer="muon", lr=0.1, momentum=0.6, renormalise=True),
        ParameterGroup(match="head", optimizer="adamw", lr=0.02),
        ParameterGroup(lr=0.05),
    ),
    schedule="linear",
    class_weights="balanced",
    l2=1e-4,
    ema_decay=0.9,
    clip_norm=5.0,
    augment=AugmentConfig(flip="alternating", shift=1, brightness=0.2, hue=0.1, erase=0.2, mixup=0.2, cutmix=1.0),
    device="cuda",
)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_learns(precision: str, color_splits: Splits, tiny: Tiny) -> None:
    network = tiny(channels=3, batch_norm=True, dropout=0.1)
    *_, last = fit(network, color_splits, dataclasses.replace(CONFIG, precision=precision))
    assert {parameter.device.type for parameter in network.parameters()} == {"cuda"}
    assert last.val_accuracy is not None
    assert last.val_accuracy > 0.9


def test_an_absurd_rate_stops_within_one_step(color_splits: Splits, tiny: Tiny, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, groups=(ParameterGroup(lr=1e30, momentum=0.0),), warmup_fraction=0.5)
    config = dataclasses.replace(config, checkpoint_seconds=1e-9)
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(TrainingError, match=r"first bad tensor: (weight|output of layer) '"):
        list(fit(tiny(channels=3), color_splits, config, checkpoints=checkpoints))
    saved = checkpoints.load()
    assert saved is not None
    assert all(bool(tensor.isfinite().all()) for tensor in saved["network"].values())


def test_goes_on_where_it_stopped(color_splits: Splits, tiny: Tiny, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGTERM, lambda number, frame: pytest.fail("the training did not hear the signal"))
    unbroken, first, resumed = (tiny(seed=seed, channels=3, dropout=0.1) for seed in (0, 0, 1))
    expected = list(fit(unbroken, color_splits, CONFIG))
    passes = iter(range(30))
    first.register_forward_hook(lambda *_: os.kill(os.getpid(), signal.SIGTERM) if next(passes) == 25 else None)
    with pytest.raises(Interrupted):
        list(fit(first, color_splits, CONFIG, checkpoints=Checkpoints(tmp_path)))
    signal.signal(signal.SIGTERM, before)
    rest = list(fit(resumed, color_splits, CONFIG, checkpoints=Checkpoints(tmp_path)))
    # Not bit for bit: cuDNN may add in another order.
    assert [epoch.train_loss for epoch in rest] == pytest.approx(
        [epoch.train_loss for epoch in expected[-len(rest) :]], rel=0.05
    )
