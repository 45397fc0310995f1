"""A problem that a small network learns in a second: which way do the stripes run?"""

from collections import OrderedDict
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.data.imageset import ArrayImages, ImageSet, Splits
from sightline.models.contract import Network

CLASSES = ("upright", "level")


class TinyHead(nn.Module):
    def __init__(self, channels: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(channels, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        pooled = features.mean((2, 3))  # (B, C, h, w) -> (B, C)
        logits: Tensor = self.output(self.dropout(pooled))
        return logits


class TinyNetwork(Network):
    """Two convolutions for images of 12 x 12 pixels, under the contract that `fit` relies on."""

    def __init__(self, *, channels: int = 1, num_classes: int = 2, batch_norm: bool = False, dropout: float = 0.0):
        super().__init__()
        self.input_shape = (channels, 12, 12)
        norm = nn.BatchNorm2d(8) if batch_norm else nn.Identity()
        self.stages = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(channels, 8, 3, padding=1),
                norm=norm,
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(8, 8, 3, stride=2),
                relu2=nn.ReLU(),
            )
        )
        self.head = TinyHead(8, num_classes, dropout)


def stripes(count: int, *, seed: int, channels: int = 1) -> ImageSet:
    """Noisy stripes at random places, every other image turned: uint8 (count, channels, 12, 12)."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 2
    phases = torch.randint(4, (count, 1, 1, 1), generator=generator)
    upright = ((torch.arange(12) + phases) % 4 < 2).expand(count, channels, 12, 12)
    images = torch.where(labels[:, None, None, None] == 0, upright, upright.mT)
    noise = torch.randint(0, 120, images.shape, generator=generator)
    return ImageSet(
        images=ArrayImages((images * 120 + noise).to(torch.uint8)),
        labels=labels,
        classes=CLASSES,
        ids=tuple(f"{seed}/{i:04}" for i in range(count)),
    )


@pytest.fixture(scope="session")
def splits() -> Splits:
    """Grey stripes: 160 to train on and 80 to validate with."""
    return Splits("stripes", stripes(160, seed=1), stripes(80, seed=2), None)


@pytest.fixture(scope="session")
def color_splits() -> Splits:
    """The same in colour."""
    return Splits("stripes", stripes(160, seed=3, channels=3), stripes(80, seed=4, channels=3), None)


@pytest.fixture
def tiny() -> Callable[..., Network]:
    """Make a network: tiny(seed=0, batch_norm=True, ...); the same seed gives the same weights."""

    def make(
        *,
        seed: int = 0,
        channels: int = 1,
        num_classes: int = 2,
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> Network:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return TinyNetwork(channels=channels, num_classes=num_classes, batch_norm=batch_norm, dropout=dropout)

    return make


@pytest.fixture
def probe() -> Callable[[Network, ImageSet], Tensor]:
    """Logits, in eval mode, of every image of a set scaled to [0, 1]: what a network computes, apart from `fit`."""

    def logits(network: Network, image_set: ImageSet) -> Tensor:
        assert isinstance(image_set.images, ArrayImages)
        with torch.no_grad():
            outputs: Tensor = network.eval()(image_set.images.pixels.float() / 255)
        return F.log_softmax(outputs, dim=1)

    return logits
