"""Every registered network keeps the contract. The giants are checked on the meta device: shapes without memory."""

from functools import cache

import pytest
import torch
from torch import nn

from sightline.errors import ModelError
from sightline.models.contract import Network
from sightline.models.registry import Architecture, ModelEntry, create_model, find_model, list_models

ENTRIES = list_models()
NAMES = [entry.name for entry in ENTRIES]
GIANTS = {entry.name for entry in ENTRIES if entry.parameters > 6e6}
REAL = [name for name in NAMES if name not in GIANTS]


def smallest_size(entry: ModelEntry) -> int:
    """A legal size that is quick to compute."""
    return entry.size if entry.size <= 32 else max(entry.min_size, 32)


@cache
def network(name: str) -> Network:
    """One network of 7 classes in eval mode, shared by the tests that leave it as it is."""
    torch.manual_seed(0)
    with torch.device("meta" if name in GIANTS else "cpu"):
        return create_model(name, num_classes=7, size=smallest_size(find_model(name))).eval()


def images(name: str, batch: int = 2) -> torch.Tensor:
    shape = network(name).input_shape
    if name in GIANTS:
        return torch.empty((batch, *shape), device="meta")
    return torch.randn((batch, *shape), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", NAMES)
def test_logits_have_a_row_an_image_and_a_column_a_class(name: str) -> None:
    entry = find_model(name)
    size = smallest_size(entry)
    assert network(name).input_shape == (entry.in_channels, size, size)
    with torch.no_grad():
        logits = network(name)(images(name))
    assert logits.shape == (2, 7)
    assert logits.dtype == torch.float32
    if name not in GIANTS:
        assert torch.isfinite(logits).all()
        assert logits.std() > 1e-4, "fresh weights tell images or classes apart"


@pytest.mark.parametrize("name", NAMES)
def test_features_are_maps_and_the_head_makes_logits_of_them(name: str) -> None:
    net, x = network(name), images(name)
    with torch.no_grad():
        features = net.forward_features(x)
        step_by_step = x
        for stage in net.stages:
            step_by_step = stage(step_by_step)
        logits, from_head = net(x), net.head(features)
    assert features.ndim == 4
    assert features.shape[0] == 2
    assert features.shape == step_by_step.shape
    assert from_head.shape == logits.shape
    if name not in GIANTS:
        assert torch.equal(features, step_by_step)
        assert torch.equal(from_head, logits)


@pytest.mark.parametrize("name", NAMES)
def test_a_replaced_head_answers_for_the_new_classes_and_leaves_the_rest(name: str) -> None:
    with torch.device("meta"):
        net = create_model(name, num_classes=7, size=smallest_size(find_model(name))).eval()
        shapes = [parameter.shape for parameter in net.stages.parameters()]
        net.replace_head(3)
        assert net(torch.empty((2, *net.input_shape))).shape == (2, 3)
    assert [parameter.shape for parameter in net.stages.parameters()] == shapes
    entry = find_model(name)
    assert net.architecture == Architecture(
        name=name, num_classes=3, in_channels=entry.in_channels, size=smallest_size(entry)
    )


@pytest.mark.parametrize("name", REAL)
def test_the_embedding_is_what_the_output_layer_sees(name: str) -> None:
    net, x = network(name), images(name)
    with torch.no_grad():
        logits, vectors = net(x), net.embed(x)
        output = net.head.get_submodule("output")(vectors)
    assert vectors.shape[0] == 2
    assert vectors.ndim == 2
    scale = vectors.shape[1] if name.startswith("speednet") else 1  # its head divides by the width
    torch.testing.assert_close(output / scale, logits)
    assert not net.head.get_submodule("output")._forward_pre_hooks, "hooks are gone after use"


@pytest.mark.parametrize("name", REAL)
def test_a_hidden_layer_can_be_put_before_the_output(name: str) -> None:
    with torch.device("meta"):
        net = create_model(name, num_classes=7, size=smallest_size(find_model(name))).eval()
        x = torch.empty((2, *net.input_shape))
        width = net.embed(x).shape[1]
        net.replace_head(3, hidden=5)
        assert net(x).shape == (2, 3)
        assert net.embed(x).shape == (2, width), "the embedding is what the head as a whole sees"
    assert net.layer("head.output.hidden").weight.shape == (5, width)
    assert net.architecture is not None
    again = net.architecture.build()
    assert {key: tensor.shape for key, tensor in again.state_dict().items()} == {
        key: tensor.shape for key, tensor in net.state_dict().items()
    }
    net.replace_head(4)
    assert net.layer("head.output").weight.shape == (4, width), "and taken away again"


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_every_trainable_parameter(name: str) -> None:
    net = network(name)
    logits = net(images(name))
    target = torch.zeros(2, dtype=torch.int64, device=logits.device)
    parameters = [(path, p) for path, p in net.named_parameters() if p.requires_grad]
    gradients = torch.autograd.grad(nn.functional.cross_entropy(logits, target), [p for _, p in parameters])
    for (path, parameter), gradient in zip(parameters, gradients, strict=True):
        assert gradient.shape == parameter.shape
        if name not in GIANTS and parameter.ndim > 1:
            assert torch.isfinite(gradient).all(), path
            assert gradient.abs().max() > 0, path


@pytest.mark.parametrize("name", REAL)
def test_a_state_dict_carries_everything(name: str) -> None:
    net, x = network(name), images(name)
    torch.manual_seed(99)
    other = create_model(name, num_classes=7, size=net.input_shape[1]).eval()
    with torch.no_grad():
        assert not torch.equal(other(x), net(x))
        other.load_state_dict(net.state_dict())
        assert torch.equal(other(x), net(x))


@pytest.mark.parametrize("name", REAL)
def test_channels_last_runs_through_all_stages_and_changes_nothing(name: str) -> None:
    net, x = network(name), images(name)
    with torch.no_grad():
        expected = net(x)
        try:
            net.to(memory_format=torch.channels_last)
            features = net.forward_features(x.contiguous(memory_format=torch.channels_last))
            logits = net.head(features)
        finally:
            net.to(memory_format=torch.contiguous_format)
    assert features.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_grey_networks_take_colour_and_colour_networks_grey(name: str) -> None:
    entry = find_model(name)
    size, channels = smallest_size(entry), 4 - entry.in_channels
    with torch.device("meta"):
        net = create_model(name, num_classes=2, in_channels=channels, size=size).eval()
        assert net(torch.empty(1, channels, size, size)).shape == (1, 2)
    assert net.input_shape == (channels, size, size)


class OneLayer(Network):
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(nn.Conv2d(1, 2, 1))
        self.head = nn.Sequential()
        self.head.add_module("pool", nn.AdaptiveAvgPool2d(1))
        self.head.add_module("flatten", nn.Flatten())
        self.head.add_module("output", nn.Linear(2, 5, dtype=torch.float64))


def test_the_new_head_keeps_device_and_dtype_and_the_networks_own_initialisation() -> None:
    net = OneLayer()
    net.replace_head(4)
    assert net.head.get_submodule("output").weight.dtype == torch.float64

    lenet = create_model("lenet5", num_classes=10)
    hidden = lenet.layer("head.f6").weight.detach().clone()
    lenet.replace_head(3)
    assert torch.equal(lenet.layer("head.f6").weight, hidden)
    output = lenet.layer("head.output")
    assert output.weight.abs().max() <= (6 / (84 + 3)) ** 0.5, "Glorot's bound"
    assert torch.equal(output.bias, torch.zeros(3)), "PyTorch's own initialisation would not start at zero"


def test_a_head_without_classes_is_refused() -> None:
    with pytest.raises(ModelError, match=r"num_classes is 0 \(replace_head\): a classifier needs 1 or more"):
        OneLayer().replace_head(0)
    with pytest.raises(ModelError, match=r"hidden is -1 \(replace_head\): use 0 \(none\) or more units"):
        OneLayer().replace_head(2, hidden=-1)


def test_layers_are_found_by_name_and_by_position() -> None:
    net = network("resnet18")
    assert net.layer("stages.layer1") is net.stages[1]
    assert net.layer("stages.1") is net.stages[1]
    assert net.layer("stages.1.0.conv1") is net.stages[1][0].conv1
    assert net.layer("head.output") is net.head.output


def test_an_unknown_layer_names_the_nearest() -> None:
    net = network("lenet5")
    with pytest.raises(ModelError) as caught:
        net.layer("stages.c2")
    assert str(caught.value).startswith("there is no layer 'stages.c2' (LeNet5): did you mean stages.")
    with pytest.raises(ModelError, match=r"there is no layer 'stages\.4'"):
        net.layer("stages.4")
