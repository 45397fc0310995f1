"""An exponential moving average of the weights: smoother than the last step's, often better, free at inference."""

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn


class Ema:
    """Running averages of a network's parameters and float buffers; with decay 0 they are simply the network's own.

    After n steps the average forgets with min(decay, (1 + n) / (10 + n)), so early weights do not linger
    (the rule of TensorFlow's ExponentialMovingAverage).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = network
        self.decay = decay
        self.steps = 0
        self.average = {name: tensor.detach().clone() for name, tensor in self._tensors()} if decay else {}

    @torch.no_grad()
    def update(self) -> None:
        """Move the averages towards the present weights; call after each optimiser step."""
        if not self.decay:
            return
        self.steps += 1
        weight = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, tensor in self._tensors():
            if tensor.is_floating_point():
                self.average[name].lerp_(tensor.detach(), weight)
            else:
                self.average[name].copy_(tensor)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """The network has the averaged weights within the block, and its own again afterwards."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def state_dict(self) -> dict[str, Tensor | int]:
        return {"steps": self.steps} | {f"average.{name}": tensor for name, tensor in self.average.items()}

    def load_state_dict(self, state: Mapping[str, Tensor | int]) -> None:
        self.steps = int(state["steps"])
        for name, average in self.average.items():
            saved = state[f"average.{name}"]
            assert isinstance(saved, Tensor)
            average.copy_(saved)

    @torch.no_grad()
    def _swap(self) -> None:
        own = dict(self._tensors())
        for name, average in self.average.items():
            kept = own[name].clone()
            own[name].copy_(average)
            average.copy_(kept)

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        yield from self.network.named_parameters()
        yield from self.network.named_buffers()
