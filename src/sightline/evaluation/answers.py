"""What a classifier answers to labelled images, before anything is made of it."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from sightline.classifier.classifier import Classifier
from sightline.data.batches import to_resident
from sightline.data.imageset import ImageSet
from sightline.errors import DataError

PART = 2000  # images in memory at once: evaluating needs no more room than this, however large the set


class Answers(NamedTuple):
    """logits: float32 (N, K), of `Classifier.logits`, on the CPU. labels: int64 (N,), indices of its classes."""

    logits: Tensor
    labels: Tensor


def answers(classifier: Classifier, image_set: ImageSet) -> Answers:
    """The classifier's logits of every image of the set, and the true classes, matched by name.

    Raises DataError for an empty set or classes the classifier does not know, ImageError for an image that cannot be
    decoded.
    """
    if len(image_set) == 0:
        raise DataError("there is no image to evaluate on", hint="give a data set with at least one labelled image")
    labels = match_classes(image_set, classifier.classes)[image_set.labels]
    return Answers(
        torch.cat([classifier.logits(part).cpu() for part in _network_inputs(classifier, image_set)]), labels
    )


def match_classes(image_set: ImageSet, classes: tuple[str, ...]) -> Tensor:
    """The classifier's index of each class of the set, int64 (K,). Raises DataError naming the classes it lacks."""
    unknown = [name for name in image_set.classes if name not in classes]
    if unknown:
        absent = [name for name in classes if name not in image_set.classes]
        raise DataError(
            f"the classifier does not know {_listed('class', unknown)}"
            + (f", and the data has no {_listed('class', absent)}" if absent else ""),
            hint="rename the classes of the data to the classifier's, or train on this data",
        )
    return torch.tensor([classes.index(name) for name in image_set.classes])


def _network_inputs(classifier: Classifier, image_set: ImageSet) -> Iterator[Tensor]:
    """The set as uint8 (B, C, h, w), a part at a time."""
    for indices in torch.split(torch.arange(len(image_set)), PART):
        yield to_resident(image_set.take(indices), classifier.preprocess)


def _listed(noun: str, names: list[str]) -> str:
    """At most ten quoted names after their noun, e.g. "class 'cat'", "classes 'cat', 'dog'"."""
    quoted = ", ".join(f"'{name}'" for name in names[:10])
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{noun if len(names) == 1 else noun + 'es'} {quoted}{more}"
