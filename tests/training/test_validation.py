"""The validation score is that of the whole set, however it is cut."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from sightline.data.images import EncodedImages
from sightline.data.imageset import ArrayImages, CachedImages, Splits
from sightline.data.originals import Files
from sightline.data.statistics import default_preprocess
from sightline.evaluation.intervals import wilson_interval
from sightline.machine.device import Precision
from sightline.models.contract import Network
from sightline.pixels.preprocess import Preprocess
from sightline.training.validation import Validation


@pytest.mark.parametrize("chunk", [1000, 80, 33, 1])
def test_score_of_the_whole_set(
    chunk: int, splits: Splits, tiny: Callable[..., Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.training.validation.CHUNK", chunk)
    assert splits.val is not None
    assert isinstance(splits.val.images, ArrayImages)
    preprocess = default_preprocess(splits.train, (1, 12, 12))
    validation = Validation(splits.val.images, splits.val.labels, preprocess, Precision("fp32", ""))
    network = tiny(seed=4).eval()
    score = validation.score(network)
    with torch.no_grad():
        logits = network(preprocess.normalise(splits.val.images.pixels))
    correct = int((logits.argmax(1) == splits.val.labels).sum())
    assert score.accuracy == correct / 80
    assert score.loss == pytest.approx(F.cross_entropy(logits, splits.val.labels).item(), rel=1e-5)
    assert validation.interval(score) == wilson_interval(correct, 80)


def test_the_score_is_the_same_from_files_and_from_a_cache(
    splits: Splits, tiny: Callable[..., Network], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.training.validation.CHUNK", 33)
    assert splits.val is not None
    assert isinstance(splits.val.images, ArrayImages)
    pixels, labels = splits.val.images.pixels, splits.val.labels
    paths = tuple(tmp_path / f"{index}.png" for index in range(len(pixels)))
    for path, image in zip(paths, pixels, strict=True):
        Image.fromarray(image[0].numpy()).save(path)
    files = EncodedImages(Files(paths), channels=1)
    cached = CachedImages(files, pixels.flip(0), torch.arange(len(pixels)).flip(0))
    preprocess = default_preprocess(splits.train, (1, 12, 12))
    scores = [
        Validation(images, labels, preprocess, Precision("fp32", "")).score(tiny(seed=4).eval())
        for images in (splits.val.images, files, cached)
    ]
    assert scores[0] == scores[1] == scores[2]


def test_short_memory_changes_no_score(splits: Splits, tiny: Callable[..., Network]) -> None:
    assert splits.val is not None
    assert isinstance(splits.val.images, ArrayImages)
    preprocess = default_preprocess(splits.train, (1, 12, 12))
    validation = Validation(splits.val.images, splits.val.labels, preprocess, Precision("fp32", ""))
    network = tiny(seed=4).eval()
    expected = validation.score(network)
    asked: list[int] = []

    def fail(module: object, inputs: tuple[Tensor]) -> None:
        asked.append(len(inputs[0]))
        if len(inputs[0]) > 20:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    network.register_forward_pre_hook(fail)
    score = validation.score(network)
    assert asked == [80, 40, 20, 20, 20, 20]
    assert score.accuracy == expected.accuracy
    assert score.loss == pytest.approx(expected.loss)


def test_large_images_go_through_in_smaller_chunks() -> None:
    pixels, labels = torch.zeros(2, 1, 1, 1, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64)
    chunks = []
    for size in (32, 224, 1000, 10_000):
        preprocess = Preprocess(size=(size, size), channels=1, mean=(0.0,), std=(1.0,))
        chunks.append(Validation(ArrayImages(pixels), labels, preprocess, Precision("fp32", "")).chunk)
    assert chunks == [1000, 128, 6, 1]
