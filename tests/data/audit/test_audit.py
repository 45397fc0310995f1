import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.data.audit.audit import Audit
from sightline.data.imageset import Unused
from sightline.data.load import audit_data, load_audited, load_data, load_recorded
from sightline.data.split import manifest_rows
from sightline.errors import DataError

Textures = Callable[..., Path]


def texture(seed: int, side: int = 96) -> Image.Image:
    """A picture that no other seed gives, with structure that survives resizing."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture
def textures(tmp_path: Path) -> Textures:
    """Make a folder of different images: textures({"cat": 20, "dog": 20})."""

    def make(counts: dict[str, int]) -> Path:
        root = tmp_path / "textures"
        seed = 0
        for name, count in counts.items():
            (root / name).mkdir(parents=True)
            for i in range(count):
                texture(seed).save(root / name / f"{i:02}.png")
                seed += 1
        return root

    return make


def kinds(audit: Audit) -> dict[str, str]:
    return {finding.kind: finding.severity for finding in audit.findings}


def snapshot(root: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(root.rglob("*")) if p.is_file()}


def test_clean_data_has_no_finding(textures: Textures):
    audit = audit_data(textures({"cat": 25, "dog": 25}))
    assert audit.findings == ()
    assert (len(audit.images), audit.duplicates, audit.unused) == (50, (), ())
    assert not audit.has("info")


def test_what_was_planted_is_found_and_nothing_is_changed(textures: Textures):
    root = textures({"cat": 25, "dog": 25})
    (root / "cat" / "copy.png").write_bytes((root / "cat" / "03.png").read_bytes())
    (root / "dog" / "wrong.png").write_bytes((root / "cat" / "05.png").read_bytes())
    (root / "dog" / "cut.png").write_bytes((root / "dog" / "05.png").read_bytes()[:300])
    before = snapshot(root)
    audit = audit_data(root)
    assert snapshot(root) == before
    assert kinds(audit) == {"conflicting-labels": "error", "unusable": "warning", "duplicates": "info"}
    assert [finding.severity for finding in audit.findings] == ["error", "warning", "info"]
    assert audit.findings[0].groups == (("cat/05.png", "dog/wrong.png"),)
    assert audit.findings[1].images == ("dog/cut.png",)
    assert audit.findings[2].groups == (("cat/03.png", "cat/copy.png"),)
    assert audit.has("error")
    assert audit.counts() == {"error": 1, "warning": 1, "info": 1}
    assert len(audit.images) == 52


def test_copies_across_given_splits_are_leaks(textures: Textures):
    root = textures({"train/cat": 25, "train/dog": 25, "test/cat": 5, "test/dog": 5})
    (root / "train" / "cat" / "copy.png").write_bytes((root / "test" / "cat" / "01.png").read_bytes())
    audit = audit_data(root)
    assert kinds(audit) == {"leak": "error"}
    assert audit.findings[0].groups == (("test/cat/01.png", "train/cat/copy.png"),) or audit.findings[0].groups == (
        ("train/cat/copy.png", "test/cat/01.png"),
    )


def test_the_audit_says_what_the_data_was_called(textures: Textures, monkeypatch: pytest.MonkeyPatch):
    root = textures({"cat": 25, "dog": 25})
    monkeypatch.setenv("SIGHTLINE_DATA", str(root.parent))
    assert [audit_data(name).where for name in ("textures", str(root))] == ["textures", str(root)]
    assert audit_data("textures").name == "textures"


def test_as_json(textures: Textures):
    root = textures({"cat": 25, "dog": 25})
    (root / "cat" / "copy.png").write_bytes((root / "cat" / "03.png").read_bytes())
    data = json.loads(json.dumps(audit_data(root).to_json()))
    assert (data["data"], data["images"], data["classes"]) == ("textures", 51, {"cat": 26, "dog": 25})
    assert data["width"] == {"smallest": 96, "median": 96, "largest": 96}
    assert data["modes"] == {"RGB": 51}
    assert data["cameras"] == {}
    finding = data["findings"][0]
    assert (finding["severity"], finding["kind"]) == ("info", "duplicates")
    assert finding["groups"] == [["cat/03.png", "cat/copy.png"]]


def test_a_named_set_can_be_audited(cache: Path):
    audit = audit_data("digits")
    assert len(audit.images) == 1797
    assert not audit.has("warning")


def test_small_grey_images_are_copies_only_when_they_are_equal(tmp_path: Path):
    """Two digits by similar strokes are no copies, as nearly the same photos are."""
    for side, mode, copies in ((32, "L", [("0.png", "2.png")]), (32, "RGB", [("0.png", "1.png", "2.png")])):
        root = tmp_path / mode
        for label, first in (("one", 0), ("two", 50)):
            (root / label).mkdir(parents=True)
            for i in range(3, 25):
                texture(first + i, side).convert(mode).save(root / label / f"{i}.png")
        image = texture(99, side).convert(mode)
        image.save(root / "one" / "0.png")
        image.point(lambda level: min(level + 2, 255)).save(root / "one" / "1.png")
        image.save(root / "one" / "2.png")
        audit = audit_data(root)
        groups = [tuple(Path(audit.images.ids[i]).name for i in group.indices) for group in audit.duplicates]
        assert groups == copies, mode


def test_data_that_cannot_be_trained_on_can_be_audited(textures: Textures):
    assert kinds(audit_data(textures({"cat": 25}))) == {"few-classes": "error"}


def test_not_one_image_can_be_read(textures: Textures):
    root = textures({"cat": 2, "dog": 2})
    for path in root.rglob("*.png"):
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="not one of 4 images can be read"):
        audit_data(root)


def test_duplicates_are_on_one_side_of_the_audited_split(textures: Textures):
    root = textures({"cat": 25, "dog": 25})
    for i in range(15):  # fifteen pairs: a naive split parts some of them
        original = root / "cat" / f"{i:02}.png"
        (root / "cat" / f"{i:02}-copy.png").write_bytes(original.read_bytes())
    splits, audit = load_audited(root)
    assert audit is not None
    assert len(audit.duplicates) == 15

    def parted(splits) -> int:
        side = {name: part for part in ("train", "val", "test") for name in getattr(splits, part).ids}
        return sum(side[f"cat/{i:02}.png"] != side[f"cat/{i:02}-copy.png"] for i in range(15))

    assert parted(splits) == 0
    assert parted(load_data(root)) > 0
    assert len(splits.train) + len(splits.val) + len(splits.test) == 65
    assert len(splits.test) == pytest.approx(13, abs=1)


def test_without_duplicates_the_audited_split_is_the_plain_one(textures: Textures):
    root = textures({"cat": 25, "dog": 25})
    splits, _ = load_audited(root, val="20%", seed=3)
    assert tuple(manifest_rows(splits)) == tuple(manifest_rows(load_data(root, val="20%", seed=3)))


def test_unreadable_files_take_no_part_in_the_audited_split(textures: Textures):
    root = textures({"cat": 25, "dog": 25})
    (root / "dog" / "07.png").write_bytes((root / "dog" / "05.png").read_bytes()[:300])
    splits, _ = load_audited(root)
    ids = {*splits.train.ids, *splits.val.ids, *splits.test.ids}
    assert "dog/07.png" not in ids
    assert [file.path for file in splits.unused] == ["dog/07.png"]


def test_a_named_set_is_split_without_an_audit(cache: Path):
    splits, audit = load_audited("digits")
    assert audit is None
    assert splits.test.ids == load_data("digits").test.ids


def test_the_recorded_split_is_found_again(textures: Textures):
    root = textures({"cat": 25, "dog": 25})
    (root / "cat" / "copy.png").write_bytes((root / "cat" / "03.png").read_bytes())
    splits, _ = load_audited(root)
    rows = tuple(manifest_rows(splits))
    texture(999).save(root / "cat" / "new.png")
    again = load_recorded(root, rows)
    assert tuple(manifest_rows(again)) == rows
    assert list(again.test.images.originals) == list(splits.test.images.originals)
    assert again.classes == splits.classes
    assert again.unused == (Unused("cat/new.png", "not in the split manifest", "unlisted"),)
    (root / "cat" / "03.png").unlink()
    with pytest.raises(DataError, match="1 of 51 recorded images are not in"):
        load_recorded(root, rows)


def test_the_recorded_split_of_a_named_set(cache: Path):
    splits = load_data("digits", seed=5)
    again = load_recorded("digits", tuple(manifest_rows(splits)))
    assert tuple(manifest_rows(again)) == tuple(manifest_rows(splits))
    assert (again.train.images.pixels == splits.train.images.pixels).all()


def test_a_label_that_has_changed_is_noticed(textures: Textures):
    root = textures({"cat": 25, "dog": 25})
    rows = tuple(manifest_rows(load_audited(root)[0]))
    (root / "quarantine.csv").write_text("path,action,label\ncat/03.png,label,dog\n")
    with pytest.raises(DataError, match=r"cat/03\.png was 'cat' and is 'dog' now"):
        load_recorded(root, rows)


def test_real_photos_raise_no_alarm(shared_data: Path):
    audit = audit_data(shared_data / "clothing")
    assert (len(audit.images), audit.facts.unreadable) == (1291, {})
    assert not audit.has("warning"), [finding.what for finding in audit.findings]


def test_exif_is_reported(textures: Textures):
    root = textures({"cat": 25, "dog": 25})
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    texture(500).save(file, "jpeg", exif=exif)
    (root / "cat" / "turned.jpg").write_bytes(file.getvalue())
    assert kinds(audit_data(root)) == {"rotated": "info"}
