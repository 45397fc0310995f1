"""Draw the pictures of the lab in the README and in docs/lab.md: python docs/images/shoot_lab.py RUN

RUN is a finished run with snapshots, such as `sightline train digits` writes. Needs playwright and Chromium.
"""

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1_168, 760  # CSS pixels
COLORS = 128  # of the palette; the pages have few colours, and a picture stays below 150 KB
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")

# Name of the picture: the page, and what is there once it has drawn itself.
ROOMS = {
    "playground": ("playground.html#input=digit&filter=sobel", "#output [role=gridcell]"),
    "network": ("network.html", "#flow li"),
    "time-machine": ("time.html", "#probes li"),
    "lesson": ("course/convolution.html", "article .cells"),
    "filters": ("filters.html#filter=sobel", "#all button"),
}


def main() -> None:
    command = [sys.executable, "-m", "sightline", "lab", sys.argv[1], "--port", "0", "--no-open"]
    lab = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert lab.stdout is not None
        found = re.search(r"http://\S+", lab.stdout.readline())
        if found is None:
            raise SystemExit("the lab did not say its address")
        shoot(found.group())
    finally:
        lab.terminate()
        lab.wait(timeout=10)


def shoot(address: str) -> None:
    """All rooms that the lab has; its token in `address` becomes a cookie."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", reduced_motion="reduce"
        )
        page.goto(address)
        for name, (room, drawn) in ROOMS.items():
            answer = page.goto(f"{address.split('?')[0]}{room}")
            if answer is not None and answer.status == 404:
                print(f"{room}: this lab has no such page")
                continue
            keep(page, drawn, HERE / f"lab-{name}.png")
        browser.close()


def keep(page: Any, drawn: str, path: Path) -> None:
    page.wait_for_selector(drawn)
    page.wait_for_timeout(2_000)  # pictures and answers that come after the first ones
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    image.save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1_000} KB")


if __name__ == "__main__":
    main()
