"""Optimisers: SGD, AdamW and Muon as one function each, and `Optimizers`, which gives every parameter its own kind.

They are written here rather than taken from `torch.optim`, whose first optimiser imports torch's compiler: two seconds
that every training would wait for. The tests hold them to torch's.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) replaces the momentum of a weight matrix by the
nearest orthogonal matrix, so that every direction of the weight moves by about the same amount.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sightline.config import OptimizerName, ParameterGroup, ScheduleName
from sightline.errors import ConfigError
from sightline.training.schedules import learning_rate

# Coefficients of the quintic a x + b x^3 + c x^5: steep at 0, so that a few iterations bring every singular value
# near 1 without converging to it exactly, which does not hurt (same source).
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
ADAM_EPS = 1e-8


@dataclass(eq=False)
class UpdateGroup:
    """Parameters that are updated alike. memory: what the optimiser keeps of each parameter, by name.

    dtype: of the matrix products in an update; float32 or, where the hardware multiplies it natively, bfloat16.
    """

    config: ParameterGroup
    parameters: list[nn.Parameter]
    lr: float
    dtype: torch.dtype = torch.float32
    memory: dict[str, list[Tensor]] = field(default_factory=dict)
    steps: int = 0

    def remembered(self, name: str) -> list[Tensor]:
        """One tensor a parameter, zero before the first step."""
        if name not in self.memory:
            self.memory[name] = [torch.zeros_like(parameter) for parameter in self.parameters]
        return self.memory[name]

    def moving(self, *names: str) -> Iterator[tuple[Any, ...]]:
        """(parameter, gradient, what is remembered under each name) of every parameter that has a gradient."""
        memories = [self.remembered(name) for name in names]
        for parameter, *memory in zip(self.parameters, *memories, strict=True):
            if parameter.grad is not None:
                yield parameter, parameter.grad, *memory


def sgd(group: UpdateGroup) -> None:
    """Stochastic gradient descent with Nesterov momentum; weight decay is added to the gradient, as in torch."""
    config = group.config
    for parameter, gradient, momentum in group.moving("momentum"):
        gradient = gradient.add(parameter, alpha=config.weight_decay)
        momentum.mul_(config.momentum).add_(gradient)
        parameter.add_(gradient.add_(momentum, alpha=config.momentum), alpha=-group.lr)


def adamw(group: UpdateGroup) -> None:
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101); without decay it is Adam."""
    config = group.config
    mean_scale, square_scale = (1 - beta**group.steps for beta in (config.momentum, config.beta2))
    for parameter, gradient, mean, square in group.moving("mean", "square"):
        mean.lerp_(gradient, 1 - config.momentum)
        square.mul_(config.beta2).addcmul_(gradient, gradient, value=1 - config.beta2)
        parameter.mul_(1 - group.lr * config.weight_decay)
        deviation = (square / square_scale).sqrt_().add_(ADAM_EPS)
        parameter.addcdiv_(mean, deviation, value=-group.lr / mean_scale)


def muon(group: UpdateGroup) -> None:
    """Nesterov momentum, orthogonalised, for parameters of two or more dimensions; the first one counts as the rows.

    Weight decay is decoupled. With `renormalise` each weight is first brought to Frobenius norm sqrt(rows): for filters
    followed by batch normalisation, whose scale means nothing, this keeps the relative step equal to the rate.
    """
    config = group.config
    same_shape: dict[torch.Size, list[tuple[nn.Parameter, Tensor]]] = defaultdict(list)
    for parameter, gradient, momentum in group.moving("momentum"):
        momentum.mul_(config.momentum).add_(gradient)
        direction = gradient.add(momentum, alpha=config.momentum)
        same_shape[parameter.shape].append((parameter, direction))
    for members in same_shape.values():
        updates = orthogonalise(torch.stack([direction.flatten(1) for _, direction in members]), dtype=group.dtype)
        for (parameter, _), update in zip(members, updates, strict=True):
            if config.renormalise:
                parameter.mul_(math.sqrt(len(parameter)) / (parameter.norm() + 1e-7))  # a zero weight stays zero
            parameter.mul_(1 - group.lr * config.weight_decay)
            parameter.add_(update.view_as(parameter), alpha=-group.lr)


def orthogonalise(matrices: Tensor, *, dtype: torch.dtype, iterations: int = 3) -> Tensor:
    """Each matrix U S V^T turned into about U V^T by Newton-Schulz iteration: float (N, rows, columns) -> `dtype`.

    The iteration does not mind bfloat16, but a processor that only emulates it takes many times as long. Singular
    values land between roughly 0.5 and 1.5. One batched product serves all N matrices.
    """
    a, b, c = NEWTON_SCHULZ
    x: Tensor = matrices.to(dtype)
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)  # largest singular value at most 1
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    for _ in range(iterations):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


UPDATES: dict[OptimizerName, Callable[[UpdateGroup], None]] = {"sgd": sgd, "adamw": adamw, "muon": muon}


class Optimizers:
    """The optimisers of one network: each parameter belongs to the first group of the config that matches it.

    dtype: of the matrix products in Muon's updates; see `Precision.dtype`.
    """

    def __init__(
        self, network: nn.Module, groups: Sequence[ParameterGroup], *, dtype: torch.dtype = torch.float32
    ) -> None:
        self.groups = [UpdateGroup(group, parameters, group.lr, dtype) for group, parameters in assign(network, groups)]

    def set_rates(self, schedule: ScheduleName, progress: float, *, warmup_fraction: float, scale: float) -> None:
        """Set every group's rate to its peak times the schedule at `progress` times `scale`."""
        for group in self.groups:
            stop_at = max(group.config.stop_at, warmup_fraction)
            fraction = learning_rate(schedule, progress, warmup_fraction=warmup_fraction, stop_at=stop_at)
            group.lr = group.config.lr * fraction * scale

    @property
    def lr(self) -> float:
        """The present rate of the first group."""
        return self.groups[0].lr

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter by its gradient."""
        for group in self.groups:
            group.steps += 1
            UPDATES[group.config.optimizer](group)

    def zero_grad(self) -> None:
        """Forget the gradients and free their memory."""
        for group in self.groups:
            for parameter in group.parameters:
                parameter.grad = None

    def state_dict(self) -> list[dict[str, Any]]:
        """What the groups remember, in their order: strings, numbers and tensors."""
        return [
            {"optimizer": group.config.optimizer, "steps": group.steps, "memory": group.memory} for group in self.groups
        ]

    def load_state_dict(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Go on from what `state_dict` gave. Raises ValueError or RuntimeError for another network or config."""
        for group, state in zip(self.groups, states, strict=True):
            if state["optimizer"] != group.config.optimizer:
                raise ValueError(f"saved by {state['optimizer']}, now {group.config.optimizer}")
            group.steps = state["steps"]
            for name, tensors in state["memory"].items():
                for own, saved in zip(group.remembered(name), tensors, strict=True):
                    own.copy_(saved)


def assign(network: nn.Module, groups: Sequence[ParameterGroup]) -> list[tuple[ParameterGroup, list[nn.Parameter]]]:
    """The trainable parameters of each group; groups without any are left out.

    Raises ConfigError when a parameter matches no group, Muon would get a vector, or nothing is left to train.
    """
    members: list[list[nn.Parameter]] = [[] for _ in groups]
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        index = next((i for i, group in enumerate(groups) if _matches(group, name, parameter)), None)
        if index is None:
            raise ConfigError(
                f"no parameter group matches '{name}'", where="groups", hint='end with a group whose match is ""'
            )
        if groups[index].optimizer == "muon" and parameter.ndim < 2:
            raise ConfigError(
                f"Muon cannot update '{name}', which has {parameter.ndim} dimension",
                where="groups",
                hint='match "filters" for Muon and give the rest to sgd or adamw',
            )
        members[index].append(parameter)
    if not any(members):
        raise ConfigError("the network has no trainable parameter", hint="set requires_grad on those to be trained")
    return [(group, parameters) for group, parameters in zip(groups, members, strict=True) if parameters]


def _matches(group: ParameterGroup, name: str, parameter: nn.Parameter) -> bool:
    return parameter.ndim == 4 if group.match == "filters" else re.search(group.match, name) is not None
