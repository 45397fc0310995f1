"""Schedules: values worked out by hand, torch's own schedulers, and no jumps where none belong."""

import itertools

import pytest
import torch
from torch.optim import lr_scheduler

from sightline.config import ScheduleName
from sightline.training.schedules import SCHEDULES, constant, cosine, learning_rate, linear, onecycle, step


def test_constant() -> None:
    assert [constant(p) for p in (0, 0.5, 1)] == [1, 1, 1]


def test_linear() -> None:
    assert [linear(p) for p in (0, 0.25, 1)] == [1, 0.75, 0]


def test_cosine() -> None:
    # (1 + cos 0) / 2, (1 + cos 60 degrees) / 2, (1 + cos 90 degrees) / 2, ...
    assert [cosine(p) for p in (0, 1 / 3, 1 / 2, 2 / 3, 1)] == pytest.approx([1, 0.75, 0.5, 0.25, 0])


def test_onecycle() -> None:
    # From 1/25 half-way up (1 + 1/25) / 2 to the peak at 30 %, half-way down at 65 %.
    assert [onecycle(p) for p in (0, 0.15, 0.3, 0.65, 1)] == pytest.approx([0.04, 0.52, 1, 0.5, 0])


def test_step() -> None:
    assert [step(p) for p in (0, 0.49, 0.5, 0.74, 0.75, 1)] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


@pytest.mark.parametrize("name", ["constant", "linear", "cosine", "onecycle"])
def test_no_schedule_jumps(name: ScheduleName) -> None:
    # The steepest is the rise of onecycle: pi / 2 / 0.3 = 5.2 per unit of progress.
    values = [SCHEDULES[name](i / 1000) for i in range(1001)]
    assert max(abs(after - before) for before, after in itertools.pairwise(values)) < 5.3 / 1000
    assert 0 <= min(values) <= max(values) <= 1 + 1e-12


@pytest.mark.parametrize("name", ["linear", "cosine", "step"])
def test_agrees_with_torch(name: ScheduleName) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = {
        "linear": lambda: lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=40),
        "cosine": lambda: lr_scheduler.CosineAnnealingLR(optimizer, T_max=40),
        "step": lambda: lr_scheduler.MultiStepLR(optimizer, milestones=[20, 30]),
    }[name]()
    for i in range(40):
        assert learning_rate(name, i / 40) == pytest.approx(scheduler.get_last_lr()[0]), i
        optimizer.step()
        scheduler.step()


def test_warmup_is_linear_and_ends_at_the_peak() -> None:
    rates = [learning_rate("linear", p, warmup_fraction=0.2) for p in (0, 0.05, 0.1, 0.2, 0.6, 1)]
    assert rates == pytest.approx([0, 0.25, 0.5, 1, 0.5, 0])
    assert learning_rate("cosine", 0.2 - 1e-9, warmup_fraction=0.2) == pytest.approx(1)


def test_stop_at_runs_the_schedule_out_early() -> None:
    rates = [learning_rate("linear", p, stop_at=0.375) for p in (0, 0.1875, 0.375, 0.9)]
    assert rates == pytest.approx([1, 0.5, 0, 0])
    assert learning_rate("step", 0.5, stop_at=0.5) == pytest.approx(0.01)
    assert learning_rate("constant", 0.9, stop_at=0.5) == 1


def test_warmup_and_stop_at_together() -> None:
    # Up until 0.2, down from there to 0.6.
    rates = [learning_rate("linear", p, warmup_fraction=0.2, stop_at=0.6) for p in (0.1, 0.2, 0.4, 0.6, 1)]
    assert rates == pytest.approx([0.5, 1, 0.5, 0, 0])
    assert learning_rate("linear", 0.3, warmup_fraction=0.3, stop_at=0.3) == 0
