"""Listed files made into splits: which images go where, what is refused, and what a few images say of all."""

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.data.imageset import Splits, Unused
from sightline.data.load import load_data
from sightline.data.sources.listing import (
    LabelledFile,
    Listing,
    all_images,
    printable,
    scored_images,
    splits_of,
    why_unusable,
)
from sightline.errors import ConfigError, DataError


def files(counts: dict[str, int], group: Callable[[int], str] = lambda number: "") -> list[LabelledFile]:
    """files({"train/cat": 3}): three files of cats for training, files({"cat": 3}) of cats that are open."""
    labelled = []
    for name, count in counts.items():
        split, _, label = name.rpartition("/")
        labelled += [
            LabelledFile(f"/nowhere/{name}/{i}.png", f"{name}/{i}.png", label, split, group(i)) for i in range(count)
        ]
    return labelled


def listing(counts: dict[str, int], **more: object) -> Listing:
    return Listing("pets", "/nowhere", files(counts), **more)  # type: ignore[arg-type]


def sizes(splits: Splits) -> list[int]:
    return [len(part) if part else 0 for part in (splits.train, splits.val, splits.test)]


@pytest.mark.parametrize(
    ("counts", "val", "expected"),
    [
        ({"cat": 30, "dog": 20}, None, [36, 4, 10]),  # 20 % of 50, then 10 % of 40
        ({"train/cat": 30, "train/dog": 20}, None, [36, 4, 10]),  # training images alone are as open ones
        ({"cat": 30, "dog": 20}, "25%", [30, 10, 10]),
        ({"cat": 30, "dog": 20}, 0, [40, 0, 10]),
        ({"train/cat": 20, "train/dog": 20, "test/cat": 3, "test/dog": 3}, None, [36, 4, 6]),
        ({"train/cat": 20, "train/dog": 20, "test/cat": 3}, 0, [40, 0, 3]),
        ({"train/cat": 3, "train/dog": 4, "val/cat": 1, "val/dog": 1}, None, [7, 2, 0]),
        ({"train/cat": 3, "train/dog": 4, "val/cat": 1, "val/dog": 1, "test/dog": 2}, None, [7, 2, 2]),
        ({"train/cat": 3, "train/dog": 4, "val/cat": 1, "val/dog": 1, "test/dog": 2}, 0, [9, 0, 2]),
        ({"cat": 5, "train/dog": 5, "test/dog": 2}, 0, [10, 0, 2]),  # open ones are trained on beside decided ones
    ],
)
def test_how_many_images_go_where(counts: dict[str, int], val: str | float | None, expected: list[int]) -> None:
    splits = splits_of(listing(counts), val=val, seed=0)
    assert sizes(splits) == expected
    assert splits.name == "pets"
    assert splits.classes == ("cat", "dog")


def test_validation_images_of_ones_own_cannot_be_drawn_again() -> None:
    own = listing({"train/cat": 3, "train/dog": 3, "val/cat": 2, "val/dog": 2})
    with pytest.raises(ConfigError) as caught:
        splits_of(own, val="0.2", seed=0)
    assert str(caught.value) == "val is '0.2', but /nowhere has validation images of its own: leave --val out"


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (
            {},
            "there are no images in /nowhere: put the images of each class into a folder named after the class, "
            "or list them in a CSV table",
        ),
        ({"val/cat": 2, "test/cat": 2}, "there are no training images in /nowhere: every image is for validation or"),
        ({"cat": 5}, "there is only one class, 'cat', in /nowhere: a classifier needs at least two: add images of"),
        (
            {"train/cat": 3, "train/dog": 3, "test/cats": 1},
            "class 'cats' has test images but no training images (/nowhere): did you mean cat?",
        ),
        (
            {"train/cat": 3, "train/dog": 3, "val/emu": 1, "val/fox": 1, "val/gnu": 1},
            "class 'emu' has validation images but no training images (so have 2 more: fox, gnu) (/nowhere): choose",
        ),
        ({"cat": 5, "dog": 2}, "class 'dog' has only 2 images, and needs one for each of training, test and validat"),
    ],
)
def test_what_cannot_be_trained_on(counts: dict[str, int], message: str) -> None:
    with pytest.raises(DataError) as caught:
        splits_of(listing(counts), val=None, seed=0)
    assert str(caught.value).startswith(message)


def test_why_there_are_no_images_is_said_by_the_commonest_reasons() -> None:
    reasons = ["empty file"] * 3 + ["hidden"] * 2 + ["a video"] * 2 + ["a link to nothing"]
    unused = tuple(Unused(str(number), reason) for number, reason in enumerate(reasons))
    with pytest.raises(DataError, match="found 3 x empty file; 2 x hidden; 2 x a video; put the images of each class"):
        all_images(listing({}, unused=unused))


def test_missing_classes_and_a_missing_test_are_warned_of() -> None:
    assert splits_of(listing({"train/cat": 4, "train/dog": 4, "test/dog": 1}), val=0, seed=0).warnings == (
        "1 class has no test images: cat",
    )
    names = [f"class {number:02}" for number in range(13)]
    counts = {f"train/{name}": 2 for name in names} | {"val/class 00": 1}
    splits = splits_of(listing(counts, warnings=("as it was listed",)), val=None, seed=0)
    assert splits.warnings == (
        "as it was listed",
        f"12 classes have no validation images: {', '.join(names[1:11])}, ...",
        "there are no test images: no accuracy on images that training never touched can be given",
    )


def sides(splits: Splits) -> dict[str, set[str]]:
    """Which splits the images of a group are in, by the number in their name."""
    splits_of_image: dict[str, set[str]] = {}
    for name, part in (("train", splits.train), ("val", splits.val), ("test", splits.test)):
        for image in part.ids if part else ():
            splits_of_image.setdefault(Path(image).stem, set()).add(name)
    return splits_of_image


def test_groups_stay_together_unless_they_are_not_bound() -> None:
    own = Listing("pets", "/nowhere", files({"cat": 40, "dog": 40}, group=str))  # cat 7 and dog 7 are one group
    assert all(len(splits) == 1 for splits in sides(splits_of(own, val=None, seed=0)).values())
    careless = splits_of(own, val=None, seed=0, bind=False)
    assert any(len(splits) > 1 for splits in sides(careless).values())
    assert careless.train.groups == ()


def test_duplicates_are_bound_in_place_of_groups() -> None:
    own = listing({"cat": 40, "dog": 40})
    bound = [Path(file.id).stem for file in own.files]
    splits = splits_of(own, val=None, seed=0, bound=bound)
    assert all(len(parts) == 1 for parts in sides(splits).values())
    assert any(len(parts) > 1 for parts in sides(splits_of(own, val=None, seed=0)).values())
    assert any(len(parts) > 1 for parts in sides(splits_of(own, val=None, seed=0, bound=bound, bind=False)).values())


def test_a_group_in_two_splits_is_refused_unless_nothing_is_bound() -> None:
    counts = {"train/cat": 3, "train/dog": 3, "test/dog": 2}
    own = Listing("pets", "/nowhere", files(counts, group=lambda number: "Rex" if number == 1 else ""))
    with pytest.raises(DataError) as caught:
        splits_of(own, val=0, seed=0)
    assert str(caught.value) == (
        "group 'Rex' is in both test and train (/nowhere): "
        "a group must be wholly in one split, or the score is of images the network has all but seen"
    )
    assert sizes(splits_of(own, val=0, seed=0, bind=False)) == [6, 0, 2]


def test_images_to_score_are_those_for_testing_or_else_all() -> None:
    tested = scored_images(listing({"train/cat": 3, "train/dog": 3, "test/emu": 2}))
    assert (tested.ids, tested.classes) == (("test/emu/0.png", "test/emu/1.png"), ("emu",))  # one class will do
    everything = scored_images(listing({"dog": 1, "cat": 2}))
    assert everything.ids == ("dog/0.png", "cat/0.png", "cat/1.png")
    assert everything.labels.tolist() == [1, 0, 0]
    assert all_images(listing({"train/dog": 1, "test/cat": 1})).ids == ("train/dog/0.png", "test/cat/0.png")
    for images in (scored_images, all_images):
        with pytest.raises(DataError, match=r"^there are no images in /nowhere"):
            images(listing({}))


def write_images(root: Path, make: Callable[[int], np.ndarray]) -> Path:
    """Two classes of six PNG files; `make` gives the pixels of the file with a number."""
    for number in range(12):
        path = root / ("even", "odd")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(make(number)).save(path)
    return root


def test_small_grey_files_are_grey_and_small(tmp_path: Path) -> None:
    images = load_data(write_images(tmp_path, lambda number: np.full((8, 12), 20 * number, np.uint8))).train.images
    assert (images.channels, images.size) == (1, 12)


def test_one_coloured_file_makes_them_coloured(tmp_path: Path) -> None:
    def pixels(number: int) -> np.ndarray:
        image = np.full((80, 40, 3), 128, np.uint8)
        image[0, 0, 0] += number
        return image

    images = load_data(write_images(tmp_path, pixels)).train.images
    assert (images.channels, images.size) == (3, None)  # larger than 64 pixels: a photo


def test_files_that_cannot_be_read_tell_nothing(tmp_path: Path) -> None:
    root = write_images(tmp_path, lambda number: np.full((8, 12), 20 * number, np.uint8))
    for path in root.rglob("*.png"):
        path.write_bytes(b"\x89PNG\r\n\x1a\n")
    images = load_data(root, val=0)
    assert (images.train.images.channels, images.train.images.size) == (3, None)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n", ""),  # damage further inside is found when it is decoded
        (b"\xff\xd8\xff\xe0", ""),
        (b"", "empty file"),
        (b"labels by Anna", "not an image of a supported type"),
        (b"<!DOCTYPE html><html>", "an HTML page (a failed download?)"),
    ],
)
def test_the_first_bytes_say_whether_a_file_can_be_an_image(data: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.txt"  # the name does not matter
    path.write_bytes(data)
    assert why_unusable(path) == reason


def test_what_is_no_file(tmp_path: Path) -> None:
    assert why_unusable(tmp_path / "gone.png") == "there is no such file"
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    assert why_unusable(tmp_path / "link.png") == "a link to nothing"
    assert why_unusable(tmp_path) == "not a regular file"
    assert why_unusable(Path("a\0b.png")) == "embedded null byte"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        assert why_unusable(tmp_path / "pipe.png") == "not a regular file"


def test_names_print_and_compare_alike_everywhere() -> None:
    apart = unicodedata.normalize("NFD", "café.png")
    assert apart != printable(apart) == "café.png"
    assert printable(os.fsdecode(b"\xff.png")) == "\\xff.png"
