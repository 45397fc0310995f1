"""Downloads from a server on 127.0.0.1 that can break off, forget how to resume, or send something else."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sightline.data.sources.download import RemoteFile, download
from sightline.errors import DownloadError, StorageError

CONTENT = bytes(i * i % 251 for i in range(700_000))
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """What the server sends next, and which ranges it was asked for."""

    url: str = ""
    content: bytes = CONTENT
    break_after: int | None = None  # bytes, once
    supports_range: bool = True
    states_length: bool = True
    status: int = 0  # an HTTP error to answer with
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.asked.append(wanted)
            if state.status:
                return self.send_error(state.status)
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and state.supports_range else 0
            if start >= len(state.content):
                return self.send_error(416)
            body = state.content[start:]
            self.send_response(206 if start else 200)
            if state.states_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.break_after])
            state.break_after = None
            return None

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state.url = f"http://127.0.0.1:{http.server_port}/set.gz"
        yield state
        http.shutdown()
        thread.join()


def remote(*urls: str) -> RemoteFile:
    return RemoteFile(name="set.gz", urls=urls, sha256=SHA256)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_whole_and_is_not_asked_for_again(server: Server, tmp_path: Path):
    folder = tmp_path / "new" / "folder"
    path = download(remote(server.url), folder)
    assert path.read_bytes() == CONTENT
    assert names(folder) == ["set.gz"]
    assert download(remote(server.url), folder) == path
    assert server.asked == [None]


def test_a_broken_download_goes_on_where_it_stopped(server: Server, tmp_path: Path):
    server.break_after = 300_000
    with pytest.raises(DownloadError) as error:
        download(remote(server.url), tmp_path)
    reason = "the connection ended after 300,000 of 700,000 bytes"
    assert str(error.value) == f"set.gz cannot be downloaded ({server.url}: {reason})"
    assert (tmp_path / "set.gz.part").read_bytes() == CONTENT[:300_000]
    assert not (tmp_path / "set.gz").exists()

    assert download(remote(server.url), tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-"]
    assert names(tmp_path) == ["set.gz"]


def test_a_second_address_goes_on_where_the_first_one_broke(server: Server, tmp_path: Path):
    server.break_after = 100_000
    assert download(remote(server.url, server.url + "?mirror"), tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]


def test_a_server_without_ranges_sends_everything_again(server: Server, tmp_path: Path):
    (tmp_path / "set.gz.part").write_bytes(CONTENT[:5000])
    server.supports_range = False
    assert download(remote(server.url), tmp_path).read_bytes() == CONTENT


def test_a_server_that_does_not_say_the_length_will_do(server: Server, tmp_path: Path):
    server.states_length = False
    assert download(remote(server.url), tmp_path).read_bytes() == CONTENT


def test_a_download_that_only_lacked_its_name_is_finished(server: Server, tmp_path: Path):
    (tmp_path / "set.gz.part").write_bytes(CONTENT)
    assert download(remote(server.url), tmp_path).read_bytes() == CONTENT


def test_the_rest_of_another_version_is_fetched_afresh(server: Server, tmp_path: Path):
    (tmp_path / "set.gz.part").write_bytes(b"another version")
    assert download(remote(server.url), tmp_path).read_bytes() == CONTENT
    assert server.asked == ["bytes=15-", None]


def test_a_wrong_checksum_leaves_nothing_behind(server: Server, tmp_path: Path):
    server.content = b"<html>log in to the hotel's network</html>"
    with pytest.raises(DownloadError) as error:
        download(remote(server.url), tmp_path)
    checksum = hashlib.sha256(server.content).hexdigest()
    assert f"{server.url}: wrong checksum, sha256 is {checksum[:12]}... and should be {SHA256[:12]}..." in str(
        error.value
    )
    assert names(tmp_path) == []


def test_every_address_and_its_reason_is_named(server: Server, tmp_path: Path):
    server.status = 404
    with socket.socket() as unused:  # bound, but nobody listens
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/set.gz"
        with pytest.raises(DownloadError) as error:
            download(remote(server.url, closed), tmp_path)
    reasons = f"{server.url}: HTTP 404 Not Found; {closed}: connection refused"
    assert str(error.value) == f"set.gz cannot be downloaded ({reasons})"
    assert error.value.exit_code == 2


def test_a_folder_that_cannot_be_written_is_a_storage_error(server: Server, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot write"):
        download(remote(server.url), tmp_path / "file" / "data")


def test_a_terminal_sees_progress(server: Server, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    download(remote(server.url), tmp_path)
    output = capsys.readouterr()
    assert "downloading set.gz" in output.err
    assert output.out == ""
