"""What is wrong with this data: `audit` looks at every image once and judges what it saw by the rules of `findings`.

Nothing on disk is changed; `quarantine.py` is how a person acts on what was found.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sightline.data.audit.duplicates import DuplicateGroup, find_duplicates
from sightline.data.audit.file_facts import FileFacts, examine
from sightline.data.audit.findings import (
    SEVERITIES,
    Finding,
    Severity,
    appearance_findings,
    class_findings,
    duplicate_findings,
    file_findings,
    shortcut_findings,
)
from sightline.data.audit.fingerprint import Prints
from sightline.data.audit.shortcuts import Shortcut, measure_shortcuts
from sightline.data.imageset import ImageSet, Unused
from sightline.errors import DataError
from sightline.machine.threads import import_ahead

FORMAT = 1  # of `to_json`
DRAWING_SIZE = 32  # pixels, of digits and letters as they are collected


@dataclass(frozen=True, eq=False)
class Audit:
    """What was found in a data set of N readable images.

    where: the folder, table or named set, as a command takes it. images: all of them, before any split; groups are the
    user's own. splits: "train", "val", "test" or "" (open) for each, as the data says. unused: files that take no part,
    unreadable ones among them. duplicates: groups of indices of `images`. findings: the gravest first. seconds: what
    the audit took.
    """

    name: str
    where: str
    images: ImageSet
    splits: tuple[str, ...]
    unused: tuple[Unused, ...]
    facts: FileFacts
    duplicates: tuple[DuplicateGroup, ...]
    shortcuts: tuple[Shortcut, ...]
    findings: tuple[Finding, ...]
    seconds: float

    def has(self, severity: Severity) -> bool:
        """Whether anything of this severity or a graver one was found."""
        least = SEVERITIES.index(severity)
        return any(SEVERITIES.index(finding.severity) >= least for finding in self.findings)

    def counts(self) -> dict[str, int]:
        """How many findings there are of each severity, the gravest first."""
        totals = Counter(finding.severity for finding in self.findings)
        return {severity: totals[severity] for severity in reversed(SEVERITIES)}

    def to_json(self) -> dict[str, Any]:
        """All that was found as plain JSON types."""
        facts = self.facts
        return {
            "format": FORMAT,
            "data": self.name,
            "images": len(self.images),
            "classes": self.images.counts(),
            "splits": dict(Counter(self.splits)),
            "width": _spread(facts.width),
            "height": _spread(facts.height),
            "aspect_ratio": _spread(facts.width / facts.height),
            "file_bytes": _spread(facts.file_bytes),
            "modes": _tally(facts.modes, facts.mode),
            "cameras": _tally(facts.cameras, facts.camera),
            "rotated": int(facts.rotated.sum()),
            "grey": int(facts.grey.sum()),
            "findings": [asdict(finding) for finding in self.findings],
            "shortcuts": [
                {**asdict(shortcut), "clear": shortcut.is_clear, "strong": shortcut.is_strong}
                for shortcut in self.shortcuts
            ],
            "unused": [asdict(file) for file in self.unused],
            "seconds": round(self.seconds, 3),
        }


def audit(
    images: ImageSet,
    *,
    name: str,
    where: str = "",
    splits: Sequence[str],
    unused: Sequence[Unused] = (),
    warnings: Sequence[str] = (),
) -> Audit:
    """Look at every image of a data set that is not split yet.

    where: as in `Audit`, by default the name. splits: "train", "val", "test" or "" for each image. unused, warnings:
    what is known already of the data; the warnings become findings. Raises DataError when not one image can be read.
    """
    started = time.perf_counter()
    # The shortcuts need scikit-learn, which takes a second to import: a thread does it while others decode.
    import_ahead("sklearn.tree")
    facts, prints = examine(images.images)
    unreadable = [Unused(images.ids[index], reason) for index, reason in sorted(facts.unreadable.items())]
    if unreadable:
        readable = np.array([index for index in range(len(images)) if index not in facts.unreadable], dtype=np.int64)
        if not len(readable):
            first = unreadable[0]
            raise DataError(f"not one of {len(images):,} images can be read", where=first.path, hint=first.reason)
        images, facts, splits = images.take(readable.tolist()), facts.take(readable), [splits[i] for i in readable]
        prints = Prints(content=prints.content[readable], perceptual=prints.perceptual[readable])
    unused = (*unused, *unreadable)
    duplicates = find_duplicates(prints, exact_only=_are_drawings(facts))
    shortcuts = measure_shortcuts(facts, images.labels.numpy(), groups=images.groups)
    findings = [
        *(Finding("warning", "data", warning) for warning in warnings),
        *file_findings(unused),
        *class_findings(images, splits),
        *duplicate_findings(images, splits, duplicates),
        *shortcut_findings(shortcuts),
        *appearance_findings(images, facts),
    ]
    findings.sort(key=lambda finding: -SEVERITIES.index(finding.severity))
    return Audit(
        name,
        where or name,
        images,
        tuple(splits),
        unused,
        facts,
        duplicates,
        shortcuts,
        tuple(findings),
        time.perf_counter() - started,
    )


def _are_drawings(facts: FileFacts) -> bool:
    """Whether these are small grey images, as of digits or letters: there two of a kind are alike without being copies.

    On MNIST 1.2 % of the training images would be called near-duplicates, most of them digits by similar strokes.
    """
    small = float(np.median(np.maximum(facts.width, facts.height))) <= DRAWING_SIZE
    return small and bool(facts.grey.all())


def _spread(values: Any) -> dict[str, float]:
    """Smallest, median and largest."""
    low, middle, high = (round(float(value), 3) for value in np.quantile(values, (0, 0.5, 1)))
    return {"smallest": low, "median": middle, "largest": high}


def _tally(names: Sequence[str], indices: Any) -> dict[str, int]:
    """How many images have each name, the commonest first; those without one are left out."""
    counts = Counter(np.asarray(indices).tolist())
    return {names[index]: count for index, count in counts.most_common() if names[index]}
