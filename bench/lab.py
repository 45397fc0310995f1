"""The lab: first page in 1 s, 60 frames a second in the playground, 20 filtered pictures, a drawing read in 50 ms.

In headless Chromium, which draws without a GPU; needs playwright. The first page counts from the start of the process
to the first contentful paint in a browser that is open already. A pointer move counts the page's own handlers and the
layout they ask for, over every cell of the 8 x 8 playground's input and output in turn. The filter room convolves
320 x 240 pixels of Chromium's made-up camera with one 3 x 3 filter. A drawing counts from the page's request to the
answer of a network that `sightline train digits` has made (`--run RUN`: another one of small grey images).
"""

import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from harness import SIGHTLINE, at_least, at_most, begin, command_line, print_claims, table

FIRST_PAINT_SECONDS, FRAMES, PICTURES, DRAWING_MS = 1.0, 60, 20, 50
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

# A growing ring of ink, as while it is drawn; each request waits for the answer to the one before.
DRAWINGS = """async count => {
  const side = 280;
  const ink = new Uint8Array(side * side);
  const spent = [];
  for (let i = 1; i <= count; i += 1) {
    for (let angle = 0; angle < (2 * Math.PI * i) / count; angle += 0.01) {
      const [x, y] = [140 + 80 * Math.cos(angle), 140 + 80 * Math.sin(angle)].map(Math.round);
      for (let d = -8; d <= 8; d += 1) ink.fill(255, (y + d) * side + x - 8, (y + d) * side + x + 9);
    }
    const start = performance.now();
    const answer = await fetch(`data/draw?width=${side}`, { method: "POST", body: ink });
    if (!answer.ok) throw new Error((await answer.json()).error);
    await answer.json();
    spent.push(performance.now() - start);
  }
  return spent;
}"""


def main() -> None:
    parser = command_line(__doc__, rounds=11)
    parser.add_argument("--run", type=Path, help="a run on small grey images (default: one is trained on digits)")
    args = parser.parse_args()
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
        with a_run(args.run) as run, a_lab(run) as (address, _):
            drawings = answered_drawings(browser, address, 10 if args.quick else 200)
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
    rows.append(["a drawing answered, ms", *spread(drawings)])
    claims.append(at_most("a drawing answered, p95", DRAWING_MS, p95(drawings), "ms"))
    table(("", "median", "p95", "most"), rows)
    print_claims(claims)


@contextmanager
def a_run(run_folder: Path | None) -> Iterator[Path]:
    """The run that was given, or a fresh one on digits."""
    with tempfile.TemporaryDirectory() as folder:
        out = run_folder or Path(folder, "digits")
        if run_folder is None:
            train = [*SIGHTLINE, "train", "digits", "--report", "quick", "--out", str(out)]
            subprocess.run(train, check=True, stdout=subprocess.DEVNULL)
        yield out


@contextmanager
def a_lab(run: Path | None = None) -> Iterator[tuple[str, float]]:
    """A lab of its own process: its address with the token, and the time at which its command was given."""
    start = time.time()
    command = [*SIGHTLINE, "lab", *([str(run)] if run else []), "--port", "0", "--no-open"]
    lab = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert lab.stdout is not None
        address = re.search(r"http://\S+", lab.stdout.readline())
        if address is None:
            raise SystemExit("the lab did not say its address")
        yield address.group(), start
        maps = Path(f"/proc/{lab.pid}/maps")
        if run is None and maps.exists() and "libtorch" in maps.read_text():
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


def answered_drawings(browser: Browser, address: str, count: int) -> list[float]:
    """Milliseconds from each drawing to its answer; the first few, for which the network is read, are left out."""
    with browser.new_context(viewport={"width": 1400, "height": 900}) as context:
        page = opened(context, address, "network.html")
        page.wait_for_selector(".strip-maps", state="attached")
        page.evaluate(DRAWINGS, 5)
        return [float(spent) for spent in page.evaluate(DRAWINGS, count)]


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
