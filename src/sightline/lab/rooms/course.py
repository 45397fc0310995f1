"""The course: what its lessons say about the run's own network and data, data/course.json."""

from collections.abc import Iterator
from typing import Any

from starlette.routing import BaseRoute

from sightline.errors import SightlineError
from sightline.lab.answers import data_route, to_json
from sightline.lab.workspace import Workspace


def routes(workspace: Workspace) -> list[BaseRoute]:
    return [data_route("course.json", lambda: _own(workspace))]


def exported(workspace: Workspace) -> Iterator[tuple[str, bytes]]:
    yield "course.json", to_json(_own(workspace))


def _own(workspace: Workspace) -> dict[str, Any]:
    """By lesson; nothing without a run, or while its network cannot be read: the lessons do without it."""
    from sightline.lab.own_run import own_parts

    if not workspace.has_network:
        return {}
    try:
        with workspace.lock:
            return own_parts(workspace)
    except SightlineError:
        return {}
