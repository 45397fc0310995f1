"""A room's routes without a server, and a finished run to show."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.testclient import TestClient

from sightline.errors import SightlineError
from sightline.lab.answers import tell_error

from ..conftest import FINISHED


@pytest.fixture
def client() -> Callable[[Sequence[BaseRoute]], TestClient]:
    """Somebody who asks these routes, as the lab's pages do."""
    return lambda routes: TestClient(Starlette(routes=routes, exception_handlers={SightlineError: tell_error}))


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a finished run of LeNet-5 on the digits, and a cache of the test's own."""
    monkeypatch.setattr("sightline.machine.cache.cache_folder", lambda: tmp_path / "cache")
    return Path(shutil.copytree(FINISHED, tmp_path / "finished"))


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """The folder of a run that has no network yet."""
    folder = tmp_path / "unfinished"
    folder.mkdir()
    shutil.copy(FINISHED / "config.json", folder)
    return folder
