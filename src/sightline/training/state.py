"""Everything about a training that changes from step to step: what a checkpoint holds."""

import dataclasses
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sightline.config import TrainConfig
from sightline.errors import RunError
from sightline.training.ema import Ema
from sightline.training.optimizers import Optimizers
from sightline.training.stopping import Patience, Score
from sightline.training.world import World


@dataclass
class Progress:
    """How far the training has come; the second half counts within the present epoch."""

    step: int = 0  # optimiser steps done
    epoch: int = 0  # epochs finished
    seconds: float = 0.0  # since the training began, over all sessions
    parts: int = 1  # a batch goes through the network in so many; more than `accumulate` once memory was short
    rate_scale: float = 1.0  # what reduce-on-plateau has multiplied the rate by
    best: Score | None = None
    best_epoch: int | None = None  # the epoch with that score, 0 for the weights at the beginning
    stopped: bool = False  # by early stopping

    loss_sum: Tensor | float = 0.0  # loss times images; a tensor, so that no step waits for its value
    images: int = 0
    step_seconds: float = 0.0  # in optimiser steps; validation is left out


class Stopwatch:
    """Adds the time that passes to `Progress.seconds`, which is the same in every process of the world."""

    def __init__(self, progress: Progress, world: World) -> None:
        self.progress = progress
        self.world = world
        self.last = time.perf_counter()

    def lap(self) -> float:
        """This process's seconds since its last lap."""
        now = time.perf_counter()
        elapsed, self.last = now - self.last, now
        self.progress.seconds = self.world.longest(self.progress.seconds + elapsed)
        return elapsed


@dataclass
class TrainingState:
    """The network, its optimisers and averages, and the progress; `best_weights` are a copy taken at the best epoch."""

    network: nn.Module
    optimizers: Optimizers
    ema: Ema
    early_stopping: Patience
    plateau: Patience
    progress: Progress = field(default_factory=Progress)
    best_weights: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def start(cls, network: nn.Module, config: TrainConfig, *, dtype: torch.dtype = torch.float32) -> "TrainingState":
        """Before the first step. dtype: of the products in Muon's updates."""
        return cls(
            network=network,
            optimizers=Optimizers(network, config.groups, dtype=dtype),
            ema=Ema(network, config.ema_decay, start_share=config.start_share),
            early_stopping=Patience(config.patience),
            plateau=Patience(config.plateau_patience),
            progress=Progress(parts=config.accumulate),
        )

    def remember_best(self) -> None:
        """Copy the weights that are in the network now."""
        self.best_weights = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers, strings, lists and dicts only."""
        return {
            "network": self.network.state_dict(),
            "optimizers": self.optimizers.state_dict(),
            "ema": self.ema.state_dict(),
            "waited": [self.early_stopping.waited, self.plateau.waited],
            "progress": dataclasses.asdict(self.progress),
            "best_weights": self.best_weights,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved `state_dict`. Raises RunError when it belongs to another network or configuration."""
        try:
            self._load(state)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise RunError(
                "the checkpoint does not fit this training",
                hint="go on with the network and the configuration it was saved with, or delete it",
            ) from error

    def _load(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizers.load_state_dict(state["optimizers"])
        self.ema.load_state_dict(state["ema"])
        self.early_stopping.waited, self.plateau.waited = state["waited"]
        best = state["progress"]["best"]
        vars(self.progress).update(state["progress"] | {"best": Score(**best) if best else None})
        self.best_weights = state["best_weights"]
