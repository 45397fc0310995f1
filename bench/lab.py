"""The lab: its first page painted 1 s after the command, 60 frames a second in the playground, 20 filtered pictures.

In headless Chromium, which draws without a GPU; needs playwright. The first page counts from the start of the process
to the first contentful paint in a browser that is open already. A pointer move counts the page's own handlers and the
layout they ask for, over every cell of the 8 x 8 playground's input and output in turn. The filter room convolves
320 x 240 pixels of Chromium's made-up camera with one 3 x 3 filter.
"""

import os
import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from harness import SIGHTLINE, at_least, at_most, begin, command_line, print_claims, table

FIRST_PAINT_SECONDS, FRAMES, PICTURES = 1.0, 60, 20
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream=fps=60",
)

MOVES = """rounds => {
  const cells = [...document.querySelectorAll("#input [role=gridcell], #output [role=gridcell]")];
  const spent = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const cell of cells) {
      const { left, top } = cell.getBoundingClientRect();
      const at = { clientX: left + 3, clientY: top + 3 };
      const move = new PointerEvent("pointermove", { bubbles: true, pointerType: "mouse", ...at });
      const start = performance.now();
      cell.dispatchEvent(move);
      const handled = performance.now();
      document.body.getBoundingClientRect();
      spent.push([handled - start, performance.now() - handled]);
    }
  }
  return spent;
}"""

# How long each frame's own script takes, noted from outside the page.
NOTE_FRAMES = """
const ask = window.requestAnimationFrame.bind(window);
window.spent = [];
window.requestAnimationFrame = (draw) => ask((now) => {
  const start = performance.now();
  draw(now);
  window.spent.push([now, performance.now() - start]);
});
"""


def main() -> None:
    args = command_line(__doc__, rounds=11).parse_args()
    rounds = 2 if args.quick else args.rounds
    begin("the lab in headless Chromium", args)
    with sync_playwright() as playwright:
        chromium = os.environ.get("SIGHTLINE_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        first_paint(browser)  # files come into the page cache, bytecode is written
        paints = [first_paint(browser) for _ in range(rounds)]
        with a_lab() as (address, _):
            moves = pointer_moves(browser, address, 2 if args.quick else 50)
            pictures = filtered_pictures(browser, address, 1 if args.quick else 10)
        browser.close()
    totals = [script + layout for script, layout in moves]
    rows = [
        ["command to first paint, ms", *spread([1_000 * seconds for seconds in paints])],
        ["playground, a pointer move: script, ms", *spread([script for script, _ in moves])],
        ["playground, a pointer move: script and layout, ms", *spread(totals)],
    ]
    claims = [
        at_most("first page painted, median", FIRST_PAINT_SECONDS, statistics.median(paints), "s"),
        at_most("a pointer move, p95: a frame at 60 a second", 1_000 / FRAMES, p95(totals), "ms"),
    ]
    if pictures:
        per_second = 1_000 * (len(pictures) - 1) / (pictures[-1][0] - pictures[0][0])
        rows.append(["filters, 320 x 240, a picture: script, ms", *spread([script for _, script in pictures])])
        claims.append(at_least("filtered pictures", PICTURES, per_second, "a second"))
    table(("", "median", "p95", "most"), rows)
    print_claims(claims)


@contextmanager
def a_lab() -> Iterator[tuple[str, float]]:
    """A lab of its own process: its address with the token, and the time at which its command was given."""
    start = time.time()
    command = [*SIGHTLINE, "lab", "--port", "0", "--no-open"]
    lab = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert lab.stdout is not None
        found = re.search(r"http://\S+", lab.stdout.readline())
        if found is None:
            raise SystemExit("the lab did not say its address")
        yield found.group(), start
        maps = Path(f"/proc/{lab.pid}/maps")
        if maps.exists() and "libtorch" in maps.read_text():
            raise SystemExit("the lab loaded torch, which these pages must not need")
    finally:
        lab.terminate()
        lab.wait(timeout=10)


def first_paint(browser: Browser) -> float:
    """Seconds from the command to the first contentful paint of its first page."""
    with a_lab() as (address, start), browser.new_context(viewport={"width": 1400, "height": 900}) as context:
        page = context.new_page()
        page.goto(address)
        painted = None
        while painted is None:
            painted = page.evaluate(
                "(paint => paint && performance.timeOrigin + paint.startTime)"
                "(performance.getEntriesByName('first-contentful-paint')[0]) ?? null"
            )
        return float(painted / 1_000 - start)


def pointer_moves(browser: Browser, address: str, rounds: int) -> list[tuple[float, float]]:
    """Milliseconds of script and of layout, a pair for each move over the playground's two grids."""
    with browser.new_context(viewport={"width": 1400, "height": 900}) as context:
        page = opened(context, address, "playground.html")
        page.wait_for_selector("#output [role=gridcell]")
        page.evaluate(MOVES, 1)
        return [(script, layout) for script, layout in page.evaluate(MOVES, rounds)]


def filtered_pictures(browser: Browser, address: str, seconds: int) -> list[tuple[float, float]]:
    """When each picture of the camera was drawn, and how long its script took, in ms; none without that room."""
    with browser.new_context(viewport={"width": 1400, "height": 900}, permissions=["camera"]) as context:
        context.add_init_script(NOTE_FRAMES)
        page = opened(context, address, "filters.html#filter=sobel")
        if page.locator("#camera").count() == 0:
            print("this lab has no room for filters on pictures: not measured\n")
            return []
        page.locator("#camera").click()
        page.wait_for_timeout(1_000)  # the camera starts, functions are compiled
        page.evaluate("window.spent = []")
        page.wait_for_timeout(1_000 * seconds)
        return [(now, script) for now, script in page.evaluate("window.spent")]


def opened(context: Any, address: str, room: str) -> Any:
    page = context.new_page()
    page.goto(address)  # its token becomes a cookie
    page.goto(f"{address.split('?')[0]}{room}")
    return page


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def spread(values: list[float]) -> list[str]:
    return [f"{value:.1f}" for value in (statistics.median(values), p95(values), max(values))]


if __name__ == "__main__":
    main()
