"""The validation split, kept on the device and scored after every epoch."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.evaluation.metrics import wilson_interval
from sightline.memory import in_chunks
from sightline.pixels.preprocess import Preprocess
from sightline.training.device import Precision
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

        def right_and_loss(part: slice) -> Tensor:  # (B, 2)
            images, labels = self.images[part], self.labels[part]
            with self.precision.autocast(images.device):
                logits = network(self.preprocess.normalise(images)).float()
            losses = F.cross_entropy(logits, labels, reduction="none")
            return torch.stack([logits.argmax(1) == labels, losses], dim=1)

        accuracy, loss = in_chunks(right_and_loss, len(self.labels), chunk=CHUNK).double().mean(0).tolist()
        return Score(accuracy, loss)

    def interval(self, score: Score) -> tuple[float, float]:
        """The 95 % Wilson interval of a score's accuracy."""
        return wilson_interval(round(score.accuracy * len(self.labels)), len(self.labels))
