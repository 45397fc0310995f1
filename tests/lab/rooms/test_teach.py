"""Teach's addresses: what a page may ask for and change; one `Teaching` behind all of them."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from sightline.lab import teaching as module
from sightline.lab.rooms.teach import routes
from sightline.lab.workspace import Workspace


@pytest.fixture
def instances(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[module.Teaching]]:
    """Every `Teaching` that is made."""
    made: list[module.Teaching] = []
    begin = module.Teaching.__init__

    def noted(self: module.Teaching, *arguments: Any) -> None:
        made.append(self)
        begin(self, *arguments)

    monkeypatch.setattr(module.Teaching, "__init__", noted)
    yield made
    for teaching in made:
        teaching.stop()


@pytest.fixture
def room(
    client: Callable[..., TestClient], instances: list[module.Teaching], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TestClient:
    monkeypatch.chdir(tmp_path)  # where the lab was started, it writes
    return client(routes(Workspace()))


def png(level: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((12, 16, 3), level, np.uint8)).save(file, "png")
    return file.getvalue()


def names(state: dict[str, Any]) -> dict[str, int]:
    """How many pictures each class has."""
    return {one["name"]: len(one["pictures"]) for one in state["classes"]}


def test_classes_and_pictures_come_and_go(room: TestClient, instances: list[module.Teaching], tmp_path: Path) -> None:
    assert names(room.get("/data/teach.json").json()) == {}
    assert room.get("/data/teach/training.json").json() is None
    assert names(room.post("/data/teach/add?name=mugs").json()) == {"mugs": 0}
    assert names(room.post("/data/teach/add?name=pens").json()) == {"mugs": 0, "pens": 0}
    first = room.post("/data/teach/picture?name=mugs", content=png(10)).json()
    room.post("/data/teach/picture?name=mugs", content=png(200))
    assert (tmp_path / "taught-1" / "pictures" / "mugs" / first["id"]).is_file()
    assert names(room.post("/data/teach/rename?name=mugs&to=cups").json()) == {"cups": 2, "pens": 0}
    state = room.post(f"/data/teach/remove-picture?name=cups&file={first['id']}").json()
    assert names(state) == {"cups": 1, "pens": 0}
    assert names(room.post("/data/teach/remove?name=pens").json()) == {"cups": 1}
    assert room.get("/data/teach.json").json()["missing"] == "Make two classes or more."
    assert len(instances) == 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("add", "the class has no name"),
        ("add?name=../x", "'../x' cannot be the name of a folder: use letters, digits, spaces, - and _"),
        ("rename?name=pens&to=mugs", "there is no class 'pens': add it first"),
        ("remove?name=pens", "there is no class 'pens': add it first"),
        ("picture?name=pens", "there is no class 'pens': add it first"),
        ("remove-picture?name=mugs&file=9.png", "mugs has no picture '9.png': it may have been removed already"),
        ("train", "this cannot be trained yet: make two classes or more"),
        ("look", "there is no network yet: gather pictures and train one"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(address: str, words: str, room: TestClient) -> None:
    room.post("/data/teach/add?name=mugs")
    content = png(10) if address.startswith(("picture", "look")) else b""
    answer = room.post(f"/data/teach/{address}", content=content)
    assert answer.status_code == 422
    assert answer.json() == {"error": words}


@pytest.mark.parametrize("address", ["add?name=a", "rename?name=a&to=b", "remove?name=a", "train", "stop"])
def test_only_pictures_have_a_body(address: str, room: TestClient, instances: list[module.Teaching]) -> None:
    assert room.post(f"/data/teach/{address}", content=b"x").status_code == 413
    assert instances == []  # it was refused before anything was done


def test_nothing_is_running_to_be_stopped(room: TestClient) -> None:
    assert room.post("/data/teach/stop").json() == {}
