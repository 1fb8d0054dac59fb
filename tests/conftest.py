"""A working store built from a few readable rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from schemas import ADDRESS, IDENTIFIER, NAME, PERSON, SOURCE_TABLES, Table
from schemas.sql import install_macros

Row = dict[str, Any]
Store = Callable[..., duckdb.DuckDBPyConnection]


def _insert(connection: duckdb.DuckDBPyConnection, side: str, table: Table, rows: list[Row]) -> None:
    if not rows:
        return
    filled = [{"source": side, "source_org": "T", "record_id": f"{side[0]}{n}"} | row for n, row in enumerate(rows, 1)]
    for row in filled:
        if table is PERSON and row.get("birth_date"):
            row.setdefault("birth_date_precision", "YMD")
    names = sorted({name for row in filled for name in row})
    given = pa.table({name: pa.array([row.get(name) for row in filled], pa.string()) for name in names})
    connection.register("given_rows", given)
    connection.execute(f"INSERT INTO {side}.{table.name.lower()} BY NAME SELECT * FROM given_rows")
    connection.unregister("given_rows")


@pytest.fixture
def store() -> Iterator[Store]:
    """Give a function that makes a store of clients and register; rows leave out what they do not need."""
    made: list[duckdb.DuckDBPyConnection] = []

    def make(
        clients: list[Row],
        register: list[Row],
        *,
        threads: int = 2,
        addresses: dict[str, list[Row]] | None = None,
        names: dict[str, list[Row]] | None = None,
        identifiers: dict[str, list[Row]] | None = None,
    ) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(config={"threads": threads})
        made.append(connection)
        install_macros(connection, as_at=date(2026, 11, 22))
        for side, rows in (("clients", clients), ("register", register)):
            connection.execute(f"CREATE SCHEMA {side}")
            for table in SOURCE_TABLES:
                connection.execute(table.ddl(f"{side}.{table.name.lower()}"))
            _insert(connection, side, PERSON, rows)
            _insert(connection, side, ADDRESS, (addresses or {}).get(side, []))
            _insert(connection, side, NAME, (names or {}).get(side, []))
            _insert(connection, side, IDENTIFIER, (identifiers or {}).get(side, []))
        return connection

    yield make
    for connection in made:
        connection.close()
