"""Receptive fields: by hand, and no gradient ever comes from outside of the theoretical one."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sightline.errors import ConfigError, ModelError
from sightline.inspection import list_layers, receptive_field
from sightline.models.blocks import sequential
from sightline.models.contract import Network
from sightline.models.registry import create_model


class Chain(Network):
    """Any stages, for images of 1 x 24 x 20."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.input_shape = (1, 24, 20)
        self.stages = nn.Sequential(*layers)
        self.head = sequential(pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), output=nn.LazyLinear(2))
        self.eval()(torch.zeros(1, 1, 24, 20))


def extent(effective: Any) -> tuple[int, int, int, int]:
    """The smallest box around all that is not 0."""
    rows, columns = np.nonzero(effective.any(axis=1))[0], np.nonzero(effective.any(axis=0))[0]
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def test_by_hand() -> None:
    # 3x3 with stride 2 from pixel -1, then 3x3 without padding: 3 + 2 * 2 pixels, 2 apart, the first from -1.
    net = Chain(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.Conv2d(4, 4, 3))
    field = receptive_field(net, "stages.1", (2, 1))
    assert field.box == (3, 1, 10, 8)
    assert field.size == (7, 7)
    assert (field.unit, field.image_size, field.whole) == ((2, 1), (24, 20), False)
    assert extent(field.effective) == field.clipped == field.box
    corner = receptive_field(net, 1, (0, 0))
    assert corner.box == (-1, -1, 6, 6)
    assert corner.clipped == (0, 0, 6, 6) == extent(corner.effective)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(1, 2, (5, 3), stride=(3, 1), padding=(1, 3), dilation=(1, 3)),
        nn.AvgPool2d((4, 3), padding=(2, 1)),
        nn.AvgPool2d(3, stride=(2, 1)),
        nn.AdaptiveAvgPool2d((6, 5)),
        nn.ZeroPad2d((3, 1, 2, 5)),
        nn.ReplicationPad2d((0, 1, 2, 0)),
        nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"), nn.MaxPool2d(2)),
        nn.Sequential(nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.Upsample(scale_factor=2)),
        nn.Sequential(nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.Upsample(scale_factor=3, mode="bilinear")),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_every_kind_of_layer_is_where_its_gradient_is(layer: nn.Module) -> None:
    net = Chain(layer)
    side = next(x.maps for x in list_layers(net) if x.name == "stages.0")
    assert side is not None
    units = [(0, 0), (side[1] // 2, side[2] // 2), (side[1] - 1, side[2] - 1)]
    # Values of padding that repeats or reflects lie outside, but come from within.
    constant = not any("eflect" in repr(part) or "Replication" in repr(part) for part in layer.modules())
    for unit in units if constant else units[1:2]:
        field = receptive_field(net, "stages.0", unit, samples=16)
        top, left, bottom, right = field.clipped
        inside = np.zeros(field.image_size, bool)
        inside[top:bottom, left:right] = True
        assert not field.effective[~inside].any()
        if field.effective.any() and not isinstance(layer, nn.Sequential):
            assert extent(field.effective) == field.clipped


def test_branches_of_different_reach() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.near, self.far = nn.Conv2d(1, 2, 1), nn.Conv2d(1, 2, (1, 4), padding=(0, 3))

        def forward(self, x: Tensor) -> Tensor:
            return self.near(x) + self.far(x)[..., 3:]

    # Sliced by 3, the far branch begins at the near one's own pixel and reaches 3 further.
    field = receptive_field(Chain(Branches()), 0, (5, 5))
    assert field.box == (5, 5, 6, 9)
    assert extent(field.effective) == field.box


def test_no_network_sees_beyond_its_field(one_of_few: Network, untouched: Any) -> None:
    net = one_of_few
    layers = [layer.name for layer in list_layers(net) if layer.role == "convolution" and layer.stage is not None]
    for name in {layers[min(2, len(layers) - 1)], layers[-1]}:
        with untouched(net):
            field = receptive_field(net, name, (0, 0), samples=1)
        top, left, bottom, right = field.clipped
        outside = field.effective.copy()
        outside[top:bottom, left:right] = 0
        assert not outside.any(), name
        assert field.effective.max() in (0, 1)


def test_a_known_network() -> None:
    # Araujo et al. give 195 pixels, 32 apart, for AlexNet's last pooling layer.
    field = receptive_field(create_model("alexnet", num_classes=2, size=227), "stages.conv5.pool", (2, 2), samples=1)
    assert field.size == (195, 195)
    assert 0 < field.effective_side < 195


def test_the_effective_field_is_smaller_than_the_theoretical() -> None:
    torch.manual_seed(0)
    net = Chain(*(nn.Conv2d(1 if i == 0 else 8, 8, 3, padding=1) for i in range(6)))
    field = receptive_field(net, 5, samples=32)
    assert field.size == (13, 13)
    assert 3 < field.effective_side < 12
    assert field.effective[12, 10] > 4 * field.effective[12, 4]


def test_for_one_image_and_seeded() -> None:
    net = create_model("convnet", num_classes=2)
    image = torch.randn(1, 28, 28)
    first, again = (receptive_field(net, 1, image=image) for _ in range(2))
    np.testing.assert_array_equal(first.effective, again.effective)
    assert not np.array_equal(receptive_field(net, 1).effective, first.effective)


def test_the_whole_image_after_global_pooling() -> None:
    field = receptive_field(create_model("resnet20", num_classes=2), "head.pool")
    assert field.whole
    assert field.box == (0, 0, 32, 32)


def test_what_is_refused() -> None:
    net = create_model("convnet", num_classes=2)
    with pytest.raises(ConfigError, match=r"unit is \(7, 0\) \(layer 'stages.block2'\): its maps are 7 x 7"):
        receptive_field(net, 1, (7, 0))
    with pytest.raises(ConfigError, match="samples is 0"):
        receptive_field(net, 1, samples=0)
    with pytest.raises(ModelError, match="no feature maps"):
        receptive_field(net, "head.output")
