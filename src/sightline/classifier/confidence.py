"""Rules that turn logits into answers a person can rely on: "unknown", and sets of labels with a stated coverage.

A rule is a few numbers, learnt from images the network was not trained on; it is part of model.json, and simple enough
to be written again in another language. How they are learnt: evaluation/unknown.py, evaluation/conformal.py.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sightline.config import require, require_choices
from sightline.errors import ConfigError

ScoreName = Literal["probability", "logit", "energy"]
LEVELS = 200  # a conformal rule knows a threshold for every 1 / LEVELS of coverage


@dataclass(frozen=True, kw_only=True)
class UnknownRule:
    """Images whose score is below the threshold are unlike what the classifier has learnt.

    score: see `scores`. threshold: in its units. temperature: what it divides the logits by, which need not be the
    classifier's. accepted: the share of the validation images that it was to accept, and images: how many there were;
    0 when the threshold comes from elsewhere.
    """

    score: ScoreName
    threshold: float
    temperature: float = 1.0
    accepted: float = 0.95
    images: int = 0

    def __post_init__(self) -> None:
        require_choices(self)
        require(0 < self.temperature < math.inf, f"temperature is {self.temperature}", "use a number above 0, e.g. 1")
        require(math.isfinite(self.threshold), f"the threshold of unknown is {self.threshold}", "use a finite number")
        require(0 <= self.accepted <= 1, f"accepted is {self.accepted}", "use a share, 0 to 1")
        require(self.images >= 0, f"images is {self.images}", "use how many there were, 0 or more")

    def rejects(self, logits: Tensor) -> Tensor:
        """Which images are unknown: logits (B, K) -> bool (B,)."""
        return scores(logits, self.score, temperature=self.temperature) < self.threshold


@dataclass(frozen=True, kw_only=True)
class ConformalRule:
    """Sets of labels that hold the true one with a stated probability, whatever the network is worth.

    The set is every class whose probability, at the classifier's temperature, reaches a floor (LAC: M. Sadinle, J. Lei,
    L. Wasserman, "Least ambiguous set-valued classifiers with bounded error levels", JASA 114, 2019). It holds for
    images like the validation images, on average over them, not for each class. A set may be empty: when less is asked
    for than single answers already cover, the least likely answers are left out.

    floors: for a coverage of 1/200, 2/200, ... as far as the validation images reach. images: how many there were.
    """

    floors: tuple[float, ...]
    images: int

    def __post_init__(self) -> None:
        require(len(self.floors) < LEVELS, f"there are {len(self.floors)} floors", f"use fewer than {LEVELS}")
        require(all(0 <= floor <= 1 for floor in self.floors), "a floor is no probability", "use 0 to 1")
        falling = all(self.floors[i] >= self.floors[i + 1] for i in range(len(self.floors) - 1))
        require(falling, "the floors rise with the coverage", "use floors that fall or stay")

    def floor(self, coverage: float) -> float:
        """The least probability in the sets. coverage: above 0, at most 0.995, rounded up to the next 0.005.

        Raises ConfigError for others, and for one that so few validation images cannot promise.
        """
        require(0 < coverage < 1, f"coverage is {coverage}", "use a share between 0 and 1, e.g. 0.95")
        level = math.ceil(LEVELS * coverage - 1e-9)
        if level > len(self.floors):
            most = f"at most {len(self.floors) / LEVELS:g}" if self.floors else "none at all"
            raise ConfigError(
                f"coverage is {coverage}, and {self.images:,} validation images can promise {most}",
                hint="ask for less, or train with more validation images",
            )
        return self.floors[level - 1]

    def members(self, logits: Tensor, temperature: float, coverage: float) -> Tensor:
        """Which classes are in the set of each image: logits (B, K) -> bool (B, K). Raises what `floor` raises."""
        # Double precision is needed: many probabilities are so near 1 that single precision cannot tell them apart.
        return (logits.double() / temperature).softmax(dim=1) >= self.floor(coverage)


def scores(logits: Tensor, score: ScoreName, *, temperature: float = 1.0) -> Tensor:
    """How much an image is like those the network has learnt, higher is more: logits (B, K) -> float64 (B,).

    probability: the largest (D. Hendrycks, K. Gimpel, arXiv 1610.02136). logit: the largest (D. Hendrycks et al., arXiv
    1911.11132). energy: t log sum exp(logits / t), which the paper calls the negative energy (W. Liu et al., arXiv
    2010.03759, equation 4).
    """
    logits = logits.double() / temperature
    match score:
        case "probability":
            return logits.softmax(dim=1).amax(dim=1)
        case "logit":
            return temperature * logits.amax(dim=1)
        case "energy":
            return temperature * torch.logsumexp(logits, dim=1)
