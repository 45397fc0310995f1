"""A training that was stopped and taken up again ends with the same weights, bit for bit, as one that was not."""

import dataclasses
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from sightline.config import AugmentConfig, ParameterGroup, TrainConfig
from sightline.data.imageset import Splits
from sightline.errors import Interrupted
from sightline.models.contract import Network
from sightline.training.checkpoint import Checkpoints
from sightline.training.fit import Epoch, fit

Tiny = Callable[..., Network]

# Everything that changes from step to step, all at once; 5 steps an epoch, 40 in all.
CONFIG = TrainConfig(
    epochs=8,
    batch_size=32,
    accumulate=2,
    groups=(
        ParameterGroup(match="filters", optimizer="muon", lr=0.1, momentum=0.6, renormalise=True),
        ParameterGroup(match="norm", lr=0.05, momentum=0.85, weight_decay=1e-3, stop_at=0.5),
        ParameterGroup(match="head", optimizer="adamw", lr=0.01, weight_decay=0.1),
        ParameterGroup(lr=0.05, momentum=0.0),
    ),
    schedule="cosine",
    warmup_fraction=0.1,
    label_smoothing=0.1,
    class_weights="balanced",
    l2=1e-4,
    ema_decay=0.9,
    clip_norm=5.0,
    plateau_patience=1,
    plateau_factor=0.5,
    augment=AugmentConfig(
        flip="alternating",
        shift=1,
        rotate=10,
        brightness=0.2,
        contrast=0.2,
        saturation=0.2,
        hue=0.1,
        erase=0.2,
        mixup=0.2,
    ),
    checkpoint_seconds=3600,
)


@pytest.fixture(autouse=True)
def deaf_to_sigterm() -> Iterator[None]:
    """A signal that `fit` does not hear must not end the tests."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: pytest.fail("the training did not hear the signal"))
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def fresh(tiny: Tiny) -> Callable[[int], Network]:
    """A network with everything that has state or chance; each number gives other initial weights."""
    return lambda seed: tiny(seed=seed, channels=3, batch_norm=True, dropout=0.3)


def sha256(network: Network) -> str:
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def without_times(epoch: Epoch) -> Epoch:
    return dataclasses.replace(epoch, images_per_second=0.0, seconds=0.0)


def interrupted_at(network: Network, forward_passes: int) -> None:
    """Let SIGTERM arrive in the middle of that forward pass, counted from 1."""
    passes = iter(range(1, forward_passes + 1))

    def signal_at_last(*_: object) -> None:
        if next(passes, None) == forward_passes:
            os.kill(os.getpid(), signal.SIGTERM)

    network.stages.register_forward_hook(signal_at_last)


def test_interrupted_at_random_steps(color_splits: Splits, fresh: Callable[[int], Network], tmp_path: Path) -> None:
    unbroken = fresh(0)
    expected = [without_times(epoch) for epoch in fit(unbroken, color_splits, CONFIG)]

    chance = random.Random(20261120)
    network, epochs, interruptions = fresh(0), [], 0
    while True:
        # Two forward passes a step and one more an epoch: about one to three epochs until the next signal.
        interrupted_at(network, chance.randint(2, 30))
        try:
            for epoch in fit(network, color_splits, CONFIG, checkpoints=Checkpoints(tmp_path)):
                epochs.append(without_times(epoch))
            break
        except Interrupted:
            interruptions += 1
        network = fresh(interruptions)  # nothing of the old process is left

    assert interruptions >= 3
    assert epochs == expected
    assert sha256(network) == sha256(unbroken)


@pytest.mark.parametrize("step", [1, 2, 5, 6, 39, 40])
def test_interrupted_after_a_chosen_step(
    step: int, color_splits: Splits, fresh: Callable[[int], Network], tmp_path: Path, unbroken_sha256: str
) -> None:
    first = fresh(0)
    # One pass tells whether the images fit; then two a step and one an epoch, which validation takes.
    interrupted_at(first, 1 + 2 * step + (step - 1) // 5)
    with pytest.raises(Interrupted, match=f"stopped after step {step}; everything learnt is saved"):
        list(fit(first, color_splits, CONFIG, checkpoints=Checkpoints(tmp_path)))
    resumed = fresh(1)
    list(fit(resumed, color_splits, CONFIG, checkpoints=Checkpoints(tmp_path)))
    assert sha256(resumed) == unbroken_sha256


@pytest.fixture
def unbroken_sha256(color_splits: Splits, fresh: Callable[[int], Network]) -> str:
    network = fresh(0)
    list(fit(network, color_splits, CONFIG))
    return sha256(network)


def test_checkpoints_change_nothing(
    color_splits: Splits, fresh: Callable[[int], Network], tmp_path: Path, unbroken_sha256: str
) -> None:
    network = fresh(0)
    often = dataclasses.replace(CONFIG, checkpoint_seconds=1e-9)
    list(fit(network, color_splits, often, checkpoints=Checkpoints(tmp_path)))
    assert sha256(network) == unbroken_sha256


def test_early_stopping_remembers_its_patience_and_its_best(
    color_splits: Splits, fresh: Callable[[int], Network], tmp_path: Path
) -> None:
    # At a rate of nothing no epoch is better than the first but for rounding of the average: patience runs out.
    still = tuple(dataclasses.replace(group, lr=1e-30, renormalise=False) for group in CONFIG.groups)
    config = dataclasses.replace(CONFIG, groups=still, patience=3, epochs=100, ema_decay=0.0)
    unbroken, network = fresh(0), fresh(0)
    expected = [epoch.epoch for epoch in fit(unbroken, color_splits, config)]
    assert 4 <= len(expected) < 100

    interrupted_at(network, 1 + 3 * 11 + 4)  # in the middle of the fourth epoch
    epochs = []
    with pytest.raises(Interrupted):
        epochs += [epoch.epoch for epoch in fit(network, color_splits, config, checkpoints=Checkpoints(tmp_path))]
    resumed = fresh(7)
    rest = [epoch.epoch for epoch in fit(resumed, color_splits, config, checkpoints=Checkpoints(tmp_path))]
    assert rest == expected[3:]
    assert sha256(resumed) == sha256(unbroken)


# A whole training in a process of its own. It saves after every step, so that a kill falls into a save, too.
TRAINING = """
import sys
import sightline
from sightline.training.checkpoint import Checkpoints

folder, resume = sys.argv[1:]
Checkpoints.age = float("inf")
if resume == "resume":
    sightline.train(resume=folder, quiet=True)
else:
    sightline.train("digits", epochs=16, seed=3, out=folder, quiet=True)
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    """The training in `folder`, begun or gone on with."""
    how = "resume" if (folder / "split.csv").exists() else "new"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", TRAINING, str(folder), how], env=environment)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_ten_times(tmp_path: Path) -> None:
    unbroken, killed = tmp_path / "unbroken", tmp_path / "killed"
    assert start(unbroken).wait() == 0

    chance = random.Random(1)
    for _ in range(10):
        process = start(killed)
        before = steps_saved(killed)
        while process.poll() is None and steps_saved(killed) == before:
            time.sleep(0.01)  # until it has done something new
        time.sleep(chance.uniform(0, 0.5))
        assert process.poll() is None, "the training ended before it could be killed"
        process.kill()
        process.wait()
        assert not (killed / "metrics.json").exists()
    assert start(killed).wait() == 0

    for name in ("model/model.safetensors", "predictions.csv", "split.csv"):
        assert (killed / name).read_bytes() == (unbroken / name).read_bytes(), name
    assert [path.name for path in (killed / "checkpoint").iterdir()] == ["state.pt"]
    from sightline.runs.run import Run

    histories = [
        [
            {key: record[key] for key in ("epoch", "step", "lr", "train_loss", "val_loss")}
            for record in Run(path).history
        ]
        for path in (killed, unbroken)
    ]
    assert histories[0] == histories[1]


def steps_saved(folder: Path) -> int:
    """How many optimiser steps the checkpoint holds; 0 without one."""
    path = folder / "checkpoint" / "state.pt"
    return int(torch.load(path, weights_only=True)["progress"]["step"]) if path.exists() else 0
