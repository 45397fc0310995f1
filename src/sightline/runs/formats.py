"""The format number of the run folder's JSON records, and how older ones are brought to the present format."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sightline.errors import RunError

FORMAT = 2  # of metrics.json and stages.json. 1: metrics.json of version 0.1.0, which had no number


def _from_1(contents: dict[str, Any]) -> dict[str, Any]:
    """Version 0.1.0 wrote the same keys, without a format number."""
    return contents


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1}  # from this format to the next


def at_present_format(saved: dict[str, Any], path: Path) -> dict[str, Any]:
    """The contents of a file of records, brought to the present format. Raises RunError for one of a newer version."""
    number = saved.get("format", 1)
    if not isinstance(number, int) or not 1 <= number <= FORMAT:
        raise RunError(
            f"{path.name} has format {number}, this version reads up to {FORMAT}",
            where=str(path),
            hint="open it with the version of Sightline that wrote it",
        )
    contents = saved
    for step in range(number, FORMAT):
        contents = MIGRATIONS[step](contents)
    return contents | {"format": FORMAT}
