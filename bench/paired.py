"""Trainings scored on the same test images: compared image by image, and kept in a file between runs of a benchmark."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from sightline.evaluation.intervals import Z


@dataclass(frozen=True)
class Training:
    """One training, scored. wrong: ids of the test images it got wrong, out of `total`. seconds: its whole process."""

    seed: int
    seconds: float
    total: int
    wrong: tuple[str, ...]


class Difference(NamedTuple):
    """Of two accuracies, in points, with its 95 % interval."""

    points: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.points:+.1f} ({self.low:+.1f} to {self.high:+.1f})"


def difference(ours: Sequence[Training], theirs: Sequence[Training]) -> Difference:
    """How much more accurate ours are than theirs, over the same test images.

    Of each image the share of trainings that got it right is taken, ours less theirs; the interval is that of the mean
    of these differences. It says what other test images might have given; how seeds vary is only averaged out.
    """
    (total,) = {training.total for training in (*ours, *theirs)}
    better: Counter[str] = Counter()
    for sign, trainings in ((1, theirs), (-1, ours)):
        for training in trainings:
            for image in training.wrong:
                better[image] += sign / len(trainings)
    mean = sum(better.values()) / total  # images that nobody got wrong differ by 0
    variance = (sum(value**2 for value in better.values()) - total * mean**2) / (total - 1)
    margin = Z * math.sqrt(variance / total)
    return Difference(100 * mean, 100 * (mean - margin), 100 * (mean + margin))


class Kept:
    """Trainings by contender, written to `path` as each ends, so that a benchmark can be run in parts.

    machine: what they were measured on; a file from another machine is refused. Without a path nothing is kept.
    """

    def __init__(self, path: Path | None, *, machine: str) -> None:
        self.path, self.machine = path, machine
        self.trainings: dict[str, list[Training]] = {}
        if path is not None and path.exists():
            saved = json.loads(path.read_text())
            if saved["machine"] != machine:
                raise SystemExit(f"{path} was measured on {saved['machine']}, this is {machine}: name another file")
            for name, records in saved["trainings"].items():
                self.trainings[name] = [Training(**record | {"wrong": tuple(record["wrong"])}) for record in records]

    def seeds(self, name: str) -> set[int]:
        return {training.seed for training in self.trainings.get(name, ())}

    def add(self, name: str, training: Training) -> None:
        self.trainings.setdefault(name, []).append(training)
        if self.path is not None:
            self.path.write_text(json.dumps({"machine": self.machine, "trainings": _records(self.trainings)}, indent=1))


def _records(trainings: Mapping[str, Sequence[Training]]) -> dict[str, list[dict[str, object]]]:
    return {name: [asdict(training) for training in several] for name, several in trainings.items()}
