"""Every page of the lab as HTML, and every file it needs: the server answers with them, the export writes them.

A page is `static/bodies/page.html`, the frame, around another body or a lesson, and starts a module of `static/rooms/`.
Links are relative, so that the same bytes work below a server's root and in any folder of a plain file server.
"""

from functools import cache
from html import escape
from pathlib import Path
from string import Template

from sightline.lab.lessons import Lesson, final_check, interview, lessons

STATIC = Path(__file__).parent / "static"

# The export's pages carry it as well as the server's answers do; scripts and styles are files of our own only.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}

# Address of a page: its title, the body in static/bodies/, the module in static/rooms/ that it starts.
ROOMS = {
    "index.html": ("Sightline lab", "home.html", "home.js"),
    "playground.html": ("Convolution playground", "playground.html", "playground.js"),
    "filters.html": ("On a real picture", "filters.html", "filters.js"),
    "network.html": ("Your network", "network.html", "network.js"),
    "time.html": ("Time machine", "time.html", "time.js"),
    "teach.html": ("Teach", "teach.html", "teach.js"),
    "architectures.html": ("Architectures", "architectures.html", "architectures.js"),
    "course.html": ("The course", "course.html", "course.js"),
}


@cache
def pages() -> dict[str, bytes]:
    """All pages by their address relative to the root, such as "course/images.html"."""
    contents = {
        address: _framed(title, (STATIC / "bodies" / body).read_text(encoding="utf-8"), module, address)
        for address, (title, body, module) in ROOMS.items()
    }
    course = lessons()
    contents["course.html"] = contents["course.html"].replace(b"<!-- lessons -->", _index(course).encode())
    contents["index.html"] = contents["index.html"].replace(b"<!-- lessons -->", _short_index(course).encode())
    for i, lesson in enumerate(course):
        following = course[i + 1] if i + 1 < len(course) else None
        address = f"course/{lesson.slug}.html"
        contents[address] = _framed(lesson.title, _lesson(lesson, following), "lesson.js", address)
    for page, module in ((final_check(), "check.js"), (interview(), "interview.js")):
        address = f"course/{page.slug}.html"
        contents[address] = _framed(page.title, _beside(page), module, address)
    return contents


@cache
def static_files() -> dict[str, Path]:
    """What pages may ask for, by its address below static/, such as "rooms/network.js".

    An address from the network is looked up here and never joined to a path: nothing in it can lead elsewhere.
    """
    kinds = (".css", ".js", ".json", ".svg")  # bodies are no files of their own
    return {path.relative_to(STATIC).as_posix(): path for path in sorted(STATIC.rglob("*")) if path.suffix in kinds}


def _framed(title: str, body: str, module: str, address: str) -> bytes:
    root = "../" * address.count("/")
    page = Template((STATIC / "bodies" / "page.html").read_text(encoding="utf-8")).substitute(
        title=title if address == "index.html" else f"{title} · Sightline lab",
        policy=CONTENT_SECURITY_POLICY,
        root=root,
        body=body.replace("{root}", root),
        module=module,
    )
    room = "course.html" if address.startswith("course/") else address
    link = f'href="{root}{room}"'
    return page.replace(f"<a {link}", f'<a {link} aria-current="{"page" if room == address else "true"}"', 1).encode()


def _index(course: tuple[Lesson, ...]) -> str:
    return "\n".join(
        f'<li data-lesson="{lesson.slug}"><a href="course/{lesson.slug}.html"><b>{escape(lesson.title)}</b></a>'
        f"<p>{escape(lesson.summary)}</p>"
        f'<p class="facts">{lesson.minutes} minutes · {len(lesson.quiz)} quiz questions · <span class="progress">'
        "not begun</span></p></li>"
        for lesson in course
    )


def _short_index(course: tuple[Lesson, ...]) -> str:
    return "\n".join(f'<li><a href="course/{lesson.slug}.html">{escape(lesson.title)}</a></li>' for lesson in course)


def _lesson(lesson: Lesson, following: Lesson | None) -> str:
    onward = (
        f'<a class="onward" href="{following.slug}.html">Next: {escape(following.title)}</a>'
        if following
        else '<a class="onward" href="check.html">Next: the final check</a>'
    )
    return (
        '<header class="lesson-head"><p class="kicker"><a href="../course.html">The course</a>'
        f" · lesson {lesson.number} · {lesson.minutes} minutes</p><h1>{escape(lesson.title)}</h1>"
        f'<p class="lead">{escape(lesson.summary)}</p></header>\n{lesson.html}\n<p>{onward}</p>'
    )


def _beside(page: Lesson) -> str:
    """A page of the course that is no lesson."""
    return (
        '<header class="lesson-head"><p class="kicker"><a href="../course.html">The course</a></p>'
        f'<h1>{escape(page.title)}</h1><p class="lead">{escape(page.summary)}</p></header>\n{page.html}\n'
        '<p><a class="onward" href="../course.html">Back to the course</a></p>'
    )
