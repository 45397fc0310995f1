"""The lab as a process: its address, its speed without torch, ports, the end by Ctrl-C."""

import asyncio
import errno
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sightline.errors import InputError
from sightline.lab import server
from sightline.lab.server import listen

START = "from sightline.lab.server import serve; serve(port=0, open_browser=False)"


def test_a_lab_from_start_to_ctrl_c() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as lab:
        assert lab.stdout is not None
        address = lab.stdout.readline().split()[-1]
        assert address.startswith("http://127.0.0.1:")
        assert len(address.partition("?token=")[2]) >= 43  # 256 random bits
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert b"See what a network sees" in answer.read()
        assert lab.stdout.readline() == "It answers on this machine only. Ctrl-C closes it.\n"
        lab.send_signal(signal.SIGINT)
        assert lab.communicate(timeout=20)[1] == ""
        assert lab.returncode == 0


def test_the_first_page_needs_neither_torch_nor_numpy() -> None:
    code = (
        "import sys, sightline.lab.server, sightline.lab.app, sightline.lab.pages as p; p.pages()\n"
        "print(*(name for name in ('torch', 'numpy', 'PIL', 'matplotlib', 'pydantic') if name in sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_pages_cost_little_processor_time() -> None:
    """All imports and every page: the first is there within a second. CPU seconds, so that load does not matter."""
    code = (
        "import time, sightline.lab.server, sightline.lab.app, sightline.lab.pages as p; p.pages()\n"
        "print(time.process_time())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(result.stdout) < 1


def test_the_browser_is_opened_with_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(server.webbrowser, "open", opened.append)
    monkeypatch.setattr(server.uvicorn.Server, "run", lambda *_, **__: None)
    server.serve(port=0)
    server.serve(port=0, open_browser=False)
    assert len(opened) == 1
    assert "?token=" in opened[0]


def test_a_taken_port_says_what_to_do() -> None:
    with listen(0) as taken, pytest.raises(InputError) as error:
        listen(port := taken.getsockname()[1])
    assert str(error.value) == (
        f"port {port} is taken, perhaps by another lab: close that one, or use --port {port + 1}, "
        "or --port 0 for any free port"
    )


def test_impossible_ports() -> None:
    for port in (-1, 65536):
        with pytest.raises(InputError, match=f"port is {port}: use a number from 1024 to 65535"):
            listen(port)


def test_it_listens_on_this_machine_only() -> None:
    with listen(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_a_port_just_left_is_free_again() -> None:
    with listen(0) as first:
        port = first.getsockname()[1]
    started = time.monotonic()
    listen(port).close()
    assert time.monotonic() - started < 1


def test_answers_do_not_wait_for_an_acknowledgement() -> None:
    async def delays() -> list[int]:
        delays = []

        def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            delays.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listen(0) as listener:
            async with await asyncio.start_server(note, sock=listener):
                reader, writer = await asyncio.open_connection(*listener.getsockname())
                await reader.read()
                writer.close()
                await writer.wait_closed()
        return delays

    # In a thread of its own: a browser that other tests have opened has a loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        (nodelay,) = pool.submit(lambda: asyncio.run(delays())).result()
    assert nodelay


def test_the_lab_is_part_of_the_package() -> None:
    folder = Path(server.__file__).parent
    assert {path.name for path in (folder / "static").iterdir()} >= {"lab.css", "rooms", "zoo.json", "bodies"}


def test_a_port_that_only_the_system_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(InputError) as caught:
        listen(80)
    assert str(caught.value) == "port 80 is not allowed for you: use one of 1024 or more"
