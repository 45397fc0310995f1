"""Pages of the lab: one frame around each, the way to the others, and files that may be asked for."""

import re

import pytest

from sightline.lab.lessons import lessons
from sightline.lab.pages import CONTENT_SECURITY_POLICY, MEDIA_TYPES, ROOMS, STATIC, pages, static_files

COURSE = [f"course/{lesson.slug}.html" for lesson in lessons()]


def text(address: str) -> str:
    return pages()[address].decode()


def test_there_is_a_page_for_every_room_and_every_lesson() -> None:
    assert set(pages()) == {*ROOMS, *COURSE, "course/check.html", "course/interview.html"}


@pytest.mark.parametrize("address", [*ROOMS, *COURSE, "course/check.html", "course/interview.html"])
def test_every_page_has_the_frame(address: str) -> None:
    page = text(address)
    assert page.count("<!doctype html>") == page.count("</html>") == 1
    assert f'http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}"' in page
    assert not re.search(r"\$\w|\$\{|\{root\}|<!-- lessons -->", page), "something was not filled in"
    title = re.findall("<title>(.*?)</title>", page)
    assert len(title) == 1
    assert title[0].endswith("Sightline lab")
    # It works in any folder of a file server: no link begins at a root, and all lead up as far as the page is deep.
    links = re.findall(r'(?:href|src)="([^"#]+)"', page)
    assert not [link for link in links if link.startswith("/") or ("://" in link and "sightline" in link)]
    assert f'"{"../" * address.count("/")}static/lab.css"' in page


@pytest.mark.parametrize(
    ("address", "links"),
    [
        ("network.html", ["network.html"]),
        ("course.html", ["course.html"]),
        (COURSE[0], ["../course.html"]),
        ("course/check.html", ["../course.html"]),
    ],
)
def test_the_room_one_is_in_is_marked(address: str, links: list[str]) -> None:
    kind = "page" if address in ROOMS else "true"
    assert re.findall(r'<a href="([^"]+)" aria-current="(\w+)"', text(address)) == [(link, kind) for link in links]


def test_lessons_lead_from_one_to_the_next_and_to_the_check() -> None:
    following = [*COURSE[1:], "course/check.html"]
    for address, onward in zip(COURSE, following, strict=True):
        assert f'<a class="onward" href="{onward.removeprefix("course/")}">Next: ' in text(address)
    for address in ("course/check.html", "course/interview.html"):
        assert '<a class="onward" href="../course.html">Back to the course</a>' in text(address)


def test_the_course_and_the_entrance_list_every_lesson() -> None:
    for address in ("course.html", "index.html"):
        links = [link for link in re.findall(r'href="(course/[^"]+)"', text(address)) if link in COURSE]
        assert list(dict.fromkeys(links)) == COURSE
    for lesson in lessons():
        words = f"{lesson.minutes} minutes · {len(lesson.quiz)} quiz questions"
        assert words in text("course.html")


def test_files_that_may_be_asked_for_are_those_of_their_kinds() -> None:
    files = static_files()
    assert {path.suffix for path in files.values()} <= MEDIA_TYPES.keys() - {".html"}
    assert all(path == STATIC / name and path.is_file() for name, path in files.items())
    assert not any(path.suffix in (".html", ".py") for path in files.values())
    on_disk = {path for path in STATIC.rglob("*") if path.suffix in (".css", ".js", ".json", ".svg")}
    assert set(files.values()) == on_disk


def test_every_link_leads_somewhere() -> None:
    for address, page in pages().items():
        for link in re.findall(r'href="([^"#]+)', page.decode()):
            depth = address.count("/")
            target = link.removeprefix("../") if depth else link
            if target.startswith("static/"):
                assert (STATIC.parent / target).is_file(), f"{address} links to {link}"
            else:
                target = f"course/{target}" if depth and not link.startswith("../") else target
                assert target in pages(), f"{address} links to {link}"


def test_the_static_files_are_light() -> None:
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    assert len(files) > 20
    weight = sum(path.stat().st_size for path in files + list(STATIC.parent.glob("course/*.html")))
    assert weight <= 600_000, f"{weight:,} bytes"
