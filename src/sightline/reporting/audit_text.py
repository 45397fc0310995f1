"""What the audit found, as plain text: a few lines before a training, or all of it for `sightline check`."""

import shlex
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightline.data.audit.audit import Audit
from sightline.data.audit.findings import Finding
from sightline.reporting.scale import format_seconds
from sightline.reporting.text_table import text_table

CLASSES = 20  # listed; of more only the smallest and the largest are
IMAGES = 3  # named for each finding
SPLITS = {"": "images", "train": "training", "val": "validation", "test": "test"}


def audit_text(audit: Audit) -> str:
    """All of it: classes, overview, findings with their first images, shortcuts."""
    blocks = [headline(audit), class_counts(audit), text_table(overview(audit))]
    blocks.append("\n".join(line for finding in audit.findings for line in _in_full(finding)))
    blocks.append(verdict(audit))
    return "\n\n".join(block for block in blocks if block)


def audit_summary(audit: Audit) -> list[str]:
    """A few lines: what there is, then each error and warning; what is merely good to know is only counted."""
    lines = [headline(audit)]
    lines += [f"{finding.severity}: {finding.what}" for finding in audit.findings if finding.severity != "info"]
    if notes := audit.counts()["info"]:
        more = ("1 note" if notes == 1 else f"{notes} notes") + (" more" if len(lines) > 1 else "")
        lines.append(f"{more}: sightline check {shlex.quote(audit.where)}, or see the report")
    return lines


def headline(audit: Audit) -> str:
    """How much there is, and how long looking at it took."""
    count, classes = len(audit.images), len(audit.images.classes)
    images = f"{count:,} image{'' if count == 1 else 's'} of {classes:,} class{'' if classes == 1 else 'es'}"
    return f"{audit.name}: {images}, checked in {format_seconds(audit.seconds)}"


def verdict(audit: Audit) -> str:
    """How much was found, in words: "1 error, 2 warnings, 3 notes"."""
    names = {"error": "error", "warning": "warning", "info": "note"}
    counts = [(count, names[severity]) for severity, count in audit.counts().items() if count]
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in counts) or "nothing found"


def class_rows(audit: Audit) -> list[tuple[str, ...]]:
    """How many images each class has in each split, after a row of headings."""
    splits = [split for split in SPLITS if split in set(audit.splits)]
    counts = Counter(zip(audit.images.labels.tolist(), audit.splits, strict=True))
    rows = [
        (name, *(f"{counts[label, split]:,}" for split in splits)) for label, name in enumerate(audit.images.classes)
    ]
    return [("class", *(SPLITS[split] for split in splits)), *rows]


def class_counts(audit: Audit) -> str:
    """The classes as a table, or when they are many, the smallest and the largest."""
    rows = class_rows(audit)
    if len(rows) <= CLASSES + 1:
        return text_table(rows, right=range(1, len(rows[0])))
    counts = audit.images.counts()
    smallest, largest = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    return f"{len(counts)} classes, from {counts[smallest]:,} images ({smallest}) to {counts[largest]:,} ({largest})"


def overview(audit: Audit) -> list[tuple[str, str]]:
    """What the images are like: (what, in words)."""
    facts, count = audit.facts, len(audit.images)
    ratios = facts.width / facts.height
    rows = [
        ("width", f"{_range(facts.width)} pixels"),
        ("height", f"{_range(facts.height)} pixels"),
        ("width : height", _range(ratios, digits=2)),
    ]
    if facts.file_bytes.any():
        rows.append(("file size", f"{_range(facts.file_bytes / 1000)} kB"))
    rows.append(("modes", _tally(facts.modes, facts.mode)))
    rows.append(("without colour", f"{int(facts.grey.sum()):,} of {count:,}"))
    if facts.file_bytes.any():
        rows.append(("turned by EXIF", f"{int(facts.rotated.sum()):,} of {count:,}"))
    if any(facts.cameras):
        rows.append(("cameras", _tally(facts.cameras, facts.camera)))
    copies = sum(len(group.indices) for group in audit.duplicates)
    groups = "1 group" if len(audit.duplicates) == 1 else f"{len(audit.duplicates):,} groups"
    rows.append(("duplicates", f"{copies:,} images in {groups}" if copies else "none"))
    return rows


def _in_full(finding: Finding) -> list[str]:
    """The finding, what to do, and its first images; groups one a line."""
    lines = [f"{finding.severity:<8} {finding.what}"]
    indent = " " * 9
    if finding.hint:
        lines.append(f"{indent}{finding.hint}")
    rows = [_equal(group) for group in finding.groups] or list(finding.images)
    lines += [f"{indent}- {row}" for row in rows[:IMAGES]]
    if len(rows) > IMAGES:
        lines.append(f"{indent}- and {len(rows) - IMAGES:,} more")
    return lines


def _equal(group: Sequence[str]) -> str:
    """The names of copies, or the first of them when there are many."""
    return " = ".join(group[:IMAGES]) + (f" = {len(group) - IMAGES:,} more" if len(group) > IMAGES else "")


def _range(values: NDArray[np.generic], *, digits: int = 0) -> str:
    """Smallest to largest, with the median; one number when they are all alike."""
    low, middle, high = (float(value) for value in np.quantile(values.astype(np.float64), (0, 0.5, 1)))
    if low == high:
        return f"{low:,.{digits}f}"
    return f"{low:,.{digits}f} to {high:,.{digits}f}, median {middle:,.{digits}f}"


def _tally(names: Sequence[str], indices: NDArray[np.int32]) -> str:
    """The five commonest names with their counts."""
    counts = Counter(indices.tolist()).most_common()
    named = [(names[index] or "none", count) for index, count in counts]
    listed = ", ".join(f"{name} {count:,}" for name, count in named[:5])
    return listed + (f" and {len(named) - 5} more" if len(named) > 5 else "")
