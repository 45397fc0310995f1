"""What every network keeps, so that transfer, features and Grad-CAM work on all of them.

forward(x)            (B, C, H, W) float -> logits (B, K)
forward_features(x)   (B, C, H, W) float -> the last feature maps (B, C', h, w)
stages                nn.Sequential; running them in order is forward_features
head                  feature maps -> logits
replace_head(K)       a fresh head for K classes
"""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Network(nn.Module, ABC):
    """A classifier of images: `stages` make feature maps, `head` turns them into logits.

    input_shape: (C, H, W) the network was built for; networks with a global-pooling head accept other H, W as well.
    """

    stages: nn.Sequential
    head: nn.Module
    input_shape: tuple[int, int, int]

    def forward_features(self, x: Tensor) -> Tensor:
        """The last feature maps: (B, C, H, W) -> (B, C', h, w)."""
        features: Tensor = self.stages(x)
        return features

    def forward(self, x: Tensor) -> Tensor:
        """Logits, one row an image: (B, C, H, W) -> (B, K)."""
        logits: Tensor = self.head(self.forward_features(x))
        return logits

    @abstractmethod
    def replace_head(self, num_classes: int) -> None:
        """Put a freshly initialised output layer for `num_classes` classes in place of the present one."""

    def prepare(self, images: Tensor) -> None:
        """Set weights that are computed from data rather than trained. Called once, before the first step.

        images: a sample of training images as the network sees them, float (N, C, H, W), normalised. Most networks
        have nothing to set.
        """
