"""The rule for "unknown" accepts the share of images it was asked to, and no outlier that lies far away."""

import pytest
import torch

from sightline.evaluation.unknown import fit_unknown


@pytest.mark.parametrize("score", ["probability", "logit", "energy"])
@pytest.mark.parametrize("count", [1, 19, 20, 1000])
def test_95_percent_are_accepted(score: str, count: int) -> None:
    logits = torch.randn(count, 5, generator=torch.Generator().manual_seed(0))
    rule = fit_unknown(logits, score=score)  # type: ignore[arg-type]
    assert rule is not None
    assert (rule.score, rule.accepted, rule.images) == (score, 0.95, count)
    assert int(rule.rejects(logits).sum()) == count // 20
    assert rule.rejects(torch.zeros(1, 5) - 10).all()


def test_another_share() -> None:
    logits = torch.arange(10.0)[:, None].repeat(1, 2)
    rule = fit_unknown(logits, score="logit", accepted=0.7)
    assert rule is not None
    assert rule.threshold == 3.0


def test_no_images_make_no_rule() -> None:
    assert fit_unknown(torch.empty(0, 3)) is None
    assert fit_unknown(torch.full((4, 3), float("inf"))) is None
