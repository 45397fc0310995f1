"""The validation score is that of the whole set, however it is cut."""

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from sightline.data.imageset import ArrayImages, Splits
from sightline.data.statistics import default_preprocess
from sightline.evaluation.metrics import wilson_interval
from sightline.models.contract import Network
from sightline.training.device import Precision
from sightline.training.validation import Validation


@pytest.mark.parametrize("chunk", [1000, 80, 33, 1])
def test_score_of_the_whole_set(
    chunk: int, splits: Splits, tiny: Callable[..., Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.training.validation.CHUNK", chunk)
    assert splits.val is not None
    assert isinstance(splits.val.images, ArrayImages)
    preprocess = default_preprocess(splits.train, (1, 12, 12))
    validation = Validation(splits.val.images.pixels, splits.val.labels, preprocess, Precision("fp32", ""))
    network = tiny(seed=4).eval()
    score = validation.score(network)
    with torch.no_grad():
        logits = network(preprocess.normalise(splits.val.images.pixels))
    correct = int((logits.argmax(1) == splits.val.labels).sum())
    assert score.accuracy == correct / 80
    assert score.loss == pytest.approx(F.cross_entropy(logits, splits.val.labels).item(), rel=1e-5)
    assert validation.interval(score) == wilson_interval(correct, 80)
