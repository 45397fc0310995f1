"""Score a classifier on labelled images."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.classifier.classifier import Classifier
from sightline.data.imageset import ImageSet
from sightline.errors import ModelError
from sightline.evaluation import metrics
from sightline.evaluation.answers import answers
from sightline.evaluation.calibration import Reliability, at_temperature, reliability
from sightline.evaluation.intervals import Estimate, format_percent, proportion, wilson_interval
from sightline.evaluation.metrics import ClassScore
from sightline.machine import files

AREAS = ("roc_auc", "average_precision")
TOP_5_CLASSES = 10  # with fewer classes, five guesses are too many to mean anything


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a classifier said about labelled images, and how good that is.

    accuracy, top5: in [0, 1]; top5 is None with fewer than 10 classes. interval: 95 % Wilson, of the accuracy.
    loss: the mean negative log-likelihood in nats. classes: one score a class, in the classifier's order.
    confusion: (K, K) counts, rows are the truth. probabilities: (N, K). labels: (N,), indices of `classes`.
    note: what must be said wherever this accuracy is shown, e.g. that the test set is partial; may be empty.
    temperature: what the logits behind `probabilities` were divided by.
    unknown: bool (N,), the images that the classifier calls unknown; none where it has no rule. They are scored like
    all others.
    estimates: figures with their 95 % intervals: accuracy, top5 (with 10 classes or more), balanced_accuracy,
    macro_precision, macro_recall, macro_f1, weighted_precision, weighted_recall, weighted_f1, and the means of the
    classes' roc_auc and average_precision (each where a class has images, but not all of them).
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
    temperature: float = 1.0
    unknown: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    estimates: Mapping[str, Estimate] = field(default_factory=dict)

    @cached_property
    def reliability_before(self) -> Reliability:
        """How true the probabilities would be without the temperature. At least one image."""
        return reliability(at_temperature(self.probabilities, self.temperature), self.labels)

    @cached_property
    def reliability_after(self) -> Reliability:
        """How true the probabilities are. At least one image."""
        return self.reliability_before if self.temperature == 1 else reliability(self.probabilities, self.labels)

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
        sentences = [f"{format_percent(self.correct, self.total)} of {self.total:,} images are recognised."]
        if self.top5 is not None:
            among = round(self.top5 * self.total)
            sentences.append(f"The right class is among the first five for {format_percent(among, self.total)}.")
        if self.weakest is not None:
            percent = format_percent(self.weakest.correct, self.weakest.support)
            sentences.append(
                f"'{self.weakest.name}' is the weakest class: "
                f"{self.weakest.correct:,} of {self.weakest.support:,} recognised, {percent}."
            )
        for truth, prediction, count in self.confusions(1):
            times = "once" if count == 1 else f"{count:,} times"
            sentences.append(f"The commonest confusion is '{truth}' taken for '{prediction}', {times}.")
        return [*sentences, self.note] if self.note else sentences

    def __str__(self) -> str:
        """A plain table of the class scores, the summary, and the figures of the whole with their intervals."""
        width = max(len("class"), *(len(score.name) for score in self.classes))
        lines = [f"{'class':<{width}}  precision  recall     F1    AUC     AP  images"]
        for s in self.classes:
            areas = "  ".join(f"{area.value:5.3f}" if area else "    -" for area in (s.roc_auc, s.average_precision))
            lines.append(
                f"{s.name:<{width}}  {s.precision:9.3f}  {s.recall:6.3f}  {s.f1:5.3f}  {areas}  {s.support:6,}"
            )
        return "\n".join([*lines, "", *self.summary(), *self._figures()])

    def _figures(self) -> list[str]:
        """Lines of the figures with their intervals, and of calibration; none without images."""
        if not self.total:
            return []
        rows = [(name.replace("_", " "), each.text(), each.method) for name, each in self.estimates.items()]
        before, after = self.reliability_before.ece, self.reliability_after.ece
        rows.append(("calibration error", after.text(), after.method))
        if self.temperature != 1:
            rows.append((f"without the temperature {self.temperature:.3g}", before.text(), before.method))
        if self.unknown.any():
            called = proportion(int(self.unknown.sum()), self.total)
            rows.append(("called unknown", called.text(), called.method))
        names, figures = (max(len(row[place]) for row in rows) for place in (0, 1))
        table = [f"{name:<{names}}  {figure:<{figures}}  {method}" for name, figure, method in rows]
        return ["", f"{'figure':<{names}}  {'with its 95 % interval':<{figures}}  by", *table]

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
            "estimates": {name: estimate.to_json() for name, estimate in self.estimates.items()},
            "classes": [
                {
                    "name": score.name,
                    "precision": score.precision,
                    "precision_interval": list(score.precision_interval),
                    "recall": score.recall,
                    "recall_interval": list(score.interval),
                    "f1": score.f1,
                    "f1_interval": list(score.f1_interval),
                    "support": score.support,
                    "roc_auc": score.roc_auc.to_json() if score.roc_auc else None,
                    "average_precision": score.average_precision.to_json() if score.average_precision else None,
                }
                for score in self.classes
            ],
            "confusion": self.confusion.tolist(),
            "calibration": {
                "temperature": self.temperature,
                "before": self.reliability_before.to_json() if self.total else None,
                "after": self.reliability_after.to_json() if self.total else None,
            },
            "unknown": int(self.unknown.sum()),
        }


def evaluate(classifier: Classifier, image_set: ImageSet, *, note: str = "") -> Evaluation:
    """Score the classifier on every image of the set.

    Classes are matched by name, never by order; the set may have fewer than the classifier. `note` is added to the
    classifier's own. Raises DataError for an empty set or classes the classifier does not know, ImageError for an
    image that cannot be decoded, ModelError when the network answers with what are no numbers.
    """
    logits, labels = answers(classifier, image_set)
    broken = (~logits.isfinite().all(dim=1)).nonzero()[:, 0].tolist()
    if broken:
        raise ModelError(
            f"the network's answers to {len(broken):,} of {len(labels):,} images are no numbers",
            where=f"the first is {image_set.ids[broken[0]]}",
            hint="its weights are broken, or too large for its precision: try fp32",
        )
    notes = dict.fromkeys(text for text in (classifier.note, note) if text)  # each once, in order
    return score(
        (logits / classifier.temperature).softmax(dim=1).numpy(),
        labels.numpy(),
        classifier.classes,
        ids=image_set.ids,
        note=" ".join(notes),
        temperature=classifier.temperature,
        unknown=classifier.unknown.rejects(logits).numpy() if classifier.unknown else None,
    )


def score(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    *,
    ids: tuple[str, ...],
    note: str = "",
    temperature: float = 1.0,
    unknown: NDArray[np.bool_] | None = None,
) -> Evaluation:
    """An Evaluation of answers that are already there: probabilities (N, K), labels (N,).

    temperature: what the logits were divided by. unknown: bool (N,), the images that are called unknown; by default
    none.
    """
    predicted = probabilities.argmax(axis=1)
    correct = int((predicted == labels).sum())
    top5 = metrics.top_k_accuracy(labels, probabilities, 5) if len(classes) >= TOP_5_CLASSES else None
    areas = metrics.areas_of(labels, probabilities) if len(labels) else None
    estimates: dict[str, Estimate] = {}
    if areas:
        estimates["accuracy"] = proportion(correct, len(labels))
        if top5 is not None:
            estimates["top5"] = proportion(round(top5 * len(labels)), len(labels))
        estimates |= metrics.means(labels, predicted, len(classes))
        estimates |= {name: area.mean for name, area in zip(AREAS, areas, strict=True) if area.mean}
    return Evaluation(
        total=len(labels),
        correct=correct,
        accuracy=metrics.accuracy(labels, predicted),
        interval=wilson_interval(correct, len(labels)),
        top5=top5,
        loss=metrics.negative_log_likelihood(labels, probabilities),
        classes=metrics.class_scores(labels, predicted, classes, areas),
        confusion=metrics.confusion_matrix(labels, predicted, len(classes)),
        probabilities=probabilities,
        labels=labels,
        ids=ids,
        note=note,
        temperature=temperature,
        unknown=np.zeros(len(labels), dtype=bool) if unknown is None else unknown,
        estimates=estimates,
    )


def write_predictions(evaluation: Evaluation, path: Path) -> None:
    """One CSV row an image: its id, true and predicted class, probability, whether right, unknown, second guess."""
    names = [score.name for score in evaluation.classes]
    best = np.argsort(-evaluation.probabilities, axis=1, kind="stable")[:, :2]  # (N, 2)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = ["id", "label", "predicted", "probability", "correct", "unknown", "second", "second_probability"]
    writer.writerow(columns)
    for image_id, label, (first, second), p, unknown in zip(
        evaluation.ids, evaluation.labels, best, evaluation.probabilities, evaluation.unknown, strict=True
    ):
        row = [image_id, names[label], names[first], f"{p[first]:.6f}", int(label == first), int(unknown)]
        writer.writerow([*row, names[second], f"{p[second]:.6f}"])
    files.write_text(path, text.getvalue())
