"""Draw the README's pictures of a report: python docs/images/shoot.py RUN

RUN is the clothing photos trained as the README shows, whose report.html is whole. Needs playwright and Chromium.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
WIDTH = 1_168  # CSS pixels: the page's column and its margins
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def main() -> None:
    report = Path(sys.argv[1], "report.html").resolve()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = browser.new_page(viewport={"width": WIDTH, "height": 1_000}, color_scheme="light")
        page.goto(report.as_uri())
        page.screenshot(path=HERE / "report-photos.png", clip={"x": 0, "y": 0, "width": WIDTH, "height": 1_000})
        mistakes = page.locator("section[aria-labelledby=mistakes]")
        mistakes.get_by_role("checkbox").check()
        mistakes.screenshot(path=HERE / "report-mistakes.png")
        page.locator("section[aria-labelledby=machine]").screenshot(path=HERE / "report-time-machine.png")
        browser.close()


if __name__ == "__main__":
    main()
