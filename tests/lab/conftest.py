"""A lab that answers, a page of it that is open, and what both must never do."""

import base64
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import uvicorn
from PIL import Image

from sightline.lab.app import create_app
from sightline.lab.pages import STATIC
from sightline.lab.server import listen
from sightline.lab.workspace import Workspace
from sightline.runs.run import Run

TOKEN = "a-token-of-the-tests"
FINISHED = Path(__file__).parents[1] / "fixtures" / "version_0_1_0" / "whole"  # a run folder


def unpacked(packed: dict[str, Any]) -> Any:
    """The array that sightline.lab.packing.packed was given, uint8."""
    return np.frombuffer(base64.b64decode(packed["bytes"]), np.uint8).reshape(packed["shape"])


def png(pixels: np.ndarray) -> bytes:
    """A file of these pixels, uint8 (H, W) or (H, W, 3)."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def in_node(script: str, given: list[Any]) -> list[Any]:
    """The array `answers` that a module makes of `given`; {static} in it is the folder of the lab's scripts.

    JSON has no infinity and no undefined: null.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    whole = f"""
        import {{ readFileSync }} from "node:fs";
        const given = JSON.parse(readFileSync(0, "utf8"));
        {script.replace("{static}", str(STATIC))}
        console.log(JSON.stringify(answers));
    """
    command = [node, "--input-type=module", "--eval", whole]
    result = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True, timeout=60)
    answers: list[Any] = json.loads(result.stdout)
    return answers


@pytest.fixture(scope="session")
def lab_port() -> Iterator[int]:
    """The port of a lab that answers, without a run; its token is TOKEN."""
    yield from answering(Workspace())


@pytest.fixture(scope="session")
def run_port(digits_run: Run) -> Iterator[int]:
    """The port of a lab that was opened with a finished run; its token is TOKEN."""
    yield from answering(Workspace(digits_run.path))


def answering(workspace: Workspace) -> Iterator[int]:
    """A lab that answers on a free port until the generator is closed."""
    with listen(0) as listener:
        port: int = listener.getsockname()[1]
        app = create_app(token=TOKEN, port=port, workspace=workspace)
        config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield port
        server.should_exit = True
        thread.join(timeout=10)


@dataclass
class Watched:
    """A page of the browser and everything it must not say or ask for."""

    page: Any
    host: str
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._check(request.url))

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.host:
            self.complaints.append(f"asked for {url}")


OpenPage = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, lab_port: int) -> Iterator[OpenPage]:
    """open_page("playground.html#...", width=400, port=run_port) -> the page, which must not complain to the end."""
    watched: list[Watched] = []
    with ExitStack() as stack:

        def open_one(
            address: str,
            *,
            width: int = 1400,
            scheme: str = "light",
            base: str = "",
            port: int = lab_port,
            **options: Any,
        ) -> Any:
            origin = base or f"http://127.0.0.1:{port}"
            # Nothing moves by itself unless a test wants it to: what moves cannot be compared.
            settings = {"reduced_motion": "reduce", **options}
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **settings)
            stack.callback(context.close)
            if not base:
                context.add_cookies([{"name": f"sightline-lab-{port}", "value": TOKEN, "url": origin}])
            one = Watched(context.new_page(), urlsplit(origin).netloc)
            one.listen()
            watched.append(one)
            one.page.set_default_timeout(10_000)
            one.page.goto(f"{origin}/{address}")
            if address.startswith("architectures"):  # the only room that fetches something after it has loaded
                one.page.wait_for_selector("#rows tr, #blocks li, #problem:not([hidden])", state="attached")
            return one.page

        yield open_one
        for one in watched:
            assert one.complaints == [], one.page.url


@pytest.fixture
def in_place_of_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let a program run where a training would; `out` is the folder that the training is to write."""

    def put(code: str) -> None:
        program = tmp_path / "program"
        program.write_text(
            f"#!{sys.executable}\nimport os, shutil, sys, time\nout = sys.argv[sys.argv.index('--out') + 1]\n{code}\n"
        )
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))

    return put
