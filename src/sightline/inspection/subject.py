"""What is looked into, and at what: a network, and an image made into its input."""

import os
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.classifier.classifier import Classifier
from sightline.errors import ConfigError, DataError, near
from sightline.models.contract import Network
from sightline.pixels.preprocess import Preprocess

# A file, its bytes, pixels uint8 (H, W, 1 or 3), or a tensor (C, H, W): uint8 pixels, or float as the network sees them
Image = str | os.PathLike[str] | bytes | NDArray[np.uint8] | Tensor
Target = str | int | None  # a class by name or index; None is the predicted one


@dataclass(frozen=True)
class Subject:
    """A network to look into; a classifier also knows its classes and how an image becomes network input.

    Of a classifier that answers in bf16 the network in float32 is looked into: the copy that answers has its batch
    norms folded away, so its layers are not those the user knows.
    """

    network: Network
    classifier: Classifier | None = None

    @classmethod
    def of(cls, net: Classifier | Network) -> "Subject":
        """Raises ConfigError for anything else."""
        if isinstance(net, Classifier):
            return cls(net.network, net)
        if isinstance(net, Network):
            return cls(net)
        raise ConfigError(
            f"a {type(net).__name__} cannot be looked into",
            hint="give a Classifier (`sightline.load`) or a network (`sightline.create_model`)",
        )

    @cached_property
    def weight(self) -> Tensor:
        """Any weight: it tells the device and the type that the network computes in."""
        return next(self.network.parameters())

    @property
    def preprocess(self) -> Preprocess | None:
        return self.classifier.preprocess if self.classifier else None

    def input(self, image: Image) -> Tensor:
        """Network input of one image, (1, C, H, W), on the network's device.

        Raises ImageError for a file that cannot be decoded, DataError for a tensor of another shape or with values
        that are not finite, ConfigError for pixels given to a bare network, which does not say how to normalise them.
        """
        if isinstance(image, Tensor) and image.is_floating_point():
            return self.ready(self._normalised(image)[None])
        if self.preprocess is None:
            channels, height, width = self.network.input_shape
            raise ConfigError(
                "a bare network does not know how to turn pixels into its input",
                where=type(self.network).__name__,
                hint=f"give a normalised float tensor ({channels}, {height}, {width}), or a Classifier and the image",
            )
        return self.ready(self.preprocess.normalise(torch.from_numpy(self.pixels(image))[None].to(self.weight.device)))

    def ready(self, batch: Tensor) -> Tensor:
        """A normalised batch (B, C, H, W) on the network's device and in its type."""
        return batch.to(device=self.weight.device, dtype=self.weight.dtype)

    def pixels(self, image: Image) -> NDArray[np.uint8]:
        """An image as a classifier's network sees it, before scaling: uint8 (C, H, W)."""
        assert self.preprocess is not None, "only a classifier knows its pixels"
        if isinstance(image, Tensor):
            if image.dtype != torch.uint8 or image.ndim != 3:
                raise DataError(
                    f"the image is {str(image.dtype).removeprefix('torch.')} of shape {tuple(image.shape)}",
                    hint="give a tensor (C, H, W), uint8 pixels or normalised float",
                )
            return self.preprocess.pixels(image.permute(1, 2, 0).cpu().numpy())
        if isinstance(image, np.ndarray):
            return self.preprocess.pixels(image[:, :, None] if image.ndim == 2 else image)
        return self.preprocess.read(image)

    def class_index(self, target: Target, image: Image | None, logits: Tensor) -> int:
        """Which logit of (K,) `target` means; None is the class that the classifier predicts of `image`.

        Raises ConfigError for a class that does not exist.
        """
        if target is None:
            return self._predicted(image, logits)
        if isinstance(target, str):
            if self.classifier is None:
                raise ConfigError(
                    f"a bare network does not know its classes, so not '{target}'",
                    where="target",
                    hint=f"give an index from 0 to {len(logits) - 1}, or a Classifier",
                )
            if target not in self.classifier.classes:
                raise ConfigError(
                    f"there is no class '{target}'", where="target", hint=near(target, self.classifier.classes)
                )
            return self.classifier.classes.index(target)
        if not 0 <= target < len(logits):
            raise ConfigError(
                f"there is no class {target}", where="target", hint=f"use an index from 0 to {len(logits) - 1}"
            )
        return int(target)

    def _predicted(self, image: Image | None, logits: Tensor) -> int:
        """Several views or bf16 may answer otherwise than the one look that is taken here."""
        clf = self.classifier
        one_look = clf is None or (clf.views == "plain" and clf.precision == "fp32")
        given_pixels = image is not None and not (isinstance(image, Tensor) and image.is_floating_point())
        if clf is not None and not one_look and image is not None and given_pixels:
            logits = clf.logits(torch.from_numpy(self.pixels(image))[None])[0]
        return int(logits.argmax())

    def _normalised(self, image: Tensor) -> Tensor:
        channels, height, width = self.network.input_shape
        if image.ndim != 3 or image.shape[0] != channels:
            raise DataError(
                f"the image is a float tensor of shape {tuple(image.shape)}",
                where=type(self.network).__name__,
                hint=f"the network takes ({channels}, {height}, {width}), normalised",
            )
        if not torch.isfinite(image).all():
            raise DataError("the image has values that are not finite", hint="look for division by zero before it")
        return image.detach()

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, K) of network input (B, C, H, W). Raises DataError when the network cannot take this size."""
        try:
            logits: Tensor = self.network(x)
        except (RuntimeError, AssertionError, ValueError) as error:
            if tuple(x.shape[1:]) == self.network.input_shape or isinstance(error, torch.OutOfMemoryError):
                raise
            image_size, own_size = (" x ".join(map(str, shape)) for shape in (x.shape[1:], self.network.input_shape))
            raise DataError(
                f"the network cannot take an image of {image_size}",
                where=type(self.network).__name__,
                hint=f"it was built for {own_size}; resize the image, or give a Classifier, which does it by itself",
            ) from error
        return logits


def shown(net: Classifier | Network, image: Image) -> NDArray[np.uint8]:
    """The image as the network sees it, to draw on: uint8 (H, W, C), as large as its maps.

    The colours of a normalised tensor are put back where the classifier says how; a bare network's are stretched from
    the least to the largest value.
    """
    subject = Subject.of(net)
    if subject.preprocess is not None and not (isinstance(image, Tensor) and image.is_floating_point()):
        return subject.pixels(image).transpose(1, 2, 0)
    x = subject.input(image)[0].float().cpu().numpy()  # (C, H, W)
    return as_pixels(x, subject.preprocess)


def as_pixels(x: NDArray[np.float32], preprocess: Preprocess | None) -> NDArray[np.uint8]:
    """Network input (C, H, W) as pixels, uint8 (H, W, C): normalised backwards, or stretched when nobody says how."""
    if preprocess is None:
        spread = float(np.ptp(x))
        scaled = (x - x.min()) / spread if spread > 0 else np.full_like(x, 0.5)
    else:
        mean, std = (np.array(values, np.float32)[:, None, None] for values in (preprocess.mean, preprocess.std))
        scaled = x * std + mean
    pixels: NDArray[np.uint8] = np.rint(255 * scaled.clip(0, 1)).astype(np.uint8).transpose(1, 2, 0)
    return pixels
