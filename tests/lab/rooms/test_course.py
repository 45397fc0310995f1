"""What the lessons are told of the reader's own network: nothing, or its parts; never an error."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from sightline.lab.answers import to_json
from sightline.lab.lessons import lessons
from sightline.lab.own_run import own_parts
from sightline.lab.rooms.course import exported, routes
from sightline.lab.workspace import Workspace

Asking = Callable[..., TestClient]


def test_the_parts_of_the_readers_own_network(finished: Path, client: Asking) -> None:
    workspace = Workspace(finished)
    parts = client(routes(workspace)).get("/data/course.json").json()
    assert parts == json.loads(to_json(own_parts(workspace)))
    assert {"convolution", "padding", "blocks"} <= set(parts) <= {lesson.slug for lesson in lessons()}
    assert dict(exported(workspace)) == {"course.json": to_json(own_parts(workspace))}


@pytest.mark.parametrize("folder", [None, "unfinished"])
def test_without_a_network_lessons_do_without(
    folder: str | None,
    client: Asking,
    request: pytest.FixtureRequest,
) -> None:
    workspace = Workspace(request.getfixturevalue(folder) if folder else None)
    answer = client(routes(workspace)).get("/data/course.json")
    assert (answer.status_code, answer.json()) == (200, {})
    assert dict(exported(workspace)) == {"course.json": b"{}"}


def test_a_network_that_cannot_be_read_is_as_none(finished: Path, client: Asking) -> None:
    (finished / "model" / "model.safetensors").write_bytes(b"damaged")
    assert client(routes(Workspace(finished))).get("/data/course.json").json() == {}
