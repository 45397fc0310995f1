"""The plain CIFAR-10 network of beginners' pages: two pairs of convolutions, a wide hidden layer, dropout.

2,168,362 parameters for 32 x 32 colour images and 10 classes, 2,097,664 of them in the hidden layer. Weights: Glorot
uniform, as in Keras.
"""

from torch import nn

from sightline.models.blocks import glorot_uniform, sequential
from sightline.models.contract import Network
from sightline.models.registry import register


@register(
    "cifar_cnn",
    size=32,
    min_size=4,
    description="3x3 same convolutions 32-32-pool-64-64-pool, 512, dropout 0.5",
)
class CifarCNN(Network):
    """(B, C, size, size) -> (B, num_classes)."""

    initialise = staticmethod(glorot_uniform)

    def __init__(self, num_classes: int, in_channels: int, size: int) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        side = size // 2 // 2
        self.stages = sequential(
            block1=_block(in_channels, 32),  # 32 -> 16
            block2=_block(32, 64),  # 16 -> 8
        )
        self.head = sequential(
            flatten=nn.Flatten(),  # (B, 64, 8, 8) -> (B, 4096)
            hidden=nn.Linear(64 * side * side, 512),
            relu=nn.ReLU(inplace=True),
            dropout=nn.Dropout(0.5),
            output=nn.Linear(512, num_classes),
        )
        self.apply(self.initialise)


def _block(in_channels: int, channels: int) -> nn.Sequential:
    """Two 3x3 convolutions at the same size, each with ReLU, then half the size."""
    return sequential(
        conv1=nn.Conv2d(in_channels, channels, 3, padding=1),
        relu1=nn.ReLU(inplace=True),
        conv2=nn.Conv2d(channels, channels, 3, padding=1),
        relu2=nn.ReLU(inplace=True),
        pool=nn.MaxPool2d(2),
    )
