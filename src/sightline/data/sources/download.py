"""One file from the internet: resumed where it stopped, checked, and put in place whole.

Nothing is sent but the request itself.
"""

import contextlib
import hashlib
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO, Literal

from sightline.errors import DownloadError
from sightline.machine.files import make_folder, storage_errors

CHUNK = 1 << 18  # bytes
TIMEOUT = 20  # seconds without a byte


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A published file: its name, the addresses it is served at (tried in turn) and its sha256."""

    name: str
    urls: tuple[str, ...]
    sha256: str


def download(file: RemoteFile, folder: Path) -> Path:
    """Fetch `file` into `folder` and return its path; at once if it is already there.

    What arrives is kept in NAME.part, so that a broken download goes on where it stopped; it gets its name only when
    its checksum is right. Raises DownloadError with every address's reason, or StorageError.
    """
    target = folder / file.name
    if target.exists():
        return target
    make_folder(folder)
    part = folder / f"{file.name}.part"
    reasons = {}
    # What an earlier run left may be of another version: then the first address is asked once more, from the start.
    for url in (file.urls[0], *file.urls) if part.exists() else file.urls:
        try:
            _fetch(url, part)
        except (OSError, HTTPException) as error:
            reasons[url] = _reason(error)
            continue
        digest = _sha256(part)
        if digest == file.sha256:
            with storage_errors(target):
                os.replace(part, target)
            return target
        part.unlink()
        reasons[url] = f"wrong checksum, sha256 is {digest[:12]}... and should be {file.sha256[:12]}..."
    where = "; ".join(f"{url}: {reason}" for url, reason in reasons.items())
    raise DownloadError(f"{file.name} cannot be downloaded", where=where)


def _fetch(url: str, part: Path) -> None:
    """Append to `part` what it lacks of `url`. Raises OSError or HTTPException for the network, StorageError."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response: HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if have and error.code == 416:  # there is nothing after byte `have`: the checksum decides whether that is all
            return
        raise
    with response:
        # A server that ignores Range answers 200 and sends the file from its start.
        start = have if response.status == 206 else 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        with _opened(part, "ab" if start else "wb") as file, _progress(part.stem, start=start, total=total) as advance:
            while chunk := response.read(CHUNK):
                with storage_errors(part):
                    file.write(chunk)
                    file.flush()
                start += len(chunk)
                advance(len(chunk))
            with storage_errors(part):
                os.fsync(file.fileno())
        if total is not None and start < total:
            raise HTTPException(f"the connection ended after {start:,} of {total:,} bytes")


def _opened(part: Path, mode: Literal["ab", "wb"]) -> BinaryIO:
    with storage_errors(part):
        return open(part, mode)


@contextlib.contextmanager
def _progress(name: str, *, start: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr when that is a terminal: yields a function to call with the bytes that arrived."""
    if not sys.stderr.isatty():
        yield lambda size: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"downloading {name}", completed=start, total=total)
        yield lambda size: progress.advance(task, size)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reason(error: BaseException) -> str:
    """Why a request failed, in a few words."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    text = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return text.lower() or type(cause).__name__
