"""The receptive field of one value: which pixels it can depend on, and on which it does.

The theoretical field follows from kernels, strides and padding (Araujo, Norris and Sim 2019, "Computing Receptive
Fields of Convolutional Neural Networks", Distill). The effective one is measured: Luo et al. 2016, "Understanding the
Effective Receptive Field in Deep Convolutional Neural Networks", arXiv 1701.04128.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.classifier.classifier import Classifier
from sightline.errors import ConfigError
from sightline.inspection.capture import output_of, undisturbed, watched
from sightline.inspection.layers import LayerName, as_maps, find_layer
from sightline.inspection.subject import Image, Subject
from sightline.models.contract import Network
from sightline.models.tracing import Field, Trace
from sightline.models.watching import layer_hooks

VISIBLE = 1 - 0.9545  # of the largest: what Luo et al. still count, two standard deviations of a bell


@dataclass(frozen=True, eq=False, kw_only=True)
class ReceptiveField:
    """Where in the image one value of a layer looks.

    layer: its full name. unit: (row, column) of the value in the layer's maps. image_size: (H, W) in pixels.
    box: (top, left, bottom, right) in pixels, bottom and right excluded: all that the value can depend on, through the
        longest branch. It reaches beyond the image where the network pads; padding that reflects or repeats the rim is
        counted where it lies. That of the image where all of it is seen, as after global pooling.
    whole: whether the value can depend on the whole image, however large.
    effective: float32 (H, W) in [0, 1]: how strongly the value depends on each pixel, 1 for the strongest; the root
        mean square of its gradient. 0 everywhere for a value that depends on nothing, e.g. behind a ReLU.
    """

    layer: str
    unit: tuple[int, int]
    image_size: tuple[int, int]
    box: tuple[int, int, int, int]
    whole: bool
    effective: NDArray[np.float32]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the box, beyond the image too."""
        top, left, bottom, right = self.box
        return bottom - top, right - left

    @property
    def clipped(self) -> tuple[int, int, int, int]:
        """The part of the box that lies in the image: (top, left, bottom, right)."""
        (top, left, bottom, right), (height, width) = self.box, self.image_size
        return max(0, top), max(0, left), min(height, bottom), min(width, right)

    @property
    def effective_side(self) -> float:
        """Side in pixels of a square as large as the area where `effective` is above 4.55 % of its largest value."""
        return math.sqrt(int((self.effective > VISIBLE).sum()))


def receptive_field(
    net: Classifier | Network,
    layer: LayerName,
    unit: tuple[int, int] | None = None,
    *,
    image: Image | None = None,
    samples: int = 8,
    seed: int = 0,
) -> ReceptiveField:
    """Which pixels one value of a layer can depend on, and how strongly it does.

    unit: (row, column) in the layer's feature maps; by default the middle.
    image: the effective field for this image; by default the mean over `samples` images of noise, as in the paper.
    Of all channels at once: their gradients are added with random signs, drawn anew for each sample, so that channels
    do not cancel each other; that is a departure from the paper, which looks at one channel.

    Raises ModelError for a layer that does not exist or gives no feature maps, ConfigError for a unit outside of them.
    """
    if samples < 1:
        raise ConfigError(f"samples is {samples}", hint="use 1 or more, e.g. 8")
    subject = Subject.of(net)
    network = subject.network
    name = find_layer(network, layer)
    generator = torch.Generator().manual_seed(seed)
    with undisturbed(network):
        if image is None:
            x = subject.ready(torch.randn((samples, *network.input_shape), generator=generator))
        else:
            x = subject.input(image).repeat(samples, 1, 1, 1)
        with torch.enable_grad():
            with watched(network, [name], outputs="linked") as runs:
                subject.forward(x.requires_grad_())
            maps = as_maps(network, name, output_of(name, runs), x)
            row, column = _checked(unit, maps, name)
            signs = torch.randint(0, 2, maps.shape[:2], generator=generator).to(maps) * 2 - 1
            (gradient,) = torch.autograd.grad(maps[:, :, row, column], x, signs)
        strength = gradient.float().square().sum(1).mean(0).sqrt()
        fields = _fields(network, name, (x.shape[1], x.shape[2], x.shape[3]))
    height, width = x.shape[2:]
    (top, bottom), (left, right) = _span(fields[0], row, height), _span(fields[1], column, width)
    return ReceptiveField(
        layer=name,
        unit=(row, column),
        image_size=(height, width),
        box=(top, left, bottom, right),
        whole=all(math.isinf(field.size) for field in fields),
        effective=(strength / strength.max().clamp_min(torch.finfo(torch.float32).tiny)).cpu().numpy(),
    )


def _checked(unit: tuple[int, int] | None, maps: Tensor, name: str) -> tuple[int, int]:
    height, width = maps.shape[2:]
    row, column = unit if unit is not None else (height // 2, width // 2)
    if not (0 <= row < height and 0 <= column < width):
        raise ConfigError(
            f"unit is ({row}, {column})",
            where=f"layer '{name}'",
            hint=f"its maps are {height} x {width}: count rows and columns from 0",
        )
    return row, column


def _fields(network: Network, name: str, shape: tuple[int, int, int]) -> tuple[Field, Field]:
    """Along height and along width, of the first value of a layer that the network runs."""
    trace = Trace()
    fields: list[tuple[Field, Field]] = []
    # Asked when the layer has just run: what is added to its output in place afterwards has a field of its own.
    layer = {name: network.get_submodule(name)}
    with layer_hooks(layer, after=lambda _, inputs, output: fields.append(trace.fields_of(output))):
        trace.run(network, shape)
    return fields[0]


def _span(field: Field, index: int, side: int) -> tuple[int, int]:
    """First pixel and the one behind the last, of the value at `index`."""
    if math.isinf(field.size):
        return 0, side
    start = field.start + index * field.stride
    return math.floor(start), math.ceil(start + field.size)
