"""Does a map depend on what the network has learnt? The test of Adebayo et al. 2018, arXiv 1810.03292.

A map that looks the same with random weights shows the image's edges, or the network's wiring, not what was learnt.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from sightline.classifier.classifier import Classifier
from sightline.config import require
from sightline.inspection.cam import grad_cam
from sightline.inspection.capture import undisturbed
from sightline.inspection.subject import Image, Subject, Target
from sightline.models.contract import Network

Method = Callable[[Network, torch.Tensor, int], NDArray[np.float32]]

ALIKE = 0.5  # rank correlation from which maps count as alike; the paper gives no threshold


@dataclass(frozen=True, kw_only=True)
class SanityCheck:
    """Whether a map depends on the weights.

    correlations: Spearman's rank correlation, -1 to 1, of the map with that of each network of random weights.
    correlation: their mean. depends: it is below 0.5. sentence: the same in words.
    """

    correlations: tuple[float, ...]
    correlation: float
    depends: bool
    sentence: str


def sanity_check(
    net: Classifier | Network,
    image: Image,
    target: Target = None,
    *,
    method: Method = grad_cam,
    networks: int = 3,
    seed: int = 0,
) -> SanityCheck:
    """Compare a map with the same map by copies of the network whose weights are random again.

    method: called as method(network, image, target) with a normalised image (C, H, W) and the index of a class; any of
        `grad_cam`, `grad_cam_plus_plus`, `integrated_gradients`, `smooth_grad`, `occlusion`, or your own.
    networks: how many copies, each initialised anew as its architecture has it. All weights at once: the paper's
        cascade from the top, layer by layer, ends there.

    A constant map has no ranks; its correlation counts as 0, or as 1 when both are constant. Magnitudes are compared,
    as in the paper's figures of absolute values.

    Raises ConfigError when there are no networks to compare with or the class does not exist, DataError for an image
    the network cannot take.
    """
    require(networks >= 1, f"networks is {networks}", "use 1 or more, e.g. 3")
    subject = Subject.of(net)
    network = subject.network
    with undisturbed(network):
        x = subject.input(image)
        index = subject.class_index(target, image, subject.forward(x)[0])
    learnt = method(network, x[0], index)
    correlations = []
    with torch.random.fork_rng(devices=[]):
        for number in range(networks):
            torch.default_generator.manual_seed(seed + number)  # a GPU's own stays as it is
            correlations.append(_rank_correlation(learnt, method(_random_again(network), x[0], index)))
    mean = float(np.mean(correlations))
    count = "a copy" if networks == 1 else f"{networks} copies"
    evidence = f"rank correlation {mean:.2f} with {count} of random weights"
    return SanityCheck(
        correlations=tuple(correlations),
        correlation=mean,
        depends=mean < ALIKE,
        sentence=f"The map depends on the weights: {evidence}."
        if mean < ALIKE
        else f"The map hardly depends on the weights, so it does not show what was learnt: {evidence}.",
    )


def _random_again(network: Network) -> Network:
    """A copy with fresh weights and batch-norm statistics, on the same device, in eval mode."""
    fresh = copy.deepcopy(network)
    if network.architecture is not None:
        fresh.load_state_dict(network.architecture.build().state_dict())
    else:
        for module in fresh.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
        fresh.apply(fresh.initialise)
    return fresh.eval()


def _rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    first, second = np.abs(first), np.abs(second)
    constant = [np.ptp(values) == 0 for values in (first, second)]
    if any(constant):
        return float(all(constant))
    return float(spearmanr(first, second, axis=None).statistic)
