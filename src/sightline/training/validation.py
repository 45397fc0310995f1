"""The validation split, kept on the device and scored after every epoch."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.data.images import Images
from sightline.data.store.stream import stream
from sightline.evaluation.intervals import wilson_interval
from sightline.machine.device import Precision
from sightline.machine.memory import in_chunks
from sightline.pixels.preprocess import Preprocess
from sightline.training.stopping import Score

CHUNK = 1_000  # images through the network at once, at most
CHUNK_PIXELS = 128 * 224 * 224  # of the images through the network at once, about


@dataclass(frozen=True, eq=False)
class Validation:
    """images: in memory, on the device that computes, as the network sees them; or streamed from a cache or from files.

    labels: int64 (N,), on that device.
    """

    images: Images
    labels: Tensor
    preprocess: Preprocess
    precision: Precision

    @torch.no_grad()
    def score(self, network: nn.Module) -> Score:
        """Accuracy and mean loss of the network, which must be in eval mode. Raises DataError for a file that is gone.

        Memory that runs out halves what goes through the network.
        """
        device, results = self.labels.device, list[Tensor]()
        chunks = stream(self.images, self.preprocess, chunk=self.chunk)
        for images, labels in zip(chunks, torch.split(self.labels, self.chunk), strict=True):
            right_and_loss = partial(self._right_and_loss, network, images.to(device), labels)
            results.append(in_chunks(right_and_loss, len(labels), chunk=len(labels)))
        accuracy, loss = torch.cat(results).double().mean(0).tolist()
        return Score(accuracy, loss)

    def _right_and_loss(self, network: nn.Module, images: Tensor, labels: Tensor, part: slice) -> Tensor:
        """Of each image of a part of the chunk, whether the answer is right and its loss: float (B, 2)."""
        with self.precision.autocast(images.device):
            logits = network(self.preprocess.normalise(images[part])).float()
        losses = F.cross_entropy(logits, labels[part], reduction="none")
        return torch.stack([logits.argmax(1) == labels[part], losses], dim=1)

    @property
    def chunk(self) -> int:
        """Images through the network at once, while memory suffices."""
        height, width = self.preprocess.size
        return max(1, min(CHUNK, CHUNK_PIXELS // (height * width)))

    def interval(self, score: Score) -> tuple[float, float]:
        """The 95 % Wilson interval of a score's accuracy."""
        return wilson_interval(round(score.accuracy * len(self.labels)), len(self.labels))
