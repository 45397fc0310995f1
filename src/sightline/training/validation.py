"""The validation split, kept on the device and scored after every epoch."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sightline.evaluation.metrics import wilson_interval
from sightline.pixels.preprocess import Preprocess
from sightline.training.device import Precision
from sightline.training.losses import cross_entropy
from sightline.training.stopping import Score

CHUNK = 1_000  # images through the network at once


@dataclass(frozen=True, eq=False)
class Validation:
    """images: uint8 (N, C, H, W) and labels: int64 (N,), both on the device that computes."""

    images: Tensor
    labels: Tensor
    preprocess: Preprocess
    precision: Precision

    @torch.no_grad()
    def score(self, network: nn.Module) -> Score:
        """Accuracy and mean loss of the network, which must be in eval mode."""
        correct, loss = 0, 0.0
        for images, labels in zip(torch.split(self.images, CHUNK), torch.split(self.labels, CHUNK), strict=True):
            with self.precision.autocast(images.device):
                logits = network(self.preprocess.normalise(images)).float()
            correct += int((logits.argmax(1) == labels).sum())
            loss += float(cross_entropy(logits, labels)) * len(labels)
        return Score(correct / len(self.labels), loss / len(self.labels))

    def interval(self, score: Score) -> tuple[float, float]:
        """The 95 % Wilson interval of a score's accuracy."""
        return wilson_interval(round(score.accuracy * len(self.labels)), len(self.labels))
