"""The time machine's addresses, and the events of a training: what is told, when, and why no more comes."""

import asyncio
import json
import shutil
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from sightline.lab.answers import to_json
from sightline.lab.film import frame, index
from sightline.lab.rooms import time_machine
from sightline.lab.rooms.time_machine import exported, routes
from sightline.lab.workspace import Workspace

Asking = Callable[..., TestClient]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_machine, "PAUSE", 0.01)


def events(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream: name and data."""
    blocks = [block.split("\n") for block in body.decode().split("\n\n") if block.startswith("event: ")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def test_frames_are_the_films_here_and_in_a_copy(finished: Path, client: Asking) -> None:
    workspace = Workspace(finished)
    room = client(routes(workspace))
    answers = {"time/index.json": index(workspace.run)}
    answers |= {f"time/{epoch}.json": frame(workspace.run, epoch) for epoch in (1, 2)}
    for address, expected in answers.items():
        assert room.get(f"/data/{address}").content == to_json(expected)
    assert dict(exported(workspace)) == {address: to_json(expected) for address, expected in answers.items()}
    assert room.get("/data/time/9.json").json() == {"error": "there is no snapshot of epoch 9"}


def test_without_a_run_there_is_no_stream(client: Asking) -> None:
    workspace = Workspace()
    answer = client(routes(workspace)).get("/data/live")
    assert answer.status_code == 422
    assert "opened without a run" in answer.json()["error"]
    assert list(exported(workspace)) == []


def test_of_a_training_that_is_over_there_is_one_state(finished: Path, client: Asking) -> None:
    answer = client(routes(Workspace(finished))).get("/data/live")
    assert answer.headers["content-type"].startswith("text/event-stream")
    (name, state), end = events(answer.content)
    assert name == "state"
    assert (state["epochs"], state["complete"]) == ([1, 2], True)
    assert [record["epoch"] for record in state["history"]] == [1, 2]
    assert end == ("end", {"why": "complete"})


def awaited(work: Callable[[], Coroutine[Any, Any, bytes]]) -> bytes:
    """What comes of it in 20 s, in a thread of its own: a browser that was opened has a loop running in this one."""

    async def soon() -> bytes:
        return await asyncio.wait_for(work(), 20)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(soon())).result()


def stream_of(workspace: Workspace, steps: list[Callable[[], object]]) -> list[tuple[str, dict[str, Any]]]:
    """What is told while these things happen, each once something was told of the one before."""

    async def follow() -> bytes:
        stream, rest = b"", list(steps)
        async for event in time_machine._events(workspace):
            stream += event
            if rest and event.startswith(b"event: state"):
                rest.pop(0)()
        return stream

    return events(awaited(follow))


def test_a_training_is_followed_to_its_end(unfinished: Path, finished: Path) -> None:
    lines = (finished / "history.jsonl").read_text().splitlines(keepends=True)

    def first_epoch() -> None:
        (unfinished / "history.jsonl").write_text(lines[0] + lines[1][:20])  # the second is being written

    def second_epoch() -> None:
        (unfinished / "history.jsonl").write_text("".join(lines))

    def snapshot() -> None:
        shutil.copytree(finished / "snapshots", unfinished / "snapshots")

    def end() -> None:
        shutil.copytree(finished / "model", unfinished / "model")
        shutil.copy(finished / "metrics.json", unfinished)

    stream = stream_of(Workspace(unfinished), [first_epoch, second_epoch, snapshot, end])
    states = [(len(state["history"]), state["epochs"], state["complete"]) for name, state in stream if name == "state"]
    # The model and metrics.json come one after the other, but only both together complete a run.
    assert states == [(0, [], False), (1, [], False), (2, [], False), (2, [1, 2], False), (2, [1, 2], True)]
    assert stream[-1] == ("end", {"why": "complete"})


def test_why_no_more_comes(unfinished: Path, finished: Path) -> None:
    workspace = Workspace(unfinished)
    assert stream_of(workspace, [lambda: workspace.open(finished)])[-1] == ("end", {"why": "other"})
    workspace = Workspace(unfinished)
    assert stream_of(workspace, [workspace.closing.set])[-1] == ("end", {"why": "closed"})


def test_a_history_that_is_damaged_is_told(unfinished: Path) -> None:
    def damage() -> None:
        (unfinished / "history.jsonl").write_text("no record\n{}\n")

    state, (name, problem) = stream_of(Workspace(unfinished), [damage])
    assert (state[0], name) == ("state", "problem")
    assert "line 1 is damaged" in problem["error"]


def test_a_browser_that_has_left_is_noticed(unfinished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something is sent from time to time although nothing happens."""
    monkeypatch.setattr(time_machine, "BEAT", 0.02)

    async def second() -> bytes:
        stream = time_machine._events(Workspace(unfinished))
        await anext(stream)
        return await anext(stream)

    assert awaited(second) == b": still here\n\n"
