"""A headless Chromium, and the whole report opened in it as a person's browser opens a file."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sightline.reporting.report import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# The browser must neither need its sandbox, which root in a container has not, nor look for its maker's servers.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Chromium of this machine: $SIGHTLINE_CHROMIUM, or what the system's packages installed."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")
    named = os.environ.get("SIGHTLINE_CHROMIUM")
    path = named or next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no Chromium: install the system's package, e.g. apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page that is open. messages: what it said to the console, and errors. requests: the addresses it asked for."""

    page: "Page"
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


Open = Callable[..., Any]


@pytest.fixture
def visit(browser: "Browser") -> Open:
    """Open a file: `with visit(path, width=400) as it`. Leaving it checks that all was quiet."""

    @contextmanager
    def opened(
        path: Path, *, width: int = 1400, dark: bool = False, script: bool = True, still: bool = False
    ) -> Iterator[Visit]:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            reduced_motion="reduce" if still else "no-preference",
        )
        context.set_default_timeout(90_000)  # of a machine that does much else
        page = context.new_page()
        it = Visit(page)
        page.on("console", lambda message: it.messages.append(message.text))
        page.on("pageerror", lambda error: it.messages.append(str(error)))
        page.on("request", lambda request: it.requests.append(request.url))
        page.goto(path.as_uri())
        yield it
        assert it.messages == []
        assert [url for url in it.requests if not url.startswith("data:")] == [path.as_uri()]
        context.close()

    return opened


@pytest.fixture(scope="session")
def report_file(report_parts: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a report with every section; the arguments are those of `report_parts`."""
    folder = tmp_path_factory.mktemp("reports")

    def write(num_classes: int = 5, **options: Any) -> Path:
        path = folder / f"{num_classes}{''.join(map(str, options.items()))}.html"
        if not path.exists():
            parts = report_parts(num_classes, **options)
            html = render(
                parts.facts,
                history=parts.history,
                evaluation=parts.evaluation,
                images=parts.images,
                material=parts.material,
                run_name="shapes-1",
            )
            path.write_text(html, encoding="utf-8")
        return path

    return write
