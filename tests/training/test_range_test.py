"""The range test reads a curve rightly, finds a rate that trains, and leaves no trace."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from sightline.config import AugmentConfig, ParameterGroup, TrainConfig
from sightline.data.imageset import Splits
from sightline.models.contract import Network
from sightline.training.fit import fit
from sightline.training.optimizers import Optimizers
from sightline.training.range_test import range_test, smooth, suggest

Tiny = Callable[..., Network]

CONFIG = TrainConfig(
    epochs=5,
    batch_size=32,
    groups=(ParameterGroup(match="head", optimizer="adamw", lr=0.02), ParameterGroup(optimizer="adamw", lr=0.01)),
    schedule="linear",
    augment=AugmentConfig(flip="random", shift=1),
    precision="fp32",
)
RATES = np.geomspace(1e-4, 10, 51).tolist()


def test_nine_tenths_of_the_fall_of_a_known_curve() -> None:
    # A logistic step in the logarithm x of the rate, 1 / (1 + exp(-4 (x + 2))), is nine tenths done at -2 + ln(9) / 4.
    losses = [2.5 - 2 / (1 + math.exp(-4 * (math.log10(rate) + 2))) + 3 * max(0, math.log10(rate)) for rate in RATES]
    result = suggest(RATES, losses, own=0.1)
    assert math.log10(result.suggestion) == pytest.approx(-1.45, abs=0.2)  # smoothing widens the step
    assert (result.found, result.reason) == (True, "nine tenths of the loss's fall were done by then")
    assert (result.rates, result.losses) == (tuple(RATES), tuple(losses))


def test_nothing_left_to_learn_does_not_raise_the_rate() -> None:
    # Without a loss there are no gradients: a network that has learnt all bears absurd rates for a while.
    losses = [2.0] * 10 + np.linspace(2, 0.01, 10).tolist() + np.linspace(0.01, 0.001, 31).tolist()
    assert RATES[15] <= suggest(RATES, losses, own=0.1).suggestion <= RATES[21]


def test_a_steeper_fall_after_the_minimum_does_not_count() -> None:
    losses = [2.0] * 10 + np.linspace(2, 1, 10).tolist() + [3.0] * 10 + [1.5] * 5
    assert RATES[10] <= suggest(RATES[:35], losses, own=0.1).suggestion <= RATES[20]


@pytest.mark.parametrize(
    ("losses", "reason"),
    [
        ([2.3] * 51, "the loss hardly fell at any rate"),
        (np.linspace(2.3, 2.2, 51).tolist(), "the loss hardly fell at any rate"),
        (np.geomspace(2.3, 9, 51).tolist(), "the loss rose from the lowest rates on"),
        ([2.3, 1.0, 2.5, 4.0], "the loss rose from the lowest rates on"),
        ([], "the loss rose from the lowest rates on"),
    ],
    ids=["flat", "almost flat", "rising", "three points", "nothing"],
)
def test_a_curve_that_says_nothing_keeps_the_own_rate(losses: list[float], reason: str) -> None:
    result = suggest(RATES[: len(losses)], losses, own=0.25)
    assert (result.suggestion, result.found, result.reason) == (0.25, False, reason)


def test_smoothing_keeps_what_is_straight_and_damps_noise() -> None:
    assert smooth([3.0] * 7).tolist() == pytest.approx([3.0] * 7)
    line = np.linspace(0, 1, 101)
    assert smooth(line.tolist())[20:81] == pytest.approx(line[20:81])
    noise = np.random.default_rng(0).normal(size=500)
    assert smooth(noise.tolist()).std() < 0.2


def snapshot(network: Network) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def test_nothing_is_left_behind(splits: Splits, tiny: Tiny) -> None:
    network = tiny(batch_norm=True, dropout=0.3)
    network.stages.get_submodule("norm").eval()
    modes = [module.training for module in network.modules()]
    before = snapshot(network)
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    range_test(network, splits, CONFIG)
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes
    assert all(parameter.grad is None for parameter in network.parameters())
    # A training afterwards is the one that had no range test before it.
    fresh = tiny(batch_norm=True, dropout=0.3)
    for trained in (network, fresh):
        list(fit(trained, splits, dataclasses.replace(CONFIG, epochs=1)))
    assert all(torch.equal(tensor, snapshot(fresh)[name]) for name, tensor in network.state_dict().items())


def test_weights_come_back_after_an_error(splits: Splits, tiny: Tiny) -> None:
    network = tiny()
    before = snapshot(network)
    passes = iter(range(5))

    def fail(*_: object) -> None:
        if next(passes, None) is None:
            raise KeyError("unplugged")

    network.register_forward_pre_hook(fail)
    with pytest.raises(KeyError):
        range_test(network, splits, CONFIG)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("factor", [0.02, 1.0, 20.0])
def test_a_rate_that_trains_is_found_from_afar(factor: float, splits: Splits, tiny: Tiny) -> None:
    result = range_test(tiny(batch_norm=True), splits, CONFIG.with_lr(0.02 * factor))
    assert result.found
    assert 2e-3 < result.suggestion < 0.2
    *_, last = fit(tiny(batch_norm=True), splits, CONFIG.with_lr(result.suggestion))
    assert last.val_accuracy is not None
    assert last.val_accuracy > 0.95


def test_rates_rise_in_equal_ratios_and_groups_keep_theirs(
    splits: Splits, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[tuple[float, ...]] = []
    step = Optimizers.step

    def noted(self: Optimizers) -> None:
        rates.append(tuple(group.lr for group in self.groups))
        step(self)

    monkeypatch.setattr(Optimizers, "step", noted)
    result = range_test(tiny(), splits, CONFIG)
    assert [head for head, _ in rates] == pytest.approx(result.rates)
    assert [other / head for head, other in rates] == pytest.approx([0.5] * len(rates))
    assert result.rates[0] == pytest.approx(0.02 * 1e-3)
    assert np.diff(np.log(result.rates)) == pytest.approx(math.log(1e5) / 39)


def test_a_rate_that_explodes_ends_the_test(splits: Splits, tiny: Tiny) -> None:
    network = tiny()
    plain = dataclasses.replace(CONFIG, groups=(ParameterGroup(lr=1e20, momentum=0.0),))
    result = range_test(network, splits, plain)
    assert (result.suggestion, result.found) == (1e20, False)
    assert len(result.losses) < 5
    assert all(math.isfinite(loss) for loss in result.losses)
