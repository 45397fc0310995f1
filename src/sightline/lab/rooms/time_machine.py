"""The time machine: data/time/index.json, data/time/EPOCH.json, and data/live, the events of a training that runs."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from sightline.errors import RunError
from sightline.lab.answers import data_route, to_json
from sightline.lab.workspace import Workspace
from sightline.runs.run import Run

PAUSE = 0.25  # seconds between two looks at the run folder
BEAT = 15  # seconds after which something is sent in any case, so that a browser that has left is noticed


def routes(workspace: Workspace) -> list[BaseRoute]:
    async def live(_: Request) -> Response:
        workspace.run  # noqa: B018 - without a run this is an error, and no stream
        return StreamingResponse(_events(workspace), media_type="text/event-stream")

    return [
        data_route("time/index.json", lambda: _index(workspace)),
        data_route("time/{epoch:int}.json", lambda epoch: _frame(workspace, epoch)),
        Route("/data/live", live),
    ]


def exported(workspace: Workspace) -> Iterator[tuple[str, bytes]]:
    if not workspace.has_run:
        return
    index = _index(workspace)
    yield "time/index.json", to_json(index)
    for epoch in index["epochs"]:
        yield f"time/{epoch}.json", to_json(_frame(workspace, epoch))


def _index(workspace: Workspace) -> dict[str, Any]:
    from sightline.lab.film import index

    return index(workspace.run)


def _frame(workspace: Workspace, epoch: int) -> dict[str, Any]:
    from sightline.lab.film import frame

    return frame(workspace.run, epoch)


async def _events(workspace: Workspace) -> AsyncIterator[bytes]:
    """An event whenever an epoch or a snapshot is new; the last one tells why no more come."""
    run, last_state, silent, why = workspace.run, None, 0.0, "closed"
    while not workspace.closing.is_set():
        if workspace.run is not run:
            why = "other"
            break
        try:
            state = await run_in_threadpool(_state, run)
        except RunError as error:
            yield _event("problem", {"error": f"{error}"})
            return
        if state != last_state:
            last_state, silent = state, 0.0
            yield _event("state", state)
        elif silent > BEAT:
            silent = 0.0
            yield b": still here\n\n"
        if state["complete"]:
            why = "complete"
            break
        await asyncio.sleep(PAUSE)
        silent += PAUSE
    yield _event("end", {"why": why})


def _state(run: Run) -> dict[str, Any]:
    from sightline.inspection.snapshots import snapshot_paths
    from sightline.lab.film import progress

    return {"epochs": list(snapshot_paths(run.snapshots_folder)), **progress(run)}


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
