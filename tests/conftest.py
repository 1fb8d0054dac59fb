"""A working store built from a few readable rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from schemas import ADDRESS, NAME, PERSON, SOURCE_TABLES, Table
from schemas.sql import install_macros

Row = dict[str, Any]
Store = Callable[..., duckdb.DuckDBPyConnection]


def _insert(connection: duckdb.DuckDBPyConnection, side: str, table: Table, rows: list[Row]) -> None:
    for number, row in enumerate(rows, start=1):
        values = {"source": side, "source_org": "T", "record_id": f"{side[0]}{number}"} | row
        if table is PERSON and values.get("birth_date"):
            values.setdefault("birth_date_precision", "YMD")
        names = ", ".join(f'"{name}"' for name in values)
        connection.execute(
            f"INSERT INTO {side}.{table.name.lower()} ({names}) VALUES ({', '.join('?' * len(values))})",
            list(values.values()),
        )


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
        return connection

    yield make
    for connection in made:
        connection.close()
