"""Answers of the lab that are data: JSON below data/, errors as one sentence, uploads within their limit.

The addresses are those of files: the export writes the same answers to the same places, and the pages cannot tell the
difference.
"""

import json
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sightline.errors import InputError, SightlineError

LARGEST_UPLOAD = 20 * 2**20  # bytes


class UploadError(InputError):
    """More bytes than the lab takes."""


def data_route(address: str, answer: Callable[..., Any]) -> Route:
    """GET data/`address`: what `answer` returns for the address's parameters, computed in a thread."""

    async def endpoint(request: Request) -> Response:
        return json_response(await run_in_threadpool(answer, **request.path_params))

    return Route(f"/data/{address}", endpoint)


def upload_route(address: str, answer: Callable[..., Any], *, largest: int = LARGEST_UPLOAD) -> Route:
    """POST data/`address`: what `answer` returns for the body's bytes, and the address's and the query's parameters."""

    async def endpoint(request: Request) -> Response:
        body = await read_body(request, largest)
        arguments = {**dict(request.query_params), **request.path_params}
        arguments.pop("token", None)
        return json_response(await run_in_threadpool(answer, body, **arguments))

    return Route(f"/data/{address}", endpoint, methods=["POST"])


async def read_body(request: Request, largest: int) -> bytes:
    """Raises UploadError as soon as more than `largest` bytes have come."""
    declared = request.headers.get("content-length", "")
    body = bytearray()
    too_large = UploadError(f"this is more than {largest // 2**20} MB", hint="choose a smaller file")
    if declared.isdecimal() and int(declared) > largest:
        raise too_large
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise too_large
    return bytes(body)


def to_json(answer: Any) -> bytes:
    """Compact, and without NaN, which no browser reads."""
    return json.dumps(answer, separators=(",", ":"), allow_nan=False).encode()


def json_response(answer: Any) -> Response:
    return Response(to_json(answer), media_type="application/json")


async def tell_error(_: Request, error: Exception) -> Response:
    """What a person did wrong, or what is not there, in one sentence; the pages show it where the result would be."""
    assert isinstance(error, SightlineError)
    status = 413 if isinstance(error, UploadError) else 422
    return JSONResponse({"error": f"{error}"}, status)
