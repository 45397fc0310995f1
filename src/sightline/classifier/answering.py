"""The network that answers, from pixels to logits: one module, which evaluation, prediction and export share."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.config import ViewsName
from sightline.models.contract import Network
from sightline.models.folding import folded
from sightline.pixels.preprocess import Preprocess, scale_and_shift, scaled


class AnsweringNetwork(nn.Module):
    """uint8 (B, C, H, W), as `Preprocess` makes images -> logits, float32 (B, K).

    Normalisation, views and precision are inside and stay as they were built, and `forward` is tensors only, so that
    `torch.export.export(answering.eval(), (images,))` has all of it. Outside are what tensors cannot do: decoding,
    chunks, going on when memory runs out. So is the temperature: logits stay logits, from which rules for "unknown"
    and for label sets are taken at temperatures of their own.

    network: answers; the very one that was given in fp32, so no weight is there twice, and what it learns afterwards
        counts. In bf16 a copy made here, with batch norms folded into convolutions, which stays as it is.
    views: the logits are averaged over these views of an image, as in arXiv 2404.00498: `mirror` is the mean of the
        image and its left-right mirror; `shift` takes half of the image itself and a quarter each of the image moved
        by one pixel down-right and up-left, the border filled by reflection; `mirror-shift` does both.
    scale, shift: float32 (C,): scale * pixel + shift is what the network sees.

    `eval()` and `train()` switch `network`, too; see `models.watching.evaluation_mode`.
    """

    scale: Tensor
    shift: Tensor

    def __init__(
        self,
        network: Network,
        preprocess: Preprocess,
        *,
        views: ViewsName = "plain",
        precision: Literal["fp32", "bf16"] = "fp32",
    ) -> None:
        super().__init__()
        self.network = network if precision == "fp32" else folded(network).to(torch.bfloat16)
        self.views: ViewsName = views
        self.precision: Literal["fp32", "bf16"] = precision
        scale, shift = scale_and_shift(preprocess.mean, preprocess.std)
        # They are not saved with the weights: they follow from the Preprocess, which a model file has anyway.
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("shift", shift, persistent=False)
        self.to(next(network.parameters()).device)

    def forward(self, images: Tensor) -> Tensor:
        """Logits averaged over the views: uint8 (B, C, H, W) -> float32 (B, K)."""
        height, width = images.shape[2:]
        x = scaled(images, self.scale.repeat(width), self.shift.repeat(width))
        logits = self._mirrored(x)
        if self.views in ("shift", "mirror-shift"):
            padded = F.pad(x, (1, 1, 1, 1), mode="reflect")  # (B, C, H + 2, W + 2)
            moved = (padded[:, :, :height, :width], padded[:, :, 2:, 2:])
            first, second = (self._mirrored(y.contiguous(memory_format=torch.channels_last)) for y in moved)
            logits = 0.5 * logits + 0.25 * first + 0.25 * second
        return logits

    def _mirrored(self, x: Tensor) -> Tensor:
        """Logits of normalised images (B, C, H, W), averaged with their mirrors where the views say so: (B, K)."""
        logits = self._logits(x)
        if self.views in ("mirror", "mirror-shift"):
            logits = 0.5 * logits + 0.5 * self._logits(x.flip(3))
        return logits

    def _logits(self, x: Tensor) -> Tensor:
        """Logits of normalised images (B, C, H, W), in the precision: float32 (B, K)."""
        logits: Tensor = self.network(x if self.precision == "fp32" else x.bfloat16())
        return logits.float()
