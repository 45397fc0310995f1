"""Cross-entropy with all its additions, by hand and beside scikit-learn's class weights."""

import math

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from sightline.training.losses import balanced_weights, cross_entropy, l2_penalty

LOGITS = torch.tensor([[math.log(3.0), 0.0], [0.0, 0.0]])  # probabilities 3/4, 1/4 and 1/2, 1/2
LABELS = torch.tensor([0, 1])


def test_cross_entropy() -> None:
    expected = (math.log(4 / 3) + math.log(2)) / 2
    assert cross_entropy(LOGITS, LABELS).item() == pytest.approx(expected)


def test_label_smoothing() -> None:
    # Of 0.2 each class gets 0.1: the targets are 0.9 and 0.1.
    first = 0.9 * math.log(4 / 3) + 0.1 * math.log(4)
    assert cross_entropy(LOGITS, LABELS, label_smoothing=0.2).item() == pytest.approx((first + math.log(2)) / 2)


def test_soft_labels() -> None:
    soft = torch.tensor([[0.7, 0.3], [0.0, 1.0]])
    first = 0.7 * math.log(4 / 3) + 0.3 * math.log(4)
    assert cross_entropy(LOGITS, soft).item() == pytest.approx((first + math.log(2)) / 2)


def test_class_weights_are_factors_of_a_mean_over_images() -> None:
    weights = torch.tensor([2.0, 0.5])
    expected = (2.0 * math.log(4 / 3) + 0.5 * math.log(2)) / 2
    assert cross_entropy(LOGITS, LABELS, class_weights=weights).item() == pytest.approx(expected)
    one_hot = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert cross_entropy(LOGITS, one_hot, class_weights=weights).item() == pytest.approx(expected)


def test_parts_of_a_batch_add_up_to_the_whole() -> None:
    logits, labels = torch.randn(7, 3, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 0, 1, 2, 0, 1, 0])
    options = {"label_smoothing": 0.1, "class_weights": torch.tensor([0.5, 1.0, 4.0])}
    parts = (cross_entropy(x, y, **options) * len(y) for x, y in zip(logits.split(3), labels.split(3), strict=True))
    assert sum(parts).item() / 7 == pytest.approx(cross_entropy(logits, labels, **options).item(), rel=1e-6)


def test_the_sum_of_exponentials_is_float32_whatever_the_logits_are() -> None:
    logits = torch.randn(64, 10, generator=torch.Generator().manual_seed(1)).bfloat16()
    labels = torch.arange(64) % 10
    loss = cross_entropy(logits, labels)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(cross_entropy(logits.double().float(), labels).item(), rel=1e-6)


def test_l2_counts_every_trainable_weight_but_no_bias() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 2), nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(2, 1), nn.Linear(1, 1))
    for parameter in network.parameters():
        nn.init.constant_(parameter, 3.0)
    network[4].weight.requires_grad = False
    # Four filter weights and two of the linear layer, each 3 squared; biases and the norm's scale are vectors.
    penalty = l2_penalty(network, 0.01)
    assert isinstance(penalty, torch.Tensor)
    assert penalty.item() == pytest.approx(0.01 * (4 + 2) * 9)


def test_no_l2_costs_nothing() -> None:
    assert l2_penalty(nn.Linear(2, 2), 0.0) == 0.0


def test_balanced_weights_are_scikit_learns() -> None:
    labels = torch.tensor([0] * 70 + [1] * 20 + [2] * 10)
    reference = compute_class_weight("balanced", classes=np.arange(3), y=labels.numpy())
    assert balanced_weights(labels, 3).tolist() == pytest.approx(reference.tolist())


def test_balanced_weights_average_to_one_over_the_images() -> None:
    labels = torch.tensor([0, 0, 0, 1, 2, 2])
    assert balanced_weights(labels, 3)[labels].mean().item() == pytest.approx(1)


def test_a_class_without_images_weighs_nothing() -> None:
    assert balanced_weights(torch.tensor([0, 0, 2, 2]), 3).tolist() == pytest.approx([2 / 3, 0, 2 / 3])
