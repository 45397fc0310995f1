"""Two small residual networks as courses build them by hand: few blocks, convolutions with bias.

                parameters   input          after the stem   residual blocks
resnet_tiny        685,322   32 x 32 x 3    8 x 8            64 64 128 128, all at 8 x 8
resnet_mini      2,787,594   224 x 224 x 3  112 x 112        64 64 128/2 128 256/2 256

Counted are the trainable parameters at 10 classes; the running statistics of batch norm are not. Where the width
changes, the shortcut is a 1x1 convolution with batch norm. Only resnet_tiny has max pooling after its 7x7 stem. Strided
convolutions are padded alike on both sides, where Keras's "same" pads one pixel more at the right and the bottom.
Weights: Glorot uniform, as in Keras. The blocks follow He et al. 2015 (arXiv 1512.03385); for that paper's own
networks see `resnet.py` (ImageNet) and `resnet_cifar.py`.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from sightline.models.blocks import conv_bn_relu, global_pool_head, glorot_uniform, sequential
from sightline.models.contract import Network
from sightline.models.registry import register

PAPER = "after He et al. 2015, arXiv 1512.03385"


class Residual(nn.Module):
    """ReLU(x + convolutions(x)): (B, in_channels, H, W) -> (B, channels, H / stride, W / stride)."""

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = conv_bn_relu(in_channels, channels, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != channels:
            self.shortcut = sequential(conv=nn.Conv2d(in_channels, channels, 1, stride), bn=nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn2(self.conv2(self.conv1(x))) + self.shortcut(x))


@register(
    "resnet_tiny",
    size=32,
    description="7x7/2 stem, max pooling, residual 64-64-128-128 without downsampling, global average pooling",
    paper=PAPER,
)
class ResNetTiny(Network):
    """(B, C, H, W) -> (B, num_classes)."""

    initialise = staticmethod(glorot_uniform)

    def __init__(self, num_classes: int, in_channels: int, size: int) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        self.stages = sequential(
            stem=conv_bn_relu(in_channels, 64, 7, stride=2, padding=3),  # 32 -> 16
            pool=nn.MaxPool2d(3, stride=2, padding=1),  # 16 -> 8
            block1=Residual(64, 64),
            block2=Residual(64, 64),
            block3=Residual(64, 128),
            block4=Residual(128, 128),
        )
        self.head = global_pool_head(128, num_classes)
        self.apply(self.initialise)


@register(
    "resnet_mini",
    size=224,
    description="7x7/2 stem, residual 64-64-128/2-128-256/2-256, global average pooling",
    paper=PAPER,
)
class ResNetMini(Network):
    """(B, C, H, W) -> (B, num_classes)."""

    initialise = staticmethod(glorot_uniform)

    def __init__(self, num_classes: int, in_channels: int, size: int) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        self.stages = sequential(
            stem=conv_bn_relu(in_channels, 64, 7, stride=2, padding=3),  # 224 -> 112
            block1=Residual(64, 64),
            block2=Residual(64, 64),
            block3=Residual(64, 128, stride=2),  # 112 -> 56
            block4=Residual(128, 128),
            block5=Residual(128, 256, stride=2),  # 56 -> 28
            block6=Residual(256, 256),
        )
        self.head = global_pool_head(256, num_classes)
        self.apply(self.initialise)
