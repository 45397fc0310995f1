"""Teach: data/teach.json, and what changes it. The static copy has none of it: it cannot train."""

from typing import TYPE_CHECKING

from starlette.routing import BaseRoute

from sightline.lab.answers import data_route, upload_route
from sightline.lab.workspace import Workspace

if TYPE_CHECKING:
    from sightline.lab.teaching import Teaching


def routes(workspace: Workspace) -> list[BaseRoute]:
    instances: list[Teaching] = []

    def teaching() -> "Teaching":
        from sightline.lab.teaching import Teaching

        with workspace.lock:
            if not instances:
                instances.append(Teaching(workspace))
            return instances[0]

    return [
        data_route("teach.json", lambda: teaching().state()),
        data_route("teach/training.json", lambda: teaching().training()),
        upload_route("teach/picture", lambda body, name="", **_: teaching().add_picture(name, body)),
        upload_route("teach/look", lambda body, **_: teaching().look(body)),
        upload_route("teach/add", lambda body, name="", **_: teaching().add_class(name), largest=0),
        upload_route("teach/rename", lambda body, name="", to="", **_: teaching().rename_class(name, to), largest=0),
        upload_route("teach/remove", lambda body, name="", **_: teaching().remove_class(name), largest=0),
        upload_route(
            "teach/remove-picture",
            lambda body, name="", file="", **_: teaching().remove_picture(name, file),
            largest=0,
        ),
        upload_route("teach/train", lambda body, **_: teaching().train(), largest=0),
        upload_route("teach/stop", lambda body, **_: teaching().stop(), largest=0),
    ]
