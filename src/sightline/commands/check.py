"""`sightline check`: the audit of a data set without a training, its page, and a proposal of what to leave out."""

import os
from pathlib import Path

from sightline.data.audit.audit import Audit
from sightline.data.audit.findings import SEVERITIES
from sightline.data.load import audit_data
from sightline.data.sources.quarantine import Remedy, read_quarantine, write_quarantine
from sightline.errors import ConfigError, near
from sightline.machine import files
from sightline.reporting.audit_section import audit_section
from sightline.reporting.report import render_page


def check(
    data: str | os.PathLike[str],
    *,
    group_by: str | None = None,
    quarantine: str | os.PathLike[str] | None = None,
    strict: str | None = None,
    report: Path | None = None,
    proposal: Path | None = None,
) -> tuple[Audit, bool]:
    """What is found in looking at every image of `data`, and whether that passes; the data itself is not changed.

    strict: "info", "warning" or "error": what does not pass; None passes everything. report: where to write an HTML
    page. proposal: where to write a quarantine file; what one there says already stays. Raises DataError, ConfigError,
    StorageError.
    """
    if strict is not None and strict not in SEVERITIES:
        raise ConfigError(f"strict is '{strict}'", hint=near(strict, SEVERITIES))
    decided = read_quarantine(proposal) if proposal and proposal.exists() else ()
    audit = audit_data(data, group_by=group_by, quarantine=quarantine)
    if report:
        write_page(audit, report)
    if proposal:
        known = {remedy.path for remedy in decided}
        write_quarantine([*decided, *(remedy for remedy in propose(audit) if remedy.path not in known)], proposal)
    return audit, not any(strict == least and audit.has(least) for least in SEVERITIES)


def write_page(audit: Audit, path: Path) -> None:
    """Write the audit, with the images it speaks of, as one HTML file. Raises StorageError."""
    files.write_text(path, render_page("audit_page.html", audit=audit_section(audit), name=audit.name))


def propose(audit: Audit) -> tuple[Remedy, ...]:
    """What to leave out so that no copy is held out and learnt from, or has two labels; a proposal to be looked over.

    Of exact copies with one label the first of the gravest split (test, validation, training) stays; of near-duplicates
    across splits the training images go; of copies with different labels all go, as nobody knows which is right.
    """
    worth = {"test": 0, "val": 1, "train": 2, "": 2}
    labels, ids, splits = audit.images.labels.tolist(), audit.images.ids, audit.splits
    remedies = []
    for group in audit.duplicates:
        first, *others = sorted(group.indices, key=lambda index: (worth[splits[index]], index))
        if len({labels[index] for index in group.indices}) > 1:
            reason = f"{group.kind} copy under another label: {ids[others[0]]}"
            remedies.append(Remedy(ids[first], "leave-out", reason=reason))
            out = others
        elif group.kind == "exact":
            out = others
        else:
            out = [index for index in others if worth[splits[index]] > worth[splits[first]]]
        remedies += [Remedy(ids[i], "leave-out", reason=f"{group.kind} copy of {ids[first]}") for i in out]
    return tuple(remedies)
