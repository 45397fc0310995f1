"""AlexNet: Krizhevsky, Sutskever and Hinton 2012, in the one-column form of Krizhevsky 2014 (arXiv 1404.5997).

                parameters   input          classes
alexnet         61,100,840   224 x 224 x 3  1000
alexnet_small    5,871,434   32 x 32 x 3    10

`alexnet` is the arithmetic of torchvision's, whose weights load through `from_torchvision`: no local response
normalisation, and the feature maps are averaged to 6 x 6, so that any size from 63 pixels works. `alexnet_small` is
for images of 28 to 64 pixels: the 11x11/4 convolution becomes 5x5/1, the maps are averaged to 3 x 3 and the hidden
layers have 1,024 units. Weights: He normal, where the paper draws all from N(0, 0.01) and starts some biases at 1.
"""

from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn

from sightline.models.blocks import he_normal, sequential
from sightline.models.contract import Network
from sightline.models.registry import register
from sightline.models.weights import rename_layers


class AlexNet(Network):
    """(B, C, H, W) -> (B, num_classes)."""

    initialise = staticmethod(he_normal)

    def __init__(self, small: bool, num_classes: int, in_channels: int, size: int) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        kernel, stride, grid, hidden = (5, 1, 3, 1024) if small else (11, 4, 6, 4096)
        self.stages = sequential(
            conv1=sequential(
                conv=nn.Conv2d(in_channels, 64, kernel, stride, padding=2),  # 224 -> 55, or 32 -> 32
                relu=nn.ReLU(inplace=True),
                pool=nn.MaxPool2d(3, stride=2),  # 55 -> 27, or 32 -> 15
            ),
            conv2=sequential(
                conv=nn.Conv2d(64, 192, 5, padding=2),
                relu=nn.ReLU(inplace=True),
                pool=nn.MaxPool2d(3, stride=2),  # 27 -> 13, or 15 -> 7
            ),
            conv3=sequential(conv=nn.Conv2d(192, 384, 3, padding=1), relu=nn.ReLU(inplace=True)),
            conv4=sequential(conv=nn.Conv2d(384, 256, 3, padding=1), relu=nn.ReLU(inplace=True)),
            conv5=sequential(
                conv=nn.Conv2d(256, 256, 3, padding=1),
                relu=nn.ReLU(inplace=True),
                pool=nn.MaxPool2d(3, stride=2),  # 13 -> 6, or 7 -> 3
            ),
        )
        self.head = sequential(
            pool=nn.AdaptiveAvgPool2d(grid),
            flatten=nn.Flatten(),  # (B, 256, 6, 6) -> (B, 9216), or (B, 256, 3, 3) -> (B, 2304)
            dropout6=nn.Dropout(0.5),
            fc6=nn.Linear(256 * grid * grid, hidden),
            relu6=nn.ReLU(inplace=True),
            dropout7=nn.Dropout(0.5),
            fc7=nn.Linear(hidden, hidden),
            relu7=nn.ReLU(inplace=True),
            output=nn.Linear(hidden, num_classes),
        )
        self.apply(self.initialise)


def from_torchvision(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of torchvision's alexnet under our names. Raises ModelError if it is another network's."""
    rules = {
        r"features\.0": "stages.conv1.conv",
        r"features\.3": "stages.conv2.conv",
        r"features\.6": "stages.conv3.conv",
        r"features\.8": "stages.conv4.conv",
        r"features\.10": "stages.conv5.conv",
        r"classifier\.1": "head.fc6",
        r"classifier\.4": "head.fc7",
        r"classifier\.6": "head.output",
    }
    return rename_layers(state_dict, rules, where="torchvision's AlexNet")


register(
    "alexnet",
    size=224,
    min_size=63,
    num_classes=1000,
    description="five convolutions from 11x11/4, three linear layers",
    paper="Krizhevsky et al. 2012; 2014, arXiv 1404.5997",
)(partial(AlexNet, False))
register(
    "alexnet_small",
    size=32,
    min_size=15,
    description="alexnet for small images: 5x5/1 first convolution, hidden layers of 1,024",
    paper="after Krizhevsky 2014, arXiv 1404.5997",
)(partial(AlexNet, True))
