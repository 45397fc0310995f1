"""Data of the lab: JSON, one sentence for what went wrong, and no more bytes than allowed."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from sightline.errors import DataError, SightlineError
from sightline.lab.answers import data_route, tell_error, upload_route


def fails() -> None:
    raise DataError("photo 7 is gone", hint="choose another")


def double(number: str) -> dict[str, int]:
    return {"doubled": 2 * int(number)}


def length(body: bytes, name: str = "") -> dict[str, Any]:
    return {"name": name, "bytes": len(body)}


@pytest.fixture
def client() -> TestClient:
    routes = [
        data_route("double/{number}.json", double),
        data_route("fails.json", fails),
        upload_route("length", length, largest=10),
    ]
    return TestClient(Starlette(routes=routes, exception_handlers={SightlineError: tell_error}))


def test_data_is_json(client: TestClient) -> None:
    assert client.get("/data/double/21.json").json() == {"doubled": 42}


def test_an_error_is_one_sentence(client: TestClient) -> None:
    answer = client.get("/data/fails.json")
    assert answer.status_code == 422
    assert answer.json() == {"error": "photo 7 is gone: choose another"}


def test_uploads_have_a_limit(client: TestClient) -> None:
    assert client.post("/data/length?name=a", content=b"x" * 10).json() == {"name": "a", "bytes": 10}
    assert client.post("/data/length", content=b"x" * 11).status_code == 413
    undeclared = client.post("/data/length", content=iter([b"x" * 6, b"x" * 6]))
    assert undeclared.status_code == 413
    assert undeclared.json()["error"].startswith("this is more than")
