"""One look for every figure: paper, ink, colours and type, and figures that keep no global state.

No figure goes through pyplot: none is remembered, none needs closing, no backend is chosen, and the reader's own
rcParams stay as they are.
"""

import functools
import io
import itertools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, Protocol

from matplotlib import colormaps, style
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import TextToPath

from sightline.evaluation.percent import in_percent
from sightline.pixels import scales
from sightline.pixels.scales import ACCENT as ACCENT
from sightline.pixels.scales import BLUE, LIGHT_PAPER, ORANGE

PAPER, INK, FAINT_INK, HAIRLINE = LIGHT_PAPER, "#1d1d1b", "#6b6a66", "#e4e1d8"

# M. Okabe and K. Ito, "Color universal design" (2008), without black; where colours run out, shapes go on.
CATEGORIES = (BLUE, "#e69f00", "#009e73", ORANGE, "#56b4e9", "#cc79a7", "#f0e442")
SHAPES = ("o", "s", "^", "D", "v", "P", "X")

MAGNITUDES: Colormap = colormaps["cividis"]
SIGNED: Colormap = LinearSegmentedColormap.from_list("signed", [BLUE, PAPER, ORANGE])

SMALL, NORMAL = 7.5, 9.0  # points
WIDTH = 7.2  # inches, the width of a page within its margins
DOTS_PER_INCH = 144  # two dots a point, so that a pixel of an image can be a whole number of dots

# These fonts draw scripts that DejaVu Sans lacks, where the machine has them.
_OTHER_SCRIPTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei")

_LOOK: dict[str, Any] = {
    "font.size": NORMAL,
    "text.color": INK,
    "text.parse_math": False,  # a class may be called "5$ to 10$"
    "figure.facecolor": PAPER,
    "figure.dpi": DOTS_PER_INCH,
    "savefig.dpi": "figure",
    "savefig.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.edgecolor": FAINT_INK,
    "axes.labelcolor": FAINT_INK,
    "axes.labelsize": NORMAL,
    "axes.titlesize": NORMAL,
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": HAIRLINE,
    "grid.linewidth": 0.6,
    "xtick.color": FAINT_INK,
    "ytick.color": FAINT_INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "lines.linewidth": 1.4,
    "image.interpolation": "nearest",
    "svg.hashsalt": "sightline",  # the names inside an SVG are the same each time
}


P = ParamSpec("P")


class Interval(Protocol):
    """An estimate with its 95 % interval, all in [0, 1] where it is a share."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


@dataclass(frozen=True)
class Share:
    """A share in [0, 1], or a difference of two in [-1, 1], with its 95 % interval."""

    value: float
    low: float
    high: float


class Drawing(Figure):
    """A matplotlib Figure that a notebook shows by itself, and whose files are the same bytes each time."""

    def savefig(self, fname: Any, **kwargs: Any) -> None:
        """As Figure.savefig, without the date that would make two files of one figure differ."""
        kind = kwargs.get("format") or Path(str(getattr(fname, "name", fname))).suffix.lstrip(".")
        undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind.lower())
        if undated:
            kwargs["metadata"] = undated | kwargs.get("metadata", {})
        with look():
            super().savefig(fname, **kwargs)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """What a notebook shows: a PNG at twice the density of its place on the page."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=2 * 96)
        width, height = self.get_size_inches()
        return file.getvalue(), {"width": round(96 * width), "height": round(96 * height)}


def look() -> AbstractContextManager[None]:
    """Within it, artists are made and drawn with this look, whatever the reader has set for their own."""
    return style.context(["default", _LOOK | {"font.family": _families()}])


def styled(function: Callable[P, Drawing]) -> Callable[P, Drawing]:
    """A function that draws, with this look around it."""

    @functools.wraps(function)
    def draw(*args: P.args, **kwargs: P.kwargs) -> Drawing:
        with look():
            return function(*args, **kwargs)

    return draw


def chart(
    rows: int = 1, columns: int = 1, *, height: float, width: float = WIDTH, **options: Any
) -> tuple[Drawing, Any]:
    """A Drawing and its axes, as an array (rows, columns). Sizes in inches; options of Figure.subplots."""
    figure = Drawing(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08, wspace=0.04))
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def title(figure: Figure, text: str) -> None:
    """A sentence above everything, from the left edge, on as many lines as it needs."""
    room = 72 * figure.get_size_inches()[0] - 12
    figure.suptitle(wrapped(text, room, NORMAL + 1), x=6 / (room + 12), ha="left", fontsize=NORMAL + 1)


def ranges(
    axes: Axes,
    places: Sequence[float],
    values: Sequence[Interval],
    *,
    color: str = ACCENT,
    size: float = 4.5,
    across: bool = False,
) -> None:
    """Each share as a dot with its interval as a line, in percent; along x when `across`, else along y."""
    lows, highs = [100 * value.low for value in values], [100 * value.high for value in values]
    middles = [100 * value.value for value in values]
    lines, x, y = (axes.hlines, middles, places) if across else (axes.vlines, places, middles)
    lines(places, lows, highs, color=color, linewidth=max(0.6, size / 4), alpha=0.75)
    axes.plot(x, y, "o", color=color, markersize=size, zorder=3)


def percent_text(value: Interval) -> str:
    """A share with its interval and no more digits than that supports, e.g. "94.1 % (93.6 to 94.5)"."""
    return str(in_percent(value.value, (value.low, value.high)))


def number_text(value: float) -> str:
    """A number of any size with three figures, e.g. "0.231", "12.3", "1.2e-05"."""
    return f"{value:.3g}"


def percent_ticks(axes: Axes, which: str) -> None:
    """Ticks of the axis "x" or "y" end in a percent sign."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(lambda value, _: f"{value:g} %")


def contrast(first: Any, second: Any) -> float:
    """Contrast ratio of two opaque colours of matplotlib's, 1 to 21; see `pixels.scales.contrast`."""
    return scales.contrast(to_hex(first), to_hex(second))


def ink_on(color: Any) -> str:
    """Black or white, whichever is easier to read on a colour of matplotlib's."""
    return scales.ink_on(to_hex(color))


def text_width(text: str, size: float) -> float:
    """Points that one line of text takes."""
    font = FontProperties(family=_families(), size=size)
    width: float = _MEASURE.get_text_width_height_descent(text, font, ismath=False)[0]
    return width


def shortened(text: str, room: float, size: float) -> str:
    """Text that fits into `room` points: as it is, or with an ellipsis in its middle, as names differ at either end."""
    if text_width(text, size) <= room:
        return text
    for letters in range(len(text) - 1, 0, -1):
        cut = f"{text[: letters - letters // 2].rstrip()}…{text[len(text) - letters // 2 :].lstrip()}"
        if text_width(cut, size) <= room:
            return cut
    return "…"


def wrapped(text: str, room: float, size: float) -> str:
    """Text on lines of at most `room` points, broken between words; a longer word keeps a line of its own."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Places as near to the wanted ones as they can be with `gap` between neighbours, in the order given.

    Pool adjacent violators: places that would touch become a group around the mean of what they wanted.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    groups: list[list[float]] = []  # [sum of (wanted - rank * gap), members]
    for rank, index in enumerate(order):
        groups.append([wanted[index] - rank * gap, 1])
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] > groups[-1][0] / groups[-1][1]:
            total, members = groups.pop()
            groups[-1] = [groups[-1][0] + total, groups[-1][1] + members]
    bases = itertools.chain.from_iterable([total / members] * int(members) for total, members in groups)
    places = dict(zip(order, (base + rank * gap for rank, base in enumerate(bases)), strict=True))
    return [places[index] for index in range(len(wanted))]


_MEASURE = TextToPath()


@functools.cache
def _families() -> list[str]:
    there = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in _OTHER_SCRIPTS if name in there)]
