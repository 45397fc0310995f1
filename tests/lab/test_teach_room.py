"""Teaching two classes, from the pictures to telling them apart."""

from pathlib import Path

import pytest

from sightline.lab.workspace import Workspace

from .conftest import OpenPage, answering
from .test_rooms import serious, until
from .test_teaching import photo


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
