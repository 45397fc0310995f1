import json

import pytest
import torch
from torch import Tensor, nn

from sightline.errors import ModelError
from sightline.models.blocks import sequential
from sightline.models.contract import Network
from sightline.models.registry import create_model, list_models
from sightline.models.summary import LayerRow, Summary, summary


def on_meta(name: str, *, num_classes: int = 10, size: int | None = None) -> Network:
    with torch.device("meta"):
        return create_model(name, num_classes=num_classes, size=size)


class Stages(Network):
    """Any stages, for images of 16 x 16 pixels and 4 channels; the head reads 2 channels."""

    def __init__(self, **stages: nn.Module) -> None:
        super().__init__()
        self.input_shape = (4, 16, 16)
        self.stages = sequential(**stages)
        self.head = sequential(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), output=nn.LazyLinear(3))
        self(torch.zeros(1, 4, 16, 16))


def row(network: Network, name: str) -> LayerRow:
    return next(row for row in summary(network).rows if row.name == name)


def test_lenet_by_hand() -> None:
    table = summary(create_model("lenet5", num_classes=10))
    rows = [
        (r.name, r.kind, r.output_shape, r.parameters, r.multiply_adds, r.receptive_field, r.stride)
        for r in table.rows
        if "tanh" not in r.name
    ]
    assert rows == [
        ("stages.c1.conv", "Conv2d", (6, 28, 28), 156, 28 * 28 * 6 * 25, 5, 1),
        ("stages.s2", "AvgPool2d", (6, 14, 14), 0, 0, 6, 2),
        ("stages.c3.conv", "Conv2d", (16, 10, 10), 2_416, 10 * 10 * 16 * 150, 14, 2),
        ("stages.s4", "AvgPool2d", (16, 5, 5), 0, 0, 16, 4),
        ("head.flatten", "Flatten", (400,), 0, 0, None, None),
        ("head.c5", "Linear", (120,), 48_120, 48_000, None, None),
        ("head.f6", "Linear", (84,), 10_164, 10_080, None, None),
        ("head.output", "Linear", (10,), 850, 840, None, None),
    ]
    assert table.parameters == table.trainable == 61_706
    assert table.multiply_adds == 117_600 + 240_000 + 48_000 + 10_080 + 840
    assert table.input_shape == (1, 32, 32)


@pytest.mark.parametrize(
    ("name", "layer", "receptive_field", "stride", "multiply_adds"),
    [
        # Receptive fields: Araujo, Norris and Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks".
        ("alexnet", "stages.conv5.pool", 195, 32, 714_188_480),
        ("vgg16", "stages.block5.pool", 212, 32, 15_470_264_320),
        ("resnet18", "stages.layer4.1.bn2", 435, 32, 1_814_073_344),
        ("resnet34", "stages.layer4.2.bn2", 899, 32, 3_663_761_408),
        ("resnet20", "stages.stage3.2.bn2", 3 + 6 * 2 + 2 + 5 * 4 + 4 + 5 * 8, 4, 40_551_040),
    ],
)
def test_published_networks(name: str, layer: str, receptive_field: int, stride: int, multiply_adds: int) -> None:
    network = on_meta(name, num_classes=10 if name == "resnet20" else 1000)
    line = row(network, layer)
    assert (line.receptive_field, line.stride) == (receptive_field, stride)
    assert summary(network).multiply_adds == multiply_adds


@pytest.mark.parametrize("name", [entry.name for entry in list_models()])
def test_the_totals_are_the_sum_of_the_layers(name: str) -> None:
    table = summary(on_meta(name))
    assert sum(r.parameters for r in table.rows) == table.parameters
    assert sum(r.multiply_adds for r in table.rows) == table.multiply_adds
    assert table.rows[-1].output_shape == (10,)


@pytest.mark.parametrize(("name", "side"), [("lenet5", 64), ("resnet20", 128), ("resnet_mini", 160)])
def test_the_receptive_field_is_where_the_gradient_of_one_value_reaches(name: str, side: int) -> None:
    network = create_model(name, num_classes=2, in_channels=1, size=side).double().eval()
    for parameter in network.stages.parameters():
        parameter.data = torch.full_like(parameter, 1e-3)  # all positive: nothing cancels, no ReLU is shut
    image = torch.ones(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    features = network.forward_features(image)
    middle = features.shape[-1] // 2
    (gradient,) = torch.autograd.grad(features[0, 0, middle, middle], image)
    reached = int((gradient[0, 0] != 0).any(dim=0).sum())
    last = [r for r in summary(network).rows if r.name.startswith("stages.")][-1]
    assert reached == last.receptive_field


def test_branches_count_with_the_longest() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.short, self.long = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 5, padding=2)

        def forward(self, x: Tensor) -> Tensor:
            return self.long(x) + self.short(x)  # the short one is computed last

    network = Stages(both=Two(), after=nn.Conv2d(4, 2, 3))
    assert row(network, "stages.both.short").receptive_field == 1
    assert row(network, "stages.after").receptive_field == 5 + 2


def test_dilation_groups_and_overlapping_pooling() -> None:
    network = Stages(
        grouped=nn.Conv2d(4, 8, 3, groups=4, padding=1),
        dilated=nn.Conv2d(8, 2, 3, dilation=3, padding=3),
        pool=nn.MaxPool2d(3, stride=2, padding=1),
    )
    assert row(network, "stages.grouped").multiply_adds == 16 * 16 * 8 * 9
    assert row(network, "stages.dilated").receptive_field == 3 + 6
    assert (row(network, "stages.pool").receptive_field, row(network, "stages.pool").stride) == (11, 2)


def test_a_row_and_a_column_make_a_square() -> None:
    network = Stages(row=nn.Conv2d(4, 4, (1, 7)), column=nn.Conv2d(4, 2, (5, 1), stride=(2, 1)))
    assert row(network, "stages.row").receptive_field == 7
    assert row(network, "stages.column").receptive_field == 7
    assert row(network, "stages.column").stride == 1, "along the axis of the larger field"


def test_adaptive_pooling_counts_its_widest_bin() -> None:
    network = Stages(pool=nn.AdaptiveAvgPool2d(6))
    # 16 pixels in 6 bins: [0, 3), [2, 6), [5, 8), [8, 11), [10, 14), [13, 16)
    assert row(network, "stages.pool").receptive_field == 4
    assert row(network, "stages.pool").stride == 3
    unchanged = Stages(pool=nn.AdaptiveAvgPool2d(16))
    assert row(unchanged, "stages.pool").receptive_field == 1


def test_a_layer_that_runs_twice_has_two_rows_and_counts_once() -> None:
    shared = nn.Conv2d(4, 4, 3, padding=1)
    table = summary(Stages(first=shared, second=shared))
    convolutions = [r for r in table.rows if r.kind == "Conv2d"]
    assert [r.receptive_field for r in convolutions] == [3, 5]
    assert table.multiply_adds == 2 * 16 * 16 * 4 * 36 + 4 * 3
    assert table.parameters == 4 * 36 + 4 + 4 * 3 + 3


def test_frozen_parameters_are_not_trainable() -> None:
    network = create_model("lenet5", num_classes=10)
    network.stages.requires_grad_(False)
    assert summary(network).trainable == 61_706 - 156 - 2_416
    assert summary(network).parameters == 61_706


def test_other_sizes_and_channels() -> None:
    network = create_model("resnet_tiny", num_classes=10)
    assert summary(network, size=64).rows[0].output_shape == (64, 32, 32)
    grey = create_model("resnet_tiny", num_classes=10, in_channels=1)
    assert summary(grey).input_shape == (1, 32, 32)
    assert summary(grey, in_channels=1) == summary(grey)


def state(network: nn.Module) -> tuple[object, ...]:
    return (
        [(name, id(tensor), tensor.clone().tolist()) for name, tensor in network.named_buffers()],
        [(name, id(parameter), parameter.device) for name, parameter in network.named_parameters()],
        [module.training for module in network.modules()],
        [(len(module._forward_hooks), len(module._forward_pre_hooks)) for module in network.modules()],
    )


@pytest.mark.parametrize("size", [32, 40], ids=["success", "error"])
def test_it_leaves_no_trace(size: int) -> None:
    network = create_model("basic_cnn", num_classes=10).train()
    network.stages[0].eval()  # a mixed mode, as with frozen batch norm
    before = state(network)
    if size == 32:
        summary(network, size=size)
    else:
        with pytest.raises(ModelError):
            summary(network, size=size)
    assert state(network) == before


@pytest.mark.parametrize(
    ("settings", "shape"), [({"size": 40}, "1 x 40 x 40"), ({"in_channels": 3}, "3 x 28 x 28"), ({"size": 0}, "1 x 0")]
)
def test_images_the_network_cannot_take(settings: dict[str, int], shape: str) -> None:
    with pytest.raises(ModelError) as caught:
        summary(create_model("convnet", num_classes=3), **settings)
    message = str(caught.value)
    assert message.startswith(f"the network cannot take images of {shape}")
    assert message.endswith("(ConvNet): it was built for 1 x 28 x 28; build another for this size and these channels")


def test_the_table_is_plain_text() -> None:
    lines = str(summary(create_model("lenet5", num_classes=10))).splitlines()
    assert lines[0] == "lenet5, input 1 x 32 x 32, 61,706 trainable parameters"
    assert lines[2].split("  ")[0] == "layer"
    assert lines[4].split() == ["stages.c1.conv", "Conv2d", "6", "x", "28", "x", "28", "156", "117,600", "5", "1"]
    assert lines[10].split() == ["head.flatten", "Flatten", "400", "whole", "image"]
    assert lines[-1].split() == ["total", "61,706", "416,520"]
    right_edges = {
        line.rindex(number) + len(number) for line, number in ((lines[4], "117,600"), (lines[-1], "416,520"))
    }
    assert len(right_edges) == 1, "numbers are aligned on the right"


def test_json() -> None:
    table = summary(create_model("lenet5", num_classes=10))
    plain = json.loads(json.dumps(table.to_json()))
    assert plain["input_shape"] == [1, 32, 32]
    assert plain["multiply_adds"] == 416_520
    assert plain["rows"][2] == {
        "name": "stages.s2",
        "kind": "AvgPool2d",
        "output_shape": [6, 14, 14],
        "parameters": 0,
        "multiply_adds": 0,
        "receptive_field": 6,
        "stride": 2,
    }
    assert isinstance(table, Summary)
