from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.data.imageset import Unused
from sightline.data.load import load_data
from sightline.data.sources.table import list_table
from sightline.errors import ConfigError, DataError

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, png: bytes) -> Write:
    """Write pets.csv beside images i0.png to i9.png."""
    for i in range(10):
        (tmp_path / f"i{i}.png").write_bytes(png)

    def write_table(*lines: str, encoding: str = "utf-8") -> Path:
        (tmp_path / "pets.csv").write_text("\n".join(lines) + "\n", encoding=encoding)
        return tmp_path / "pets.csv"

    return write_table


def ten(header: str, cells: Callable[[int], str]) -> list[str]:
    """A table of i0.png to i9.png, cats and dogs in turn, with further cells for each."""
    return [header, *(f"i{i}.png,{'dog' if i % 2 else 'cat'}{cells(i)}" for i in range(10))]


def test_two_columns_are_enough(write: Write, tmp_path: Path):
    splits = load_data(write(*ten("path,label", lambda i: "")))
    assert splits.name == "pets"
    assert splits.classes == ("cat", "dog")
    assert (len(splits.train), len(splits.val), len(splits.test)) == (6, 2, 2)
    assert splits.test.counts() == {"cat": 1, "dog": 1}
    assert splits.train.images.originals[0] == tmp_path / splits.train.ids[0]
    assert splits.train.images.read(0).shape == (4, 4, 3)
    assert splits.train.groups == ()


def test_splits_are_taken_from_the_table(write: Write):
    names = ["train"] * 4 + ["Valid"] * 2 + ["testing"] * 4
    splits = load_data(write(*ten("path,label,split", lambda i: "," + names[i])))
    assert splits.train.ids == ("i0.png", "i1.png", "i2.png", "i3.png")
    assert splits.train.labels.tolist() == [0, 1, 0, 1]
    assert splits.val.ids == ("i4.png", "i5.png")
    assert splits.test.ids == ("i6.png", "i7.png", "i8.png", "i9.png")
    with pytest.raises(ConfigError, match=r"has validation images of its own: leave --val out"):
        load_data(write(*ten("path,label,split", lambda i: "," + names[i])), val=0.1)


def test_groups_stay_together(write: Write):
    splits = load_data(write(*ten("path,label,group", lambda i: f",person{i // 2}")))
    by_split = [set(images.groups) for images in (splits.train, splits.val, splits.test)]
    assert [len(groups) for groups in by_split] == [3, 1, 1]
    assert len(set.union(*by_split)) == 5


def test_a_group_in_two_splits_is_an_error(write: Write, tmp_path: Path):
    table = write(*ten("path,label,split,group", lambda i: f",{'train' if i < 6 else 'test'},person{i // 4}"))
    with pytest.raises(DataError) as error:
        load_data(table)
    assert str(error.value) == (
        f"group 'person1' is in both test and train ({table}): a group must be wholly in one split, "
        "or the score is of images the network has all but seen"
    )


def test_spreadsheet_habits_are_tolerated(write: Write, tmp_path: Path):
    lines = ten(" Label ,PATH ,Note", lambda i: "")
    lines = [
        lines[0],
        *(f' {label} , {path},"x, y"' for path, label in (line.split(",") for line in lines[1:])),
        "",
        ",,",
    ]
    splits = load_data(write(*lines, encoding="utf-8-sig"), val=0)
    assert splits.classes == ("cat", "dog")
    assert len(splits.train) + len(splits.test) == 10
    assert splits.warnings == ("column 'note' of pets.csv is not used",)


def test_absolute_and_nested_paths(write: Write, tmp_path: Path, png: bytes):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a, b.png").write_bytes(png)
    table = write(*ten("path,label", lambda i: ""), f"{tmp_path}/i0.png/../i1.png,dog", '"more/a, b.png",dog')
    splits = load_data(table, val=0)
    assert splits.unused == (Unused(f"{tmp_path}/i0.png/../i1.png", "line 12 repeats line 3"),)
    assert "more/a, b.png" in {*splits.train.ids, *splits.test.ids}


def test_files_that_cannot_be_used_are_listed(write: Write, tmp_path: Path):
    (tmp_path / "page.png").write_text("<html>")
    (tmp_path / "folder.png").mkdir()
    lines = ten("path,label", lambda i: "")
    splits = load_data(write(*lines, "gone.png,cat", "page.png,cat", "folder.png,dog", "i3.png,dog", "nul\0.png,cat"))
    assert splits.unused == (
        Unused("gone.png", "there is no such file"),
        Unused("page.png", "an HTML page (a failed download?)"),
        Unused("folder.png", "not a regular file"),
        Unused("i3.png", "line 15 repeats line 5"),
        Unused("nul\0.png", "embedded null byte"),
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([""], "there is no column 'path' in {table} (found an empty file): the first line should be path,label or "
               "path,label,split,group, separated by commas"),
        (["i0.png,cat"], "there is no column 'path' in {table} (found i0.png, cat): the first line should be"),
        (["path;label", "i0.png;cat"], "there is no column 'path' in {table} (found path;label): the first line"),
        (["path,class"], "there is no column 'label' in {table} (found path, class): the first line should be"),
        (["path,label,label"], "there are two columns 'label' ({table})"),
        (["path,label,spilt"], "there is no use for column 'spilt' ({table}): did you mean split?"),
        (["path,label"], "there are no images in {table}: put the images of each class into a folder named after"),
        (["path,label", "gone.png,cat", "lost.png,dog"], "there are no images in {table}: found 2 x there is no such "
               "file; put"),
        (["path,label", "i0.png"], "line 2 has 1 cells for 2 columns ({table}): put a cell that holds a comma in"),
        (["path,label", "", "a, b.png,cat"], "line 3 has 3 cells for 2 columns ({table})"),
        (["path,label", "i0.png,"], "line 2 has no label ({table})"),
        (["path,label", ",cat"], "line 2 has no path ({table})"),
        (["path,label,split", "i0.png,cat,trian"], "line 2 has split 'trian' ({table}): did you mean train"),
        (["path,label,split", "i0.png,cat,train", "i1.png,cat,"], "line 3 has no split ({table}): give every image"),
        (["path,label", "i0.png,cat", "i0.png,dog"], "'i0.png' is listed differently in lines 2 and 3 ({table}): an "
               "image has one label and is in one split"),
        (["path,label,split", "i0.png,cat,train", "./i0.png,cat,test"], "'./i0.png' is listed differently in lines"),
        (["path,label", "i0.png,cat", "i1.png,cat"], "there is only one class, 'cat', in {table}: a classifier needs"),
        (["path,label,split", "i0.png,cat,train", "i1.png,dog,train", "i2.png,cow,test"],
               "class 'cow' has test images but no training images ({table}): choose from cat, dog"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_trained_on(write: Write, lines: list[str], message: str):
    table = write(*lines)
    with pytest.raises(DataError) as error:
        load_data(table)
    assert str(error.value).startswith(message.format(table=table))


def test_a_table_in_another_encoding_is_named(write: Write):
    table = write("path,label", "é.png,cat", encoding="latin-1")
    with pytest.raises(DataError) as error:
        load_data(table)
    assert str(error.value) == f"{table} is not UTF-8 text: save the table as CSV in UTF-8"


def test_a_table_that_vanishes_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"cannot read .*gone\.csv"):
        list_table(tmp_path / "gone.csv")
