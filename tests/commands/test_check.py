import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.commands.check import check
from sightline.data.load import load_data
from sightline.errors import ConfigError, DataError


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Given splits of 4 x 25 and 2 x 5 images, with a leak, a copy, a conflict and a broken file."""
    draw = np.random.default_rng(0)
    root = tmp_path / "shop"
    for name, count in {"train/cat": 25, "train/dog": 25, "test/cat": 5, "test/dog": 5}.items():
        (root / name).mkdir(parents=True)
        for i in range(count):
            coarse = Image.fromarray(draw.integers(0, 256, (6, 6, 3), dtype=np.uint8))
            coarse.resize((64, 64), Image.Resampling.BICUBIC).save(root / name / f"{i:02}.png")

    def copy(source: str, target: str) -> None:
        (root / target).write_bytes((root / source).read_bytes())

    copy("test/cat/01.png", "train/cat/leak.png")
    copy("train/dog/02.png", "train/dog/twin.png")
    copy("train/dog/03.png", "train/cat/wrong.png")
    (root / "train/dog/cut.png").write_bytes((root / "train/dog/04.png").read_bytes()[:100])
    return root


@pytest.mark.parametrize(("strict", "passes"), [(None, True), ("error", False), ("warning", False), ("info", False)])
def test_strict(shop: Path, strict: str | None, passes: bool) -> None:
    assert check(shop, strict=strict)[1] is passes


def test_only_what_is_as_grave_fails(shop: Path) -> None:
    for path in ("train/cat/leak.png", "train/cat/wrong.png"):
        (shop / path).unlink()
    assert check(shop, strict="error")[1]
    assert not check(shop, strict="warning")[1]  # the broken file


def test_an_unknown_severity(shop: Path) -> None:
    with pytest.raises(ConfigError, match="strict is 'warn': did you mean warning"):
        check(shop, strict="warn")


def test_the_proposal_mends_the_data(shop: Path, tmp_path: Path) -> None:
    proposal = tmp_path / "q.csv"
    check(shop, proposal=proposal)
    with open(proposal, newline="") as file:
        rows = {row["path"]: (row["action"], row["reason"]) for row in csv.DictReader(file)}
    assert rows == {
        "train/cat/leak.png": ("leave-out", "exact copy of test/cat/01.png"),
        "train/dog/twin.png": ("leave-out", "exact copy of train/dog/02.png"),
        "train/cat/wrong.png": ("leave-out", "exact copy under another label: train/dog/03.png"),
        "train/dog/03.png": ("leave-out", "exact copy of train/cat/wrong.png"),
    }
    audit, passed = check(shop, quarantine=proposal, strict="error")
    assert passed
    assert audit.duplicates == ()
    ids = load_data(shop, quarantine=proposal, val=0).train.ids
    assert "train/dog/03.png" not in ids


def test_a_proposal_keeps_what_was_decided_before(shop: Path) -> None:
    quarantine = shop / "quarantine.csv"
    quarantine.write_text("path,action,label\ntrain/cat/wrong.png,label,dog\ntrain/cat/07.png,leave-out,\n")
    check(shop, proposal=quarantine)
    lines = quarantine.read_text().splitlines()
    assert lines[:3] == ["path,action,label,reason", "train/cat/wrong.png,label,dog,", "train/cat/07.png,leave-out,,"]
    assert [line.split(",")[0] for line in lines[3:]] == [
        "train/cat/leak.png",
        "train/dog/03.png",
        "train/dog/twin.png",
    ]
    check(shop, proposal=quarantine)
    assert quarantine.read_text().splitlines() == lines


def test_a_proposal_replaces_no_other_file(shop: Path, tmp_path: Path) -> None:
    table = tmp_path / "photos.csv"
    table.write_text("path,label\na.png,cat\n")
    with pytest.raises(DataError, match=r"photos\.csv is not a quarantine file"):
        check(shop, proposal=table)
    assert table.read_text() == "path,label\na.png,cat\n"


def test_the_page_is_one_file(shop: Path, tmp_path: Path) -> None:
    page = tmp_path / "audit.html"
    audit, _ = check(shop, report=page)
    text = page.read_text()
    assert text.count("<img") == 6  # two of the leak, the twins, the conflict
    assert re.findall('(?:src|href)="(?!data:)', text) == []
    assert "train/dog/cut.png" in text
    said = [finding.what for finding in audit.findings if "'" not in finding.what]
    assert all(f"<p>{what[:1].upper()}{what[1:]}.</p>" in text for what in said)
