"""The network room's addresses: each is one question of the view, and a static copy has answers at the same ones."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from sightline.lab.answers import to_json
from sightline.lab.network_view import NetworkView
from sightline.lab.rooms.network import COPIED, COPIED_CHANNELS, COPIED_SIDE, COPIED_VALUES, exported, routes
from sightline.lab.workspace import Workspace

Asking = Callable[..., TestClient]


@pytest.fixture
def workspace(finished: Path) -> Workspace:
    return Workspace(finished)


@pytest.fixture
def room(workspace: Workspace, client: Asking) -> TestClient:
    return client(routes(workspace))


@pytest.fixture
def view(workspace: Workspace) -> NetworkView:
    return NetworkView(workspace.run, workspace.classifier)


def plain(answer: Any) -> Any:
    """As it comes out of JSON."""
    return json.loads(to_json(answer))


def test_every_question_is_the_views(room: TestClient, view: NetworkView) -> None:
    assert room.get("/data/network.json").json() == plain(view.about())
    pictures = room.get("/data/pictures/page-0.json").json()
    assert pictures == plain(view.pictures.page(0))
    name = pictures["pictures"][0]["id"]
    at = f"/data/pictures/{name}"
    assert room.get(f"{at}/overview.json").json() == plain(view.overview(name))
    assert room.get(f"{at}/nearest.json").json() == plain(view.neighbours(name))
    assert room.get(f"{at}/cam-3.json").json() == plain(view.cam(name, 3))
    assert room.get(f"{at}/layer-0.json").json() == plain(view.layer(name, 0))
    assert room.get(f"{at}/layer-0-all.json").json() == plain(view.layer(name, 0, every=True))
    assert room.get(f"{at}/layer-0/2-3-4.json").json() == plain(view.value(name, 0, 2, 3, 4))


def test_a_picture_that_is_given_or_drawn(room: TestClient) -> None:
    file = io.BytesIO()
    Image.fromarray(np.full((20, 20), 200, np.uint8)).save(file, "png")
    picture = room.post("/data/pictures", content=file.getvalue()).json()
    assert room.get(f"/data/pictures/{picture['id']}/overview.json").status_code == 200
    drawn = room.post("/data/draw?width=10", content=bytes(range(100))).json()
    assert room.get(f"/data/pictures/{drawn['id']}/overview.json").status_code == 200


@pytest.mark.parametrize("width", ["", "-1", "1.5", "ten"])
def test_a_drawing_needs_its_width(width: str, room: TestClient) -> None:
    answer = room.post(f"/data/draw?width={width}", content=bytes(100))
    assert answer.status_code == 422
    assert answer.json() == {"error": f"the drawing's width is '{width}': give it in pixels"}


def test_a_drawing_has_a_limit(room: TestClient) -> None:
    answer = room.post("/data/draw?width=1024", content=bytes(2**20 + 1))
    assert answer.status_code == 413
    assert answer.json() == {"error": "this is more than 1 MB: choose a smaller file"}


def test_another_network_gets_a_view_of_its_own(room: TestClient, workspace: Workspace) -> None:
    assert room.get("/data/network.json").json()["network"] == "lenet5"
    workspace.open_published("resnet20", "none")
    assert room.get("/data/network.json").json()["network"] == "resnet20"


def test_without_a_network(unfinished: Path, client: Asking) -> None:
    for workspace, words in ((Workspace(), "opened without a run"), (Workspace(unfinished), "has no network yet")):
        answer = client(routes(workspace)).get("/data/network.json")
        assert answer.status_code == 422
        assert words in answer.json()["error"]
        assert list(exported(workspace)) == []


def test_a_copy_answers_what_it_offers(workspace: Workspace, room: TestClient) -> None:
    copied = {name: json.loads(content) for name, content in exported(workspace)}
    assert copied["network.json"] == room.get("/data/network.json").json()
    page = copied["pictures/page-0.json"]
    assert page["pages"] == 1
    assert len(page["pictures"]) == COPIED
    rows = copied["network.json"]["layers"]
    for picture in page["pictures"]:
        at = f"pictures/{picture['id']}"
        overview = room.get(f"/data/{at}/overview.json").json()
        assert copied[f"{at}/overview.json"]["prediction"] == overview["prediction"]
        assert f"{at}/nearest.json" in copied
        for number in range(len(rows)):
            layer = copied[f"{at}/layer-{number}.json"]
            maps = layer["maps"] or {"channels": [], "shape": [0]}
            channels = maps["channels"]
            assert len(channels) <= COPIED_CHANNELS
            assert max(maps["shape"][1:], default=0) <= COPIED_SIDE
            assert len(layer["places"]) == min(len(channels), COPIED_VALUES)
            for channel, row, column in layer["places"]:
                assert f"{at}/layer-{number}/{channel}-{row}-{column}.json" in copied


def test_a_copy_without_training_images_says_why_nothing_is_near(workspace: Workspace, tmp_path: Path) -> None:
    config = json.loads(workspace.run.config_path.read_text())
    workspace.run.config_path.write_text(json.dumps(config | {"data": str(tmp_path / "gone")}))
    copied = dict(exported(workspace))
    near = [json.loads(content) for name, content in copied.items() if name.endswith("nearest.json")]
    assert all(answer["neighbours"] == [] and "gone" in answer["note"] for answer in near)
