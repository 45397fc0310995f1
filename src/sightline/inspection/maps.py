"""What a layer gives for an image: feature maps, their statistics, and channels that never fire."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.classifier.classifier import Classifier
from sightline.errors import DataError
from sightline.inspection.capture import output_of, undisturbed, watched
from sightline.inspection.layers import LayerName, as_maps, find_layer
from sightline.inspection.subject import Image, Subject
from sightline.models.contract import Network


@dataclass(frozen=True, eq=False, kw_only=True)
class Activations:
    """What one layer gives for one image.

    layer: its full name. values: float32 (C, h, w). mean, max: float32 (C,), of each channel over its places.
    dead: bool (C,): channels that fire nowhere; see `dead_channels`.
    """

    layer: str
    values: NDArray[np.float32]
    mean: NDArray[np.float32]
    max: NDArray[np.float32]
    dead: NDArray[np.bool_]


def activations(net: Classifier | Network, image: Image, layer: LayerName) -> Activations:
    """The feature maps of a layer for one image, as the network computes them.

    Of a layer that runs more than once, the first run. Raises ModelError for a layer that does not exist or gives no
    feature maps, DataError for an image the network cannot take.
    """
    subject = Subject.of(net)
    name = find_layer(subject.network, layer)
    with undisturbed(subject.network):
        values = _maps(subject, subject.input(image), name)[0].cpu().numpy()
    return Activations(
        layer=name,
        values=values,
        mean=values.mean(axis=(1, 2)),
        max=values.max(axis=(1, 2)),
        dead=_dead(np.abs(values).max(axis=(1, 2))),
    )


def feature_maps(net: Classifier | Network, image: Image, layer: LayerName) -> NDArray[np.float32]:
    """The feature maps of a layer for one image, to look at: float32 (C, h, w) in [0, 1].

    All channels on one scale from the least to the largest value of the layer, so that they can be compared; the values
    themselves are in `activations`. A layer that gives the same everywhere gives zeros.
    """
    return on_one_scale(activations(net, image, layer).values)


def on_one_scale(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Any array in [0, 1]: its least value at 0, its largest at 1; zeros when they are the same."""
    least, spread = values.min(), np.ptp(values)
    scaled: NDArray[np.float32] = (values - least) / spread if spread > 0 else np.zeros_like(values)
    return scaled


def dead_channels(net: Classifier | Network, images: Iterable[Image] | Tensor, layer: LayerName) -> NDArray[np.bool_]:
    """Which channels of a layer fire for none of these images: bool (C,).

    A channel fires where it is not 0, to a float's precision beside the layer's largest value. So ask the layer behind
    an activation: before a ReLU a channel may vary and still never get through.
    images: any images `activations` takes, or a batch of them as one tensor. Raises DataError when there are none.
    """
    subject = Subject.of(net)
    name = find_layer(subject.network, layer)
    largest: Tensor | None = None  # magnitude of each channel, (C,)
    with undisturbed(subject.network):
        for image in images:
            here = _maps(subject, subject.input(image), name).abs().amax((0, 2, 3))
            largest = here if largest is None else torch.maximum(largest, here)
    if largest is None:
        raise DataError("there are no images to look for dead channels with", hint="give one or more")
    return _dead(largest.cpu().numpy())


def _dead(largest: NDArray[np.float32]) -> NDArray[np.bool_]:
    """From the largest magnitude of each channel, (C,)."""
    dead: NDArray[np.bool_] = largest <= 1e-6 * largest.max()
    return dead


def _maps(subject: Subject, x: Tensor, name: str) -> Tensor:
    """Feature maps of network input, float32 (B, C, h, w)."""
    with watched(subject.network, [name]) as runs:
        subject.forward(x)
    return as_maps(subject.network, name, output_of(name, runs), x).float().contiguous()
