"""Score a classifier on labelled images."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline import files
from sightline.classifier import Classifier
from sightline.data.batches import to_resident
from sightline.data.imageset import ImageSet
from sightline.errors import DataError
from sightline.evaluation import metrics
from sightline.evaluation.metrics import ClassScore

PART = 2000  # images in memory at once: evaluating needs no more room than this, however large the set
TOP_5_CLASSES = 10  # with fewer classes, five guesses are too many to mean anything


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a classifier said about labelled images, and how good that is.

    accuracy, top5: in [0, 1]; top5 is None with fewer than 10 classes. interval: 95 % Wilson, of the accuracy.
    loss: the mean negative log-likelihood in nats. classes: one score a class, in the classifier's order.
    confusion: (K, K) counts, rows are the truth. probabilities: (N, K). labels: (N,), indices of `classes`.
    note: what must be said wherever this accuracy is shown, e.g. that the test set is partial; may be empty.
    """

    total: int
    correct: int
    accuracy: float
    interval: tuple[float, float]
    top5: float | None
    loss: float
    classes: tuple[ClassScore, ...]
    confusion: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    ids: tuple[str, ...]
    note: str = ""

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """The index of the most probable class of each image, (N,)."""
        predicted: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return predicted

    @property
    def weakest(self) -> ClassScore | None:
        """The class that is recognised least often, unless every class always is."""
        missed = [score for score in self.classes if score.correct < score.support]
        return min(missed, key=lambda score: score.recall, default=None)

    def confusions(self, limit: int) -> list[tuple[str, str, int]]:
        """The commonest mistakes as (truth, prediction, images), most images first."""
        counts = self.confusion.copy()
        np.fill_diagonal(counts, 0)
        names = [score.name for score in self.classes]
        order = np.argsort(-counts, axis=None, kind="stable")[:limit]
        pairs = (divmod(int(place), len(names)) for place in order)
        return [(names[row], names[column], int(counts[row, column])) for row, column in pairs if counts[row, column]]

    def mistakes(self, limit: int) -> list[int]:
        """Indices of the wrongly named images, the most confident first."""
        confidence = self.probabilities.max(axis=1)
        wrong = np.flatnonzero(self.predicted != self.labels)
        order = np.argsort(-confidence[wrong], kind="stable")[:limit]
        return [int(index) for index in wrong[order]]

    def summary(self) -> list[str]:
        """The result in plain sentences: accuracy with its interval, weakest class, commonest confusion, the note."""
        sentences = [f"{metrics.format_percent(self.correct, self.total)} of {self.total:,} images are recognised."]
        if self.top5 is not None:
            among = round(self.top5 * self.total)
            sentences.append(
                f"The right class is among the first five for {metrics.format_percent(among, self.total)}."
            )
        if self.weakest is not None:
            percent = metrics.format_percent(self.weakest.correct, self.weakest.support)
            sentences.append(
                f"'{self.weakest.name}' is the weakest class: "
                f"{self.weakest.correct:,} of {self.weakest.support:,} recognised, {percent}."
            )
        for truth, prediction, count in self.confusions(1):
            times = "once" if count == 1 else f"{count:,} times"
            sentences.append(f"The commonest confusion is '{truth}' taken for '{prediction}', {times}.")
        return [*sentences, self.note] if self.note else sentences

    def __str__(self) -> str:
        """A plain table of the class scores, and below it the summary."""
        width = max(len("class"), *(len(score.name) for score in self.classes))
        lines = [f"{'class':<{width}}  precision  recall     F1  images"]
        for s in self.classes:
            lines.append(f"{s.name:<{width}}  {s.precision:9.3f}  {s.recall:6.3f}  {s.f1:5.3f}  {s.support:6,}")
        return "\n".join([*lines, "", *self.summary()])

    def to_json(self) -> dict[str, Any]:
        """Everything but the answers for single images, as plain JSON types."""
        return {
            "total": self.total,
            "correct": self.correct,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "top5": self.top5,
            "loss": self.loss,
            "note": self.note,
            "classes": [
                {
                    "name": score.name,
                    "precision": score.precision,
                    "recall": score.recall,
                    "recall_interval": list(score.interval),
                    "f1": score.f1,
                    "support": score.support,
                }
                for score in self.classes
            ],
            "confusion": self.confusion.tolist(),
        }


def evaluate(classifier: Classifier, image_set: ImageSet, *, note: str = "") -> Evaluation:
    """Score the classifier on every image of the set.

    Classes are matched by name, never by order; the set may have fewer than the classifier. `note` is added to the
    classifier's own. Raises DataError for an empty set or classes the classifier does not know, ImageError for an
    image that cannot be decoded.
    """
    if len(image_set) == 0:
        raise DataError("there is no image to evaluate on", hint="give a data set with at least one labelled image")
    labels = match_classes(image_set, classifier.classes)[image_set.labels].numpy()
    parts = [classifier.probabilities(part).cpu() for part in _network_inputs(classifier, image_set)]
    notes = dict.fromkeys(text for text in (classifier.note, note) if text)  # each once, in order
    return score(torch.cat(parts).numpy(), labels, classifier.classes, ids=image_set.ids, note=" ".join(notes))


def score(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    *,
    ids: tuple[str, ...],
    note: str = "",
) -> Evaluation:
    """An Evaluation of answers that are already there: probabilities (N, K), labels (N,)."""
    predicted = probabilities.argmax(axis=1)
    correct = int((predicted == labels).sum())
    return Evaluation(
        total=len(labels),
        correct=correct,
        accuracy=metrics.accuracy(labels, predicted),
        interval=metrics.wilson_interval(correct, len(labels)),
        top5=metrics.top_k_accuracy(labels, probabilities, 5) if len(classes) >= TOP_5_CLASSES else None,
        loss=metrics.negative_log_likelihood(labels, probabilities),
        classes=metrics.class_scores(labels, predicted, classes),
        confusion=metrics.confusion_matrix(labels, predicted, len(classes)),
        probabilities=probabilities,
        labels=labels,
        ids=ids,
        note=note,
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


def write_predictions(evaluation: Evaluation, path: Path) -> None:
    """One CSV row an image: its id, true and predicted class, probability, whether right, and the second guess."""
    names = [score.name for score in evaluation.classes]
    best = np.argsort(-evaluation.probabilities, axis=1, kind="stable")[:, :2]  # (N, 2)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "label", "predicted", "probability", "correct", "second", "second_probability"])
    for image_id, label, (first, second), p in zip(
        evaluation.ids, evaluation.labels, best, evaluation.probabilities, strict=True
    ):
        row = [image_id, names[label], names[first], f"{p[first]:.6f}", int(label == first)]
        writer.writerow([*row, names[second], f"{p[second]:.6f}"])
    files.write_text(path, text.getvalue())


def _network_inputs(classifier: Classifier, image_set: ImageSet) -> Iterator[Tensor]:
    """The set as uint8 (B, C, h, w), a part at a time."""
    for indices in torch.split(torch.arange(len(image_set)), PART):
        yield to_resident(image_set.take(indices), classifier.preprocess)


def _listed(noun: str, names: list[str]) -> str:
    """At most ten quoted names after their noun, e.g. "class 'cat'", "classes 'cat', 'dog'"."""
    quoted = ", ".join(f"'{name}'" for name in names[:10])
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{noun if len(names) == 1 else noun + 'es'} {quoted}{more}"
