"""The rule behind label sets, learnt from images the network was not trained on."""

import math

import numpy as np
from numpy.typing import NDArray

from sightline.classifier.confidence import LEVELS, ConformalRule


def fit_conformal(logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float = 1.0) -> ConformalRule:
    """The floors of `ConformalRule` for logits (N, K) of images with these labels.

    Split conformal prediction: of n images and one more like them, every order is equally likely. So the new image's
    true class has with a chance of at least k / (n + 1) one of the k largest probabilities of a true class: the floor
    for a coverage c is the k-th largest, k = ceil((n + 1) c) (V. Vovk et al., "Algorithmic learning in a random world",
    2005; A. Angelopoulos, S. Bates, arXiv 2107.07511, section 1.1). The temperature should be a matter of other images;
    being one number from all of them, it hardly knows any.
    """
    from scipy.special import softmax

    probabilities = softmax(logits.astype(np.float64) / temperature, axis=1)
    true = -np.sort(-probabilities[np.arange(len(labels)), labels])
    ranks = (math.ceil((len(labels) + 1) * level / LEVELS - 1e-9) for level in range(1, LEVELS))
    return ConformalRule(
        floors=tuple(float(true[rank - 1]) for rank in ranks if rank <= len(labels)), images=len(labels)
    )
