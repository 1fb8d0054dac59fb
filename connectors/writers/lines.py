"""Lines made in SQL and written by the batch: no Python work per cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_BATCH = 50_000
LINE_ENDS = {"lf": "\n", "crlf": "\r\n"}


def csv_line(cells: Sequence[str]) -> str:
    """SQL of a CSV line of the SQL `cells`; only what needs quotes gets them (RFC 4180)."""
    return " || ',' || ".join(_cell(cell) for cell in cells)


def fixed_line(cells: Sequence[tuple[str, int]]) -> str:
    """SQL of a fixed-width line: each cell cut or filled with spaces to its length."""
    return " || ".join(f"rpad(coalesce({cell}, ''), {length}, ' ')" for cell, length in cells)


def _cell(cell: str) -> str:
    if cell == "''":
        return cell
    text = f"coalesce({cell}, '')"
    quoted = f"""'"' || replace({text}, '"', '""') || '"'"""
    return f"""CASE WHEN regexp_matches({text}, '[",\\r\\n]') THEN {quoted} ELSE {text} END"""


def write(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    path: Path,
    *,
    first: Iterable[str] = (),
    last: Iterable[str] = (),
    line_end: str = "crlf",
) -> int:
    """Write `first`, the one column of `query` and `last`, each a line, in ASCII; gives the rows of the query."""
    end, rows = LINE_ENDS[line_end], 0
    result = connection.execute(query)
    with path.open("w", encoding="ascii", newline="") as file:
        file.writelines(f"{line}{end}" for line in first)
        while batch := result.fetchmany(_BATCH):
            file.write("".join(f"{line}{end}" for (line,) in batch))
            rows += len(batch)
        file.writelines(f"{line}{end}" for line in last)
    return rows
