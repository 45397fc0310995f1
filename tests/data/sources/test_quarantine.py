from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sightline.data.imageset import Unused
from sightline.data.load import load_data
from sightline.data.sources.quarantine import Remedy, read_quarantine, write_quarantine
from sightline.errors import DataError

Photos = Callable[[Mapping[str, int]], Path]


def all_ids(splits) -> dict[str, str]:
    """The class of every image in any split."""
    return {
        name: part.classes[label]
        for part in (splits.train, splits.val, splits.test)
        if part
        for name, label in zip(part.ids, part.labels.tolist(), strict=True)
    }


def test_images_are_left_out_and_labels_corrected(photos: Photos):
    root = photos({"cat": 20, "dog": 20})
    lines = ["path,action,label,reason", "cat/0.png,leave-out,,a drawing", "dog/3.png,label,cat,", ""]
    (root / "quarantine.csv").write_text("\n".join(lines))
    splits = load_data(root)
    images = all_ids(splits)
    assert len(images) == 39
    assert "cat/0.png" not in images
    assert images["dog/3.png"] == "cat"
    assert splits.unused == (Unused("cat/0.png", "left out by quarantine.csv: a drawing", "quarantined"),)
    assert splits.warnings == ()


def test_a_file_given_takes_the_place_of_the_one_beside_the_data(photos: Photos, tmp_path: Path):
    root = photos({"cat": 20, "dog": 20})
    (root / "quarantine.csv").write_text("path,action\ncat/0.png,leave-out\n")
    mine = tmp_path / "mine.csv"
    mine.write_text("path,action\ncat/1.png,leave-out\ncat/99.png,leave-out\n")
    splits = load_data(root, quarantine=mine)
    assert "cat/0.png" in all_ids(splits)
    assert "cat/1.png" not in all_ids(splits)
    assert splits.warnings == ("mine.csv names 1 image that are not there: cat/99.png",)


def test_beside_a_table(photos: Photos):
    root = photos({"cat": 10, "dog": 10})
    table = root.parent / "pets.csv"
    table.write_text("path,label\n" + "".join(f"photos/cat/{i}.png,{'ab'[i % 2]}\n" for i in range(10)))
    (root.parent / "quarantine.csv").write_text("path,action\nphotos/cat/4.png,leave-out\n")
    assert len(all_ids(load_data(table))) == 9


def test_a_named_set(cache: Path, tmp_path: Path):
    mine = tmp_path / "mine.csv"
    mine.write_text("path,action,label\ndigits/0007,leave-out,\ndigits/0008,label,3\n")
    splits = load_data("digits", quarantine=mine)
    images = all_ids(splits)
    assert len(images) == 1796
    assert images["digits/0008"] == "3"
    assert (splits.unused[0].path, splits.unused[0].kind) == ("digits/0007", "quarantined")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not a quarantine file"),
        ("file,action\n", "is not a quarantine file"),
        ("path,action\ncat/0.png,leave out\n", "line 2 has action 'leave out'"),
        ("path,action\n,leave-out\n", "line 2 has no path"),
        ("path,action\ncat/0.png\n", "line 2 has 1 cells for 2 columns"),
        ("path,action,label\ncat/0.png,label,\n", "line 2 gives no label to correct to"),
        ("path,action,label\ncat/0.png,leave-out,dog\n", "line 2 gives a label to leave out"),
        ("path,action,label\ncat/0.png,label,dgo\n", "there is no class 'dgo' for cat/0.png (quarantine.csv): did you"),
        ("path,action,label\ncat/0.png,label,dog\ncat/0.png,leave-out,\n", "line 3 contradicts an earlier one"),
    ],
)
def test_what_is_wrong_is_said(photos: Photos, text: str, sentence: str):
    root = photos({"cat": 10, "dog": 10})
    (root / "quarantine.csv").write_text(text)
    with pytest.raises(DataError) as error:
        load_data(root)
    assert sentence in str(error.value)


def test_written_and_read_back(tmp_path: Path):
    remedies = (
        Remedy('a, "b"\nc.jpg', "leave-out", reason="copy of é.jpg"),
        Remedy("-rf.jpg", "label", label="dog"),
    )
    path = tmp_path / "q.csv"
    write_quarantine(remedies, path)
    assert read_quarantine(path) == remedies


def test_names_keep_the_spaces_at_their_ends(tmp_path: Path):
    (tmp_path / "quarantine.csv").write_text("path, action ,label\n cat/ a.png , leave-out ,\ncat/b.png,label, dog\n")
    assert [(remedy.path, remedy.action, remedy.label) for remedy in read_quarantine(tmp_path / "quarantine.csv")] == [
        (" cat/ a.png ", "leave-out", ""),
        ("cat/b.png", "label", "dog"),
    ]


def test_a_file_that_is_no_text_is_named(tmp_path: Path):
    path = tmp_path / "mine.csv"
    path.write_bytes(b"path,action\n\xff\xfe,leave-out\n")
    with pytest.raises(DataError, match=r"^cannot read .*mine\.csv: .*: save it as CSV in UTF-8$"):
        read_quarantine(path)
    with pytest.raises(DataError, match=r"^cannot read .*gone\.csv: .*No such file"):
        read_quarantine(tmp_path / "gone.csv")
