"""The whole report opened in it as a person's browser opens a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sightline.reporting.report import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


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
