"""Columns as wide as they need."""

import pytest

from sightline.reporting.text_table import text_table


def test_words_to_the_left_numbers_to_the_right() -> None:
    rows = [("class", "images", "why"), ("cat", "7", ""), ("crocodile", "1,200", "most")]
    assert text_table(rows, right={1}).splitlines() == [
        "class      images  why",
        "cat             7",
        "crocodile   1,200  most",
    ]


def test_everything_to_the_left_unless_said_otherwise() -> None:
    assert text_table([("a", "1"), ("bb", "22")]) == "a   1\nbb  22"


def test_rows_of_different_lengths_are_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        text_table([("a", "1"), ("b",)])
