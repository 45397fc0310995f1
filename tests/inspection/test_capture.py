"""What goes through layers is kept as it was, and the network is left as it was, also after an error."""

from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn

from sightline.errors import ModelError
from sightline.inspection.capture import output_of, undisturbed, watched
from sightline.models.contract import Network


class Squares(Network):
    """x -> the sum of (2 x)^2 where x is positive; what `linear` returned is overwritten."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.unused = nn.Identity()
        nn.init.constant_(self.linear.weight, 2.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.linear(x)).square().sum()


X = torch.tensor([[-3.0], [1.0]])


def test_the_first_run_of_a_layer_is_kept_before_it_is_overwritten() -> None:
    network = Squares()
    with watched(network, ["linear", "relu", "unused"]) as runs:
        network(X)
        network(10 * X)
    assert output_of("linear", runs).flatten().tolist() == [-6, 2]
    assert runs["relu"].inputs[0].flatten().tolist() == [-6, 2]
    assert output_of("relu", runs).flatten().tolist() == [0, 2]
    assert not output_of("relu", runs).requires_grad
    with pytest.raises(ModelError, match=r"layer 'unused' does not run: `sightline.inspection.list_layers\(net\)`"):
        output_of("unused", runs)


def test_gradients_of_linked_outputs_and_with_respect_to_cut_ones() -> None:
    network, x = Squares(), X.clone().requires_grad_()
    with watched(network, ["linear"], outputs="linked") as runs:
        network(x)
    (gradient,) = torch.autograd.grad(output_of("linear", runs).sum(), x)
    assert gradient.flatten().tolist() == [2, 2]
    with watched(network, ["linear"], outputs="cut") as runs:
        answer = network(x)
    (gradient,) = torch.autograd.grad(answer, output_of("linear", runs), retain_graph=True)
    assert gradient.flatten().tolist() == [0, 4]  # of y^2 at 2
    with pytest.raises(RuntimeError, match="not have been used in the graph"):
        torch.autograd.grad(answer, x)  # ends where it was cut


@pytest.mark.parametrize("fails", [False, True])
def test_a_network_is_left_as_it_was(fails: bool) -> None:
    network = Squares()
    network.relu.eval()
    network.register_parameter("frozen", nn.Parameter(torch.ones(1), requires_grad=False))
    tf32 = torch.backends.cudnn.allow_tf32
    with suppress(KeyError), undisturbed(network):
        assert not network.training
        assert not network.linear.weight.requires_grad
        assert not torch.is_grad_enabled()
        assert not torch.backends.cudnn.allow_tf32
        if fails:
            raise KeyError
    assert (network.training, network.relu.training) == (True, False)
    assert (network.linear.weight.requires_grad, network.frozen.requires_grad) == (True, False)
    assert torch.is_grad_enabled()
    assert torch.backends.cudnn.allow_tf32 == tf32
