"""Numbers that say how good a classifier is, as pure functions of its probabilities and the true labels.

The definitions of precision, recall and F1 are scikit-learn's; nothing here imports torch.
"""

import math

# The 97.5 % point of the standard normal distribution: 95 % of it lies between -Z and Z.
Z = 1.959963984540054


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a proportion, (low, high) in [0, 1]; (0, 1) when nothing was counted.

    Wilson's score interval: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n). Unlike the p ± z √(p(1-p)/n) of the
    textbooks it stays inside [0, 1] and keeps its promise for small n and for p near 0 or 1.
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if not 0 <= correct <= total:
        raise ValueError(f"{correct} correct of {total}: use 0 <= correct <= total")
    if total == 0:
        return 0.0, 1.0
    p = correct / total
    centre = p + Z**2 / (2 * total)
    margin = Z * math.sqrt(p * (1 - p) / total + Z**2 / (4 * total**2))
    scale = 1 + Z**2 / total
    # Rounding may leave the ends a hair away from the exact 0 and 1 that p = 0 and p = 1 have.
    low = 0.0 if correct == 0 else (centre - margin) / scale
    high = 1.0 if correct == total else (centre + margin) / scale
    return low, high
