"""The lab as an ASGI application: pages, static files, and the rooms' data.

Nothing here imports torch or NumPy; the rooms do when they are first asked.
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sightline.errors import SightlineError
from sightline.lab.answers import data_route, tell_error
from sightline.lab.guard import Guard
from sightline.lab.pages import MEDIA_TYPES, pages, static_files
from sightline.lab.rooms import course, filters, network, teach, time_machine
from sightline.lab.workspace import Workspace


def create_app(*, token: str, port: int, workspace: Workspace | None = None) -> ASGIApp:
    """The application for a server on 127.0.0.1:`port`; only requests that carry `token` are answered."""
    workspace = workspace or Workspace()
    routes = [
        data_route("lab.json", workspace.about),
        *course.routes(workspace),
        *filters.routes(workspace),
        *network.routes(workspace),
        *time_machine.routes(workspace),
        *teach.routes(workspace),
        Route("/static/{name:path}", _static),
        Route("/{address:path}", _page),
    ]
    app = Starlette(routes=routes, exception_handlers={SightlineError: tell_error})
    return Guard(app, token=token, port=port)


async def _page(request: Request) -> Response:
    page = pages().get(request.path_params["address"] or "index.html")
    return _not_found() if page is None else Response(page, media_type=MEDIA_TYPES[".html"])


async def _static(request: Request) -> Response:
    path = static_files().get(request.path_params["name"])
    return _not_found() if path is None else FileResponse(path, media_type=MEDIA_TYPES[path.suffix])


def _not_found() -> Response:
    return PlainTextResponse("There is no such page; the lab begins at /\n", 404)
