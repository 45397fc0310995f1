"""Tables of plain text: columns as wide as they need, words to the left, numbers to the right."""

from collections.abc import Collection, Sequence


def text_table(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> str:
    """The rows, one a line, two spaces between columns, no space at the end of a line.

    right: the columns, counted from 0, that are aligned at their right edge.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = enumerate(zip(row, widths, strict=True))
        aligned = (cell.rjust(width) if place in right else cell.ljust(width) for place, (cell, width) in cells)
        lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)
