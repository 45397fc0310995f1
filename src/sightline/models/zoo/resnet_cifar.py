"""The residual networks for CIFAR-10: He, Zhang, Ren and Sun 2015, "Deep Residual Learning" (arXiv 1512.03385), 4.2.

A 3x3 stem, then three stages of n blocks with 16, 32 and 64 channels at 32, 16 and 8 pixels: 6n + 2 weighted layers.
Shortcuts have no parameters (option A): where a stage begins, every second pixel is taken and new channels are zero.

             n   parameters   the paper's error on CIFAR-10
resnet20     3      269,722   8.75 %
resnet32     5      464,154   7.51 %
resnet44     7      658,586   7.17 %
resnet56     9      853,018   6.97 %
resnet110   18    1,727,962   6.43 %

Convolutions have no bias, since batch norm follows. Weights: He normal.
"""

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from sightline.models.blocks import conv_bn_relu, global_pool_head, he_normal, sequential
from sightline.models.contract import Network
from sightline.models.registry import register


class Block(nn.Module):
    """ReLU(x + two 3x3 convolutions of x): (B, in_channels, H, W) -> (B, channels, H / stride, W / stride)."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv_bn_relu(in_channels, channels, stride=stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.new_channels = channels - in_channels

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x
        if self.new_channels:
            shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new_channels))
        return F.relu(self.bn2(self.conv2(self.conv1(x))) + shortcut)


class CifarResNet(Network):
    """(B, C, H, W) -> (B, num_classes), with 3 stages of `blocks` blocks."""

    initialise = staticmethod(he_normal)

    def __init__(self, blocks: int, num_classes: int, in_channels: int, size: int) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        self.stages = sequential(
            stem=conv_bn_relu(in_channels, 16, padding=1, bias=False),
            stage1=_stage(16, 16, blocks, stride=1),
            stage2=_stage(16, 32, blocks, stride=2),  # 32 -> 16
            stage3=_stage(32, 64, blocks, stride=2),  # 16 -> 8
        )
        self.head = global_pool_head(64, num_classes)
        self.apply(self.initialise)


def _stage(in_channels: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
    first = Block(in_channels, channels, stride)
    return nn.Sequential(first, *(Block(channels, channels, 1) for _ in range(blocks - 1)))


for depth in (20, 32, 44, 56, 110):
    register(
        f"resnet{depth}",
        size=32,
        description=f"CIFAR residual network of {depth} layers, parameter-free shortcuts",
        paper="He et al. 2015, arXiv 1512.03385, section 4.2",
    )(partial(CifarResNet, (depth - 2) // 6))
