"""Mean and standard deviation of a data set's pixels, for normalising network input."""

import dataclasses

import torch
from torch import Tensor

from sightline.data.batches import to_resident
from sightline.data.imageset import ImageSet
from sightline.pixels.preprocess import Preprocess

SAMPLE = 10_000  # images; the mean of so many is known to a thousandth
LEAST_STD = 1 / 255  # a channel that never changes must not be divided by 0


def channel_statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel of uint8 (N, C, H, W), with pixel values scaled to [0, 1]."""
    pixels = images.transpose(0, 1).flatten(1)  # (C, N * H * W)
    values = torch.arange(256, dtype=torch.float64)
    means, deviations = [], []
    for channel in pixels:
        counts = torch.bincount(channel, minlength=256).double()
        mean = (counts * values).sum() / counts.sum()
        variance = (counts * (values - mean) ** 2).sum() / counts.sum()
        means.append(float(mean) / 255)
        deviations.append(max(float(variance.sqrt()) / 255, LEAST_STD))
    return tuple(means), tuple(deviations)


def default_preprocess(image_set: ImageSet, input_shape: tuple[int, int, int]) -> Preprocess:
    """Images cropped to a network's `input_shape` (C, H, W), normalised with their own mean and standard deviation.

    Pass training images only, as to `measure_preprocess`.
    """
    channels, height, width = input_shape
    neutral = Preprocess(size=(height, width), channels=channels, mean=(0.0,) * channels, std=(1.0,) * channels)
    return measure_preprocess(image_set, neutral)


def measure_preprocess(image_set: ImageSet, preprocess: Preprocess) -> Preprocess:
    """`preprocess` with the mean and standard deviation of these images, rounded to 4 decimals.

    At most 10,000 of them are looked at, evenly spaced. Pass training images only: statistics of the test set would
    leak into the network's input.
    """
    step = max(1, -(-len(image_set) // SAMPLE))
    sample = image_set.take(range(0, len(image_set), step)) if step > 1 else image_set
    mean, std = channel_statistics(to_resident(sample, preprocess))
    return dataclasses.replace(preprocess, mean=tuple(round(m, 4) for m in mean), std=tuple(round(s, 4) for s in std))
