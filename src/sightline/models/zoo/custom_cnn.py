"""The CIFAR-10 network a course builds itself: three pairs of convolutions with batch norm, dropout and L2.

815,530 trainable parameters for 32 x 32 colour images and 10 classes: every convolution and the hidden layer have a
bias and batch norm. The running means and variances of batch norm (1,408 more numbers, which Keras lists as
non-trainable) are not counted. Batch norm stands before ReLU, where its paper has it, with PyTorch's momentum.
Weights: Glorot uniform, as in Keras. Trained with L2 of 1e-4 on the weights: see `ModelEntry.l2`.
"""

from torch import nn

from sightline.models.blocks import conv_bn_relu, glorot_uniform, sequential
from sightline.models.contract import Network
from sightline.models.registry import register


@register(
    "custom_cnn",
    size=32,
    min_size=8,
    description="3x3 same convolutions 2x32, 2x64, 2x128 with batch norm, dropout 0.25, 256, dropout 0.5, L2 1e-4",
    l2=1e-4,
)
class CustomCNN(Network):
    """(B, C, size, size) -> (B, num_classes)."""

    initialise = staticmethod(glorot_uniform)

    def __init__(self, num_classes: int, in_channels: int, size: int) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        side = size // 2 // 2 // 2
        self.stages = sequential(
            block1=_block(in_channels, 32),  # 32 -> 16
            block2=_block(32, 64),  # 16 -> 8
            block3=_block(64, 128),  # 8 -> 4
        )
        self.head = sequential(
            flatten=nn.Flatten(),  # (B, 128, 4, 4) -> (B, 2048)
            hidden=nn.Linear(128 * side * side, 256),
            bn=nn.BatchNorm1d(256),
            relu=nn.ReLU(inplace=True),
            dropout=nn.Dropout(0.5),
            output=nn.Linear(256, num_classes),
        )
        self.apply(self.initialise)


def _block(in_channels: int, channels: int) -> nn.Sequential:
    """Two 3x3 convolutions at the same size with batch norm and ReLU, then half the size and dropout."""
    return sequential(
        conv1=conv_bn_relu(in_channels, channels, padding=1),
        conv2=conv_bn_relu(channels, channels, padding=1),
        pool=nn.MaxPool2d(2),
        dropout=nn.Dropout(0.25),
    )
