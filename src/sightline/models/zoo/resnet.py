"""ResNet-18 and ResNet-34: He, Zhang, Ren and Sun 2015, "Deep Residual Learning" (arXiv 1512.03385), table 1.

                    parameters   input          classes
resnet18            11,689,512   224 x 224 x 3  1000
resnet34            21,797,672   224 x 224 x 3  1000
resnet18_small      11,173,962   32 x 32 x 3    10
resnet34_small      21,282,122   32 x 32 x 3    10

The `_small` networks are for images of 28 to 64 pixels: a 3x3 stem at full size and no max pooling, as nearly
everyone trains them on CIFAR; the 7x7/2 stem and the pooling would leave 8 x 8 of 32 x 32 before the first block.

The arithmetic is torchvision's, whose weights load through `from_torchvision`. Convolutions have no bias, since batch
norm follows. Weights: He normal.
"""

from collections.abc import Mapping
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from sightline.models.blocks import conv_bn_relu, global_pool_head, he_normal, sequential
from sightline.models.contract import Network
from sightline.models.registry import register
from sightline.models.weights import rename_layers

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}  # in each of the four layers


class BasicBlock(nn.Module):
    """ReLU(x + two 3x3 convolutions of x): (B, in_channels, H, W) -> (B, channels, H / stride, W / stride).

    Where the shape changes, the shortcut is a 1x1 convolution with batch norm (the paper's option B).
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != channels:
            self.shortcut = sequential(
                conv=nn.Conv2d(in_channels, channels, 1, stride, bias=False), bn=nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        residual = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(residual + self.shortcut(x))


class ResNet(Network):
    """(B, C, H, W) -> (B, num_classes), with 18 or 34 weighted layers."""

    initialise = staticmethod(he_normal)

    def __init__(self, depth: int, small: bool, num_classes: int, in_channels: int, size: int) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        one, two, three, four = BLOCKS[depth]
        self.stages = sequential(
            stem=_small_stem(in_channels) if small else _stem(in_channels),  # 224 -> 56, or 32 -> 32
            layer1=_layer(64, 64, one, stride=1),
            layer2=_layer(64, 128, two, stride=2),  # 56 -> 28, or 32 -> 16
            layer3=_layer(128, 256, three, stride=2),  # 28 -> 14, or 16 -> 8
            layer4=_layer(256, 512, four, stride=2),  # 14 -> 7, or 8 -> 4
        )
        self.head = global_pool_head(512, num_classes)
        self.apply(self.initialise)


def _stem(in_channels: int) -> nn.Sequential:
    return sequential(
        conv=nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False),
        bn=nn.BatchNorm2d(64),
        relu=nn.ReLU(inplace=True),
        pool=nn.MaxPool2d(3, stride=2, padding=1),
    )


def _small_stem(in_channels: int) -> nn.Sequential:
    return conv_bn_relu(in_channels, 64, padding=1, bias=False)


def _layer(in_channels: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
    first = BasicBlock(in_channels, channels, stride)
    return nn.Sequential(first, *(BasicBlock(channels, channels) for _ in range(blocks - 1)))


def from_torchvision(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of torchvision's resnet18 or resnet34 under our names. Raises ModelError if it is another's."""
    rules = {
        r"conv1": "stages.stem.conv",
        r"bn1": "stages.stem.bn",
        r"(layer[1-4]\.\d+)\.downsample\.0": r"stages.\1.shortcut.conv",
        r"(layer[1-4]\.\d+)\.downsample\.1": r"stages.\1.shortcut.bn",
        r"(layer[1-4]\.\d+\.(conv|bn)[12])": r"stages.\1",
        r"fc": "head.output",
    }
    return rename_layers(state_dict, rules, where="torchvision's ResNet")


for depth in BLOCKS:
    paper = "He et al. 2015, arXiv 1512.03385"
    register(
        f"resnet{depth}",
        size=224,
        min_size=32,  # the last layer then sees one place
        num_classes=1000,
        description=f"residual network of {depth} layers",
        paper=paper,
    )(partial(ResNet, depth, False))
    register(
        f"resnet{depth}_small",
        size=32,
        min_size=8,  # the same
        description=f"resnet{depth} for small images: 3x3 stem, no max pooling",
        paper=paper,
    )(partial(ResNet, depth, True))
