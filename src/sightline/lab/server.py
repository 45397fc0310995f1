"""The lab's server: bound to 127.0.0.1, opened in the browser with a fresh token, stopped by Ctrl-C."""

import contextlib
import errno
import secrets
import socket
import webbrowser
from pathlib import Path
from types import FrameType

import uvicorn

from sightline.errors import InputError
from sightline.lab.app import create_app
from sightline.lab.workspace import Workspace

HOST = "127.0.0.1"
PORT = 8760


def serve(
    run: Path | None = None,
    *,
    model: str | None = None,
    weights: str | None = None,
    port: int = PORT,
    open_browser: bool = True,
) -> None:
    """Print the address, open it in the browser, and answer until Ctrl-C. port 0: any free one.

    run: the run folder to look into, also one that still trains. model, weights: a published network instead. Raises
    RunError when the run does not exist, InputError when the port is taken or is no port, ModelError for weights.
    """
    workspace = Workspace(run, model=model, weights=weights)
    with listen(port) as listener:
        number = listener.getsockname()[1]
        token = secrets.token_urlsafe(32)
        address = f"http://{HOST}:{number}/?token={token}"
        # The socket listens already: a browser that comes before the first answer waits and is not refused.
        print(f"The lab is open at {address}\nIt answers on this machine only. Ctrl-C closes it.", flush=True)
        if open_browser:
            webbrowser.open(address)
        app = create_app(token=token, port=number, workspace=workspace)
        config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="none")
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a lab is closed, and no failure
            _Server(config, workspace).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends streams of events when it is told to end: it would wait for them, and they for news."""

    def __init__(self, config: uvicorn.Config, workspace: Workspace) -> None:
        super().__init__(config)
        self.workspace = workspace

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.workspace.closing.set()
        super().handle_exit(sig, frame)


def listen(port: int) -> socket.socket:
    """A socket that listens on HOST. Raises InputError with what to do when it cannot."""
    if not 0 <= port <= 65535:
        raise InputError(f"port is {port}", hint="use a number from 1024 to 65535, or 0 for any free port")
    # Named as TCP, asyncio sends an answer's end at once; otherwise it waits 40 ms for the browser's delayed ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # elsewhere than on Windows: a port just left is free at once
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                f"port {port} is taken, perhaps by another lab",
                hint=f"close that one, or use --port {port + 1 if port < 65535 else 0}, or --port 0 for any free port",
            ) from error
        if error.errno == errno.EACCES:
            raise InputError(f"port {port} is not allowed for you", hint="use one of 1024 or more") from error
        raise
    return listener
