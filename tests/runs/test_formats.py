"""Records of every format up to the present one are read, newer ones are refused."""

from pathlib import Path

import pytest

from sightline.errors import RunError
from sightline.runs.formats import FORMAT, MIGRATIONS, at_present_format


def test_there_is_a_way_from_every_older_format() -> None:
    assert sorted(MIGRATIONS) == list(range(1, FORMAT))
    assert at_present_format({"test": 1}, Path("metrics.json")) == {"test": 1, "format": FORMAT}
    assert at_present_format({"test": 1, "format": FORMAT}, Path("metrics.json")) == {"test": 1, "format": FORMAT}


def test_migrations_are_applied_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.runs.formats.FORMAT", 4)
    steps = {
        number: lambda contents, number=number: contents | {"way": [*contents["way"], number]} for number in (1, 2, 3)
    }
    monkeypatch.setattr("sightline.runs.formats.MIGRATIONS", steps)
    assert at_present_format({"way": [], "format": 2}, Path("x.json")) == {"way": [2, 3], "format": 4}


@pytest.mark.parametrize("number", [FORMAT + 1, 0, -1, "two", None, 1.5])
def test_other_formats_are_refused(number: object) -> None:
    with pytest.raises(RunError, match=rf"^metrics.json has format {number}, this version reads up to {FORMAT} \("):
        at_present_format({"format": number}, Path("metrics.json"))
