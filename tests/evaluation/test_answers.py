"""What a classifier answers to labelled images: its own logits, part by part, with classes matched by name."""

import pytest
import torch
from torch import Tensor

from sightline.data.imageset import ArrayImages, ImageSet
from sightline.errors import DataError
from sightline.evaluation import answers as module
from sightline.evaluation.answers import answers, match_classes
from sightline.pixels.preprocess import Preprocess

CLASSES = ("cat", "dog", "fox")


class Sums:
    """Stands in for a classifier: logits are multiples of the sum of an image's pixels. It counts its batches."""

    def __init__(self, classes: tuple[str, ...] = CLASSES) -> None:
        self.classes = classes
        self.preprocess = Preprocess(size=(1, 2), channels=1, mean=(0.0,), std=(1.0,))
        self.sizes: list[int] = []

    def logits(self, images: Tensor) -> Tensor:
        assert images.dtype == torch.uint8
        self.sizes.append(len(images))
        return images.float().sum((1, 2, 3))[:, None] * torch.arange(1.0, 1 + len(self.classes))


def images(count: int, classes: tuple[str, ...] = CLASSES) -> ImageSet:
    """Image i has the pixels i and 1, and the class i modulo the number of classes."""
    pixels = torch.stack([torch.arange(count), torch.ones(count)], dim=1).to(torch.uint8).view(count, 1, 1, 2)
    ids = tuple(f"{i}.png" for i in range(count))
    return ImageSet(ArrayImages(pixels), torch.arange(count) % len(classes), classes, ids)


def test_logits_and_labels_by_hand() -> None:
    result = answers(Sums(), images(4))  # type: ignore[arg-type]
    assert result.logits.tolist() == [[1, 2, 3], [2, 4, 6], [3, 6, 9], [4, 8, 12]]
    assert result.labels.tolist() == [0, 1, 2, 0]
    assert (result.logits.dtype, result.labels.dtype) == (torch.float32, torch.int64)


def test_no_more_images_are_in_memory_than_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = answers(Sums(), images(10))  # type: ignore[arg-type]
    monkeypatch.setattr(module, "PART", 4)
    teller = Sums()
    parts = answers(teller, images(10))  # type: ignore[arg-type]
    assert teller.sizes == [4, 4, 2]
    assert torch.equal(parts.logits, whole.logits)
    assert torch.equal(parts.labels, whole.labels)


def test_classes_in_another_order_are_the_classifiers() -> None:
    result = answers(Sums(), images(4, classes=("fox", "cat")))  # type: ignore[arg-type]
    assert result.labels.tolist() == [2, 0, 2, 0]
    assert match_classes(images(1, classes=("fox", "cat")), CLASSES).tolist() == [2, 0]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("cat", "dingo", "dog", "fox"), "the classifier does not know class 'dingo'"),
        (
            ("dingo", "cat", "emu"),
            "the classifier does not know classes 'dingo', 'emu', and the data has no classes 'dog', 'fox'",
        ),
        (
            tuple(f"class {i:02}" for i in range(12)),
            "the classifier does not know classes "
            + ", ".join(f"'class {i:02}'" for i in range(10))
            + " and 2 more, and the data has no classes 'cat', 'dog', 'fox'",
        ),
    ],
)
def test_classes_it_does_not_know_are_named(classes: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError) as caught:
        answers(Sums(), images(12, classes))  # type: ignore[arg-type]
    hint = "rename the classes of the data to the classifier's, or train on this data"
    assert str(caught.value) == f"{message}: {hint}"


def test_no_images_is_said() -> None:
    with pytest.raises(DataError) as caught:
        answers(Sums(), images(0))  # type: ignore[arg-type]
    assert str(caught.value) == ("there is no image to evaluate on: give a data set with at least one labelled image")
