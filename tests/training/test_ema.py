"""The averaged weights, step by step on paper, and their place in the network while they are used."""

import pytest
import torch
from torch import nn

from sightline.training.ema import Ema


class Scales(nn.Module):
    """One of each kind of tensor that is averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.frozen = nn.Parameter(torch.full((1,), 7.0), requires_grad=False)
        self.register_buffer("mean", torch.zeros(1))
        self.register_buffer("count", torch.tensor(0))

    def set(self, value: float) -> None:
        self.weight.data.fill_(value)
        self.mean.fill_(2 * value)
        self.count += 1


def test_averages_by_hand() -> None:
    network = Scales()
    ema = Ema(network, 0.9)
    network.set(1.0)
    ema.update()  # forgets with min(0.9, 2/11): 0 + 9/11 * 1
    assert ema.average["weight"].item() == pytest.approx(9 / 11)
    network.set(3.0)
    ema.update()  # forgets with min(0.9, 3/12): 0.25 * 9/11 + 0.75 * 3
    assert ema.average["weight"].item() == pytest.approx(0.25 * 9 / 11 + 0.75 * 3)
    assert ema.average["mean"].item() == pytest.approx(2 * (0.25 * 9 / 11 + 0.75 * 3))


def test_decay_limits_the_early_rule() -> None:
    network = Scales()
    ema = Ema(network, 0.1)
    network.set(1.0)
    ema.update()  # 0.1 is less than 2/11
    assert ema.average["weight"].item() == pytest.approx(0.9)


def test_counts_are_copied_and_frozen_weights_stay_exactly() -> None:
    network = Scales()
    ema = Ema(network, 0.99)
    for value in (1.0, -2.0, 0.3):
        network.set(value)
        ema.update()
    assert ema.average["count"].item() == 3
    assert ema.average["frozen"].item() == 7.0


def test_applied_swaps_and_swaps_back() -> None:
    network = Scales()
    ema = Ema(network, 0.9)
    network.set(1.0)
    ema.update()
    with ema.applied():
        assert network.weight.item() == pytest.approx(9 / 11)
        assert network.mean.item() == pytest.approx(18 / 11)
        assert network.count.item() == 1
    assert (network.weight.item(), network.mean.item()) == (1.0, 2.0)
    assert ema.average["weight"].item() == pytest.approx(9 / 11)


def test_own_weights_are_back_after_an_error() -> None:
    network = Scales()
    ema = Ema(network, 0.9)
    network.set(1.0)
    with pytest.raises(ZeroDivisionError), ema.applied():
        network.weight.data /= 1 // 0
    assert network.weight.item() == 1.0


def test_without_decay_nothing_is_kept() -> None:
    network = Scales()
    ema = Ema(network, 0.0)
    network.set(5.0)
    ema.update()
    with ema.applied():
        assert network.weight.item() == 5.0
    assert ema.average == {}
    assert ema.state_dict() == {"steps": 0}


def test_a_saved_average_goes_on_as_if_nothing_had_happened() -> None:
    network = Scales()
    ema = Ema(network, 0.9)
    network.set(1.0)
    ema.update()
    saved = {
        name: value.clone() if isinstance(value, torch.Tensor) else value for name, value in ema.state_dict().items()
    }
    resumed = Ema(network, 0.9)
    resumed.load_state_dict(saved)
    network.set(3.0)
    ema.update()
    resumed.update()
    assert resumed.steps == ema.steps == 2
    assert all(torch.equal(resumed.average[name], average) for name, average in ema.average.items())


def test_a_share_of_the_start_stays_in_what_is_shown() -> None:
    network = Scales()
    network.set(4.0)
    ema = Ema(network, 0.0, start_share=0.25)
    network.set(8.0)
    ema.update()
    with ema.applied():
        assert network.weight.item() == 0.25 * 4 + 0.75 * 8
        assert network.mean.item() == 2 * network.weight.item()
        assert network.count.item() == 2
    assert network.weight.item() == 8.0


def test_a_share_of_the_start_survives_saving() -> None:
    network = Scales()
    network.set(4.0)
    ema = Ema(network, 0.0, start_share=0.5)
    network.set(8.0)
    ema.update()
    again = Ema(network, 0.0, start_share=0.5)  # begins at 8
    again.load_state_dict(ema.state_dict())
    assert again.averages()["weight"].item() == 6.0
