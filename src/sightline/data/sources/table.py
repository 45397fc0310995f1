"""A table of images: a CSV with the columns path and label, and if you like split and group.

    path,label,split,group
    photos/0001.jpg,cat,train,anna

Paths are relative to the table's folder, or absolute. Splits are train, val (valid, validation) and test. Images with
the same group, e.g. of one person, are never on both sides of a split; an empty group is a group of its own.
"""

import csv
import os
from difflib import get_close_matches
from pathlib import Path

from sightline.data.imageset import Unused
from sightline.data.sources.grouping import grouped_by_pattern
from sightline.data.sources.listing import SPLIT_NAMES, LabelledFile, Listing, printable, why_unusable
from sightline.errors import ConfigError, DataError, near

COLUMNS = ("path", "label", "split", "group")
Row = dict[str, str]  # cell by column; the optional columns are there, empty, when the table lacks them


def list_table(table: Path, *, group_by: str | None = None) -> Listing:
    """The images of the CSV file `table` with their labels, splits and groups.

    group_by: the column that holds the groups, by default "group", or a pattern (see `grouping`).
    Images that do not exist or cannot be read, and repeated lines, are listed as unused. Raises DataError, ConfigError
    for an impossible pattern.
    """
    column = group_by.strip().lower() if group_by else "group"
    header, rows = _read(table, column)
    files: list[LabelledFile] = []
    unused: list[Unused] = []
    first: dict[str, tuple[int, Row]] = {}  # line and row in which each file was listed first
    for line, row in rows:
        path = table.parent / row["path"]
        first_line, first_row = first.setdefault(os.path.normpath(path.absolute()), (line, row))
        if line != first_line:
            if row | {"path": ""} != first_row | {"path": ""}:
                what = f"'{row['path']}' is listed differently in lines {first_line} and {line}"
                raise DataError(what, where=str(table), hint="an image has one label and is in one split")
            unused.append(Unused(row["path"], f"line {line} repeats line {first_line}"))
        elif reason := why_unusable(path):
            unused.append(Unused(row["path"], reason))
        else:
            files.append(LabelledFile(str(path), row["path"], row["label"], row["split"], row.get(column, "")))
    used = {*COLUMNS, column}
    warnings = [f"column '{name}' of {table.name} is not used" for name in header if name not in used]
    listing = Listing(printable(table.stem), str(table), files, unused, warnings)
    if not group_by or column in header:
        return listing
    try:
        return grouped_by_pattern(listing, group_by)
    except ConfigError as error:
        if not get_close_matches(column, header, cutoff=0.75):
            raise
        what = f"there is no column '{group_by}' to group by"
        raise ConfigError(what, where=str(table), hint=near(column, header)) from error


def _read(table: Path, group_column: str) -> tuple[list[str], list[tuple[int, Row]]]:
    """The column names, and the line number and cells of every row that is not blank, checked."""
    try:
        with open(table, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(cells)]
    except UnicodeDecodeError as error:
        raise DataError(f"{table} is not UTF-8 text", hint="save the table as CSV in UTF-8") from error
    except (OSError, csv.Error) as error:
        raise DataError(f"cannot read {table}: {error}") from error
    header = [name.lower() for name in lines[0][1]] if lines else []
    _check_header(header, table, group_column)
    rows = []
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            what = f"line {line} has {len(cells)} cells for {len(header)} columns"
            raise DataError(what, where=str(table), hint="put a cell that holds a comma in double quotes")
        rows.append((line, _check_row(dict.fromkeys(COLUMNS, "") | dict(zip(header, cells, strict=True)), table, line)))
    blank = next((line for line, row in rows if not row["split"]), None)
    if blank and any(row["split"] for _, row in rows):
        raise DataError(f"line {blank} has no split", where=str(table), hint="give every image a split, or none")
    return header, rows


def _check_header(header: list[str], table: Path, group_column: str) -> None:
    """Raise DataError unless the columns are those of `COLUMNS`, the optional ones not misspelt."""
    wanted = "the first line should be path,label or path,label,split,group, separated by commas"
    for name in ("path", "label"):
        if name not in header:
            first_line = ", ".join(header) if header else "an empty file"
            raise DataError(f"there is no column '{name}' in {table}", where=f"found {first_line}", hint=wanted)
    for name in header:
        if header.count(name) > 1:
            raise DataError(f"there are two columns '{name}'", where=str(table), hint=wanted)
        # A column that is merely unknown is only mentioned, but "spilt" overlooked would mean a wrong test score.
        if name not in (*COLUMNS, group_column) and get_close_matches(name, COLUMNS, n=1, cutoff=0.75):
            raise DataError(f"there is no use for column '{name}'", where=str(table), hint=near(name, COLUMNS))


def _check_row(row: Row, table: Path, line: int) -> Row:
    """The row with its split's proper name. Raises DataError for an empty path or label, or an unknown split."""
    for name in ("path", "label"):
        if not row[name]:
            raise DataError(f"line {line} has no {name}", where=str(table))
    split = row["split"].lower()
    if split and split not in SPLIT_NAMES:
        raise DataError(f"line {line} has split '{row['split']}'", where=str(table), hint=near(split, SPLIT_NAMES))
    return row | {"label": printable(row["label"]), "split": SPLIT_NAMES.get(split, "")}
