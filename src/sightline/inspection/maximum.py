"""What a channel looks for: an image that makes it as large as can be.

Gradient ascent on pixels, kept from noise by simple means: Olah, Mordvintsev and Schubert 2017, "Feature
Visualization", Distill, section "The Enemy of Feature Visualization" (jitter, blur, decay).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sightline.classifier.classifier import Classifier
from sightline.config import require
from sightline.errors import ConfigError
from sightline.inspection.capture import output_of, undisturbed, watched
from sightline.inspection.layers import LayerName, as_maps, find_layer
from sightline.inspection.subject import Subject
from sightline.models.contract import Network

GREY, SPREAD = 0.5, 0.25  # how a bare network's images are taken to be normalised


def activation_maximum(
    net: Classifier | Network,
    layer: LayerName,
    channel: int,
    *,
    steps: int = 128,
    rate: float = 0.03,
    jitter: float = 0.06,
    blur: float = 0.5,
    decay: float = 0.01,
    seed: int = 0,
) -> NDArray[np.uint8]:
    """An image for which the mean of a channel's map is large: uint8 (H, W, C), at the size of the network's input.

    layer, channel: any layer with feature maps, or one with one value a channel: of "head.output", the class.
    steps: of gradient ascent. rate: how far the pixels move in a step, root mean square, of black to white.
    jitter: the image is moved by up to this part of its sides, at random, before each step. blur: standard deviation
        in pixels of a Gaussian after each step, less and less until the end. decay: part of the way back to grey.
    The same seed gives the same image, on the same machine.

    Pixels are normalised as the classifier's are; for a bare network, as (x - 0.5) / 0.25.

    Raises ModelError for a layer that does not exist or gives neither, ConfigError for a channel it does not have.
    """
    require(steps >= 1, f"steps is {steps}", "use 1 or more, e.g. 128")
    require(0 <= jitter < 1, f"jitter is {jitter}", "use 0 or more, below 1")
    require(min(rate, blur, decay) >= 0, "rate, blur or decay is negative", "use 0 or more")
    subject = Subject.of(net)
    name = find_layer(subject.network, layer)
    generator = torch.Generator().manual_seed(seed)
    channels, height, width = subject.network.input_shape
    mean, std = _normalisation(subject, channels)
    pixels = GREY + 0.01 * torch.randn((1, channels, height, width), generator=generator).to(subject.weight.device)
    reach = (int(jitter * height), int(jitter * width))
    with undisturbed(subject.network):
        for step in range(steps):
            down, across = (int(torch.randint(-most, most + 1, (), generator=generator)) for most in reach)
            moved = pixels.roll((down, across), dims=(2, 3))
            gradient = _gradient(subject, name, channel, moved, mean, std).roll((-down, -across), dims=(2, 3))
            size = gradient.square().mean().sqrt()
            if size > 0:
                pixels = pixels + rate * gradient / size
            pixels = pixels + decay * (GREY - pixels)
            pixels = _blurred(pixels, blur * (1 - step / steps)).clamp(0, 1)
    image: NDArray[np.uint8] = (255 * pixels[0]).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return image


def _gradient(subject: Subject, name: str, channel: int, pixels: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Of the mean of the channel's map with respect to pixels (1, C, H, W) in [0, 1]."""
    with torch.enable_grad():
        x = pixels.detach().requires_grad_()
        with watched(subject.network, [name], outputs="linked") as runs:
            subject.forward(subject.ready((x - mean) / std))
        output = output_of(name, runs)
        vector = isinstance(output, Tensor) and output.ndim == 2
        maps = output[:, :, None, None] if vector else as_maps(subject.network, name, output, x)
        if not 0 <= channel < maps.shape[1]:
            last = maps.shape[1] - 1
            raise ConfigError(f"channel is {channel}", where=f"layer '{name}'", hint=f"use 0 to {last}")
        (gradient,) = torch.autograd.grad(maps[0, channel].float().mean(), x)
    return gradient


def _normalisation(subject: Subject, channels: int) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel, (1, C, 1, 1)."""
    known = subject.preprocess
    values = (known.mean, known.std) if known else ((GREY,) * channels, (SPREAD,) * channels)
    mean, std = (torch.tensor(each, device=subject.weight.device).view(1, -1, 1, 1) for each in values)
    return mean, std


def _blurred(pixels: Tensor, deviation: float) -> Tensor:
    """Gaussian blur, a row and a column of weights after each other."""
    if deviation < 0.05:
        return pixels
    reach = min(max(1, round(3 * deviation)), pixels.shape[2] - 1, pixels.shape[3] - 1)
    if reach < 1:
        return pixels
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=pixels.device) / deviation) ** 2)
    weights = (weights / weights.sum()).expand(pixels.shape[1], 1, 1, -1)
    for kernel in (weights, weights.transpose(2, 3)):
        sides = (reach, reach, 0, 0) if kernel.shape[3] > 1 else (0, 0, reach, reach)
        padded = F.pad(pixels, sides, mode="replicate")
        pixels = F.conv2d(padded, kernel, groups=pixels.shape[1])
    return pixels
