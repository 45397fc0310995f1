"""Label sets hold the truth as often as they say: by hand, and over ten draws, whatever the logits are worth."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from sightline.evaluation.conformal import fit_conformal


def test_floors_by_hand() -> None:
    """Three images: a new one's true class is among the two best-placed of four with a chance of 1/2."""
    logits = np.log([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]]).astype(np.float32)
    rule = fit_conformal(logits, np.array([0, 0, 1]))  # true classes have 0.9, 0.4, 0.7
    assert rule.images == 3
    assert rule.floor(0.25) == pytest.approx(0.9)
    assert rule.floor(0.26) == pytest.approx(0.7)
    assert rule.floor(0.5) == pytest.approx(0.7)
    assert rule.floor(0.75) == pytest.approx(0.4)
    assert len(rule.floors) == 150  # more than 3/4 cannot be promised


@pytest.mark.parametrize("coverage", [0.8, 0.95])
@pytest.mark.parametrize("sharper", [1.0, 4.0])
def test_measured_coverage_is_within_a_point_over_ten_splits(coverage: float, sharper: float) -> None:
    draw = np.random.default_rng(0)
    logits = 2 * draw.normal(size=(20_000, 8))
    chances = softmax(logits, axis=1).cumsum(axis=1)
    labels = (draw.random((20_000, 1)) > chances).sum(axis=1).clip(max=7)
    logits = (sharper * logits).astype(np.float32)
    shares, sizes = [], []
    for split in range(10):
        order = np.random.default_rng(split).permutation(20_000)
        val, test = order[:5_000], order[5_000:]
        rule = fit_conformal(logits[val], labels[val], temperature=sharper)
        inside = rule.members(torch.from_numpy(logits[test]), sharper, coverage).numpy()
        shares.append(inside[np.arange(len(test)), labels[test]].mean())
        sizes.append(inside.sum(axis=1).mean())
    assert np.mean(shares) == pytest.approx(coverage, abs=0.01)
    assert max(abs(share - coverage) for share in shares) < 0.015
    assert 1 < np.mean(sizes) < 8


def test_less_than_every_answer_covers_is_kept_as_well() -> None:
    """With answers that are nearly always right, a coverage of 80 % leaves a fifth of the sets empty: not more."""
    draw = np.random.default_rng(1)
    labels = draw.integers(0, 3, 6_000)
    logits = draw.normal(size=(6_000, 3)).astype(np.float32)
    logits[np.arange(6_000), labels] += 12
    rule = fit_conformal(logits[:3_000], labels[:3_000])
    inside = rule.members(torch.from_numpy(logits[3_000:]), 1.0, 0.8)
    assert float((inside.sum(1) == 0).float().mean()) == pytest.approx(0.2, abs=0.03)


def test_no_images_promise_nothing() -> None:
    assert fit_conformal(np.empty((0, 3), dtype=np.float32), np.empty(0, dtype=np.int64)).floors == ()
