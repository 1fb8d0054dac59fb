"""The last look of an erasure: no table of the state, whatever it is for, may still name one of `erasing`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caretrace.warehouse import tables

if TYPE_CHECKING:
    import duckdb


def check(connection: duckdb.DuckDBPyConnection) -> None:
    """AssertionError where a table with such columns names one of them, by id, by key or as a register row."""
    rows = connection.execute(
        "SELECT schema_name, table_name, list(column_name) FROM duckdb_columns() WHERE database_name = 'state'"
        " GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    for schema, name, columns in rows:
        conditions = []
        if "id" in columns:
            conditions.append("t.id = e.id")
        for before in ("", "register_"):
            if all(f"{before}{column}" in columns for column in tables.KEY):
                same = " AND ".join(f"t.{before}{column} = e.{column}" for column in tables.KEY)
                conditions.append(f"({same}{_side(schema, name, before)})")
        if not conditions:
            continue
        [(left,)] = connection.execute(
            f"SELECT count(*) FROM state.{schema}.{name} t JOIN erasing e ON {' OR '.join(conditions)}"
        ).fetchall()
        if left:
            raise AssertionError(f"{left} rows of {schema}.{name} still name a record that was erased")


def _side(schema: str, name: str, before: str) -> str:
    """SQL that a row's key is of the record's own side: one system may deliver to both."""
    if before:
        return " AND e.side = 'register'"
    if schema in tables.SIDES or schema.removesuffix("_past") in tables.SIDES:
        return f" AND e.side = '{schema.removesuffix('_past')}'"
    return " AND e.side = t.side" if name == "record" else " AND e.side = 'clients'"
