"""The loss: cross-entropy, with everything that is usually done to it."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def cross_entropy(
    logits: Tensor, targets: Tensor, *, label_smoothing: float = 0.0, class_weights: Tensor | None = None
) -> Tensor:
    """Mean cross-entropy over the batch, a float32 scalar.

    logits: (B, K), any float type. targets: int64 (B,) class numbers, or float (B, K) soft labels whose rows sum to 1.
    label_smoothing: this share of every target is spread evenly over all classes (Szegedy et al., arXiv 1512.00567,
    section 7). class_weights: float (K,), factors of the losses. The mean is over the B images as in Keras, not over
    the sum of their weights as in torch: so the parts of a batch add up to the whole, and soft labels count alike.
    """
    # Softmax sums exponentials: in bf16 its rounding would be larger than the differences that train.
    losses = F.cross_entropy(
        logits.float(), targets, weight=class_weights, label_smoothing=label_smoothing, reduction="none"
    )
    return losses.mean()


def l2_penalty(network: nn.Module, factor: float) -> Tensor | float:
    """factor * sum of the squares of every weight of two or more dimensions (Keras's kernel_regularizer); 0 for 0."""
    if factor == 0:
        return 0.0
    weights = (p for p in network.parameters() if p.requires_grad and p.ndim > 1)
    return factor * torch.stack([weight.square().sum() for weight in weights]).sum()


def balanced_weights(labels: Tensor, num_classes: int) -> Tensor:
    """Weights that let every class count the same: N / (K * count), float32 (K,); 0 for a class without images.

    The rule is scikit-learn's class_weight="balanced" (King and Zeng 2001).
    """
    counts = torch.bincount(labels, minlength=num_classes).float()
    weights = len(labels) / (num_classes * counts)
    return torch.where(counts > 0, weights, torch.zeros_like(weights))
