"""What is not a number is found in one step, and called by its name."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from sightline.errors import TrainingError
from sightline.models.contract import Network
from sightline.training.finite import LossGuard, PendingLoss, first_bad_tensor, first_bad_weight

HINT = "lower the learning rate (--lr), clip gradients, or try --precision fp32; checkpoints are from before this step"
IMAGES = torch.rand(2, 1, 12, 12, generator=torch.Generator().manual_seed(0))
NAN = torch.tensor(float("nan"))


class Overflow(nn.Module):
    """A layer without weights that divides by zero."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / 0


def test_a_finite_loss_passes(tiny: Callable[..., Network]) -> None:
    guard = LossGuard(tiny())
    guard.look(0, torch.tensor(3.0), IMAGES)
    guard.require_finite()
    guard.check_weights(1)
    assert (guard.error, guard.pending) == (None, None)


@pytest.mark.parametrize(("loss", "name"), [(float("nan"), "nan"), (float("inf"), "inf"), (-float("inf"), "-inf")])
def test_the_loss_and_the_step_are_named(loss: float, name: str, tiny: Callable[..., Network]) -> None:
    guard = LossGuard(tiny())
    guard.look(1336, torch.tensor(loss), IMAGES)
    with pytest.raises(TrainingError) as caught:
        guard.require_finite()
    what = f"the loss became {name} at step 1,337 (first bad tensor: the loss itself)"
    assert str(caught.value) == f"{what}: {HINT}"
    assert caught.value.exit_code == 1


def test_the_images_are_named(tiny: Callable[..., Network]) -> None:
    images = IMAGES.clone()
    images[1, 0, 3, 4] = torch.nan
    assert first_bad_tensor(tiny(), images) == "the images"


def test_the_first_bad_weight_is_named(tiny: Callable[..., Network]) -> None:
    network = tiny(batch_norm=True)
    assert first_bad_weight(network) == ""
    network.head.get_parameter("output.weight").data[0, 0] = torch.inf
    assert first_bad_tensor(network, IMAGES) == "weight 'head.output.weight'"
    network.stages.get_buffer("norm.running_var")[2] = torch.nan
    assert first_bad_tensor(network, IMAGES) == "weight 'stages.norm.running_var'"


def test_the_first_bad_layer_is_named(tiny: Callable[..., Network]) -> None:
    network = tiny()
    network.stages.relu1 = Overflow()
    assert first_bad_tensor(network, IMAGES) == "output of layer 'stages.relu1'"


def test_no_hook_stays_behind(tiny: Callable[..., Network]) -> None:
    network = tiny()
    first_bad_tensor(network, IMAGES)
    assert not any(module._forward_hooks for module in network.modules())


def test_a_loss_is_looked_at_at_once_on_a_cpu_and_the_first_bad_one_is_said(tiny: Callable[..., Network]) -> None:
    guard = LossGuard(tiny())
    guard.look(0, torch.tensor(1.0), IMAGES)
    assert guard.pending is None
    guard.look(1, NAN, IMAGES)
    guard.look(2, torch.tensor(torch.inf), IMAGES)
    with pytest.raises(TrainingError, match=r"^the loss became nan at step 2 "):
        guard.require_finite()


def test_a_loss_that_waits_is_looked_at_before_the_weights(tiny: Callable[..., Network]) -> None:
    guard = LossGuard(tiny())
    guard.pending = PendingLoss(4, NAN, IMAGES)  # as on an accelerator
    guard.require_finite()
    with pytest.raises(TrainingError, match=r"^the loss became nan at step 5 "):
        guard.check_weights(5)


def test_a_broken_weight_is_found_though_the_loss_was_finite(tiny: Callable[..., Network]) -> None:
    network = tiny()
    network.stages.get_parameter("conv1.bias").data[0] = torch.nan
    with pytest.raises(TrainingError) as caught:
        LossGuard(network).check_weights(12)
    what = "a weight became infinite or not a number at step 12 (first bad tensor: weight 'stages.conv1.bias')"
    assert str(caught.value) == f"{what}: {HINT}"
