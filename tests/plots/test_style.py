import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from sightline import plots
from sightline.plots.style import (
    CATEGORIES,
    INK,
    PAPER,
    SIGNED,
    contrast,
    ink_on,
    percent_text,
    shortened,
    spread,
    text_width,
    wrapped,
)

HISTORY = [
    {"epoch": n, "train_loss": 1 / n, "val_loss": 2 / n, "val_accuracy": 0.5, "val_interval": (0.4, 0.6)}
    for n in (1, 2)
]


def test_contrast_is_wcags() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the known grey that just fails
    assert contrast(INK, PAPER) > 15


@given(st.tuples(*[st.floats(0, 1)] * 3))
def test_ink_is_legible_on_every_color(color: tuple[float, float, float]) -> None:
    assert contrast(ink_on(color), color) >= 4.5


def test_signed_scale_is_paper_at_zero_and_as_dark_at_either_end() -> None:
    assert contrast(SIGNED(0.5)[:3], PAPER) == pytest.approx(1, abs=0.02)
    low, high = contrast(SIGNED(0.0)[:3], PAPER), contrast(SIGNED(1.0)[:3], PAPER)
    assert low == pytest.approx(high, rel=0.35)
    blue, orange = SIGNED(0.2), SIGNED(0.8)
    assert blue[2] > blue[0]
    assert orange[0] > orange[2]


def test_categories_are_okabe_and_itos() -> None:
    assert CATEGORIES[:3] == ("#0072b2", "#e69f00", "#009e73")


def test_shortened_keeps_both_ends_and_fits() -> None:
    name = "a very long class name, number 7"
    short = shortened(name, 80, 8)
    assert text_width(short, 8) <= 80 < text_width(name, 8)
    head, tail = short.split("…")
    assert name.startswith(head)
    assert name.endswith(tail)
    assert tail
    assert shortened("cat", 80, 8) == "cat"
    assert shortened("cat", 1, 8) == "…"


def test_wrapped_breaks_between_words() -> None:
    text = "one two three four five six"
    lines = wrapped(text, 60, 9).split("\n")
    assert " ".join(lines) == text
    assert len(lines) > 1
    assert all(text_width(line, 9) <= 60 for line in lines)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=8))
def test_spread_keeps_order_and_distance(wanted: list[float]) -> None:
    places = spread(wanted, 5)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(np.array(places)[order]) >= 5 - 1e-6).all()
    assert np.mean(places) == pytest.approx(np.mean(wanted), abs=1e-6)  # nothing pulls them up or down


def test_spread_leaves_what_does_not_touch() -> None:
    assert spread([10, 0, 30], 5) == [10, 0, 30]
    assert spread([1, 2], 5) == [-1, 4]


def test_percent_has_the_digits_of_its_interval() -> None:
    assert percent_text(SimpleNamespace(value=0.9412, low=0.936, high=0.9449)) == "94.1 % (93.6 to 94.5)"


def test_the_readers_settings_neither_matter_nor_change() -> None:
    def drawn() -> bytes:
        file = io.BytesIO()
        plots.training_curves(HISTORY).savefig(file, format="svg")
        return file.getvalue()

    first = drawn()
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30.0, "text.parse_math": True}):
        before = dict(matplotlib.rcParams)
        assert drawn() == first
        assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_the_same_figure_is_the_same_bytes(kind: str, tmp_path: Path) -> None:
    for name in ("first", "second"):
        plots.training_curves(HISTORY).savefig(tmp_path / f"{name}.{kind}")
    assert (tmp_path / f"first.{kind}").read_bytes() == (tmp_path / f"second.{kind}").read_bytes()


def test_a_notebook_gets_a_png_at_twice_the_density() -> None:
    figure = plots.training_curves(HISTORY)
    assert isinstance(figure, Figure)
    png, size = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
    assert (width, height) == pytest.approx((2 * size["width"], 2 * size["height"]), abs=2)


def test_names_with_dollars_are_no_formulas(texts, answers) -> None:  # type: ignore[no-untyped-def]
    names = ("5$ to 10$", "_{x}$^")
    assert set(names) <= set(texts(plots.confusion_matrix(answers([0, 1], [0, 1], names))))


def test_pyplot_stays_out_of_it() -> None:
    code = (
        "import sys\nfrom sightline import plots\n"
        "plots.training_curves([{'epoch': 1, 'train_loss': 1.0}])._repr_png_()\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
