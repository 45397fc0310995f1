"""The pictures a network is shown: test images of its run, and those that were given or drawn."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.errors import ImageError, InputError
from sightline.lab.pictures import TEST_PICTURES, UPLOADS, Pictures
from sightline.runs.run import Run

from .conftest import png

SIZE = (8, 8)


@pytest.fixture(scope="module")
def pictures(digits_run: Run) -> Pictures:
    return Pictures(digits_run)


def test_test_images_take_turns_and_all_come(pictures: Pictures) -> None:
    first = pictures.page(0)
    assert first["missing"] == ""
    assert len(first["pictures"]) == TEST_PICTURES
    assert len({picture["truth"] for picture in first["pictures"][:10]}) == 10
    every = [picture["id"] for page in range(first["pages"]) for picture in pictures.page(page)["pictures"]]
    assert pictures.test is not None
    assert sorted(every) == sorted(f"test-{i}" for i in range(len(pictures.test)))
    assert pictures.page(first["pages"]) == first  # after the last comes the first again
    assert [picture["id"] for picture in pictures.page(0, count=3)["pictures"]] == every[:3]


def test_a_test_image_is_read_with_its_class(pictures: Pictures) -> None:
    assert pictures.test is not None
    pixels, truth = pictures.read("test-5")
    assert (pixels == pictures.test.images.read(5)).all()
    assert truth == pictures.test.classes[int(pictures.test.labels[5])]


@pytest.mark.parametrize("name", ["test-99999", "../config.json", "test--1", "test-", "test", "", "given-7", "drawing"])
def test_a_picture_that_does_not_exist(name: str, digits_run: Run) -> None:
    with pytest.raises(InputError, match=f"^the lab has no picture '{name}' any more: choose or give it again$"):
        Pictures(digits_run).read(name)


def test_given_pictures_are_kept_in_memory_and_forgotten(digits_run: Run) -> None:
    pictures = Pictures(digits_run)
    names = [pictures.give(png(np.full((9, 9), i, np.uint8)))["id"] for i in range(UPLOADS)]
    pixels, truth = pictures.read(names[0])  # looked at again, which makes it the latest
    assert (np.unique(pixels).tolist(), truth) == ([0], None)
    pictures.give(png(np.zeros((9, 9), np.uint8)))
    assert pictures.read(names[0])[1] is None
    with pytest.raises(InputError, match="no picture 'given-2' any more: choose or give it again"):
        pictures.read(names[1])
    with pytest.raises(ImageError):
        pictures.give(b"<html>no picture</html>")


def test_a_drawing_is_an_image_like_those_of_the_set(digits_run: Run) -> None:
    pictures = Pictures(digits_run)
    ink = np.zeros((112, 112), np.uint8)
    ink[10:100, 52:60] = 255
    image = pictures.draw(ink.tobytes(), 112, (20, 30))
    assert (image.shape, image.dtype) == ((8, 8, 1), np.uint8)  # as the digits have it
    assert pictures.read("drawing")[0] is image
    assert Pictures(None).draw(ink.tobytes(), 112, (20, 30)).shape == (30, 30, 1)
    for wrong, width in ((b"", 10), (b"abc", 2), (b"abcd", 0), (bytes(2000), 2000)):
        with pytest.raises(InputError, match="are no drawing"):
            pictures.draw(wrong, width, SIZE)
    with pytest.raises(InputError, match="nothing is drawn"):
        pictures.draw(bytes(100), 10, SIZE)
    assert pictures.read("drawing")[0] is image


def test_without_a_run_nobody_expects_test_images() -> None:
    assert Pictures(None).page() == {"pictures": [], "pages": 0, "missing": ""}


def test_test_images_that_are_gone_are_said(digits_run: Run, tmp_path: Path) -> None:
    shutil.copytree(digits_run.path, tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    (tmp_path / "run" / "config.json").write_text(json.dumps(config | {"data": str(tmp_path / "gone")}))
    missing = Pictures(Run(tmp_path / "run")).page(0)["missing"]
    assert missing.startswith("The run's test images are not at hand: ")


def test_a_test_image_that_cannot_be_read_is_passed_over(pictures: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [picture["id"] for picture in pictures.page(0, count=4)["pictures"]]
    assert pictures.test is not None
    read = type(pictures.test.images).read
    broken = int(whole[1].removeprefix("test-"))

    def refuse(self: Any, index: int, *more: Any) -> Any:
        if index == broken:
            raise ImageError("cannot decode it")
        return read(self, index, *more)

    monkeypatch.setattr(type(pictures.test.images), "read", refuse)
    assert [picture["id"] for picture in pictures.page(0, count=4)["pictures"]] == [whole[0], *whole[2:]]
