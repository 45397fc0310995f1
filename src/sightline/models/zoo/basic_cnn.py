"""A small network for 32 x 32 colour images: three convolutions without padding, each with batch norm and pooling.

73,738 trainable parameters for 10 classes; the running means and variances of batch norm (320 more numbers, which
Keras lists as non-trainable) are not counted. The convolutions keep their biases, as in Keras. Batch norm stands
between convolution and ReLU, where its paper has it, with PyTorch's momentum. Weights: Glorot uniform.
"""

from torch import nn

from sightline.models.blocks import conv_bn_relu, glorot_uniform, sequential
from sightline.models.contract import Network
from sightline.models.registry import register


@register(
    "basic_cnn",
    size=32,
    min_size=22,
    description="three 3x3 valid blocks 32-64-64 with batch norm, 64, dropout 0.5",
)
class BasicCNN(Network):
    """(B, C, size, size) -> (B, num_classes)."""

    initialise = staticmethod(glorot_uniform)

    def __init__(self, num_classes: int, in_channels: int, size: int) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        side = (((size - 2) // 2 - 2) // 2 - 2) // 2  # a 3x3 kernel takes 2 pixels, pooling halves
        self.stages = sequential(
            block1=_block(in_channels, 32),  # 32 -> 30 -> 15
            block2=_block(32, 64),  # 15 -> 13 -> 6
            block3=_block(64, 64),  # 6 -> 4 -> 2
        )
        self.head = sequential(
            flatten=nn.Flatten(),  # (B, 64, 2, 2) -> (B, 256)
            hidden=nn.Linear(64 * side * side, 64),
            relu=nn.ReLU(inplace=True),
            dropout=nn.Dropout(0.5),
            output=nn.Linear(64, num_classes),
        )
        self.apply(self.initialise)


def _block(in_channels: int, channels: int) -> nn.Sequential:
    """3x3 convolution without padding, batch norm, ReLU, then half the size."""
    return sequential(conv=conv_bn_relu(in_channels, channels), pool=nn.MaxPool2d(2))
