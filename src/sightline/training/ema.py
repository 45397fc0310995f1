"""Averaged weights: smoother than the last step's, often better, free at inference.

Two averages, which may be combined: the exponential moving average of the steps, and a share of the weights the
training began with. The second is for fine-tuning: halfway between a pretrained network with a new head and its
fine-tuned self there are often weights that answer better than either (Wortsman et al. 2021, arXiv 2109.01903).
"""

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn


class Ema:
    """Averages of a network's parameters and float buffers; without decay and start_share simply the network's own.

    start_share: of the initial weights in the averages that `applied` and `averages` give.
    After n steps the average forgets with min(decay, (1 + n) / (10 + n)), so early weights do not linger
    (the rule of TensorFlow's ExponentialMovingAverage).
    """

    def __init__(self, network: nn.Module, decay: float, *, start_share: float = 0.0) -> None:
        self.network = network
        self.decay = decay
        self.start_share = start_share
        self.steps = 0
        self.average = self._copies() if decay or start_share else {}
        self.start = self._copies() if start_share else {}

    @torch.no_grad()
    def update(self) -> None:
        """Move the averages towards the present weights; call after each optimiser step."""
        if not self.average:
            return
        self.steps += 1
        weight = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, tensor in self._tensors():
            if tensor.is_floating_point():
                self.average[name].lerp_(tensor.detach(), weight)
            else:
                self.average[name].copy_(tensor)

    @torch.no_grad()
    def averages(self) -> dict[str, Tensor]:
        """The averages, by name; empty without decay and start_share."""
        return {
            name: average.lerp(self.start[name], self.start_share)
            if self.start and average.is_floating_point()
            else average
            for name, average in self.average.items()
        }

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """The network has the averaged weights within the block, and its own again afterwards."""
        own = self._copies() if self.average else {}
        self._put(self.averages())
        try:
            yield
        finally:
            self._put(own)

    def state_dict(self) -> dict[str, Tensor | int]:
        averages = {f"average.{name}": tensor for name, tensor in self.average.items()}
        return {"steps": self.steps} | averages | {f"start.{name}": tensor for name, tensor in self.start.items()}

    def load_state_dict(self, state: Mapping[str, Tensor | int]) -> None:
        self.steps = int(state["steps"])
        for kind, tensors in (("average", self.average), ("start", self.start)):
            for name, tensor in tensors.items():
                saved = state[f"{kind}.{name}"]
                assert isinstance(saved, Tensor)
                tensor.copy_(saved)

    @torch.no_grad()
    def _put(self, weights: Mapping[str, Tensor]) -> None:
        for name, tensor in self._tensors():
            if name in weights:
                tensor.copy_(weights[name])

    def _copies(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self._tensors()}

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        yield from self.network.named_parameters()
        yield from self.network.named_buffers()
