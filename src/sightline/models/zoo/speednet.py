"""SpeedNet: a small convolutional network that trains in few epochs, for images of 16 to 64 pixels.

Source: Keller Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", arXiv 2404.00498, and the public notes of its
later versions (https://github.com/KellerJordan/cifar10-airbench). What makes it fast to train:

- The first layer is not trained: its 2x2 filters whiten image patches (section 3.1), computed from training images.
- 3x3 convolutions start as the identity on their first input channels (dirac initialisation, section 3.1), so the
  signal passes unharmed from the first step.
- Batch normalisation has no learnt scale; the logits are divided by the width.

Parameters, with 10 classes: speednet 1,972,792 on 32x32x3 images (1,440 of them not trained), speednet_xs 124,520 on
28x28x1.
Changed here: channels and number of classes are free, and the last pooling takes the maximum over whatever is left, so
that any size of 16 or more fits.
"""

from collections import OrderedDict
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.models.contract import Network
from sightline.models.registry import register

PAPER = "Jordan, arXiv 2404.00498"


class Whitening(nn.Conv2d):
    """Patches of 2x2 pixels turned into uncorrelated channels: (B, C, H, W) -> (B, 8C, H-1, W-1).

    Each principal direction of the patches is a filter and, with the sign changed, a second one. Only the bias learns.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels, 2 * 4 * in_channels, kernel_size=2)
        self.weight.requires_grad = False

    @torch.no_grad()
    def initialise(self, images: Tensor, *, eps: float = 5e-4) -> None:
        """Compute the filters from normalised images, float (N, C, H, W). eps keeps weak directions from exploding."""
        channels = images.shape[1]
        patches = images.unfold(2, 2, 1).unfold(3, 2, 1)  # (N, C, H-1, W-1, 2, 2)
        patches = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, 4 * channels).float()
        variances, directions = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = directions.T / (variances + eps).sqrt()[:, None]
        self.weight.copy_(torch.cat([filters, -filters]).view_as(self.weight))


class Conv(nn.Conv2d):
    """A 3x3 convolution without bias that begins as the identity on its first channels."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3, padding=1, bias=False)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        nn.init.dirac_(self.weight.data[: self.in_channels])


class Norm(nn.BatchNorm2d):
    """Batch normalisation with a fixed scale of 1.

    Our choice, not the source's: statistics that average over about ten parts of a batch, and an eps that bounds the
    gradient of channels which hardly vary.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-5, momentum=0.1)
        self.weight.requires_grad = False


class Group(nn.Sequential):
    """Two convolutions, halving height and width after the first: (B, C, H, W) -> (B, out, H/2, W/2)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            OrderedDict(
                conv1=Conv(in_channels, out_channels),
                pool=nn.MaxPool2d(2),
                norm1=Norm(out_channels),
                gelu1=nn.GELU(),
                conv2=Conv(out_channels, out_channels),
                norm2=Norm(out_channels),
                gelu2=nn.GELU(),
            )
        )


class ScaledHead(nn.Module):
    """The largest value of each map, weighted: (B, C, h, w) -> (B, K) logits, divided by C."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.output = nn.Linear(in_channels, num_classes, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        pooled = F.adaptive_max_pool2d(features, 1).flatten(1)  # (B, C, h, w) -> (B, C)
        logits: Tensor = self.output(pooled)
        return logits / pooled.shape[1]


class SpeedNet(Network):
    """Whitening, three groups of two convolutions, and a head; `widths` are the channels of the groups."""

    def __init__(self, num_classes: int, in_channels: int, size: int, *, widths: tuple[int, int, int]) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        first, second, third = widths
        whitening = Whitening(in_channels)
        self.stages = nn.Sequential(
            OrderedDict(
                whiten=nn.Sequential(OrderedDict(conv=whitening, gelu=nn.GELU())),  # -> (B, 8C, H-1, W-1)
                group1=Group(whitening.out_channels, first),
                group2=Group(first, second),
                group3=Group(second, third),
            )
        )
        self.head = ScaledHead(third, num_classes)
        self.initialise(self.head.output)

    @staticmethod
    def initialise(layer: nn.Module) -> None:
        """Give the output layer weights of standard deviation 1: the head divides by its width."""
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
            layer.weight.data /= layer.weight.data.std()

    def prepare(self, images: Tensor) -> None:
        """Compute the whitening filters from normalised training images, float (N, C, H, W)."""
        whitening = self.stages.get_submodule("whiten.conv")
        assert isinstance(whitening, Whitening)
        whitening.initialise(images)


_list = partial(register, size=32, min_size=16, paper=PAPER)

_list("speednet", description="the speed recipe's network: patch whitening, then 64-256-256")(
    partial(SpeedNet, widths=(64, 256, 256))
)
_list("speednet_xs", description="speednet for digits: 16-64-64")(partial(SpeedNet, widths=(16, 64, 64)))
_list("speednet_s", description="speednet for grey images: 32-128-128")(partial(SpeedNet, widths=(32, 128, 128)))
_list("speednet_l", description="speednet, wider: 128-384-384")(partial(SpeedNet, widths=(128, 384, 384)))
