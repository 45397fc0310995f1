"""Optimisers: SGD and AdamW are torch's, Muon is here; `Optimizers` runs one for each kind of parameter.

Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) replaces the momentum of a weight matrix by the
nearest orthogonal matrix, so that every direction of the weight moves by about the same amount.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sightline.config import OptimizerName, ParameterGroup, ScheduleName
from sightline.errors import ConfigError
from sightline.training.schedules import learning_rate

# Coefficients of the quintic a x + b x^3 + c x^5: steep at 0, so that a few iterations bring every singular value
# near 1 without converging to it exactly, which does not hurt (same source).
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrices: Tensor, *, iterations: int = 3) -> Tensor:
    """Each matrix U S V^T turned into about U V^T by Newton-Schulz iteration: float (N, rows, columns) -> bfloat16.

    Singular values land between roughly 0.5 and 1.5. One batched product serves all N matrices.
    """
    a, b, c = NEWTON_SCHULZ
    x: Tensor = matrices.bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)  # largest singular value at most 1
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    for _ in range(iterations):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised, for parameters of two or more dimensions; the first one counts as the rows.

    renormalise: bring each weight to Frobenius norm sqrt(rows) before it is updated. For filters followed by batch
    normalisation, whose scale means nothing, this keeps the relative step equal to the rate.
    """

    def __init__(
        self,
        params: Iterable[Any],
        *,
        lr: float = 0.24,
        momentum: float = 0.6,
        weight_decay: float = 0.0,
        renormalise: bool = False,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "renormalise": renormalise}
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient. `closure` is part of torch's interface and not supported."""
        assert closure is None, "Muon evaluates no closure"
        for group in self.param_groups:
            same_shape: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    same_shape[parameter.shape].append(parameter)
            for parameters in same_shape.values():
                self._update(parameters, group)

    def _update(self, parameters: Sequence[nn.Parameter], group: dict[str, Any]) -> None:
        """One step of parameters of one shape, orthogonalised together."""
        directions = [self._nesterov(parameter, group["momentum"]) for parameter in parameters]
        updates = orthogonalise(torch.stack([d.flatten(1) for d in directions]))
        for parameter, update in zip(parameters, updates, strict=True):
            if group["renormalise"]:
                parameter.mul_(math.sqrt(len(parameter)) / (parameter.norm() + 1e-7))  # a zero weight stays zero
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(update.view_as(parameter), alpha=-group["lr"])

    def _nesterov(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        """The gradient looked ahead along its running sum, which is updated."""
        gradient = parameter.grad
        assert gradient is not None
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        buffer = state["momentum_buffer"]
        buffer.mul_(momentum).add_(gradient)
        return gradient.add(buffer, alpha=momentum)


class Optimizers:
    """The optimisers of one network: each parameter belongs to the first group of the config that matches it."""

    def __init__(self, network: nn.Module, groups: Sequence[ParameterGroup]) -> None:
        by_kind: dict[OptimizerName, list[dict[str, Any]]] = defaultdict(list)
        for group, parameters in assign(network, groups):
            by_kind[group.optimizer].append(_settings(group, parameters))
        self.optimizers = {kind: _create(kind, settings) for kind, settings in by_kind.items()}

    def set_rates(self, schedule: ScheduleName, progress: float, *, warmup_fraction: float, scale: float) -> None:
        """Set every group's rate to its peak times the schedule at `progress` times `scale`."""
        for group in self._groups():
            fraction = learning_rate(
                schedule, progress, warmup_fraction=warmup_fraction, stop_at=max(group["stop_at"], warmup_fraction)
            )
            group["lr"] = group["peak_lr"] * fraction * scale

    @property
    def lr(self) -> float:
        """The present rate of the first group."""
        return float(self._groups()[0]["lr"])

    def step(self) -> None:
        for optimizer in self.optimizers.values():
            optimizer.step()

    def zero_grad(self) -> None:
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, dict[str, Any]]:
        return {kind: optimizer.state_dict() for kind, optimizer in self.optimizers.items()}

    def load_state_dict(self, states: Mapping[str, dict[str, Any]]) -> None:
        for kind, optimizer in self.optimizers.items():
            optimizer.load_state_dict(states[kind])

    def _groups(self) -> list[dict[str, Any]]:
        return [group for optimizer in self.optimizers.values() for group in optimizer.param_groups]


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


def _settings(group: ParameterGroup, parameters: list[nn.Parameter]) -> dict[str, Any]:
    """One of torch's parameter groups; `peak_lr` and `stop_at` are ours and travel along."""
    settings: dict[str, Any] = {
        "params": parameters,
        "lr": group.lr,
        "weight_decay": group.weight_decay,
        "peak_lr": group.lr,
        "stop_at": group.stop_at,
    }
    match group.optimizer:
        case "sgd":
            settings |= {"momentum": group.momentum, "nesterov": group.momentum > 0}
        case "adamw":
            settings |= {"betas": (group.momentum, group.beta2)}
        case "muon":
            settings |= {"momentum": group.momentum, "renormalise": group.renormalise}
    return settings


def _create(kind: OptimizerName, settings: list[dict[str, Any]]) -> torch.optim.Optimizer:
    match kind:
        case "sgd":
            return torch.optim.SGD(settings, fused=True)
        case "adamw":
            return torch.optim.AdamW(settings, fused=True)
        case "muon":
            return Muon(settings)
