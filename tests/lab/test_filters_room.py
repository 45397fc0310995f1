"""Filters over a whole picture: the arithmetic, the loupe, the learnt kernels, the camera."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.inspection import kernels
from sightline.lab.workspace import Workspace
from sightline.pixels import textbook
from sightline.runs.run import Run

from .conftest import OpenPage, in_node
from .test_rooms import serious, until

MINUS = "\N{MINUS SIGN}"


def test_convolution_is_the_textbooks(open_page: OpenPage) -> None:
    page = open_page("filters.html")
    rng = np.random.default_rng(0)
    for _ in range(30):
        height, width, rows, columns, count = (
            int(rng.integers(*ends)) for ends in ((7, 20), (7, 20), (1, 8), (1, 8), (1, 4))
        )
        planes = rng.normal(size=(count, height, width))
        weights = rng.normal(size=(count, rows, columns))
        result = page.evaluate(
            """async ([planes, kernels, bias]) => {
              const { convolve } = await import("./static/rooms/filters/convolve.js");
              const made = planes.map((rows) => {
                return { height: rows.length, width: rows[0].length, values: Float32Array.from(rows.flat()) };
              });
              const out = convolve(made, kernels, bias);
              return { ...out, values: [...out.values] };
            }""",
            [planes.tolist(), weights.tolist(), 0.5],
        )
        expected = 0.5 + sum(textbook.convolve2d(plane, kernel) for plane, kernel in zip(planes, weights, strict=True))
        assert (result["height"], result["width"]) == expected.shape
        np.testing.assert_allclose(np.reshape(result["values"], expected.shape), expected, atol=1e-4)


SETTINGS = """
import { fromWords, toWords } from "file://{static}/rooms/filters/settings.js";
const answers = given.map((words) => String(toWords(fromWords(new URLSearchParams(words), 4))));
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", "filter=sobel&size=3"),
        ("filter=box&size=5&relu=1", "filter=box&size=5&divisor=25&relu=1"),
        ("size=7", "filter=sobel&size=7"),
        ("filter=toString&size=4&absolute=yes", "filter=sobel&size=3"),
        ("filter=own&weights=1,0,0,0,-2,0,0,0,1&divisor=2", None),
        ("filter=own&weights=1,2,x", "filter=sobel&size=3"),
        ("filter=own&weights=0,0,0,0,1000,0,0,0,0", "filter=sobel&size=3"),
        ("filter=outline&learnt=3", "filter=outline&size=3&learnt=3"),
        ("filter=outline&learnt=4", "filter=outline&size=3"),
        ("filter=outline&learnt=0.5", "filter=outline&size=3"),
    ],
)
def test_what_makes_no_sense_in_an_address_is_as_usual(words: str, expected: str | None) -> None:
    expected = expected or words.replace(",", "%2C").replace("own&", "own&size=3&")
    assert in_node(SETTINGS, [words, expected]) == [expected, expected]


def numbers(page: Any, place: int) -> np.ndarray[Any, Any]:
    cells = page.locator("#loupe .term").nth(place).locator(".cell").all_inner_texts()
    side = round(len(cells) ** 0.5)
    return np.array([float(cell.replace(MINUS, "-")) for cell in cells]).reshape(side, side)


def test_the_loupe_adds_up_and_moves_by_keyboard(open_page: OpenPage) -> None:
    page = open_page("filters.html#filter=outline")
    page.locator("#loupe .term").first.wait_for()
    page.locator("#source").focus()
    for key in ("ArrowDown", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    words = page.locator("#equation").inner_text()
    assert words.startswith("Row 121, column 140: ")
    np.testing.assert_allclose(numbers(page, 0) * numbers(page, 1), numbers(page, 2), atol=0.05)
    assert float(words.split()[-1].replace(MINUS, "-")) == pytest.approx(numbers(page, 2).sum(), abs=0.06)


def test_filters_are_chosen_edited_and_kept_in_the_address(open_page: OpenPage) -> None:
    page = open_page("filters.html")
    page.get_by_role("radio", name="box blur").click()
    assert "filter=box" in page.url
    assert "keeps its brightness" in page.locator("#weight-sum").inner_text()
    page.get_by_label("Weight, row 1, column 1").fill("-8")
    page.keyboard.press("Tab")
    until(page, "location.hash.includes('filter=own')")
    page.get_by_label("ReLU").check()
    again = open_page("filters.html" + page.evaluate("location.hash"))
    assert again.get_by_label("Weight, row 1, column 1").input_value() == f"{MINUS}8"
    assert again.get_by_label("ReLU").is_checked()
    assert again.get_by_role("radio", name="your own").get_attribute("aria-checked") == "true"
    again.get_by_label("Size").select_option("5")
    assert again.locator("#weights input").count() == 25
    open_page("filters.html#filter=own&size=99&weights=1,x&learnt=7&divisor=-1").locator(
        "#loupe .term"
    ).first.wait_for()


def test_a_file_of_ones_own(open_page: OpenPage, tmp_path: Path) -> None:
    half = np.zeros((480, 640), np.uint8)
    half[:, 320:] = 255
    Image.fromarray(half).save(tmp_path / "half.png")
    (tmp_path / "text.png").write_text("no picture")
    page = open_page("filters.html#filter=vertical")
    page.locator("#file").set_input_files(tmp_path / "half.png")
    until(page, "document.querySelector('#source-words').textContent.includes('half.png')")
    box = page.locator("#source").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert abs(numbers(page, 2).sum()) == pytest.approx(3, abs=0.1)
    page.locator("#file").set_input_files(tmp_path / "text.png")
    page.locator("#problem").wait_for()
    assert "text.png cannot be read as an image here" in page.locator("#problem").inner_text()


def test_the_networks_own_filters(open_page: OpenPage, run_port: int, digits_run: Run) -> None:
    page = open_page("filters.html", port=run_port)
    buttons = page.locator("#learnt button")
    buttons.first.wait_for()
    classifier = Workspace(digits_run.path).classifier
    asked = page.request.get(f"http://127.0.0.1:{run_port}/data/kernels.json").body()
    answer = json.loads(asked)
    weights = kernels(classifier, answer["layer"])
    np.testing.assert_allclose(answer["values"], weights, atol=1e-5)
    buttons.nth(2).click()
    np.testing.assert_allclose(numbers(page, 1), weights[2, 0], atol=0.0051)
    assert "has it from its training images" in page.locator("#purpose").inner_text()


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (400, "dark")])
def test_it_fits_and_is_accessible(open_page: OpenPage, run_port: int, width: int, scheme: str) -> None:
    page = open_page("filters.html", port=run_port, width=width, scheme=scheme)
    page.locator("#learnt button").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious(page) == []


def test_the_camera(open_page: OpenPage) -> None:
    """The browser's own made-up camera: pictures come, are filtered, and stop."""
    page = open_page("filters.html", permissions=["camera"])
    page.locator("#loupe .term").first.wait_for()
    page.get_by_role("button", name="Camera").click()
    until(page, "/your camera, \\d+ pictures a second/.test(document.querySelector('#source-words').textContent)")
    before = page.evaluate("document.querySelector('#result').toDataURL()")
    until(page, f"document.querySelector('#result').toDataURL() !== {json.dumps(before)}")
    page.get_by_role("button", name="Stop the camera").click()
    assert page.evaluate("document.querySelector('#video').srcObject") is None


def test_a_camera_that_is_not_allowed_is_said(open_page: OpenPage) -> None:
    page = open_page("filters.html")
    page.get_by_role("button", name="Camera").click()
    page.locator("#problem").wait_for()
    assert "camera" in page.locator("#problem").inner_text()
