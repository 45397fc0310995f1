"""L-BFGS on functions whose least value is known."""

import pytest
import torch
from torch import Tensor

from sightline.training.lbfgs import minimise


def test_a_parabola_by_hand() -> None:
    def parabola(x: Tensor) -> tuple[float, Tensor]:
        return float(((x - 3) ** 2).sum()), 2 * (x - 3)

    minimum = minimise(parabola, torch.zeros(2, dtype=torch.float64), tolerance=1e-12, iterations=50)
    assert minimum.tolist() == pytest.approx([3, 3])


def test_an_ill_conditioned_quadratic_is_solved_as_by_linear_algebra() -> None:
    generator = torch.Generator().manual_seed(0)
    rotation = torch.linalg.qr(torch.randn(20, 20, generator=generator, dtype=torch.float64)).Q
    matrix = rotation @ torch.diag(torch.logspace(0, 3, 20, dtype=torch.float64)) @ rotation.T
    target = torch.randn(20, generator=generator, dtype=torch.float64)
    calls = 0

    def quadratic(x: Tensor) -> tuple[float, Tensor]:
        nonlocal calls
        calls += 1
        return float(x @ matrix @ x / 2 - target @ x), matrix @ x - target

    minimum = minimise(quadratic, torch.zeros(20, dtype=torch.float64), tolerance=1e-14, iterations=500)
    torch.testing.assert_close(minimum, torch.linalg.solve(matrix, target), rtol=1e-4, atol=1e-5)
    assert calls < 300, "steepest descent would need some thousands"


def test_rosenbrocks_valley() -> None:
    def rosenbrock(x: Tensor) -> tuple[float, Tensor]:
        a, b = x.tolist()
        value = (1 - a) ** 2 + 100 * (b - a * a) ** 2
        gradient = [-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)]
        return value, torch.tensor(gradient, dtype=torch.float64)

    start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    minimum = minimise(rosenbrock, start, tolerance=1e-15, iterations=200)
    assert minimum.tolist() == pytest.approx([1, 1], abs=1e-4)
    assert minimise(rosenbrock, start, tolerance=1e-15, iterations=0) is start


def test_the_least_point_is_left_at_once() -> None:
    calls = 0

    def bowl(x: Tensor) -> tuple[float, Tensor]:
        nonlocal calls
        calls += 1
        return float(x @ x), 2 * x

    start = torch.zeros(3, dtype=torch.float64)
    assert torch.equal(minimise(bowl, start, tolerance=1e-9, iterations=50), start)
    assert calls == 2
