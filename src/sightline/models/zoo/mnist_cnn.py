"""The network of many beginners' MNIST pages: two convolutions without padding, pooling, one hidden layer.

121,930 parameters for 28 x 28 grey images and 10 classes. Weights: Glorot uniform, as in Keras.
"""

from torch import nn

from sightline.models.blocks import glorot_uniform, sequential
from sightline.models.contract import Network
from sightline.models.registry import register


@register(
    "mnist_cnn",
    size=28,
    min_size=10,
    in_channels=1,
    description="3x3 valid convolutions 32 and 64, max pooling, 64-10",
)
class MnistCNN(Network):
    """(B, C, size, size) -> (B, num_classes)."""

    initialise = staticmethod(glorot_uniform)

    def __init__(self, num_classes: int, in_channels: int, size: int) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        side = ((size - 2) // 2 - 2) // 2  # a 3x3 kernel takes 2 pixels, pooling halves
        self.stages = sequential(
            block1=_block(in_channels, 32),  # 28 -> 26 -> 13
            block2=_block(32, 64),  # 13 -> 11 -> 5
        )
        self.head = sequential(
            flatten=nn.Flatten(),  # (B, 64, 5, 5) -> (B, 1600)
            hidden=nn.Linear(64 * side * side, 64),
            relu=nn.ReLU(inplace=True),
            output=nn.Linear(64, num_classes),
        )
        self.apply(self.initialise)


def _block(in_channels: int, channels: int) -> nn.Sequential:
    """3x3 convolution without padding, ReLU, then half the size."""
    return sequential(conv=nn.Conv2d(in_channels, channels, 3), relu=nn.ReLU(inplace=True), pool=nn.MaxPool2d(2))
