"""What a reading that failed has left in the working store, and how it is removed before the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_OBJECTS = """SELECT 'VIEW', database_name, schema_name, view_name FROM duckdb_views() WHERE NOT internal
    AND database_name = 'temp'
    UNION ALL SELECT 'TABLE', database_name, schema_name, table_name FROM duckdb_tables()
    WHERE database_name = 'temp'"""


def objects(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, ...]]:
    """Every temporary table and view of this connection; all else that a reading makes is in the schema of its side."""
    return {tuple(row) for row in connection.execute(_OBJECTS).fetchall()}


def forget(connection: duckdb.DuckDBPyConnection, before: set[tuple[str, ...]], side: str) -> None:
    """Remove all that a reading made, however far it came."""
    connection.execute(f"DROP SCHEMA IF EXISTS store.{side} CASCADE")
    for kind, database, schema, name in sorted(objects(connection) - before, reverse=True):
        connection.execute(f'DROP {kind} IF EXISTS {database}.{schema}."{name}"')
