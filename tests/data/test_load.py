import shutil
import struct
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.data.load import (
    audit_data,
    load_audited,
    load_data,
    load_recorded,
    load_recorded_test,
    load_scored,
)
from sightline.data.split import manifest_rows
from sightline.errors import ConfigError, DataError

Photos = Callable[[Mapping[str, int]], Path]


def test_digits_are_split_in_three_without_any_file(cache: Path):
    splits = load_data("digits")
    assert (splits.name, splits.note, splits.unused, splits.warnings) == ("digits", "", (), ())
    assert (len(splits.train), len(splits.val), len(splits.test)) == (1294, 144, 359)
    assert splits.train.images.pixels.shape[1:] == (1, 8, 8)
    ids = {*splits.train.ids, *splits.val.ids, *splits.test.ids}
    assert len(ids) == 1797
    assert min(splits.test.counts().values()) == 35  # of 174 to 183 a class
    assert not cache.exists()


def test_val_changes_only_what_is_held_out_of_training(cache: Path):
    default, none = load_data("digits"), load_data("digits", val="0")
    assert none.val is None
    assert len(none.train) == 1438
    assert none.test.ids == default.test.ids
    assert {*default.train.ids, *default.val.ids} == set(none.train.ids)
    assert len(load_data("digits", val="20%").val) == 288


def test_the_seed_changes_the_split(cache: Path):
    assert load_data("digits", seed=1).val.ids == load_data("digits", seed=1).val.ids
    assert load_data("digits", seed=1).val.ids != load_data("digits", seed=2).val.ids


def test_a_folder_and_a_table_are_told_apart(photos: Photos, cache: Path):
    root = photos({"cat": 10, "dog": 10})
    assert load_data(root).classes == ("cat", "dog")
    assert load_data(str(root)).name == "photos"
    table = root.parent / "pets.CSV"
    table.write_text("path,label\n" + "".join(f"photos/cat/{i}.png,{'ab'[i % 2]}\n" for i in range(10)))
    assert load_data(table).classes == ("a", "b")


def test_folders_in_sightline_data_go_by_their_name(photos: Photos, monkeypatch: pytest.MonkeyPatch):
    root = photos({"cat": 10, "dog": 10})
    monkeypatch.setenv("SIGHTLINE_DATA", str(root.parent))
    assert load_data("photos").classes == ("cat", "dog")
    with pytest.raises(DataError) as error:
        load_data("photo")
    assert str(error.value) == "there is no data set or folder 'photo': did you mean photos?"


def test_a_name_nearly_that_of_a_folder_here_or_in_sightline_data(
    photos: Photos, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    photos({"cat": 10, "dog": 10})
    for name in ("mnist", "weights"):
        (tmp_path / "data" / name).mkdir(parents=True)
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"did you mean photos\?"):
        load_data("fotos")
    with pytest.raises(DataError, match=r"choose from cifar10, cifar100, digits, fashion-mnist, mnist$"):
        load_data("xyz")


def test_a_folder_here_comes_before_one_in_sightline_data(photos: Photos, monkeypatch: pytest.MonkeyPatch, tmp_path):
    photos({"cat": 10, "dog": 10})
    (tmp_path / "data" / "photos").mkdir(parents=True)
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    assert load_data("photos").classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("mnits", "there is no data set or folder 'mnits': did you mean mnist or digits?"),
        ("MNIST", "there is no data set or folder 'MNIST': did you mean mnist or fashion-mnist?"),
        ("cifar-10", "there is no data set or folder 'cifar-10': did you mean cifar10 or cifar100?"),
        ("xyz", "there is no data set or folder 'xyz': choose from cifar10, cifar100, digits, fashion-mnist, mnist"),
        ("no/such/folder", "there is no folder or file no/such/folder: check the path"),
        ("pets.csv", "there is no folder or file pets.csv: check the path"),
    ],
)
def test_unknown_data_is_named_with_the_nearest_names(cache: Path, data: str, message: str):
    with pytest.raises(DataError) as error:
        load_data(data)
    assert str(error.value) == message


def test_another_file_is_refused(tmp_path: Path, png: bytes):
    (tmp_path / "cat.png").write_bytes(png)
    with pytest.raises(DataError) as error:
        load_data(tmp_path / "cat.png")
    hint = "give a folder of class folders, or a table that ends in .csv"
    assert str(error.value) == f"{tmp_path / 'cat.png'} is neither a folder nor a CSV table: {hint}"


def test_an_impossible_share_is_refused_before_anything_is_looked_for():
    with pytest.raises(ConfigError, match="val is 'half'"):
        load_data("no/such/folder", val="half")


@pytest.mark.parametrize("folder", ["{}", "train/{}"])
def test_a_class_all_of_whose_images_are_broken_is_named(tmp_path: Path, folder: str):
    for number, name in enumerate(("cat", "dog")):
        (tmp_path / folder.format(name)).mkdir(parents=True)
        for i in range(5):
            noise = np.random.default_rng(10 * number + i).integers(0, 256, (20, 20, 3), dtype=np.uint8)
            Image.fromarray(noise).save(tmp_path / folder.format(name) / f"{i}.png")
    for path in (tmp_path / folder.format("dog")).iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError) as error:
        load_audited(tmp_path)
    assert str(error.value) == "no training image of class 'dog' can be read: replace its files or remove the class"
    assert len(audit_data(tmp_path).unused) == 5  # looking at it is no training


def test_recorded_test_images_need_no_training_images(photos: Photos):
    root = photos({"train/cat": 5, "train/dog": 5, "test/cat": 2})
    rows = list(manifest_rows(load_data(root, val=0)))
    shutil.rmtree(root / "train" / "dog")
    test = load_recorded_test(root, rows)
    assert test is not None
    assert test.ids == ("test/cat/0.png", "test/cat/1.png")
    assert load_recorded_test(root, rows[:3]) is None
    with pytest.raises(DataError, match="5 of 12 recorded images are not in"):
        load_recorded(root, rows)
    (root / "test" / "cat" / "1.png").unlink()
    with pytest.raises(DataError, match=r"1 of 2 recorded images .*, the first is test/cat/1\.png"):
        load_recorded_test(root, rows)


@pytest.mark.parametrize("name", ["", " "])
def test_data_without_a_name_is_not_the_current_folder(name: str):
    for load in (load_data, load_audited, load_scored, audit_data):
        with pytest.raises(DataError, match=r"^the data has no name: "):
            load(name)


def test_digits_do_not_import_scikit_learn(monkeypatch: pytest.MonkeyPatch):
    # Importing it takes over a second, reading its digits 5 ms.
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)  # importing it now fails
    assert len(load_data("digits").test) == 359


def test_all_images_of_a_folder_without_splits_are_scored(photos: Photos):
    scored = load_scored(photos({"cat": 3, "dog": 1}))
    assert scored.images.counts() == {"cat": 3, "dog": 1}
    assert scored.note == ""


def test_only_the_test_images_are_scored_where_there_are_some(photos: Photos):
    scored = load_scored(photos({"train/cat": 5, "train/dog": 5, "val/cat": 2, "test/dog": 4}))
    assert scored.images.counts() == {"dog": 4}
    assert scored.images.ids == tuple(f"test/dog/{i}.png" for i in range(4))


def test_a_single_class_can_be_scored_though_not_trained_on(photos: Photos):
    root = photos({"cat": 2})
    (root / "cat" / "notes.txt").write_text("no image")
    scored = load_scored(root)
    assert scored.images.classes == ("cat",)
    assert [item.path for item in scored.unused] == ["cat/notes.txt"]
    with pytest.raises(DataError, match="only one class"):
        load_data(root)


def test_all_digits_are_scored_for_they_have_no_test_images_of_their_own():
    assert len(load_scored("digits").images) == 1797


@pytest.fixture
def mnist(cache: Path) -> Path:
    """A small MNIST in the cache: 20 images for training and 10 for testing, image i of class i % 10."""
    folder = cache / "mnist"
    folder.mkdir(parents=True)
    for name, count in (("train", 20), ("t10k", 10)):
        images = np.arange(count, dtype=np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)
        for kind, array in (("images-idx3", images), ("labels-idx1", (np.arange(count) % 10).astype(np.uint8))):
            header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            (folder / f"{name}-{kind}-ubyte").write_bytes(header + array.tobytes())
    return folder


def test_a_recorded_split_of_a_set_with_test_images_is_found_again(mnist: Path):
    splits = load_data("mnist", val="50%")
    again = load_recorded("mnist", list(manifest_rows(splits)))
    for part, same in ((splits.train, again.train), (splits.val, again.val), (splits.test, again.test)):
        assert same.ids == part.ids
        assert same.labels.tolist() == part.labels.tolist()
        assert [same.images.read(i).tolist() for i in range(3)] == [part.images.read(i).tolist() for i in range(3)]
    assert again.note == splits.note
    assert load_recorded_test("mnist", list(manifest_rows(splits))).ids == splits.test.ids


def test_a_set_with_test_images_is_scored_on_those_and_audited_whole(mnist: Path):
    scored = load_scored("mnist")
    assert scored.images.ids == tuple(f"test/{i}" for i in range(10))
    assert scored.note.startswith("MNIST: only 20 of the 60,000 training images")
    audit = audit_data("mnist")
    assert len(audit.images) == 30
    assert any(scored.note in finding.what for finding in audit.findings)


def test_labels_of_a_named_set_are_corrected_and_images_left_out_in_both_parts(mnist: Path, tmp_path: Path):
    table = tmp_path / "mine.csv"
    table.write_text("path,action,label\ntrain/03,label,7\ntrain/05,leave-out,\ntest/2,leave-out,\n")
    splits = load_data("mnist", val=0, quarantine=table)
    assert "train/05" not in splits.train.ids
    assert splits.train.labels[splits.train.ids.index("train/03")] == 7
    assert splits.train.labels[splits.train.ids.index("train/13")] == 3
    assert len(splits.train) == 19
    assert "test/2" not in splits.test.ids
    assert [(file.path, file.kind) for file in splits.unused] == [
        ("train/05", "quarantined"),
        ("test/2", "quarantined"),
    ]


def test_a_label_alone_leaves_nothing_out(mnist: Path, tmp_path: Path):
    table = tmp_path / "mine.csv"
    table.write_text("path,action,label\ntest/2,label,9\n")
    splits = load_data("mnist", val=0, quarantine=table)
    assert splits.test.labels.tolist() == [0, 1, 9, 3, 4, 5, 6, 7, 8, 9]
    assert splits.unused == ()


def test_a_manifest_without_training_images(cache: Path):
    rows = [row for row in manifest_rows(load_data("digits")) if row.split == "test"]
    with pytest.raises(DataError) as caught:
        load_recorded("digits", rows)
    assert str(caught.value) == "the split manifest names no training images: train again from the start"
