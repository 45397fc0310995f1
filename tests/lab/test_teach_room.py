"""Teaching two classes, from the pictures to telling them apart."""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sightline.errors import ImageError, InputError, RunError
from sightline.lab.teaching import Teaching
from sightline.lab.workspace import Workspace

from .conftest import OpenPage, answering
from .test_rooms import serious, until

FINISHED = Path(__file__).parents[1] / "fixtures" / "version_0_1_0" / "whole"


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
    made = Teaching(Workspace(), tmp_path)
    yield made
    made.stop()


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


def wait(teaching: Teaching) -> dict[str, Any]:
    for _ in range(600):
        state = teaching.training()
        if state and not state["running"]:
            return state
        time.sleep(0.1)
    raise AssertionError("the training did not end within a minute")


@pytest.mark.parametrize("tested", [True, False])
def test_the_result_is_that_of_the_run_folder_whatever_is_said(
    teaching: Teaching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tested: bool
) -> None:
    """In place of the training runs a program that leaves a finished run and speaks of something else."""
    finished = Path(shutil.copytree(FINISHED, tmp_path / "finished"))
    if not tested:
        metrics = json.loads((finished / "metrics.json").read_text())
        (finished / "metrics.json").write_text(json.dumps({k: v for k, v in metrics.items() if k != "test"}))
    program = tmp_path / "program"
    program.write_text(
        f"#!{sys.executable}\nimport shutil, sys\n"
        f"shutil.copytree({str(finished)!r}, sys.argv[sys.argv.index('--out') + 1])\n"
        "print('test accuracy (2 pictures) has fewer than 20 images to learn from')\n"
    )
    program.chmod(0o755)
    for kind in ("circles", "squares"):
        teaching.add_class(kind)
        for seed in range(5):
            teaching.add_picture(kind, photo(kind, seed))
    monkeypatch.setattr(sys, "executable", str(program))
    teaching.train()
    ended = wait(teaching)
    assert ended["outcome"] == "done"
    assert ended["lines"] == ["test accuracy (2 pictures) has fewer than 20 images to learn from"]
    if tested:
        assert ended["result"].startswith("test accuracy 55 % (50 to 60) on 359 images, ")
        assert ended["result"].endswith(" s")
    else:
        assert ended["result"] == ""


def test_two_classes_are_told_apart(open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIGHTLINE_DATA", raising=False)  # no weights: a small network from scratch
    for kind in ("circles", "squares"):
        (tmp_path / kind).mkdir()
        for seed in range(13):
            (tmp_path / kind / f"{seed}.png").write_bytes(photo(kind, seed))
    for port in answering(Workspace()):
        page = open_page("teach.html", port=port)
        for kind in ("circles", "squares"):
            page.get_by_label("A new class").fill(kind)
            page.get_by_role("button", name="Add", exact=True).click()
            section = page.get_by_role("region", name=kind)
            section.wait_for()
            files = [tmp_path / kind / f"{seed}.png" for seed in range(12)]
            section.locator("input[type=file]").set_input_files(files)
            until(page, f"document.querySelector('section[aria-label={kind}] .hint').textContent.startsWith('12')")
        page.get_by_role("button", name="Train").click()
        page.get_by_role("button", name="Stop").wait_for()
        for _ in range(6):
            try:
                until(page, "!document.querySelector('#look').hidden")
                break
            except AssertionError:
                continue
        assert "test accuracy" in page.locator("#look-words").inner_text().lower()
        assert "training" in page.locator("#counts").inner_text()
        for kind in ("circles", "squares"):
            page.locator("#try").set_input_files(tmp_path / kind / "12.png")
            until(page, f"document.querySelector('#answer .count-name')?.textContent === '{kind}'")
        for width, scheme in ((1400, "light"), (400, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert serious(page) == []
        page.get_by_role("link", name="Your network", exact=True).click()
        page.wait_for_selector(".strip-maps", timeout=20_000)
    assert (tmp_path / "taught-1" / "run-1" / "model" / "model.json").is_file()


def test_pictures_come_from_the_camera_while_the_button_is_held(
    open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for port in answering(Workspace()):
        page = open_page("teach.html", port=port, permissions=["camera"])
        page.get_by_label("A new class").fill("me")
        page.get_by_role("button", name="Add", exact=True).click()
        page.get_by_role("button", name="Use the camera").click()
        button = page.get_by_role("button", name="Hold to take pictures")
        button.wait_for()
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        page.mouse.down()
        until(page, "document.querySelectorAll('.gathered img').length >= 2")
        page.mouse.up()
    assert len(list((tmp_path / "taught-1" / "pictures" / "me").iterdir())) >= 2


def test_without_a_camera_it_says_so(open_page: OpenPage) -> None:
    page = open_page("teach.html")
    page.get_by_role("button", name="Use the camera").click()
    page.locator("#problem").wait_for()
    assert "camera" in page.locator("#problem").inner_text()
