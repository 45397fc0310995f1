"""Hooks see what goes through layers and are gone afterwards, modes come back, also when something fails."""

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sightline.models.watching import evaluation_mode, layer_hooks, layer_runs, leaf_layers, modes_restored


class Doubling(nn.Module):
    def forward(self, x: Tensor, *, times: int = 1) -> Tensor:
        return 2**times * x


class Small(nn.Module):
    """x -> 4 x + 1, by two layers, the second of which is given a keyword argument."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(Doubling(), nn.Identity())
        self.second = Doubling()
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x), times=1) + 1


def hooks_of(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules())


def test_every_run_is_kept_in_the_order_they_finish() -> None:
    network = Small()
    layers = dict(network.named_modules())
    with layer_runs(layers) as runs:
        network(torch.tensor(3.0))
        network.second(torch.tensor(5.0))
    assert [run.name for run in runs] == ["first.0", "first.1", "first", "second", "", "second"]
    assert [float(run.output) for run in runs] == [6, 6, 6, 12, 13, 10]
    assert runs[3].inputs == (torch.tensor(6.0), 1)  # the keyword argument, too
    assert hooks_of(network) == 0


def test_hooks_see_before_and_after_and_may_replace_what_a_layer_returns() -> None:
    network, events = Small(), []

    def after(name: str, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        events.append(f"after {name}")
        return output + 1 if name == "first" else None

    layers = {"first": network.first, "second": network.second}
    with layer_hooks(layers, before=lambda name, inputs: events.append(f"before {name}"), after=after):
        assert float(network(torch.tensor(3.0))) == 15  # 2 * (2 * 3 + 1) + 1
    assert events == ["before first", "after first", "before second", "after second"]
    assert float(network(torch.tensor(3.0))) == 13


def test_hooks_are_gone_after_an_error() -> None:
    network = Small()

    def fail(name: str, inputs: tuple[Tensor, ...]) -> None:
        assert hooks_of(network) == 3
        raise KeyError(name)

    with pytest.raises(KeyError, match="first"), layer_hooks(leaf_layers(network), before=fail):
        network(torch.tensor(1.0))
    assert hooks_of(network) == 0


def test_leaves_are_layers_that_do_something() -> None:
    assert list(leaf_layers(Small())) == ["first.0", "second", "dropout"]


def test_modes_come_back_also_after_an_error() -> None:
    network = Small()
    network.first.eval()  # as a frozen part is
    modes = [module.training for module in network.modules()]
    with evaluation_mode(network):
        assert not any(module.training for module in network.modules())
    assert [module.training for module in network.modules()] == modes
    with modes_restored(network):
        network.train()
        network.second.eval()
    assert [module.training for module in network.modules()] == modes
    with pytest.raises(ZeroDivisionError), evaluation_mode(network):
        _ = 1 / 0
    assert [module.training for module in network.modules()] == modes


def test_nothing_else_registers_hooks_on_layers() -> None:
    source = Path(__file__).parents[2] / "src" / "sightline"
    registering = [
        str(path.relative_to(source))
        for path in sorted(source.rglob("*.py"))
        if re.search(r"\.register_(module_)?(full_)?(forward|backward)\w*hook", path.read_text(encoding="utf-8"))
    ]
    assert registering == ["models/watching.py"]
