import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.data.audit.audit import Audit
from sightline.data.audit.findings import Finding
from sightline.data.load import audit_data
from sightline.reporting.audit_section import GROUP_SIZE, GROUPS, SINGLES, audit_section
from sightline.reporting.description import TrainingFacts
from sightline.reporting.report import render


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    """Of 50 photos, 100 x 80, without findings."""
    draw = np.random.default_rng(0)
    for name in ("<b>cat</b>".replace("/", ""), "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(25):
            coarse = Image.fromarray(draw.integers(0, 256, (5, 6, 3), dtype=np.uint8))
            coarse.resize((100, 80), Image.Resampling.BICUBIC).save(tmp_path / "photos" / name / f"{i:02}.png")
    return audit_data(tmp_path / "photos")


def with_findings(audit: Audit, *findings: Finding) -> Audit:
    return dataclasses.replace(audit, findings=findings)


def test_without_findings(audit: Audit) -> None:
    section = audit_section(audit)
    assert section.verdict == "nothing found"
    assert section.findings == []
    assert section.columns == ("class", "images")
    assert ("dog", "25") in section.classes
    assert section.chance == 50
    assert not section.crisp
    assert dict(section.overview)["width"] == "100 pixels"


def test_groups_and_single_images_are_shown_up_to_a_limit(audit: Audit) -> None:
    ids = audit.images.ids
    many = tuple((ids[i], ids[i + 1], ids[i + 2], ids[i + 3], ids[i + 4]) for i in range(10))
    section = audit_section(
        with_findings(audit, Finding("warning", "leak", "x", ids, groups=many), Finding("info", "dark", "y", ids))
    )
    leak, dark = section.findings
    assert [len(row) for row in leak.rows] == [GROUP_SIZE] * GROUPS
    assert leak.more == 10 - GROUPS
    assert [len(row) for row in dark.rows] == [1] * SINGLES
    assert dark.more == 50 - SINGLES
    assert leak.rows[0][0].uri.startswith("data:image/jpeg;base64,")
    assert leak.rows[0][0].caption == audit.images.classes[0]


def test_files_that_are_no_images_are_named(audit: Audit) -> None:
    section = audit_section(with_findings(audit, Finding("warning", "unusable", "x", ("a.jpg", "b.jpg"))))
    assert section.findings[0].rows == []
    assert section.findings[0].names == ["a.jpg", "b.jpg"]
    assert section.findings[0].more == 0


def test_an_image_that_has_vanished_is_left_out(audit: Audit) -> None:
    audit.images.images.originals[0].unlink()
    section = audit_section(with_findings(audit, Finding("info", "dark", "x", audit.images.ids[:2])))
    assert [row[0].id for row in section.findings[0].rows] == [audit.images.ids[1]]


def test_small_images_keep_their_pixels(cache: Path) -> None:
    audit = audit_data("digits")
    section = audit_section(with_findings(audit, Finding("info", "dark", "x", audit.images.ids[:1])))
    assert section.crisp
    assert section.findings[0].rows[0][0].uri.startswith("data:image/png;base64,")


def test_in_the_report(audit: Audit) -> None:
    facts = TrainingFacts(data="photos", model="m", num_classes=2, parameters=1, train_images=50)
    finding = Finding("error", "leak", "1 group of <copies>", audit.images.ids[:2], "look", (audit.images.ids[:2],))
    page = render(facts, history=[], audit=audit_section(with_findings(audit, finding)))
    section = page.partition('<section aria-labelledby="audit">')[2].partition("</section>")[0]
    assert '<span class="severity error">error</span>' in section
    assert "1 group of &lt;copies&gt;." in section
    assert "<b>" not in section
    assert len(re.findall("<img [^>]*alt=", section)) == 2
    assert 'aria-labelledby="audit"' not in render(facts, history=[])
