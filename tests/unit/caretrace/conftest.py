"""A working store made by hand: both sides empty, and a way to add rows by their columns."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from schemas import CANDIDATE, LINK, SOURCE_TABLES
from schemas.sql import install_macros

Add = Callable[..., None]


@pytest.fixture
def empty_store() -> Iterator[duckdb.DuckDBPyConnection]:
    """`clients.*`, `register.*`, `link` and `candidate`, as declared and empty."""
    with duckdb.connect() as connection:
        install_macros(connection, as_at=date(2026, 11, 22))
        for side in ("clients", "register"):
            connection.execute(f"CREATE SCHEMA {side}")
            for table in SOURCE_TABLES:
                connection.execute(table.ddl(f"{side}.{table.name.lower()}"))
        connection.execute(LINK.ddl("link"))
        connection.execute(CANDIDATE.ddl("candidate"))
        yield connection


@pytest.fixture
def add(empty_store: duckdb.DuckDBPyConnection) -> Add:
    """Insert one row: add("clients.person", record_id="1", ...); source and source_org are filled in."""

    def insert(table: str, **values: Any) -> None:
        keyed = "set_aside" not in table
        side = "council" if table.startswith("clients") or table in ("link", "candidate") else "practice"
        row = {"source": "standard", "source_org": side, **values} if keyed else values
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        empty_store.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))

    return insert
