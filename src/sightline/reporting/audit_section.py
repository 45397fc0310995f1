"""The audit as a section of the report, with the images it speaks of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightline.data.audit.audit import Audit
from sightline.data.audit.findings import Finding
from sightline.data.audit.shortcuts import Shortcut
from sightline.errors import ImageError
from sightline.evaluation.percent import in_percent
from sightline.reporting.audit_text import class_rows, headline, overview, verdict
from sightline.reporting.class_table import Dot
from sightline.reporting.image_data import CRISP, jpeg_uri, png_uri

GROUPS, GROUP_SIZE, SINGLES = 6, 4, 12  # shown of each finding: groups of so many images, or single ones
THUMBNAIL = 192  # pixels; twice the width at which they are shown


@dataclass(frozen=True)
class Thumbnail:
    """One image of a finding: the image itself, its name, and its class and split in words."""

    uri: str
    id: str
    caption: str


@dataclass(frozen=True)
class ShownFinding:
    """A finding with some of its images: each inner sequence belongs together. more: how many are not shown."""

    severity: str
    what: str
    hint: str
    rows: Sequence[Sequence[Thumbnail]]
    names: Sequence[str]
    more: int


@dataclass(frozen=True)
class ShortcutRow:
    """One fact beside the subject, how well it tells the class in per cent, and where that is on an axis from 0."""

    fact: str
    dot: Dot
    percent: str
    interval: str


@dataclass(frozen=True)
class AuditSection:
    """What the template needs; all in words but for the places of the dots, in per cent of the axis."""

    headline: str
    verdict: str
    findings: Sequence[ShownFinding]
    overview: Sequence[tuple[str, str]]
    columns: Sequence[str]
    classes: Sequence[Sequence[str]]
    shortcuts: Sequence[ShortcutRow]
    chance: float
    crisp: bool


def audit_section(audit: Audit) -> AuditSection:
    """The audit as the report shows it. Images that can no longer be read are left out."""
    place = {name: index for index, name in enumerate(audit.images.ids)}
    columns, *classes = class_rows(audit)
    return AuditSection(
        headline=headline(audit),
        verdict=verdict(audit),
        findings=[_shown_finding(audit, finding, place) for finding in audit.findings],
        overview=overview(audit),
        columns=columns,
        classes=classes,
        shortcuts=[_row(shortcut) for shortcut in audit.shortcuts],
        chance=100 * audit.shortcuts[0].chance if audit.shortcuts else 0.0,
        crisp=int(np.median(np.maximum(audit.facts.width, audit.facts.height))) <= CRISP,
    )


def _shown_finding(audit: Audit, finding: Finding, place: dict[str, int]) -> ShownFinding:
    groups: Sequence[Sequence[str]] = finding.groups or [(name,) for name in finding.images]
    limit = GROUPS if finding.groups else SINGLES
    rows = [_thumbnails(audit, group[:GROUP_SIZE], place) for group in groups[:limit]]
    rows = [row for row in rows if row]
    names = [] if rows else [group[0] for group in groups[:limit]]  # unreadable files have names only
    return ShownFinding(
        finding.severity, finding.what, finding.hint, rows, names, max(0, len(groups) - len(rows) - len(names))
    )


def _thumbnails(audit: Audit, names: Sequence[str], place: dict[str, int]) -> list[Thumbnail]:
    thumbnails = []
    for name in names:
        if name not in place:
            continue
        index = place[name]
        try:
            image = audit.images.images.read(index, min_size=THUMBNAIL)
        except ImageError:
            continue
        uri = png_uri(image) if max(image.shape[:2]) <= CRISP else jpeg_uri(image)
        label = audit.images.classes[int(audit.images.labels[index])]
        split = audit.splits[index]
        thumbnails.append(Thumbnail(uri, name, f"{label}, {split}" if split else label))
    return thumbnails


def _row(shortcut: Shortcut) -> ShortcutRow:
    text = in_percent(shortcut.accuracy, (shortcut.low, shortcut.high), digits=0)
    dot = Dot(100 * shortcut.accuracy, 100 * shortcut.low, 100 * shortcut.high)
    return ShortcutRow(shortcut.fact, dot, text.number, text.interval)
