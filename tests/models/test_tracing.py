"""Fields of view composed by hand, and every operation's window held against what gradients reach."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.models.blocks import sequential
from sightline.models.contract import Network
from sightline.models.tracing import WHOLE, Field, Trace


class Does(nn.Module):
    """An operation as a layer; it keeps its output."""

    def __init__(self, operation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.operation = operation
        self.output = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        self.output = self.operation(x)
        return self.output


class Only(Network):
    """A network whose only stage is one operation."""

    def __init__(self, operation: Callable[[Tensor], Tensor], shape: tuple[int, int, int] = (1, 24, 24)) -> None:
        super().__init__()
        self.input_shape = shape
        self.stages = sequential(does=Does(operation))
        self.head = sequential(output=nn.Linear(1, 1))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.stages(x)
        return logits


def fields_of(operation: Callable[[Tensor], Tensor], shape: tuple[int, int, int] = (1, 24, 24)) -> tuple[Field, Field]:
    """The fields of the operation's output, along height and along width."""
    network, trace = Only(operation, shape), Trace()
    trace.run(network, shape)
    does = network.stages.get_submodule("does")
    assert isinstance(does, Does)
    return trace.fields_of(does.output)


def rows_reached(operation: Callable[[Tensor], Tensor], place: int) -> tuple[int, int]:
    """The first and the last row of an image that the value at (place, place) depends on, by its gradient."""
    image = torch.rand(1, 1, 24, 24, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(operation(image)[0, 0, place, place], image)
    rows = gradient[0, 0].abs().sum(1).nonzero()[:, 0].tolist()
    return rows[0], rows[-1]


KERNEL = torch.ones(1, 1, 3, 3, dtype=torch.float64)


def convolve(x: Tensor, stride: int = 1, padding: int = 0, dilation: int = 1) -> Tensor:
    weight = KERNEL.to(x.device, x.dtype)
    return F.conv2d(x, weight, stride=stride, padding=padding, dilation=dilation)


REGULAR = {
    "convolution": (lambda x: convolve(x, padding=1), Field(3, 1, -1)),
    "strided": (lambda x: convolve(x, stride=2), Field(3, 2, 0)),
    "dilated": (lambda x: convolve(x, padding=3, dilation=3), Field(7, 1, -3)),
    "two": (lambda x: convolve(convolve(x, stride=2, padding=1), padding=1), Field(3 + 2 * 2, 2, -1 - 2)),
    "average": (lambda x: F.avg_pool2d(x, 3, 2, 1), Field(3, 2, -1)),
    "without a stride": (lambda x: F.avg_pool2d(x, 4), Field(4, 4, 0)),
    "padded": (lambda x: F.pad(x, (2, 1, 3, 1)), (Field(1, 1, -3), Field(1, 1, -2))),
    "a part": (lambda x: x[:, :, 2:], (Field(1, 1, 2), Field(1, 1, 0))),
    "the last rows": (lambda x: x[:, :, -3:], (Field(1, 1, 21), Field(1, 1, 0))),
    "every second": (lambda x: x[:, :, :, 1::2], (Field(1, 1, 0), Field(1, 2, 1))),
    "adaptive": (lambda x: F.adaptive_avg_pool2d(x, 6), Field(4, 4, 0)),
    "nearest": (lambda x: F.interpolate(x, scale_factor=2, mode="nearest"), Field(1.5, 0.5, -0.5)),
    "a point": (lambda x: x.relu() * 2, Field(1, 1, 0)),
}


@pytest.mark.parametrize("name", REGULAR)
def test_fields_by_hand(name: str) -> None:
    operation, expected = REGULAR[name]
    assert fields_of(operation) == (expected if isinstance(expected[0], tuple) else (expected, expected))


@pytest.mark.parametrize(
    "name", ["convolution", "strided", "dilated", "two", "average", "without a stride", "adaptive"]
)
def test_fields_are_what_gradients_reach(name: str) -> None:
    operation, _ = REGULAR[name]
    field, place = fields_of(operation)[0], 3
    first = field.start + place * field.stride
    assert rows_reached(operation, place) == (first, first + field.size - 1)


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x.mean((2, 3), keepdim=True),
        lambda x: x.amax((2, 3), keepdim=True),
        lambda x: F.adaptive_max_pool2d(x, 1),
        lambda x: x.flatten(1),
        lambda x: convolve(x.mean((2, 3), keepdim=True), padding=1),  # what follows cannot see less
    ],
)
def test_what_looks_at_everything(operation: Callable[[Tensor], Tensor]) -> None:
    assert fields_of(operation) == (WHOLE, WHOLE)


def test_branches_reach_from_the_first_to_the_last() -> None:
    def both(x: Tensor) -> Tensor:
        shifted = F.pad(x, (4, 0, 4, 0))[:, :, :24, :24]  # each value is that four places before
        return shifted + convolve(x, padding=1)

    assert fields_of(both)[0] == Field(6, 1, -4)
    assert fields_of(lambda x: x + x.mean((2, 3), keepdim=True))[0] == WHOLE


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (lambda x: convolve(x), 22 * 22 * 9),
        (lambda x: x[0, 0] @ x[0, 0], 24**3),
        (lambda x: x[:, 0] @ x[:, 0], 24**3),
        (lambda x: F.linear(x[0, 0], x[0, 0, :5], x[0, 0, 0, :5]), 24 * 24 * 5),
        (lambda x: torch.baddbmm(x[0], x[0], x[0]), 24**3),
        (lambda x: x.relu() + 1, 0),
    ],
    ids=["convolution", "mm", "bmm", "linear", "baddbmm", "none"],
)
def test_multiply_adds_by_hand(operation: Callable[[Tensor], Tensor], expected: int) -> None:
    trace = Trace()
    trace.run(Only(operation), (1, 24, 24))
    assert trace.multiply_adds == expected


def test_nothing_is_computed_and_nothing_changes() -> None:
    network = Only(nn.Conv2d(1, 2, 3))
    network.stages.register_buffer("mean", torch.zeros(3))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    Trace().run(network, (1, 24, 24))
    assert {name: tensor.device.type for name, tensor in network.state_dict().items()} == dict.fromkeys(before, "cpu")
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_an_image_the_network_cannot_take() -> None:
    with pytest.raises(RuntimeError):
        Trace().run(Only(lambda x: convolve(x)), (1, 2, 2))
