"""What several rooms share, in a browser: problems, files, legends, bars, the address."""

from typing import Any

from .conftest import OpenPage


def run(open_page: OpenPage, module: str, code: str) -> Any:
    """What `code` returns, in which `module` is shared/`module`.js."""
    page = open_page("course/interview.html")
    return page.evaluate(f'async () => {{ const {module} = await import("../static/shared/{module}.js"); {code} }}')


def test_a_problem_is_told_until_something_goes_well(open_page: OpenPage) -> None:
    messages = run(
        open_page,
        "problem",
        """
        const place = document.createElement("p");
        const one = new problem.Problem(place);
        const seen = [];
        for (const act of [() => { throw new Error("first"); }, () => Promise.reject("second"), async () => 3]) {
          seen.push([await one.attempt(act), place.textContent, place.hidden]);
        }
        return seen;
        """,
    )
    assert messages == [[None, "first", False], [None, "second", False], [3, "second", True]]


def test_files_are_chosen_again_and_dropped(open_page: OpenPage) -> None:
    taken = run(
        open_page,
        "files",
        """
        const taken = [];
        const given = (...names) => {
          const data = new DataTransfer();
          for (const name of names) data.items.add(new File(["x"], name));
          return data;
        };
        const field = document.createElement("input");
        field.type = "file";
        field.multiple = true;
        files.onChosen(field, (chosen) => taken.push(chosen.map(({ name }) => name)));
        for (const names of [["a.png", "b.png"], ["a.png"]]) {
          field.files = given(...names).files;
          field.dispatchEvent(new Event("change"));
          taken.push(field.files.length);
        }
        const place = document.createElement("div");
        files.onDropped(place, ([file]) => taken.push(file.name));
        for (const [type, dataTransfer] of [["dragover"], ["drop", given("c.png")], ["drop", given()]]) {
          const event = new DragEvent(type, { dataTransfer, cancelable: true });
          place.dispatchEvent(event);
          taken.push([type, event.defaultPrevented, place.className]);
        }
        return taken;
        """,
    )
    dropped = ["c.png", ["drop", True, ""], ["drop", True, ""]]
    assert taken == [["a.png", "b.png"], 0, ["a.png"], 0, ["dragover", True, "over"], *dropped]


def test_a_large_file_is_named(open_page: OpenPage) -> None:
    message = run(
        open_page,
        "files",
        """
        const bytes = new Uint8Array(20 * 2 ** 20 + 1);
        files.checkSize(new Blob([bytes.subarray(1)]));
        return [new File([bytes], "big.png"), new Blob([bytes])].map((picture) => {
          try { files.checkSize(picture); } catch (error) { return error.message; }
        });
        """,
    )
    assert message == [
        "big.png has more than 20 MB: choose a smaller one.",
        "This picture has more than 20 MB: choose a smaller one.",
    ]


def test_a_legend_has_its_ends_and_the_paper_in_the_middle(open_page: OpenPage) -> None:
    bars = run(
        open_page,
        "legend",
        """
        return [(place) => legend.mapLegend(place, true, 2.5), (place) => legend.mapLegend(place, false, 9),
          (place) => legend.sequentialLegend(place, ["little", "much"])].map((draw) => {
          const place = document.createElement("div");
          draw(place);
          return [place.innerText, place.firstChild.style.backgroundImage];
        });
        """,
    )
    colors = [bar.split("rgb(")[1:] for _, bar in bars]
    assert [words for words, _ in bars] == ["\N{MINUS SIGN}2.502.5", "09", "littlemuch"]
    assert [len(stops) for stops in colors] == [9, 9, 9]
    assert colors[0][4].startswith("253, 252, 249")  # the paper
    assert colors[1][0].startswith("17, 17, 16")
    assert colors[1][8].startswith("255, 255, 255")
    assert colors[2][0].startswith("0, 34, 78")


def test_a_bar_is_as_long_as_its_share(open_page: OpenPage) -> None:
    bars = run(
        open_page,
        "bars",
        """
        const bar = new bars.Bar("cat", "own-field");
        return [[0.25, "25 %"], [-0.5, "less"]].map(([share, words]) => {
          const line = bar.show(share, words);
          return [line.className, line.innerText, bar.bar.style.width, bar.bar.className];
        });
        """,
    )
    assert bars == [
        ["count own-field", "cat25 %", "25%", "count-bar"],
        ["count own-field", "catless", "50%", "count-bar below"],
    ]


def test_only_another_address_than_ones_own_is_news(open_page: OpenPage) -> None:
    news = run(
        open_page,
        "address",
        """
        const news = [];
        const one = new address.Address(() => news.push(one.words.get("size")));
        const changed = () => new Promise((done) => {
          addEventListener("hashchange", () => setTimeout(done), { once: true });
        });
        location.hash = "#size=5";
        await changed();
        one.keep(new URLSearchParams({ size: "7" }));
        news.push(location.hash);
        location.hash = "#size=3";
        await changed();
        return news;
        """,
    )
    assert news == ["5", "#size=7", "3"]
