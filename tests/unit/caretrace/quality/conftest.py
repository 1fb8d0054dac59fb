"""A store of both sides, made once and emptied for each test."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from caretrace import quality
from schemas import LINK, SOURCE_TABLES
from schemas.sql import install_macros
from tests.unit.caretrace.quality.records import AS_AT


@pytest.fixture(scope="module")
def tables() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        install_macros(connection, as_at=AS_AT)
        for side in quality.SIDES:
            connection.execute(f"CREATE SCHEMA {side}")
            for table in SOURCE_TABLES:
                connection.execute(table.ddl(f"{side}.{table.name.lower()}"))
        connection.execute(LINK.ddl("link"))
        yield connection


@pytest.fixture
def store(tables: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Empty tables; what a test adds is rolled back."""
    tables.execute("BEGIN")
    yield tables
    tables.execute("ROLLBACK")
