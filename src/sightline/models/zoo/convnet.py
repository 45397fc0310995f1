"""The first convolutional network of many courses: two convolutions that keep the size, each followed by pooling.

206,922 parameters for 28 x 28 grey images and 10 classes, nearly all of them (200,832) in the hidden linear layer.
Weights: Glorot uniform, as in Keras.
"""

from torch import nn

from sightline.models.blocks import glorot_uniform, sequential
from sightline.models.contract import Network
from sightline.models.registry import register


@register(
    "convnet",
    size=28,
    min_size=4,
    in_channels=1,
    description="3x3 same convolutions 16 and 32, ReLU, max pooling, 128-10",
)
class ConvNet(Network):
    """(B, C, size, size) -> (B, num_classes)."""

    initialise = staticmethod(glorot_uniform)

    def __init__(self, num_classes: int, in_channels: int, size: int) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        side = size // 2 // 2
        self.stages = sequential(
            block1=_block(in_channels, 16),  # 28 -> 14
            block2=_block(16, 32),  # 14 -> 7
        )
        self.head = sequential(
            flatten=nn.Flatten(),  # (B, 32, 7, 7) -> (B, 1568)
            hidden=nn.Linear(32 * side * side, 128),
            relu=nn.ReLU(inplace=True),
            output=nn.Linear(128, num_classes),
        )
        self.apply(self.initialise)


def _block(in_channels: int, channels: int) -> nn.Sequential:
    """3x3 convolution at the same size, ReLU, then half the size."""
    return sequential(
        conv=nn.Conv2d(in_channels, channels, 3, padding=1), relu=nn.ReLU(inplace=True), pool=nn.MaxPool2d(2)
    )
