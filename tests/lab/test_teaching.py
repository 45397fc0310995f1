"""Pictures gathered into classes, and a training in a process of its own, without a page."""

import io
import shutil
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sightline.errors import ImageError, InputError, RunError
from sightline.lab import teaching as module
from sightline.lab.teaching import Teaching
from sightline.lab.workspace import Workspace

from .conftest import FINISHED


def photo(kind: str, seed: int) -> bytes:
    """A red circle or a blue square on noise."""
    rng = np.random.default_rng([seed, kind == "circles"])
    image = Image.fromarray(rng.integers(90, 160, (60, 80, 3), dtype=np.uint8))
    left, top, side = int(rng.integers(5, 45)), int(rng.integers(5, 30)), int(rng.integers(18, 26))
    draw = ImageDraw.Draw(image)
    box = (left, top, left + side, top + side)
    draw.ellipse(box, fill=(210, 40, 40)) if kind == "circles" else draw.rectangle(box, fill=(40, 60, 210))
    file = BytesIO()
    image.save(file, "png")
    return file.getvalue()


@pytest.fixture
def teaching(tmp_path: Path) -> Iterator[Teaching]:
    instance = Teaching(Workspace(), tmp_path)
    yield instance
    instance.stop()


def wait(teaching: Teaching) -> dict[str, Any]:
    for _ in range(600):
        progress = teaching.training()
        if progress and not progress["running"]:
            return progress
        time.sleep(0.1)
    raise AssertionError("the training did not end within a minute")


def gather(teaching: Teaching) -> None:
    """Five pictures each of two classes."""
    for kind in ("circles", "squares"):
        teaching.add_class(kind)
        for seed in range(5):
            teaching.add_picture(kind, photo(kind, seed))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "has no name"),
        ("   ", "has no name"),
        ("../x", "cannot be the name of a folder"),
        ("a/b", "cannot be the name of a folder"),
        ("a\\b", "cannot be the name of a folder"),
        (".hidden", "cannot be the name of a folder"),
        ("CON", "cannot be the name of a folder"),
        ("a\nb", "cannot be the name of a folder"),
        ("x" * 200, "too long"),
        (" mug", "begins or ends with a space"),
        ("MUG", "already"),
    ],
)
def test_hostile_names(teaching: Teaching, name: str, reason: str) -> None:
    teaching.add_class("mug")
    with pytest.raises(InputError, match=reason):
        teaching.add_class(name)
    with pytest.raises(InputError, match=reason):
        teaching.rename_class("mug", name)
    assert list(teaching.pictures) == ["mug"]


def test_gathering(teaching: Teaching, tmp_path: Path) -> None:
    assert teaching.missing() == "Make two classes or more."
    assert list(tmp_path.iterdir()) == []  # nothing is written before there is a picture
    teaching.add_class("größe 1")
    teaching.add_class("squares")
    assert teaching.missing() == "Gather 5 pictures or more of größe 1 and squares."
    picture = teaching.add_picture("größe 1", photo("circles", 0))
    assert (tmp_path / "taught-1" / "pictures" / "größe 1" / picture["id"]).is_file()
    teaching.rename_class("größe 1", "circles")
    assert (tmp_path / "taught-1" / "pictures" / "circles" / picture["id"]).is_file()
    for hostile in (b"", b"<html></html>", photo("circles", 0)[:100]):
        with pytest.raises(ImageError):
            teaching.add_picture("circles", hostile)
    with pytest.raises(InputError, match="there is no class"):
        teaching.add_picture("../../x", photo("circles", 0))
    with pytest.raises(InputError, match="has no picture"):
        teaching.remove_picture("circles", "../../../config.json")
    teaching.remove_picture("circles", picture["id"])
    teaching.remove_class("circles")
    assert [path.name for path in (tmp_path / "taught-1" / "pictures").iterdir()] == []
    with pytest.raises(InputError, match="cannot be trained yet: make two classes or more"):
        teaching.train()
    with pytest.raises(RunError, match="there is no network yet: gather pictures and train one"):
        teaching.look(photo("circles", 0))


def test_uneven_classes_are_hinted_at(teaching: Teaching) -> None:
    for kind, count in (("circles", 16), ("squares", 5)):
        teaching.add_class(kind)
        for seed in range(count):
            teaching.add_picture(kind, photo(kind, seed))
    assert teaching.hint() == "There are 16 pictures of circles and 5 of squares: take more of the latter."


def test_a_picture_given_again_is_hinted_at(teaching: Teaching) -> None:
    for kind in ("circles", "squares"):
        teaching.add_class(kind)
        for seed in range(6):
            teaching.add_picture(kind, photo(kind, seed))
    assert "more than once" not in teaching.hint()
    again = teaching.add_picture("circles", photo("circles", 3))
    assert teaching.hint() == "1 picture is there more than once: other ones would teach it more."
    teaching.add_picture("squares", photo("circles", 3))  # in another class too
    assert teaching.hint() == "2 pictures are there more than once: other ones would teach it more."
    teaching.remove_picture("circles", again["id"])
    assert teaching.hint().startswith("1 picture is")


def test_a_training_is_stopped_and_one_that_fails_says_why(teaching: Teaching, tmp_path: Path) -> None:
    for kind in ("circles", "squares"):
        teaching.add_class(kind)
        for seed in range(5):
            teaching.add_picture(kind, photo(kind, seed))
    teaching.train()
    with pytest.raises(InputError, match="a training is running"):
        teaching.train()
    with pytest.raises(InputError, match="a training is reading these pictures"):
        teaching.remove_class("circles")
    teaching.stop()
    ended = wait(teaching)
    assert ended["outcome"] == "It was stopped."
    for path in (tmp_path / "taught-1" / "pictures" / "squares").iterdir():
        path.write_text("no picture any more")
    teaching.train()
    assert "squares" in wait(teaching)["outcome"] or "class" in teaching.training()["outcome"]  # type: ignore[index]


def test_a_large_picture_is_kept_smaller(teaching: Teaching, tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (1000, 500)).save(file, "png")
    teaching.add_class("skies")
    picture = teaching.add_picture("skies", file.getvalue())
    with Image.open(tmp_path / "taught-1" / "pictures" / "skies" / picture["id"]) as stored:
        assert stored.size == (512, 256)
    assert picture["uri"].startswith("data:image/jpeg;base64,")


def test_a_folder_that_is_there_is_left_alone(teaching: Teaching, tmp_path: Path) -> None:
    (tmp_path / "taught-1").mkdir()
    teaching.add_class("mugs")
    teaching.add_picture("mugs", photo("circles", 0))
    assert list((tmp_path / "taught-1").iterdir()) == []
    assert teaching.state()["folder"] == str(tmp_path / "taught-2")


def test_there_is_an_end_to_classes_and_pictures(teaching: Teaching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CLASSES", 2)
    monkeypatch.setattr(module, "MOST_PICTURES", 1)
    for name in ("mugs", "pens"):
        teaching.add_class(name)
    with pytest.raises(InputError, match=r"^there are 2 classes: use `sightline train FOLDER` for more$"):
        teaching.add_class("cups")
    teaching.add_picture("mugs", photo("circles", 0))
    with pytest.raises(InputError, match=r"^there are 1 pictures: use `sightline train FOLDER` for more$"):
        teaching.add_picture("pens", photo("circles", 1))


def test_what_would_make_it_surer(teaching: Teaching) -> None:
    assert teaching.hint() == ""  # first of all something is missing
    gather(teaching)
    assert teaching.hint() == "Twenty of each, from several sides and in different light, make it surer."
    for kind in ("circles", "squares"):
        for seed in range(5, 20):
            teaching.add_picture(kind, photo(kind, seed))
    assert teaching.hint() == ""


def test_a_trained_network_is_shown_and_answers(
    teaching: Teaching, in_place_of_training: Callable[[str], None], tmp_path: Path
) -> None:
    in_place_of_training(f"shutil.copytree({str(FINISHED)!r}, out); print('epoch 1')")
    gather(teaching)
    assert teaching.training() is None
    teaching.train()
    ended = wait(teaching)
    assert (ended["outcome"], ended["lines"]) == ("done", ["epoch 1"])
    assert [epoch for epoch, _ in ended["epochs"]] == [1, 2]
    assert ended["counts"] == {"train": 1294, "val": 144, "test": 359}
    assert ended["run"] == str(tmp_path / "taught-1" / "run-1")
    assert teaching.workspace.run.path == tmp_path / "taught-1" / "run-1"
    answer = teaching.look(photo("circles", 0))
    assert sorted(label for label, _ in answer["top"]) == list("0123456789")
    assert sum(share for _, share in answer["top"]) == pytest.approx(1, abs=1e-3)
    teaching.train()
    assert wait(teaching)["run"] == str(tmp_path / "taught-1" / "run-2")


def test_each_picture_says_in_which_split_it_was(
    teaching: Teaching, in_place_of_training: Callable[[str], None], tmp_path: Path
) -> None:
    gather(teaching)
    finished = Path(shutil.copytree(FINISHED, tmp_path / "finished"))
    first, second = (f"circles/{name}" for name in list(teaching.pictures["circles"])[:2])
    header = (finished / "split.csv").read_text().splitlines()[0]
    fields = header.split(",")
    rows = [{"id": first, "split": "train", "label": "circles"}, {"id": second, "split": "test", "label": "circles"}]
    lines = [",".join(row.get(field, "") for field in fields) for row in rows]
    (finished / "split.csv").write_text("\n".join([header, *lines]) + "\n")
    in_place_of_training(f"shutil.copytree({str(finished)!r}, out)")
    teaching.train()
    wait(teaching)
    circles, squares = ([picture["split"] for picture in one["pictures"]] for one in teaching.state()["classes"])
    assert circles == ["train", "test", "", "", ""]
    assert squares == [""] * 5


def test_a_training_that_fails_leaves_no_network(
    teaching: Teaching, in_place_of_training: Callable[[str], None]
) -> None:
    in_place_of_training("print('the disk is full'); sys.exit(2)")
    gather(teaching)
    teaching.train()
    ended = wait(teaching)
    assert (ended["outcome"], ended["run"]) == ("the disk is full", "")
    assert not teaching.workspace.has_run
    with pytest.raises(RunError, match="there is no network yet"):
        teaching.look(photo("circles", 0))


@pytest.mark.parametrize("opened", [True, False])
def test_a_run_that_the_lab_was_opened_with_gives_way_at_the_end_only(
    opened: bool, in_place_of_training: Callable[[str], None], tmp_path: Path
) -> None:
    """Otherwise a run is shown as soon as there is something to follow."""
    in_place_of_training(
        f"os.mkdir(out); shutil.copy({str(FINISHED / 'config.json')!r}, out); print('begun', flush=True)\n"
        f"while not os.path.exists({str(tmp_path / 'go on')!r}): time.sleep(0.02)\n"
        f"shutil.copytree({str(FINISHED)!r}, out, dirs_exist_ok=True)"
    )
    before = Path(shutil.copytree(FINISHED, tmp_path / "before"))
    teaching = Teaching(Workspace(before if opened else None), tmp_path)
    gather(teaching)
    teaching.train()
    after = tmp_path / "taught-1" / "run-1"
    for _ in range(1000):
        if teaching.workspace.has_run and teaching.training()["lines"]:  # type: ignore[index]
            break
        time.sleep(0.01)
    assert teaching.workspace.run.path == (before if opened else after)
    (tmp_path / "go on").touch()
    assert wait(teaching)["outcome"] == "done"
    assert teaching.workspace.run.path == after
