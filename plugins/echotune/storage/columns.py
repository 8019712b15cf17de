"""Text in columns, for a log or a page with letters of one width."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "  "


def in_columns(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> list[str]:
    """Lines of a table.

    :param right: the columns, by their header, that end at the same place
    """
    table = [tuple(header), *(tuple(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    to_the_right = [name in right for name in header]
    return [
        GAP.join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(line, widths, to_the_right, strict=True)
        ).rstrip()
        for line in table
    ]
