"""What a trained classifier says about files: from paths, folders and globs to rows of answers.

A file that cannot be read is a row with its reason; the rest goes on.
"""

import codecs
import csv
import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.classifier.classifier import Classifier, Prediction
from sightline.config import PrecisionName
from sightline.data.sources.listing import printable, why_unusable
from sightline.errors import ImageError
from sightline.machine import files
from sightline.machine.device import find_device, find_precision

# A folder is not silent about files that end so, should they turn out to be no images.
SUFFIXES = frozenset(
    (".avif", ".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)


@dataclass(frozen=True)
class Answer:
    """What is said about one file: a prediction, or the reason why there is none."""

    path: Path
    prediction: Prediction | None
    reason: str = ""

    @property
    def name(self) -> str:
        """The path as text that can be printed and stored."""
        return printable(str(self.path))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types: path, label, nearest, probability, unknown, top, label_set, reason; null or empty where
        there is none. label: "unknown" where the image is; nearest: the most probable class all the same.
        """
        prediction = self.prediction
        return {
            "path": self.name,
            "label": _label(prediction) if prediction else None,
            "nearest": prediction.label if prediction else None,
            "probability": prediction.probability if prediction else None,
            "unknown": prediction.unknown if prediction else None,
            "top": [{"label": label, "probability": p} for label, p in prediction.top] if prediction else [],
            "label_set": list(prediction.label_set) if prediction else [],
            "reason": self.reason or None,
        }

    def __str__(self) -> str:
        """The classes with their probabilities, best first, or why there are none; without the path."""
        if self.prediction is None:
            return f"not read: {self.reason}"
        guesses = "  ".join(f"{label} {100 * p:.1f} %" for label, p in self.prediction.top)
        text = f"unknown, nearest {guesses}" if self.prediction.unknown else guesses
        return f"{text}  of {{{', '.join(self.prediction.label_set)}}}" if self.prediction.label_set else text


def open_classifier(
    folder: str | os.PathLike[str], *, device: str = "auto", precision: PrecisionName = "auto"
) -> Classifier:
    """The classifier of a run or model folder, ready on its device.

    Raises RunError, ModelError, or ConfigError for a device or precision that is not there.
    """
    place = find_device(device)
    return Classifier.load(folder).to(place, find_precision(precision, place).name)


def find_images(patterns: Iterable[str]) -> dict[Path, str]:
    """Every file that is meant, once and in order, with the reason why it is no image, or "".

    A pattern is a file of whatever type; a folder, which stands for the visible images in it at any depth, told by
    content, and for the files that are only called like images; or a glob such as "photos/**/*.jpg". What stands for no
    file at all is in the result with that reason.
    """
    reasons: dict[Path, str] = {}
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.is_dir():
            meant = dict(_images_below(path)) or {path: "there are no images in this folder"}
        elif glob.has_magic(pattern) and not path.exists():
            matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
            meant = {match: why_unusable(match) for match in matches if not match.is_dir()}
            meant = meant or {path: "no file matches"}
        else:
            meant = {path: why_unusable(path)}
        reasons |= {file: reason for file, reason in meant.items() if file not in reasons}
    return reasons


def predict_files(
    classifier: Classifier, reasons: Mapping[Path, str], *, top: int = 1, coverage: float | None = None
) -> Iterator[Answer]:
    """An answer for each file of `find_images`, in order. top: how many of the likeliest classes each holds.

    coverage: of the label sets, e.g. 0.95; by default there are none. Raises ConfigError for an impossible `top` or
    `coverage`, or when the model cannot tell that coverage.
    """
    classifier.require_possible(top, coverage)
    readable = [path for path, reason in reasons.items() if not reason]
    predictions = classifier.predict_many(readable, top=top, coverage=coverage)
    for path, reason in reasons.items():
        if reason:
            yield Answer(path, None, reason)
            continue
        outcome = next(predictions)
        yield Answer(path, None, outcome.reason) if isinstance(outcome, ImageError) else Answer(path, outcome)


def recorded(
    answers: Iterable[Answer], table: Path, *, top: int = 1, coverage: float | None = None
) -> Iterator[Answer]:
    """The same answers, each written to a CSV `table` as it passes; the file is there, whole, after the last.

    Columns: path, label ("unknown" where the image is), probability (0 to 1), unknown (0 or 1), nearest (the most
    probable class, also of what is unknown), reason; with a `coverage` label_set, the names separated by "|"; and with
    `top` above 1 the next guesses as label_2, probability_2 and so on. What does not apply is empty. Raises
    StorageError, for a folder that cannot be written before the first answer.
    """
    further = [f"{name}_{place}" for place in range(2, top + 1) for name in ("label", "probability")]
    label_set = [] if coverage is None else ["label_set"]
    columns = ["path", "label", "probability", "unknown", "nearest", "reason", *label_set, *further]
    with files.replacing(table) as file:
        writer = csv.DictWriter(codecs.getwriter("utf-8")(file), columns, lineterminator="\n")
        writer.writeheader()
        for answer in answers:
            cells = _cells(answer)
            writer.writerow({column: cells.get(column, "") for column in columns})
            yield answer


def _label(prediction: Prediction) -> str:
    """The label as it is told where only one word is."""
    return "unknown" if prediction.unknown else prediction.label


def _cells(answer: Answer) -> dict[str, str]:
    """The cells of an answer by column; those left out are empty."""
    prediction = answer.prediction
    if prediction is None:
        return {"path": answer.name, "reason": answer.reason}
    cells = {
        "path": answer.name,
        "label": _label(prediction),
        "probability": f"{prediction.probability:.6f}",
        "unknown": str(int(prediction.unknown)),
        "nearest": prediction.label,
        "label_set": "|".join(prediction.label_set),
    }
    for place, (label, probability) in enumerate(prediction.top[1:], start=2):
        cells |= {f"label_{place}": label, f"probability_{place}": f"{probability:.6f}"}
    return cells


def _images_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every visible image in `folder` and below, and what should be one by its name, with the reason why it is not.

    In an order that does not depend on the disk.
    """
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if name.startswith("."):
                continue
            reason = why_unusable(path)
            if not reason or path.suffix.lower() in SUFFIXES:
                yield path, reason
