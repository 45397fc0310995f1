"""Your network: data/network.json, data/pictures/..., and pictures that are given or drawn."""

from collections.abc import Iterator
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute

from sightline.errors import InputError, SightlineError
from sightline.lab.answers import data_route, to_json, upload_route
from sightline.lab.workspace import Workspace

if TYPE_CHECKING:
    from sightline.lab.network_view import NetworkView

COPIED = 8  # pictures of a static copy
COPIED_CHANNELS, COPIED_SIDE = 16, 32  # of each layer
COPIED_VALUES = 4  # channels whose strongest value is copied with its arithmetic
LARGEST_DRAWING = 2**20  # bytes


def routes(workspace: Workspace) -> list[BaseRoute]:
    current = _CurrentView(workspace)

    def ask(question: str, **arguments: Any) -> Any:
        """One question of the view at a time: its hooks see every pass of the network."""
        with workspace.lock:
            return attrgetter(question)(current.view)(**arguments)

    def draw(body: bytes, width: str = "", **_: str) -> Any:
        if not width.isdecimal():
            raise InputError(f"the drawing's width is '{width}'", hint="give it in pixels")
        return ask("draw", ink=body, width=int(width))

    return [
        data_route("network.json", partial(ask, "about")),
        data_route("pictures/page-{page:int}.json", partial(ask, "pictures.page")),
        upload_route("pictures", lambda body, **_: ask("pictures.give", image=body)),
        upload_route("draw", draw, largest=LARGEST_DRAWING),
        data_route("pictures/{picture}/overview.json", partial(ask, "overview")),
        # It may look at all training images first, with a network of its own: the others need not wait for that.
        data_route("pictures/{picture}/nearest.json", lambda picture: current.view.neighbours(picture)),
        data_route("pictures/{picture}/cam-{target:int}.json", partial(ask, "cam")),
        data_route("pictures/{picture}/layer-{number:int}.json", partial(ask, "layer")),
        data_route("pictures/{picture}/layer-{number:int}-all.json", partial(ask, "layer", every=True)),
        data_route(
            "pictures/{picture}/layer-{number:int}/{channel:int}-{row:int}-{column:int}.json", partial(ask, "value")
        ),
    ]


def exported(workspace: Workspace) -> Iterator[tuple[str, bytes]]:
    if not workspace.has_network:
        return
    from sightline.lab.network_view import NetworkView

    view = NetworkView(workspace.run, workspace.classifier, channels=COPIED_CHANNELS, side=COPIED_SIDE)
    yield "network.json", to_json(view.about())
    pictures = view.pictures.page(0, count=COPIED) | {"pages": 1}
    yield "pictures/page-0.json", to_json(pictures)
    for picture in pictures["pictures"]:
        name = picture["id"]
        yield f"pictures/{name}/overview.json", to_json(view.overview(name))
        for number in range(len(view.rows)):
            layer = view.layer(name, number)
            places = []
            for channel in (layer["maps"] or {"channels": []})["channels"][:COPIED_VALUES]:
                place = (channel["number"], *channel["peak"])
                value = view.value(name, number, *place)
                yield f"pictures/{name}/layer-{number}/{place[0]}-{place[1]}-{place[2]}.json", to_json(value)
                places.append(place)
            yield f"pictures/{name}/layer-{number}.json", to_json(layer | {"places": places})
        try:
            yield f"pictures/{name}/nearest.json", to_json(view.neighbours(name))
        except SightlineError as error:
            yield f"pictures/{name}/nearest.json", to_json({"neighbours": [], "note": f"{error}."})


class _CurrentView:
    """The view of the workspace's network, made anew when another one is shown."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._view: NetworkView | None = None

    @property
    def view(self) -> "NetworkView":
        from sightline.lab.network_view import NetworkView

        with self.workspace.lock:
            classifier = self.workspace.classifier
            if self._view is None or self._view.classifier is not classifier:
                self._view = NetworkView(self.workspace.run if self.workspace.has_run else None, classifier)
            return self._view
