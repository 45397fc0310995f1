"""VGG: Simonyan and Zisserman 2014, "Very Deep Convolutional Networks" (arXiv 1409.1556): 3x3 convolutions throughout.

          224 x 224 x 3, 1000 classes      32 x 32 x 3, 10 classes
          plain          with batch norm   `_small`      `_small_bn`
vgg11     132,863,336    132,868,840        9,750,922     9,756,426
vgg13     133,047,848    133,053,736        9,935,434     9,941,322
vgg16     138,357,544    138,365,992       15,245,130    15,253,578
vgg19     143,667,240    143,678,248       20,554,826    20,565,834

The arithmetic is torchvision's, whose weights load through `from_torchvision`: the feature maps are averaged to 7 x 7,
so that any size from 32 pixels works. The `_small` networks have a head for small images: one mean a map, hidden layers
of 512 units instead of 4,096 (the big head would see 49 copies of one pixel). Weights: He normal, where the paper
started the deep networks from trained shallow ones.
"""

import re
from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn

from sightline.models.blocks import he_normal, sequential
from sightline.models.contract import Network
from sightline.models.registry import register
from sightline.models.weights import rename_layers

WIDTHS = (64, 128, 256, 512, 512)  # channels of the five blocks
CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # in each block


class VGG(Network):
    """(B, C, H, W) -> (B, num_classes), with 11, 13, 16 or 19 weighted layers."""

    initialise = staticmethod(he_normal)

    def __init__(
        self, depth: int, batch_norm: bool, small: bool, num_classes: int, in_channels: int, size: int
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        blocks = {}
        channels = in_channels
        for number, (width, convolutions) in enumerate(zip(WIDTHS, CONVOLUTIONS[depth], strict=True), start=1):
            blocks[f"block{number}"] = _block(channels, width, convolutions, batch_norm)  # halves H and W
            channels = width
        self.stages = sequential(**blocks)
        grid, hidden = (1, 512) if small else (7, 4096)
        self.head = sequential(
            pool=nn.AdaptiveAvgPool2d(grid),
            flatten=nn.Flatten(),  # (B, 512, 7, 7) -> (B, 25088), or (B, 512, 1, 1) -> (B, 512)
            fc6=nn.Linear(512 * grid * grid, hidden),
            relu6=nn.ReLU(inplace=True),
            dropout6=nn.Dropout(0.5),
            fc7=nn.Linear(hidden, hidden),
            relu7=nn.ReLU(inplace=True),
            dropout7=nn.Dropout(0.5),
            output=nn.Linear(hidden, num_classes),
        )
        self.apply(self.initialise)


def _block(in_channels: int, channels: int, convolutions: int, batch_norm: bool) -> nn.Sequential:
    """3x3 convolutions at the same size, then half the size."""
    layers: dict[str, nn.Module] = {}
    for number in range(1, convolutions + 1):
        layers[f"conv{number}"] = nn.Conv2d(in_channels if number == 1 else channels, channels, 3, padding=1)
        if batch_norm:
            layers[f"bn{number}"] = nn.BatchNorm2d(channels)
        layers[f"relu{number}"] = nn.ReLU(inplace=True)
    return sequential(**layers, pool=nn.MaxPool2d(2))


def from_torchvision(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of one of torchvision's VGGs under our names. Raises ModelError if it is another network's.

    torchvision numbers all layers in one row, so the blocks are read from the gaps: two convolutions are a ReLU (and a
    batch norm) apart, and one number more where a pooling layer ends the block.
    """
    rules = {r"classifier\.0": "head.fc6", r"classifier\.3": "head.fc7", r"classifier\.6": "head.output"}
    batch_norm = "features.1.running_mean" in state_dict
    step = 3 if batch_norm else 2
    block, number, previous = 1, 0, -step
    for key, tensor in state_dict.items():
        match = re.fullmatch(r"features\.(\d+)\.weight", key)
        if match is None or tensor.ndim != 4:
            continue
        position = int(match[1])
        block, number = (block, number + 1) if position - previous == step else (block + 1, 1)
        rules[rf"features\.{position}"] = f"stages.block{block}.conv{number}"
        if batch_norm:
            rules[rf"features\.{position + 1}"] = f"stages.block{block}.bn{number}"
        previous = position
    return rename_layers(state_dict, rules, where="torchvision's VGG")


for depth in CONVOLUTIONS:
    for batch_norm in (False, True):
        suffix, words = ("_bn", " with batch norm") if batch_norm else ("", "")
        paper = "Simonyan and Zisserman 2014, arXiv 1409.1556"
        register(
            f"vgg{depth}{suffix}",
            size=224,
            min_size=32,
            num_classes=1000,
            description=f"3x3 convolutions in five blocks, {depth} layers{words}",
            paper=paper,
        )(partial(VGG, depth, batch_norm, False))
        register(
            f"vgg{depth}_small{suffix}",
            size=32,
            min_size=32,
            description=f"vgg{depth}{suffix} for small images: global average pooling, hidden layers of 512",
            paper=paper,
        )(partial(VGG, depth, batch_norm, True))
