"""The people of both sides, clients before register, in the order in which they were read.

To sort a million of them takes more memory than the linkage, and a third of the time that writing them takes. Nearly
always they stand in order already, and nothing is sorted then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from caretrace.parquet import ROW_GROUP, in_order

if TYPE_CHECKING:
    import duckdb

_SHORT = 2 * ROW_GROUP
"""People up to whom to sort them takes no time worth saving."""


def stand_in_order(connection: duckdb.DuckDBPyConnection, side: str) -> bool:
    """Whether the people of a side stand in the store as `schemas.sql.reading_order` has them, with no gap."""
    [(astray,)] = connection.execute(f"""
        SELECT count(*) FROM (
            SELECT rowid AS row, lag(rowid) OVER () AS before, extract_file AS file, extract_record AS record,
                   lag(extract_file) OVER () AS file_before, lag(extract_record) OVER () AS record_before
            FROM {side}.person)
        WHERE NOT coalesce(CASE WHEN before IS NULL THEN row = 0 ELSE row = before + 1 AND (
            file > file_before OR file = file_before AND record > record_before) END, false)""").fetchall()
    return not astray


@contextmanager
def people_in_order(
    connection: duckdb.DuckDBPyConnection, sides: Sequence[str], columns: Callable[[str], str]
) -> Iterator[str | None]:
    """SQL of everybody's `columns` while the block is at work; None where they have to be sorted (`sorted_people`).

    `columns` gives a side's, of its person `t` and of `k`, its row of `person_of_<side>`, which stands in the order of
    `position`. DuckDB keeps the order of a positional join, which one thread reads, and of a union of which every part
    but the last fills its row groups: so the row group in which one side ends and the next begins is made beforehand.
    """
    counted = ", ".join(
        f"(SELECT count(*) FROM {side}.person), (SELECT bool_and(place = rowid) FROM person_of_{side})"
        for side in sides
    )
    [found] = connection.execute(f"SELECT {counted}").fetchall()
    people = dict(zip(sides, found[::2], strict=True))
    if sum(people.values()) <= _SHORT or not all(found[1::2]):
        yield None
        return
    parts: list[str] = []
    made: list[str] = []
    open_rows: list[tuple[str, int, int]] = []
    last = sides[-1]
    for side in sides:
        first, end = 0, people[side]
        if waiting := sum(until - since for _, since, until in open_rows):
            first = min(end, ROW_GROUP - waiting)
            open_rows.append((side, 0, first))
            if waiting + first == ROW_GROUP or side == last:
                made.append(_border(connection, len(made), columns, open_rows))
                parts.append(f"FROM {made[-1]}")
                open_rows = []
        whole = end if side == last else first + (end - first) // ROW_GROUP * ROW_GROUP
        if whole > first:
            made.append(_keys(connection, len(made), side, first, whole))
            among = f"(SELECT * FROM {side}.person WHERE rowid >= {first} AND rowid < {whole})"
            parts.append(f"SELECT {columns(side)} FROM {among} t POSITIONAL JOIN {made[-1]} k")
        if end > whole:
            open_rows.append((side, whole, end))
    try:
        yield " UNION ALL ".join(parts)
    finally:
        for table in made:
            connection.execute(f"DROP TABLE IF EXISTS {table}")


def sorted_people(sides: Sequence[str], columns: Callable[[str], str]) -> str:
    """The same by a sort."""
    return in_order((_joined(side, columns(side)) for side in sides), by="k.position")


def _joined(side: str, columns: str) -> str:
    return f"{columns} FROM {side}.person t JOIN person_of_{side} k ON k.place = t.rowid"


def _border(
    connection: duckdb.DuckDBPyConnection, at: int, columns: Callable[[str], str], rows: list[tuple[str, int, int]]
) -> str:
    """A table of the people from one row to another of each side."""
    selects = (
        f"{_joined(side, columns(side))} WHERE t.rowid >= {since} AND t.rowid < {until}" for side, since, until in rows
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE people_{at} AS {in_order(selects, by='k.position')}")
    return f"people_{at}"


def _keys(connection: duckdb.DuckDBPyConnection, at: int, side: str, since: int, until: int) -> str:
    """A table of their own for the keys from one row to another.

    A scan that begins within a vector gives a short one first, and the row groups would be longer by as much.
    """
    among = f"FROM person_of_{side} WHERE place >= {since} AND place < {until}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE people_{at} AS SELECT * {among} ORDER BY place")
    return f"people_{at}"
