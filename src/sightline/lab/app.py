"""The lab as an ASGI application: pages and static files. Nothing here imports torch or NumPy."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sightline.lab.guard import Guard
from sightline.lab.pages import MEDIA_TYPES, pages, static_files


def create_app(*, token: str, port: int) -> ASGIApp:
    """The application for a server on 127.0.0.1:`port`; only requests that carry `token` are answered."""
    routes = [
        Route("/static/{name:path}", _static),
        Route("/{address:path}", _page),
    ]
    return Guard(Starlette(routes=routes), token=token, port=port)


async def _page(request: Request) -> Response:
    page = pages().get(request.path_params["address"] or "index.html")
    return _not_found() if page is None else Response(page, media_type=MEDIA_TYPES[".html"])


async def _static(request: Request) -> Response:
    path = static_files().get(request.path_params["name"])
    return _not_found() if path is None else FileResponse(path, media_type=MEDIA_TYPES[path.suffix])


def _not_found() -> Response:
    return PlainTextResponse("There is no such page; the lab begins at /\n", 404)
