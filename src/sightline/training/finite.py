"""Stopping at the first loss or weight that is not a number, and saying where it came from."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sightline.errors import TrainingError
from sightline.models.watching import layer_hooks
from sightline.training.world import ALONE, World

HINT = "lower the learning rate (--lr), clip gradients, or try --precision fp32; checkpoints are from before this step"


@dataclass(frozen=True)
class PendingLoss:
    """A loss that has not been looked at yet, and the network input it came from."""

    step: int
    loss: Tensor
    inputs: Tensor


class LossGuard:
    """Raises TrainingError in every process of the world when the loss of one is infinite or not a number.

    On a CPU each loss is looked at at once. On an accelerator looking at a number waits for it, so each loss is looked
    at one step later, when it has long been computed.
    """

    def __init__(self, network: nn.Module, world: World = ALONE) -> None:
        self.network = network
        self.world = world
        self.pending: PendingLoss | None = None
        self.error: TrainingError | None = None

    def look(self, step: int, loss: Tensor, inputs: Tensor) -> None:
        """Look at this loss (CPU) or at the previous one (accelerator). inputs: what the network saw, (B, C, H, W)."""
        if loss.device.type != "cpu":
            self._flush()
        self.pending = PendingLoss(step, loss.detach(), inputs)
        if loss.device.type == "cpu":
            self._flush()

    def require_finite(self) -> None:
        """Raise if a loss that was looked at is bad, in this process or another; once a step, before it counts."""
        if self.world.any(self.error is not None):
            raise self.error or TrainingError("the loss of another process is infinite or not a number", hint=HINT)

    def _flush(self) -> None:
        """Look at the loss that has not been looked at yet, if there is one. The first bad one is what is said."""
        pending, self.pending = self.pending, None
        if pending is not None and self.error is None and not torch.isfinite(pending.loss):
            self.error = TrainingError(
                f"the loss became {pending.loss.item()} at step {pending.step + 1:,}",
                where=f"first bad tensor: {first_bad_tensor(self.network, pending.inputs)}",
                hint=HINT,
            )

    def check_weights(self, step: int) -> None:
        """Look at every weight after `step` steps, and at the loss if one is waiting; on an accelerator this waits."""
        self._flush()
        self.require_finite()
        bad = first_bad_weight(self.network)
        if bad:
            raise TrainingError(
                f"a weight became infinite or not a number at step {step:,}",
                where=f"first bad tensor: {bad}",
                hint=HINT,
            )


@torch.no_grad()
def first_bad_tensor(network: nn.Module, inputs: Tensor) -> str:
    """The first tensor that is not finite: the images, a parameter, or the first layer's output that is not."""
    if not torch.isfinite(inputs).all():
        return "the images"
    weight = first_bad_weight(network)
    if weight:
        return weight
    bad: list[str] = []

    def look(name: str, arguments: object, output: object) -> None:
        if isinstance(output, Tensor) and not bad and not torch.isfinite(output).all():
            bad.append(f"output of layer '{name}'" if name else "the logits")

    with layer_hooks(dict(network.named_modules()), after=look):
        network(inputs)
    return bad[0] if bad else "the loss itself"


def first_bad_weight(network: nn.Module) -> str:
    """The first parameter or buffer that is not finite; empty when all are."""
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            return f"weight '{name}'"
    return ""
