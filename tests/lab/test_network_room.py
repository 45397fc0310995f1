"""Your network in a browser: from the picture to a layer to one number."""

import functools
import http.server
import json
import math
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import sightline
from sightline.data.load import load_recorded_test
from sightline.data.split import read_manifest
from sightline.inspection import arithmetic
from sightline.lab.export import export
from sightline.lab.workspace import Workspace
from sightline.models.summary import summary
from sightline.runs.run import Run

from .conftest import OpenPage, answering
from .test_rooms import serious, until

MINUS = "\N{MINUS SIGN}"


def opened(open_page: OpenPage, port: int, hash: str = "", **options: Any) -> Any:
    page = open_page(f"network.html{hash}", port=port, **options)
    page.wait_for_selector(".strip-maps", state="attached", timeout=20_000)
    return page


def test_from_the_picture_to_one_number(open_page: OpenPage, run_port: int, digits_run: Run) -> None:
    page = opened(open_page, run_port, "#picture=test-5")
    workspace = Workspace(digits_run.path)
    view_rows = page.locator(".layer-button")
    names = [name.split("\n")[-1] for name in view_rows.all_inner_texts()]
    number = next(i for i, name in enumerate(names) if name.endswith("c3.conv"))
    view_rows.nth(number).click()
    page.locator(".map").first.click()
    page.locator(".value .term").first.wait_for()
    title = page.locator(".value h3").inner_text()
    channel, row, column = (int(word.strip(",")) for word in title.split() if word.strip(",").isdecimal())
    test = load_recorded_test("digits", read_manifest(digits_run.split_path))
    assert test is not None
    taken = arithmetic(workspace.classifier, test.images.read(5), names[number], channel, row, column)
    said = page.locator(".value .hint").last.inner_text().split("computed ")[1].strip(".").replace(MINUS, "-")
    assert float(said) == pytest.approx(taken.output, rel=1e-5)
    page.locator(".map").first.focus()
    page.keyboard.press("ArrowUp" if row else "ArrowDown")
    until(page, f"document.querySelector('.value h3').textContent.includes('row {row - 1 if row else 1}')")
    view_rows.nth(number).press("Enter")
    assert page.locator(".layer-panel").count() == 0


def test_the_answer_is_the_classifiers(open_page: OpenPage, run_port: int, digits_run: Run) -> None:
    page = opened(open_page, run_port, "#picture=test-5")
    rows = [row.split("\n") for row in page.locator(".answer-row").all_inner_texts()]
    assert len(rows) == 6
    assert sum(float(row[-1].split()[0]) for row in rows) <= 100.5
    assert rows[0][0] in page.locator("#finding").inner_text()
    page.get_by_label("Where it looks for").check()
    assert page.locator("#cam").is_visible()
    page.get_by_label("Class of Grad-CAM").select_option("7")
    until(page, "document.querySelector('#cam-words').textContent.includes('speaks for 7')")


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (400, "dark")])
def test_it_fits_and_is_accessible(open_page: OpenPage, run_port: int, width: int, scheme: str) -> None:
    page = opened(open_page, run_port, "#layer=0", width=width, scheme=scheme)
    page.locator(".map").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious(page) == []


def test_without_a_run_it_says_what_to_type(open_page: OpenPage) -> None:
    page = open_page("network.html")
    page.locator("#problem").wait_for()
    assert "sightline lab RUN" in page.locator("#problem").inner_text()


def test_a_network_of_timm_by_name(open_page: OpenPage, tmp_path: Path) -> None:
    """With a picture from the start, all of its layers, one value as the function has it, and no training data."""
    pixels = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    workspace = Workspace(model="resnet10t", weights="none")
    for port in answering(workspace):
        page = opened(open_page, port)
        names = page.locator(".layer-button .path").all_text_contents()
        assert names == [row.name for row in summary(workspace.classifier.network).rows]
        assert "its weights are random: its answers mean nothing" in page.locator("#flow-words").inner_text()
        assert page.locator("#alike").is_hidden()
        until(page, "location.hash.includes('picture=given-1')")  # a scene that the page drew
        page.locator("#file").set_input_files(tmp_path / "noise.png")
        until(page, "location.hash.includes('picture=given-2')")
        page.locator(".layer-button").first.click()
        page.locator(".map").first.click()
        page.locator(".value .term").first.wait_for()
        title = page.locator(".value h3").inner_text()
        place = [int(word.strip(",")) for word in title.split() if word.strip(",").isdecimal()]
        taken = arithmetic(workspace.classifier, pixels, names[0], *place)
        said = page.locator(".value .hint").last.inner_text().split("computed ")[1].strip(".").replace(MINUS, "-")
        assert float(said) == pytest.approx(taken.output, rel=1e-4)
        other = open_page("time.html", port=port)
        other.locator("#problem").wait_for()
        assert "resnet10t came ready-made: there is no training of it here" in other.locator("#problem").inner_text()
        lesson = open_page("course/convolution.html", port=port)
        lesson.get_by_role("heading", name="In the network you opened").wait_for()


def test_data_that_is_gone_is_said_beside_a_drawn_scene(open_page: OpenPage, digits_run: Run, tmp_path: Path) -> None:
    shutil.copytree(digits_run.path, tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    (tmp_path / "run" / "config.json").write_text(json.dumps(config | {"data": str(tmp_path / "gone")}))
    for port in answering(Workspace(tmp_path / "run")):
        page = opened(open_page, port)
        until(page, "location.hash.includes('picture=given-1')")
        said = page.locator("#missing").inner_text()
        assert "test images are not at hand" in said
        assert said.endswith("Give a file, take a picture with the camera, or draw.")


def test_a_file_and_a_hostile_file(open_page: OpenPage, run_port: int, tmp_path: Path) -> None:
    Image.fromarray(np.full((30, 20, 3), 200, np.uint8)).save(tmp_path / "grey.png")
    (tmp_path / "page.jpg").write_text("<script>alert(1)</script>")
    page = opened(open_page, run_port)
    page.locator("#file").set_input_files(tmp_path / "grey.png")
    until(page, "location.hash.includes('picture=given')")
    # Asked without the page: a browser reports every refused request on its console.
    answer = page.request.post(
        f"http://127.0.0.1:{run_port}/data/pictures",
        data=(tmp_path / "page.jpg").read_bytes(),
        headers={"Origin": f"http://127.0.0.1:{run_port}"},
    )
    assert answer.status == 422
    assert "<" not in answer.json()["error"] or "HTML" in answer.json()["error"]


@pytest.fixture(scope="module")
def reading_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A lab with a network that reads well; `digits_run` has learnt for three epochs only."""
    out = tmp_path_factory.mktemp("runs") / "reading"
    sightline.train(
        "digits", model="speednet_s", epochs=4, precision="fp32", device="cpu", out=out, quiet=True, report="quick"
    )
    yield from answering(Workspace(out))


def test_a_drawn_3_is_read(open_page: OpenPage, reading_port: int) -> None:
    page = opened(open_page, reading_port)
    page.get_by_role("button", name="Draw", exact=True).click()
    box = page.locator(".pad").bounding_box()
    upper = [(0.47 + 0.2 * math.cos(a), 0.32 + 0.17 * math.sin(a)) for a in np.radians(np.linspace(200, 450, 15))]
    lower = [(0.47 + 0.23 * math.cos(a), 0.66 + 0.18 * math.sin(a)) for a in np.radians(np.linspace(-90, 160, 15))]
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in upper + lower]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()
    until(page, "location.hash.includes('picture=drawing')")
    assert page.locator(".answer-row").first.inner_text().startswith("3")


def test_a_picture_from_the_camera(open_page: OpenPage, run_port: int) -> None:
    page = opened(open_page, run_port, permissions=["camera"])
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("button", name="Take the picture").click()
    until(page, "location.hash.includes('picture=given')")
    page.get_by_role("button", name="Camera").click()
    assert page.locator("#video").is_hidden()


def test_two_pictures_side_by_side(open_page: OpenPage, run_port: int) -> None:
    page = opened(open_page, run_port, "#layer=0")
    before = page.locator(".strip-maps").count()
    assert before > 0
    page.get_by_label("Beside it").select_option(index=3)
    until(page, f"document.querySelectorAll('.strip-maps').length === {2 * before}")
    until(page, "document.querySelectorAll('.layer-panel .maps').length === 2")
    assert page.locator(".layer-panel p.caption").all_inner_texts() == ["The picture", "Beside it"]
    again = opened(open_page, run_port, page.evaluate("location.hash"))  # the address holds both
    until(again, f"document.querySelectorAll('.strip-maps').length === {2 * before}")
    assert again.get_by_label("Beside it").input_value() == page.get_by_label("Beside it").input_value() != ""


def test_the_copy_from_a_file_server(open_page: OpenPage, digits_run: Run, tmp_path: Path) -> None:
    export(tmp_path, digits_run.path)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = open_page("network.html", base=f"http://127.0.0.1:{server.server_port}")
        page.wait_for_selector(".near img")
        assert page.get_by_role("button", name="Draw", exact=True).is_hidden()
        page.locator(".layer-button").first.click()
        page.locator(".map:enabled").first.click()
        page.locator(".value .equation").wait_for()
        server.shutdown()
