"""Parquet files with fixed row groups, and the rows of several selects one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

ROW_GROUP = 122_880
"""Rows to a Parquet row group, fixed so that the bytes do not depend on the number of threads."""


def write_parquet(
    connection: duckdb.DuckDBPyConnection, query: str, path: Path, *, compression: str = "snappy"
) -> None:
    """Write one file with fixed row groups; `query` must give its rows in an order that threads do not change."""
    # Ids and addresses seldom repeat, so a long search for a dictionary of them is lost time.
    options = f"FORMAT parquet, COMPRESSION {compression}, ROW_GROUP_SIZE {ROW_GROUP}, DICTIONARY_SIZE_LIMIT 1000"
    connection.execute(f"COPY ({query}) TO '{as_text(path)}' ({options})")


def in_order(selects: Iterable[str], by: str = "t.rowid") -> str:
    """The rows of several selects (what follows SELECT) one after the other, each in the order of `by`.

    DuckDB gives the rows of a join in the order in which its threads were done, and those of a union, written by one
    thread, with the last few of the first part after the second.
    """
    places = [f"_place_{at}" for at, _ in enumerate(by.split(", "))]
    given = ", ".join(f"{each} AS {place}" for each, place in zip(by.split(", "), places, strict=True))
    parts = " UNION ALL ".join(f"SELECT {part} AS _part, {given}, {each}" for part, each in enumerate(selects))
    ordered = ", ".join(("_part", *places))
    return f"SELECT * EXCLUDE ({ordered}) FROM ({parts}) ORDER BY {ordered}"


def as_text(path: Path) -> str:
    """A path as the inside of an SQL literal."""
    return str(path).replace("'", "''")
