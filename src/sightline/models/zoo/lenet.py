"""LeNet-5: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-Based Learning Applied to Document Recognition".

61,706 parameters for 10 classes. As nearly everyone does today we depart from the paper in three places: C3 sees all
six maps of S2 (the paper's table of connections saved work), the pooling layers have no weights of their own, and the
output is a plain linear layer with softmax instead of distances to drawn digits.

The paper puts 28 x 28 digits in the middle of 32 x 32 images; at size 28 the first convolution pads by 2 to the same
effect. Weights: Glorot uniform, made for tanh.
"""

from torch import nn

from sightline.models.blocks import glorot_uniform, sequential
from sightline.models.contract import Network
from sightline.models.registry import register


@register(
    "lenet5",
    size=32,
    min_size=16,
    in_channels=1,
    description="5x5 convolutions 6 and 16, tanh, average pooling, 120-84-10",
    paper="LeCun et al. 1998, Proceedings of the IEEE 86(11)",
)
class LeNet5(Network):
    """(B, C, size, size) -> (B, num_classes)."""

    initialise = staticmethod(glorot_uniform)

    def __init__(self, num_classes: int, in_channels: int, size: int) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        padding = 2 if size == 28 else 0
        side = ((size + 2 * padding - 4) // 2 - 4) // 2  # a 5x5 kernel takes 4 pixels, pooling halves
        self.stages = sequential(
            c1=sequential(conv=nn.Conv2d(in_channels, 6, 5, padding=padding), tanh=nn.Tanh()),  # 32 -> 28
            s2=nn.AvgPool2d(2),  # 28 -> 14
            c3=sequential(conv=nn.Conv2d(6, 16, 5), tanh=nn.Tanh()),  # 14 -> 10
            s4=nn.AvgPool2d(2),  # 10 -> 5
        )
        self.head = sequential(
            flatten=nn.Flatten(),  # (B, 16, 5, 5) -> (B, 400)
            c5=nn.Linear(16 * side * side, 120),
            tanh5=nn.Tanh(),
            f6=nn.Linear(120, 84),
            tanh6=nn.Tanh(),
            output=nn.Linear(84, num_classes),
        )
        self.apply(self.initialise)
