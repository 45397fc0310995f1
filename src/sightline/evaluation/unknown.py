"""The rule by which a classifier says "unknown", learnt from images the network was not trained on."""

import math

import numpy as np
from torch import Tensor

from sightline.classifier.confidence import ScoreName, UnknownRule, scores

ACCEPTED = 0.95  # of the validation images
SCORE: ScoreName = "energy"  # docs/decisions/0013


def fit_unknown(logits: Tensor, *, score: ScoreName = SCORE, accepted: float = ACCEPTED) -> UnknownRule | None:
    """The rule that accepts this share of images like these, logits (N, K), which the network was not trained on.

    None without images, or when their scores are no numbers.
    """
    values = np.sort(scores(logits, score).numpy())
    if len(values) == 0 or not np.isfinite(values).all():
        return None
    rejected = math.floor((1 - accepted) * len(values) + 1e-9)
    return UnknownRule(score=score, threshold=float(values[rejected]), accepted=accepted, images=len(values))
