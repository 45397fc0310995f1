"""The lab as an application: every page, every file and every room's data at its address, and nothing else."""

import json

import pytest
from starlette.testclient import TestClient

from sightline.lab.app import create_app
from sightline.lab.pages import pages, static_files
from sightline.lab.workspace import Workspace

from .conftest import FINISHED, TOKEN
from .test_guard import ask

PORT = 8765


def client(workspace: Workspace | None = None) -> TestClient:
    """A browser that knows the token."""
    app = create_app(token=TOKEN, port=PORT, workspace=workspace)
    browser = TestClient(app, base_url=f"http://127.0.0.1:{PORT}")
    browser.cookies.set(f"sightline-lab-{PORT}", TOKEN)
    return browser


def test_every_page_and_every_file_is_at_its_address() -> None:
    browser = client()
    for address, page in pages().items():
        answer = browser.get(f"/{address}")
        assert (answer.status_code, answer.content) == (200, page)
    assert browser.get("/").content == pages()["index.html"]
    for name, path in static_files().items():
        answer = browser.get(f"/static/{name}")
        assert (answer.status_code, answer.content) == (200, path.read_bytes())


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("lab.json", 200),
        ("course.json", 200),
        ("kernels.json", 200),
        ("network.json", 200),
        ("time/index.json", 200),
        ("time/1.json", 200),
        ("teach.json", 200),
        ("teach/training.json", 200),
        ("nothing.json", 404),
    ],
)
def test_every_room_answers(address: str, status: int) -> None:
    answer = client(Workspace(FINISHED)).get(f"/data/{address}")
    assert answer.status_code == status
    if status == 200:
        assert answer.headers["content-type"] == "application/json"
        answer.json()


def test_what_the_lab_is_about() -> None:
    assert client().get("/data/lab.json").json() == {"live": True, "run": None}
    run = client(Workspace(FINISHED)).get("/data/lab.json").json()["run"]
    assert run == {"name": "whole", "trained": True, "complete": True, "network": True}


def test_an_error_of_a_person_is_one_sentence_of_json() -> None:
    answer = client().get("/data/network.json")
    assert answer.status_code == 422
    assert json.loads(answer.content)["error"].startswith("the lab was opened without a run: ")


def test_nobody_else_is_answered() -> None:
    app = create_app(token=TOKEN, port=PORT)
    stranger = TestClient(app, base_url=f"http://127.0.0.1:{PORT}")
    assert stranger.get("/").status_code == 403
    assert stranger.get("/data/lab.json").status_code == 403


def test_what_is_not_there() -> None:
    for address in ("/nothing.html", "/static/nothing.js", "/index.htm", "/course/"):
        answer = client().get(address)
        assert (answer.status_code, answer.text) == (404, "There is no such page; the lab begins at /\n")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pages.py",
        "/static/..%2fpages.py",
        "/static/%2e%2e/pages.py",
        "/static/%2e%2e%2f%2e%2e%2ferrors.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/..%5cpages.py",
        "/static/bodies/page.html",
        "/static/rooms/../bodies/page.html",
        "/static/rooms",
        "/static/rooms/",
        "/static/network.js",
        "/static/",
        "/static/lab.css%00",
        "/course/../pages.py",
        "/course/01_images.html",
        "/../../etc/passwd",
        "/nothing.html",
    ],
)
def test_no_route_leaves_its_folder(lab_port: int, path: str) -> None:
    answer = ask(lab_port, path)
    assert answer.status == 404
    assert answer.body == b"There is no such page; the lab begins at /\n"


def test_types_are_named(lab_port: int) -> None:
    assert ask(lab_port, "/static/lab.css").headers.get("content-type") == "text/css; charset=utf-8"
    assert ask(lab_port, "/static/shared/cells.js").headers.get("content-type") == "text/javascript; charset=utf-8"
    assert ask(lab_port, "/").headers.get("content-type") == "text/html; charset=utf-8"
