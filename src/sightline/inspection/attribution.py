"""Which pixels an answer comes from, without a layer in between: by gradients, and by covering parts of the image.

All give float32 (H, W) at the size of the network's input, in units of the target's logit, which is the score;
`visible` brings that into [0, 1] for drawing.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.classifier.classifier import Classifier
from sightline.config import require
from sightline.errors import DataError
from sightline.inspection.capture import undisturbed
from sightline.inspection.subject import Image, Subject, Target
from sightline.models.contract import Network

CHUNK_PIXELS = 16 * 224 * 224  # of all images that go through at once


def integrated_gradients(
    net: Classifier | Network,
    image: Image,
    target: Target = None,
    *,
    baseline: Image | None = None,
    steps: int = 50,
) -> NDArray[np.float32]:
    """How much each pixel adds to the score on the way from a baseline to the image: float32 (H, W), signed.

    Sundararajan, Taly and Yan 2017, arXiv 1703.01365, equation 1, summed over the channels. All pixels together give
    the score of the image less that of the baseline (their axiom of completeness), as exactly as `steps` allow.
    baseline: by default normalised zeros: of a classifier's images, the mean colour.
    The integral is taken by the Gauss-Legendre rule with `steps` points; the paper adds up equal steps.

    Raises ConfigError for a class that does not exist or no steps, DataError for an image the network cannot take.
    """
    require(steps >= 1, f"steps is {steps}", "use 1 or more, e.g. 50")
    subject = Subject.of(net)
    points, weights = np.polynomial.legendre.leggauss(steps)
    with undisturbed(subject.network):
        x = subject.input(image)
        start = torch.zeros_like(x) if baseline is None else subject.input(baseline)
        _same_size(x, start)
        index = _index(subject, x, target, image)
        total = torch.zeros_like(x)
        for part in _parts(steps, x):
            where = torch.from_numpy(points[part] / 2 + 0.5).to(x)[:, None, None, None]
            share = torch.from_numpy(weights[part] / 2).to(x)[:, None, None, None]
            total += (share * _gradients(subject, start + where * (x - start), index)).sum(0, keepdim=True)
        return _map((x - start) * total)


def smooth_grad(
    net: Classifier | Network,
    image: Image,
    target: Target = None,
    *,
    samples: int = 25,
    noise: float = 0.15,
    seed: int = 0,
) -> NDArray[np.float32]:
    """How strongly the score reacts to each pixel, on average around the image: float32 (H, W), 0 or more.

    Smilkov et al. 2017, arXiv 1706.03825: the mean gradient over `samples` images with noise of a standard deviation
    that is `noise` of the image's range of values. Of the channels' magnitudes the largest, as in their section 2.1.

    Raises ConfigError for a class that does not exist, no samples or noise below 0, DataError for an image the network
    cannot take.
    """
    require(samples >= 1, f"samples is {samples}", "use 1 or more, e.g. 25")
    require(noise >= 0, f"noise is {noise}", "use 0 or more, e.g. 0.15")
    subject = Subject.of(net)
    generator = torch.Generator().manual_seed(seed)
    with undisturbed(subject.network):
        x = subject.input(image)
        index = _index(subject, x, target, image)
        deviation = noise * float(x.max() - x.min())
        total = torch.zeros_like(x)
        for part in _parts(samples, x):
            drawn = torch.randn((part.stop - part.start, *x.shape[1:]), generator=generator).to(x)
            total += _gradients(subject, x + deviation * drawn, index).sum(0, keepdim=True)
        strongest: NDArray[np.float32] = (total[0] / samples).abs().amax(0).float().cpu().numpy()
        return strongest


def occlusion(
    net: Classifier | Network,
    image: Image,
    target: Target = None,
    *,
    window: int | tuple[int, int] | None = None,
    stride: int | tuple[int, int] | None = None,
    cover: float = 0.0,
) -> NDArray[np.float32]:
    """How much the score falls when the neighbourhood of a pixel is covered: float32 (H, W), signed.

    Zeiler and Fergus 2014, arXiv 1311.2901, section 4.2; of each pixel, the mean over all windows that cover it.
    window, stride: height and width in pixels of what is covered, and how far it moves; by default a seventh of the
        image, and half of that. cover: the normalised value it is covered with; 0 is the mean colour.

    Raises ConfigError for a class that does not exist, a window larger than the image, or a stride that leaves gaps;
    DataError for an image the network cannot take.
    """
    subject = Subject.of(net)
    with undisturbed(subject.network):
        x = subject.input(image)
        size = (x.shape[2], x.shape[3])
        high, wide = _pair(window) if window is not None else (max(1, -(-size[0] // 7)), max(1, -(-size[1] // 7)))
        down, across = _pair(stride) if stride is not None else (max(1, high // 2), max(1, wide // 2))
        require(
            1 <= high <= size[0] and 1 <= wide <= size[1],
            f"window is {high} x {wide}",
            f"use between 1 and the image's {size[0]} x {size[1]} pixels",
        )
        require(
            1 <= down <= high and 1 <= across <= wide,
            f"stride is {down} x {across}",
            f"use between 1 and the window's {high} x {wide}, so that no pixel is left out",
        )
        logits = subject.forward(x)
        index = subject.class_index(target, image, logits[0])
        corners = [(top, left) for top in _starts(size[0], high, down) for left in _starts(size[1], wide, across)]
        falls, counts = torch.zeros(size, dtype=torch.float64), torch.zeros(size, dtype=torch.float64)
        for part in _parts(len(corners), x):
            covered = x.repeat(part.stop - part.start, 1, 1, 1)
            for each, (top, left) in zip(covered, corners[part], strict=True):
                each[:, top : top + high, left : left + wide] = cover
            fall = (logits[0, index] - subject.forward(covered)[:, index]).double().cpu()
            for value, (top, left) in zip(fall, corners[part], strict=True):
                falls[top : top + high, left : left + wide] += value
                counts[top : top + high, left : left + wide] += 1
        attribution: NDArray[np.float32] = (falls / counts).float().numpy()
        return attribution


def visible(attribution: NDArray[np.float32], *, percentile: float = 99.0) -> NDArray[np.float32]:
    """What speaks for the class, to draw over the image: (H, W) in any unit -> float32 (H, W) in [0, 1].

    Values below 0 are left out. 1 is the percentile of what is left, so that a few outliers do not darken the rest
    (Smilkov et al., section 2.1).
    """
    support = np.clip(attribution, 0, None)
    limit = np.percentile(support, percentile) or support.max()
    scaled: NDArray[np.float32] = (
        np.clip(support / limit, 0, 1).astype(np.float32) if limit > 0 else np.zeros_like(support)
    )
    return scaled


def _index(subject: Subject, x: Tensor, target: Target, image: Image) -> int:
    return subject.class_index(target, image, subject.forward(x)[0])


def _gradients(subject: Subject, x: Tensor, index: int) -> Tensor:
    """Of each image's score with respect to its own pixels, (B, C, H, W)."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        scores = subject.forward(x)[:, index].sum()
        (gradients,) = torch.autograd.grad(scores, x)
    return gradients


def _map(values: Tensor) -> NDArray[np.float32]:
    """(1, C, H, W) -> (H, W), the channels added up."""
    added: NDArray[np.float32] = values[0].float().sum(0).cpu().numpy()
    return added


def _parts(count: int, x: Tensor) -> Iterator[slice]:
    """`count` images like `x`, in as many parts as the memory of a small machine asks for."""
    chunk = max(1, CHUNK_PIXELS // (x.shape[2] * x.shape[3]))
    for first in range(0, count, chunk):
        yield slice(first, min(first + chunk, count))


def _starts(side: int, window: int, stride: int) -> list[int]:
    """Where windows begin, so that the last one reaches the end; it may reach beyond."""
    return [i * stride for i in range(1 + -(-(side - window) // stride))]


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _same_size(x: Tensor, baseline: Tensor) -> None:
    if x.shape != baseline.shape:
        raise DataError(
            f"the baseline is {tuple(baseline.shape[1:])}, the image {tuple(x.shape[1:])}", hint="give the same size"
        )
