"""Muon beside torch's Muon and the exact polynomial, SGD and AdamW beside torch's, and who updates what."""

import copy
import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from sightline.config import ParameterGroup
from sightline.errors import ConfigError
from sightline.machine.device import Precision
from sightline.models.contract import Network
from sightline.training.optimizers import NEWTON_SCHULZ, Optimizers, UpdateGroup, assign, muon, orthogonalise


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def with_singular_values(rows: int, columns: int, values: Tensor, *, seed: int) -> Tensor:
    """A random matrix (rows, columns) with these singular values."""
    u, _, vh = torch.linalg.svd(normal(rows, columns, seed=seed).double(), full_matrices=False)
    return (u * values.double() @ vh).float()


BOTH = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])


@BOTH
@pytest.mark.parametrize(("rows", "columns"), [(16, 16), (16, 72), (72, 16)])
def test_orthogonalise_brings_singular_values_near_one(rows: int, columns: int, dtype: torch.dtype) -> None:
    matrix = with_singular_values(rows, columns, torch.linspace(0.4, 1, 16), seed=1)
    result = orthogonalise(matrix[None], dtype=dtype)[0].float()
    values = torch.linalg.svdvals(result)
    assert result.shape == (rows, columns)
    assert 0.5 < values.min() <= values.max() < 1.5
    # ... and leaves the directions: the nearest orthogonal matrix is U V^T.
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    assert torch.cosine_similarity(result.flatten(), (u @ vh).flatten(), dim=0) > 0.97


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])  # which keeps 8 bits
def test_orthogonalise_is_its_polynomial_on_the_singular_values(dtype: torch.dtype, most: float) -> None:
    a, b, c = NEWTON_SCHULZ
    values = torch.linspace(0.1, 1, 12).double()
    matrix = with_singular_values(12, 40, values, seed=2)
    u, _, vh = torch.linalg.svd(matrix.double(), full_matrices=False)
    s = torch.linalg.svdvals(matrix.double())
    s = s / s.norm()
    for _ in range(3):
        s = a * s + b * s**3 + c * s**5
    error = orthogonalise(matrix[None], dtype=dtype)[0].double() - u * s @ vh
    assert error.norm() / (u * s @ vh).norm() < most


@BOTH
def test_orthogonalise_batched_is_one_by_one(dtype: torch.dtype) -> None:
    matrices = normal(5, 8, 24, seed=3)
    together = orthogonalise(matrices, dtype=dtype)
    apart = torch.cat([orthogonalise(matrix[None], dtype=dtype) for matrix in matrices])
    assert together.dtype == dtype
    torch.testing.assert_close(together, apart, rtol=0, atol=0.02)


@BOTH
def test_orthogonalise_ignores_the_scale(dtype: torch.dtype) -> None:
    matrix = normal(1, 8, 8, seed=4)
    torch.testing.assert_close(orthogonalise(matrix * 1024, dtype=dtype), orthogonalise(matrix, dtype=dtype))
    assert torch.equal(orthogonalise(torch.zeros(1, 4, 9), dtype=dtype), torch.zeros(1, 4, 9, dtype=dtype))


def test_muon_multiplies_in_bf16_only_where_the_training_does(tiny: Callable[..., Network]) -> None:
    class Watching(TorchFunctionMode):
        dtypes: set[torch.dtype] = set()  # noqa: RUF012

        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if function in (torch.Tensor.matmul, torch.Tensor.__matmul__):
                self.dtypes.add(args[0].dtype)
            return function(*args, **(kwargs or {}))

    for precision in (Precision("fp32", "as asked"), Precision("bf16", "as asked")):
        network = tiny()
        optimizers = Optimizers(network, GROUPS, dtype=precision.dtype)
        for parameter in network.parameters():
            parameter.grad = torch.ones_like(parameter)
        Watching.dtypes.clear()
        with Watching():
            optimizers.step()
        assert Watching.dtypes == {precision.dtype}


def muon_group(*parameters: nn.Parameter, **settings: float) -> UpdateGroup:
    config = ParameterGroup(optimizer="muon", **({"lr": 0.1, "momentum": 0.6} | settings))
    return UpdateGroup(config, list(parameters), config.lr)


@torch.no_grad()
def step_muon(*parameters: nn.Parameter, **settings: float) -> None:
    muon(muon_group(*parameters, **settings))


@torch.no_grad()
def test_muon_agrees_with_torch() -> None:
    # torch's momentum is ours times a factor, which orthogonalising takes out. Wide matrices: torch scales tall ones.
    ours, theirs = (nn.Parameter(normal(12, 30, seed=5)) for _ in range(2))
    group = muon_group(ours, lr=0.05, momentum=0.6, weight_decay=0.1)
    reference = torch.optim.Muon(
        [theirs], lr=0.05, momentum=0.6, weight_decay=0.1, nesterov=True, ns_steps=3, adjust_lr_fn="original"
    )
    start = ours.detach().clone()
    for step in range(6):
        ours.grad, theirs.grad = (normal(12, 30, seed=10 + step) for _ in range(2))
        muon(group)
        reference.step()
    assert (ours - theirs).norm() < 0.02 * (theirs - start).norm()


def test_muon_takes_filters_of_one_shape_together_and_apart_alike() -> None:
    weights = [normal(8, 4, 3, 3, seed=i) for i in range(3)]
    together = [nn.Parameter(weight.clone()) for weight in weights]
    apart = [nn.Parameter(weight.clone()) for weight in weights]
    for parameter, twin in zip(together, apart, strict=True):
        parameter.grad = normal(8, 4, 3, 3, seed=int(parameter[0, 0, 0, 0].item() * 1e4) % 1000)
        twin.grad = parameter.grad.clone()
    step_muon(*together)
    for twin in apart:
        step_muon(twin)
    for parameter, twin, weight in zip(together, apart, weights, strict=True):
        torch.testing.assert_close(parameter, twin, rtol=0, atol=2e-3)
        assert not torch.equal(parameter, weight)


def test_muon_decay_is_decoupled() -> None:
    # With no gradient the update is zero, and what remains is the decay, times the rate and nothing else.
    weight = nn.Parameter(torch.tensor([[2.0, -4.0], [1.0, 0.5]]))
    weight.grad = torch.zeros_like(weight)
    step_muon(weight, lr=0.5, weight_decay=0.1)
    torch.testing.assert_close(weight.detach(), torch.tensor([[1.9, -3.8], [0.95, 0.475]]))


def test_muon_renormalises_each_weight_to_the_root_of_its_rows() -> None:
    weight, zero = nn.Parameter(normal(9, 4, 3, 3, seed=6)), nn.Parameter(torch.zeros(9, 4, 3, 3))
    direction = weight.detach() / weight.detach().norm()
    for parameter in (weight, zero):
        parameter.grad = torch.zeros_like(parameter)
    step_muon(weight, zero, renormalise=True)
    torch.testing.assert_close(weight.detach(), direction * 3)
    assert torch.equal(zero, torch.zeros_like(zero))


def test_muon_leaves_what_has_no_gradient() -> None:
    weight = nn.Parameter(normal(2, 2, seed=7))
    before = weight.detach().clone()
    step_muon(weight, weight_decay=0.5, renormalise=True)
    assert torch.equal(weight, before)


GROUPS = (
    ParameterGroup(match="filters", optimizer="muon", lr=0.24, momentum=0.6),
    ParameterGroup(match="conv1", lr=0.5, stop_at=0.5),
    ParameterGroup(match="bias", optimizer="adamw", lr=1e-3),
    ParameterGroup(match="", lr=0.1),
)


def test_the_first_group_that_matches_takes_a_parameter(tiny: Callable[..., Network]) -> None:
    network = tiny()
    names = {parameter: name for name, parameter in network.named_parameters()}
    members = [[names[parameter] for parameter in parameters] for _, parameters in assign(network, GROUPS)]
    assert members == [
        ["stages.conv1.weight", "stages.conv2.weight"],
        ["stages.conv1.bias"],
        ["stages.conv2.bias", "head.output.bias"],
        ["head.output.weight"],
    ]


def test_frozen_parameters_and_empty_groups_are_left_out(tiny: Callable[..., Network]) -> None:
    network = tiny()
    network.stages.requires_grad_(False)
    assigned = assign(network, GROUPS)
    assert [group.match for group, _ in assigned] == ["bias", ""]


def test_a_parameter_without_a_group_is_refused(tiny: Callable[..., Network]) -> None:
    with pytest.raises(ConfigError) as caught:
        assign(tiny(), [ParameterGroup(match="filters")])
    what = "no parameter group matches 'stages.conv1.bias' (groups)"
    assert str(caught.value) == f'{what}: end with a group whose match is ""'


def test_a_vector_is_refused_for_muon(tiny: Callable[..., Network]) -> None:
    with pytest.raises(ConfigError) as caught:
        assign(tiny(), [ParameterGroup(match="conv", optimizer="muon"), ParameterGroup()])
    what = "Muon cannot update 'stages.conv1.bias', which has 1 dimension (groups)"
    assert str(caught.value) == f'{what}: match "filters" for Muon and give the rest to sgd or adamw'


def test_a_wholly_frozen_network_is_refused(tiny: Callable[..., Network]) -> None:
    network = tiny()
    network.requires_grad_(False)
    with pytest.raises(ConfigError) as caught:
        assign(network, GROUPS)
    assert str(caught.value) == "the network has no trainable parameter: set requires_grad on those to be trained"


def test_rates_follow_peak_schedule_and_scale(tiny: Callable[..., Network]) -> None:
    optimizers = Optimizers(tiny(), GROUPS)

    def rates() -> dict[float, float]:
        return {group.config.lr: group.lr for group in optimizers.groups}

    optimizers.set_rates("linear", 0.25, warmup_fraction=0, scale=0.1)
    # Three quarters of the peak, or half where the schedule stops half-way; times 0.1.
    assert rates() == pytest.approx({0.24: 0.018, 0.5: 0.025, 1e-3: 7.5e-5, 0.1: 0.0075})
    assert optimizers.lr == pytest.approx(0.018)
    optimizers.set_rates("linear", 0.25, warmup_fraction=0.5, scale=1)
    assert rates() == pytest.approx({0.24: 0.12, 0.5: 0.25, 1e-3: 5e-4, 0.1: 0.05})
    optimizers.set_rates("linear", 0.75, warmup_fraction=0.5, scale=1)  # a warm-up past stop_at: then it is over
    assert rates()[0.5] == 0


@pytest.mark.parametrize(
    ("group", "reference"),
    [
        (
            ParameterGroup(lr=0.1, momentum=0.9, weight_decay=1e-2),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-2),
        ),
        (ParameterGroup(lr=0.1, momentum=0.0), lambda p: torch.optim.SGD(p, lr=0.1)),
        (
            ParameterGroup(optimizer="adamw", lr=0.01, momentum=0.8, beta2=0.95, weight_decay=0.1),
            lambda p: torch.optim.AdamW(p, lr=0.01, betas=(0.8, 0.95), weight_decay=0.1),
        ),
        # What the textbook recipe relies on: without weight decay AdamW is Adam.
        (ParameterGroup(optimizer="adamw", lr=0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
    ],
    ids=["sgd with momentum", "plain sgd", "adamw", "adam"],
)
def test_sgd_and_adamw_are_torchs(
    group: ParameterGroup,
    reference: Callable[[object], torch.optim.Optimizer],
    tiny: Callable[..., Network],
) -> None:
    ours = tiny()
    theirs = copy.deepcopy(ours)
    optimizers, expected = Optimizers(ours, [group]), reference(theirs.parameters())
    for step in range(5):
        for parameter, twin in zip(ours.parameters(), theirs.parameters(), strict=True):
            parameter.grad = normal(*parameter.shape, seed=step)
            twin.grad = parameter.grad.clone()
        optimizers.step()
        expected.step()
    for parameter, twin in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(parameter, twin)


def test_zero_grad_frees_the_gradients(tiny: Callable[..., Network]) -> None:
    network = tiny()
    network(torch.rand(1, 1, 12, 12)).sum().backward()
    Optimizers(network, GROUPS).zero_grad()
    assert all(parameter.grad is None for parameter in network.parameters())


def test_saved_optimisers_go_on_bit_for_bit(tiny: Callable[..., Network]) -> None:
    def steps(network: Network, optimizers: Optimizers, numbers: range) -> None:
        for number in numbers:
            optimizers.set_rates("cosine", number / 6, warmup_fraction=0.2, scale=1)
            for i, parameter in enumerate(network.parameters()):
                parameter.grad = normal(*parameter.shape, seed=100 * number + i)
            optimizers.step()

    unbroken = tiny()
    steps(unbroken, Optimizers(unbroken, GROUPS), range(6))

    first = tiny()
    optimizers = Optimizers(first, GROUPS)
    steps(first, optimizers, range(3))
    file = io.BytesIO()
    torch.save([first.state_dict(), optimizers.state_dict()], file)
    file.seek(0)
    weights, state = torch.load(file, weights_only=True)
    resumed = tiny(seed=9)
    resumed.load_state_dict(weights)
    optimizers = Optimizers(resumed, GROUPS)
    optimizers.load_state_dict(state)
    steps(resumed, optimizers, range(3, 6))
    for parameter, twin in zip(resumed.parameters(), unbroken.parameters(), strict=True):
        assert torch.equal(parameter, twin)
