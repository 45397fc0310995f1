"""report.html in a real browser: quiet, reachable, legible at every width, and whole without its script."""

import importlib.resources
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[..., Path]
Open = Callable[..., Any]

SERIOUS = ("serious", "critical")


def visible(page: Any, selector: str) -> int:
    """How many elements of the selector take room on the page."""
    count: int = page.locator(selector).evaluate_all("all => all.filter(one => one.getClientRects().length).length")
    return count


@pytest.mark.parametrize("num_classes", [2, 5, 100])
@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_scrolls_sideways(report_file: Write, visit: Open, num_classes: int, width: int) -> None:
    for script in (True, False):
        with visit(report_file(num_classes), width=width, script=script) as it:
            assert it.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1400])
def test_axe_finds_nothing_serious(report_file: Write, visit: Open, dark: bool, width: int) -> None:
    axe = importlib.resources.files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    with visit(report_file(5), dark=dark, width=width) as it:
        it.page.locator("summary").first.click()
        it.page.evaluate(axe)
        result = it.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        grave = [
            (rule["id"], [node["html"][:120] for node in rule["nodes"][:3]])
            for rule in result["violations"]
            if rule["impact"] in SERIOUS
        ]
        assert grave == []


def test_columns_are_sorted_by_click_and_by_key(report_file: Write, visit: Open) -> None:
    with visit(report_file(5)) as it:
        table = it.page.locator("table.sortable")

        def column(number: int) -> list[str]:
            cells: list[str] = table.locator(f"tbody tr > :nth-child({number})").evaluate_all(
                "all => all.map(one => one.dataset.value ?? one.textContent)"
            )
            return cells

        recalls = [float(value) for value in column(3)]
        assert recalls == sorted(recalls)
        heading = table.get_by_role("columnheader", name="Recall")
        assert heading.get_attribute("aria-sort") == "ascending"
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") == "descending"
        assert [float(value) for value in column(3)] == sorted(recalls, reverse=True)
        name = table.get_by_role("columnheader", name="Class")
        name.get_by_role("button").press("Enter")
        assert name.get_attribute("aria-sort") == "ascending"
        assert heading.get_attribute("aria-sort") is None
        assert column(1) == [f"class {number}" for number in range(5)]


def test_many_classes_show_twenty_until_asked(report_file: Write, visit: Open) -> None:
    with visit(report_file(100)) as it:
        assert visible(it.page, "table.sortable tbody tr") == 20
        it.page.get_by_role("columnheader", name="Class").get_by_role("button").click()
        assert visible(it.page, "table.sortable tbody tr") == 20
        it.page.get_by_role("button", name="Show all 100 classes").click()
        assert visible(it.page, "table.sortable tbody tr") == 100


def test_a_cell_shows_its_images(report_file: Write, visit: Open) -> None:
    with visit(report_file(5)) as it:
        assert visible(it.page, ".cell") == 1  # the commonest mistake
        before = it.page.evaluate("scrollY")
        it.page.locator('.matrix a[href="#cell-0-2"]').click()
        assert visible(it.page, ".cell") == 1
        gallery = it.page.locator("#cell-0-2")
        assert gallery.locator("figcaption").inner_text() == "30 images of class 0 taken for class 2; the 12 surest"
        assert visible(it.page, "#cell-0-2 .sprite") == 12
        assert it.page.evaluate("location.hash") == ""
        assert it.page.evaluate("scrollY") >= before
        # A sprite shows pixels: its sheet is loaded and is not empty.
        size = gallery.locator(".sprite").first.evaluate(
            "one => new Promise((done) => { const image = new Image(); image.onload = () => done(image.naturalWidth);"
            " image.src = getComputedStyle(one).backgroundImage.slice(5, -2); })"
        )
        assert size > 0


def test_the_matrix_is_walked_with_the_arrow_keys(report_file: Write, visit: Open) -> None:
    with visit(report_file(5)) as it:
        links = it.page.locator(".matrix a")
        assert links.evaluate_all("all => all.filter(one => one.tabIndex === 0).length") == 1
        it.page.locator('.matrix a[href="#cell-0-1"]').focus()
        it.page.keyboard.press("ArrowRight")
        it.page.keyboard.press("Enter")
        assert visible(it.page, "#cell-0-2") == 1
        it.page.keyboard.press("ArrowDown")
        assert it.page.evaluate("document.activeElement.hash") == "#cell-2-2"


def test_pairs_of_many_classes_show_their_images(report_file: Write, visit: Open) -> None:
    with visit(report_file(100)) as it:
        second = it.page.locator(".matrix-pairs a").nth(1)
        second.press("Enter")
        assert second.get_attribute("aria-current") == "true"
        assert visible(it.page, second.get_attribute("href")) == 1


def test_the_map_is_walked_with_the_arrow_keys(report_file: Write, visit: Open) -> None:
    with visit(report_file(5)) as it:
        it.page.locator(".field").focus()
        words = it.page.locator(".pointed p")
        first = words.inner_text()
        assert "test/" in first
        visited = {first}
        for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
            it.page.keyboard.press(key)
            visited.add(words.inner_text())
        assert len(visited) >= 3
        it.page.locator(".of-class").select_option("class 3")
        assert it.page.locator(".field .sprite:not(.faded)").count() == 120


def test_the_time_machine_moves_by_keyboard_and_plays(report_file: Write, visit: Open) -> None:
    with visit(report_file(5)) as it:
        slider, output = it.page.get_by_role("slider", name="Epoch"), it.page.locator(".controls output")
        assert output.inner_text() == "epoch 3"
        film = it.page.locator(".machine .film-kernels")
        last = film.evaluate("one => getComputedStyle(one).backgroundPosition")
        slider.press("ArrowLeft")
        assert (output.inner_text(), slider.get_attribute("aria-valuetext")) == ("epoch 2", "epoch 2")
        assert film.evaluate("one => getComputedStyle(one).backgroundPosition") != last
        slider.press("Home")
        assert output.inner_text() == "epoch 1"
        play = it.page.get_by_role("button", name="Play")
        play.click()
        it.page.locator(".controls output", has_text="epoch 3").wait_for()
        it.page.get_by_role("button", name="Play").wait_for()  # it has stopped by itself
        it.page.get_by_role("button", name="One step back").click()
        assert output.inner_text() == "epoch 2"


def test_nothing_plays_when_motion_is_reduced(report_file: Write, visit: Open) -> None:
    with visit(report_file(5), still=True) as it:
        assert visible(it.page, ".controls button") == 2
        it.page.get_by_role("button", name="One step back").click()
        assert it.page.locator(".controls output").inner_text() == "epoch 2"


def test_where_the_network_looked_is_shown_on_focus_and_by_the_switch(report_file: Write, visit: Open) -> None:
    with visit(report_file(5), still=True) as it:
        section = it.page.locator("section[aria-labelledby=mistakes]")
        opacity = "all => all.map(one => +getComputedStyle(one).opacity)"
        maps = section.locator(".heat")
        assert set(maps.evaluate_all(opacity)) == {0}
        section.locator(".shot").first.focus()
        assert maps.evaluate_all(opacity)[:2] == [1, 0]
        section.locator(".heats").check()
        assert set(maps.evaluate_all(opacity)) == {1}


def test_everything_is_there_without_the_script(report_file: Write, visit: Open) -> None:
    with visit(report_file(5), script=False) as it:
        assert visible(it.page, "table.sortable tbody tr") == 5
        assert visible(it.page, ".controls, .pointed, .more button, .of-class") == 0
        assert visible(it.page, ".stills figure") == 3
        assert visible(it.page, ".field .sprite") == 600
        assert visible(it.page, "#cell-0-1") == 1
        it.page.locator('.matrix a[href="#cell-0-2"]').click()
        assert visible(it.page, "#cell-0-2 .sprite") >= 1
        assert visible(it.page, "#cell-0-1") == 0


def test_all_classes_without_the_script(report_file: Write, visit: Open) -> None:
    with visit(report_file(100), script=False) as it:
        assert visible(it.page, "table.sortable tbody tr") == 100


def test_paper_shows_what_the_screen_hides(report_file: Write, visit: Open) -> None:
    with visit(report_file(30)) as it:
        it.page.emulate_media(media="print")
        it.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert visible(it.page, "table.sortable tbody tr") == 30
        assert visible(it.page, "details:not([open])") == 0
        assert visible(it.page, ".cell") == 6  # pairs of classes
        assert visible(it.page, ".controls, .toggle, .pointed, .more") == 0
        assert visible(it.page, ".stills figure") == 3
        it.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert it.page.locator("details[open]").count() == 0


def test_without_a_mistake_the_page_is_whole(report_file: Write, visit: Open) -> None:
    with visit(report_file(4, perfect=True, channels=1)) as it:
        assert visible(it.page, ".cell") == 1
        it.page.locator(".matrix a").nth(1).click()
        assert visible(it.page, "#cell-1-1 .sprite") == 6
