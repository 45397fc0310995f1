import dataclasses
from pathlib import Path

import numpy as np
import pytest

from sightline.data.audit.audit import Audit
from sightline.data.audit.duplicates import DuplicateGroup
from sightline.data.audit.findings import Finding
from sightline.data.load import audit_data
from sightline.reporting.audit_text import audit_summary, audit_text, class_counts, overview, verdict


@pytest.fixture
def audit(cache: Path) -> Audit:
    """Of the digits, with one finding of each severity."""
    findings = (
        Finding("error", "leak", "2 groups of copies", ("a", "b", "c", "d"), "look", (("a", "b"), ("c", "d"))),
        Finding("warning", "unusable", "5 files", tuple("vwxyz")),
        Finding("info", "dark", "1 image", ("a",)),
    )
    return dataclasses.replace(audit_data("digits"), findings=findings, duplicates=(), seconds=1.23)


def test_all_of_it(audit: Audit) -> None:
    blocks = audit_text(audit).split("\n\n")
    assert blocks[0] == "digits: 1,797 images of 10 classes, checked in 1.2 s"
    assert blocks[1].splitlines()[:2] == ["class  images", "0         178"]
    assert blocks[3].splitlines() == [
        "error    2 groups of copies",
        "         look",
        "         - a = b",
        "         - c = d",
        "warning  5 files",
        "         - v",
        "         - w",
        "         - x",
        "         - and 2 more",
        "info     1 image",
        "         - a",
    ]
    assert blocks[4] == "1 error, 1 warning, 1 note"


def test_a_few_lines_before_a_training(audit: Audit) -> None:
    assert audit_summary(audit) == [
        "digits: 1,797 images of 10 classes, checked in 1.2 s",
        "error: 2 groups of copies",
        "warning: 5 files",
        "1 note more: sightline check digits, or see the report",
    ]


def test_the_command_for_the_rest_can_be_typed(audit: Audit) -> None:
    assert audit_summary(dataclasses.replace(audit, where="my data/photos.csv"))[-1] == (
        "1 note more: sightline check 'my data/photos.csv', or see the report"
    )


def test_notes_alone_are_not_more(audit: Audit) -> None:
    notes = tuple(finding for finding in audit.findings if finding.severity == "info")
    assert audit_summary(dataclasses.replace(audit, findings=notes))[1:] == [
        "1 note: sightline check digits, or see the report"
    ]


def test_nothing_found(audit: Audit) -> None:
    clean = dataclasses.replace(audit, findings=())
    assert verdict(clean) == "nothing found"
    assert len(audit_summary(clean)) == 1


def test_what_the_images_are_like(audit: Audit) -> None:
    assert overview(audit) == [
        ("width", "8 pixels"),
        ("height", "8 pixels"),
        ("width : height", "1.00"),
        ("modes", "L 1,797"),
        ("without colour", "1,797 of 1,797"),
        ("duplicates", "none"),
    ]


def test_files_tell_more(audit: Audit) -> None:
    count = len(audit.images)
    facts = dataclasses.replace(
        audit.facts,
        width=np.array([400] * (count - 1) + [800], dtype=np.int32),
        file_bytes=np.full(count, 24_000),
        cameras=("", "Canon"),
        camera=np.array([1] * 7 + [0] * (count - 7), dtype=np.int16),
    )
    rows = dict(overview(dataclasses.replace(audit, facts=facts, duplicates=(DuplicateGroup((1, 5, 8), "near"),))))
    assert rows["width"] == "400 to 800, median 400 pixels"
    assert rows["file size"] == "24 kB"
    assert rows["cameras"] == "none 1,790, Canon 7"
    assert rows["turned by EXIF"] == "0 of 1,797"
    assert rows["duplicates"] == "3 images in 1 group"


def test_many_classes_are_not_listed(audit: Audit) -> None:
    classes = tuple(f"c{i:02}" for i in range(30))
    images = dataclasses.replace(audit.images, classes=classes)
    counts = class_counts(dataclasses.replace(audit, images=images))
    assert counts == "30 classes, from 0 images (c10) to 183 (c03)"
