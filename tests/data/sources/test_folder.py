import os
import sys
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sightline.data.imageset import Splits, Unused
from sightline.data.load import load_data
from sightline.errors import ConfigError, DataError

Photos = Callable[[Mapping[str, int]], Path]


def sizes(splits: Splits) -> tuple[int, int, int]:
    return tuple(len(images) if images else 0 for images in (splits.train, splits.val, splits.test))


def reasons(splits: Splits) -> dict[str, str]:
    return {item.path: item.reason for item in splits.unused}


def test_class_folders_are_split_in_three(photos: Photos):
    splits = load_data(photos({"dog": 20, "cat": 30}))
    assert splits.name == "photos"
    assert splits.classes == ("cat", "dog")
    assert sizes(splits) == (36, 4, 10)  # 20 % of 50, then 10 % of 40
    assert splits.test.counts() == {"cat": 6, "dog": 4}
    assert splits.val.counts() == {"cat": 2, "dog": 2}
    ids = {*splits.train.ids, *splits.val.ids, *splits.test.ids}
    assert len(ids) == 50
    assert {"cat/0.png", "dog/19.png"} <= ids
    assert all(
        name.startswith(splits.classes[label])
        for name, label in zip(splits.train.ids, splits.train.labels, strict=True)
    )
    assert splits.unused == ()
    assert splits.warnings == ()


def test_the_seed_changes_the_split(photos: Photos):
    root = photos({"dog": 20, "cat": 30})
    assert load_data(root, seed=1).test.ids == load_data(root, seed=1).test.ids
    assert load_data(root, seed=1).test.ids != load_data(root, seed=2).test.ids


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [("train", "val", "test"), ("Training", "VALID", "Testing"), ("TRAIN", "validation", "test")],
)
def test_split_folders_in_any_spelling(photos: Photos, train: str, val: str, test: str):
    counts = {
        f"{train}/cat": 3,
        f"{train}/dog": 4,
        f"{val}/cat": 1,
        f"{val}/dog": 1,
        f"{test}/cat": 2,
        f"{test}/dog": 2,
    }
    splits = load_data(photos(counts))
    assert sizes(splits) == (7, 2, 4)
    assert splits.test.ids[0] == f"{test}/cat/0.png"


def test_without_a_validation_folder_a_tenth_of_training_is_held_out(photos: Photos):
    root = photos({"train/cat": 20, "train/dog": 20, "test/cat": 3, "test/dog": 3})
    assert sizes(load_data(root)) == (36, 4, 6)
    assert sizes(load_data(root, val="25%")) == (30, 10, 6)
    assert sizes(load_data(root, val=0)) == (40, 0, 6)


def test_val_zero_trains_on_the_validation_folder_too(photos: Photos):
    root = photos({f"{split}/{name}": 3 for split in ("train", "val", "test") for name in ("cat", "dog")})
    splits = load_data(root, val="0")
    assert sizes(splits) == (12, 0, 6)
    assert splits.val is None
    with pytest.raises(ConfigError) as error:
        load_data(root, val="0.2")
    assert str(error.value) == f"val is '0.2', but {root} has validation images of its own: leave --val out"


def test_without_test_images_that_is_said(photos: Photos):
    splits = load_data(photos({f"{split}/{name}": 3 for split in ("train", "val") for name in ("cat", "dog")}))
    assert splits.test is None
    assert splits.warnings == (
        "there are no test images: no accuracy on images that training never touched can be given",
    )


def test_a_training_folder_alone_is_split_like_class_folders(photos: Photos):
    assert sizes(load_data(photos({"train/cat": 25, "train/dog": 25}))) == (36, 4, 10)


def test_classes_may_be_called_like_splits(photos: Photos):
    assert load_data(photos({"car": 5, "train": 5, "plane": 5})).classes == ("car", "plane", "train")


def test_images_in_nested_folders_belong_to_the_class(photos: Photos):
    splits = load_data(photos({"cat": 2, "cat/2024/july": 3, "dog": 5}), val=0)
    assert sorted(splits.train.counts().items()) == [("cat", 4), ("dog", 4)]
    assert "cat/2024/july/0.png" in {*splits.train.ids, *splits.test.ids}


def test_every_file_that_is_not_used_is_listed_with_its_reason(photos: Photos, png: bytes, tmp_path: Path):
    root = photos({"cat": 4, "dog": 4, "empty": 0, ".git": 1})
    (root / "notes.txt").write_text("labels by Anna")
    (root / "stray.png").write_bytes(png)
    (root / "cat" / "notes.jpg").write_text("not an image at all")
    (root / "cat" / "page.jpg").write_text("<!DOCTYPE html><html>")
    (root / "cat" / "nothing.png").touch()
    (root / "cat" / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (root / "dog" / "image.txt").write_bytes(png)  # told by content, not by suffix
    (root / "dog" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    splits = load_data(root, val=0)
    assert reasons(splits) == {
        ".git": "hidden",
        "notes.txt": "not in a class folder",
        "stray.png": "not in a class folder",
        "cat/notes.jpg": "not an image of a supported type",
        "cat/page.jpg": "an HTML page (a failed download?)",
        "cat/nothing.png": "empty file",
        "cat/.DS_Store": "hidden",
        "dog/gone.png": "a link to nothing",
        "empty": "a class folder without images",
    }
    kinds = {item.path: item.kind for item in splits.unused if item.kind != "unusable"}
    assert kinds == {".git": "hidden", "cat/.DS_Store": "hidden", "notes.txt": "beside", "stray.png": "beside"}
    assert splits.classes == ("cat", "dog")
    assert sizes(splits) == (7, 0, 2)


def test_what_lies_beside_split_folders_is_listed(photos: Photos):
    root = photos({"train/cat": 3, "train/dog": 3, "test/cat": 1, "test/dog": 1, "raw/cat": 2})
    (root / "train.cache").write_bytes(b"x")
    (root / "train" / "labels.csv").write_text("x")
    splits = load_data(root)
    assert splits.unused == (
        Unused("train/labels.csv", "not in a class folder", "beside"),
        Unused("raw", "beside the split folders", "beside"),
        Unused("train.cache", "beside the split folders", "beside"),
    )


def test_classes_are_matched_by_name_and_missing_ones_are_named(photos: Photos):
    splits = load_data(photos({"train/ant": 3, "train/bee": 3, "train/cat": 3, "test/cat": 2, "test/bee": 1}))
    assert splits.test.classes == ("ant", "bee", "cat")
    assert splits.test.counts() == {"ant": 0, "bee": 1, "cat": 2}
    assert splits.warnings == ("1 class has no test images: ant",)


def test_a_class_that_training_lacks_is_an_error_with_the_nearest_name(photos: Photos):
    root = photos({"train/Cat": 3, "train/dog": 3, "test/cat": 2, "test/dog": 1})
    with pytest.raises(DataError) as error:
        load_data(root)
    assert str(error.value) == f"class 'cat' has test images but no training images ({root}): did you mean Cat?"


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "there are no images in {root}: put the images of each class into a folder named after the class, "
             "or list them in a CSV table"),
        ({".": 3}, "there are no images in {root}: found 3 x not in a class folder; put the images of each class"),
        ({"cat": 0, "dog": 0}, "there are no images in {root}: found 2 x a class folder without images; put"),
        ({"cat": 5}, "there is only one class, 'cat', in {root}: a classifier needs at least two: add images of"),
        ({"train/cat": 5, "test/cat": 5}, "there is only one class, 'cat', in {root}"),
        ({"photos/cat": 5, "photos/dog": 5}, "there is only one class folder in {root}: did you mean {root}/photos?"),
        ({"test/cat": 5, "test/dog": 5}, "there is no training folder in {root}, only test: put each class into"),
        ({"train": 5, "test": 5}, "there are no class folders in the training folder in {root}, only test, train: put"),
        ({"train/cat": 5, "val/dog": 5, "valid/cat": 2}, "val and valid are the same split ({root}): put their class"),
        ({"train/cat": 0, "test/cat": 5}, "there are no training images in {root}: every image is for validation or"),
        ({"cat": 5, "dog": 1}, "class 'dog' has only 1 image, and needs one for each of training, test and validation: "
             "add images to it or take it out, or train without validation: --val 0"),
        ({"cat": 5, "dog": 2}, "class 'dog' has only 2 images, and needs one for each of training, test and"),
        ({"train/cat": 5, "train/dog": 1, "test/cat": 1, "test/dog": 1},
             "class 'dog' has only 1 image, and needs one for each of training and validation: add images to it or"),
    ],
)  # fmt: skip
def test_folders_that_cannot_be_trained_on(photos: Photos, counts: dict[str, int], message: str):
    root = photos({})
    if "." in counts:
        for i in range(counts["."]):
            (root / f"{i}.png").touch()
    else:
        photos(counts)
    with pytest.raises(DataError) as error:
        load_data(root)
    assert str(error.value).startswith(message.format(root=root))
    assert error.value.exit_code == 2


def test_two_images_of_a_class_will_do_without_validation(photos: Photos):
    splits = load_data(photos({"cat": 5, "dog": 2}), val=0)
    assert splits.train.counts() == {"cat": 4, "dog": 1}
    assert splits.test.counts() == {"cat": 1, "dog": 1}


def test_links_in_a_circle_come_to_an_end(photos: Photos):
    root = photos({"cat": 3, "dog": 3, "cat/more": 1})
    (root / "cat" / "more" / "up").symlink_to(root / "cat")
    (root / "cat" / "self").symlink_to("self")
    (root / "dog" / "all").symlink_to(root)
    splits = load_data(root, val=0)
    assert reasons(splits)["cat/more/up"] == "a link to a folder that is listed already"
    assert reasons(splits)["dog/all"] == "a link to a folder that is listed already"
    assert "cat/self" in reasons(splits)
    assert sum(sizes(splits)) == 7


def test_linked_files_and_class_folders_are_used(photos: Photos, tmp_path: Path, png: bytes):
    root = photos({"cat": 3})
    (tmp_path / "elsewhere").mkdir()
    for i in range(3):
        (tmp_path / "elsewhere" / f"{i}.png").write_bytes(png)
    (root / "dog").symlink_to(tmp_path / "elsewhere")
    assert load_data(root).classes == ("cat", "dog")


def test_accents_written_in_two_ways_are_one_class(photos: Photos):
    whole, apart = unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café")
    splits = load_data(photos({f"train/{whole}": 3, "train/bar": 3, f"test/{apart}": 2, "test/bar": 2}))
    assert splits.classes == ("bar", whole)
    assert splits.test.counts() == {"bar": 2, whole: 2}
    assert splits.test.images.read(3).shape == (4, 4, 3)  # the path on disk is left as it is


def test_files_that_differ_only_in_their_accents_keep_ids_of_their_own(photos: Photos, png: bytes):
    root = photos({"bar": 3, "cat": 3})
    for form in ("NFC", "NFD"):
        (root / "bar" / unicodedata.normalize(form, "é.png")).write_bytes(png)
    splits = load_data(root, val=0)
    ids = {*splits.train.ids, *splits.test.ids}
    assert len(ids) == 8
    assert {"bar/é.png", "bar/é.png~"} <= ids


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_no_text_can_be_listed_and_printed(photos: Photos, png: bytes):
    root = photos({"cat": 3, "dog": 3, "line\nbreak, 'quoted'": 3})
    with open(os.fsencode(root) + b"/cat/\xff\xfe.png", "wb") as file:
        file.write(png)
    os.mkdir(os.fsencode(root) + b"/dog/\xe9t\xe9")
    splits = load_data(root, val=0)
    ids = {*splits.train.ids, *splits.test.ids}
    assert "cat/\\xff\\xfe.png" in ids
    assert "\n".join(ids).encode()
    assert "line\nbreak, 'quoted'" in splits.classes


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_does_not_block(photos: Photos):
    root = photos({"cat": 3, "dog": 3})
    os.mkfifo(root / "cat" / "pipe.png")
    assert reasons(load_data(root, val=0)) == {"cat/pipe.png": "not a regular file"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_listed(photos: Photos):
    root = photos({"cat": 3, "dog": 3, "dog/secret": 1})
    (root / "dog" / "secret").chmod(0)
    (root / "cat" / "0.png").chmod(0)
    try:
        assert reasons(load_data(root, val=0)) == {
            "cat/0.png": "permission denied",
            "dog/secret": "permission denied",
        }
    finally:
        (root / "dog" / "secret").chmod(0o700)


def test_real_photos(shared_data: Path):
    splits = load_data(shared_data / "clothing")
    assert sizes(splits) == (827, 92, 372)
    assert len(splits.classes) == 10
    assert splits.val.counts()["t-shirt"] == 24
    assert reasons(splits) == dict.fromkeys(("test.cache", "train.cache"), "beside the split folders")


def test_folders_that_may_not_be_listed(photos: Photos, monkeypatch: pytest.MonkeyPatch):
    """As root may read everything, the system is made to refuse."""
    root = photos({"cat": 3, "dog": 3, "dog/secret": 1})
    whole = os.listdir

    def refuse(folder: str) -> list[str]:
        if str(folder).endswith(refused):
            raise PermissionError(13, "Permission denied", str(folder))
        return whole(folder)

    monkeypatch.setattr(os, "listdir", refuse)
    refused = "secret"
    assert reasons(load_data(root, val=0)) == {"dog/secret": "permission denied"}
