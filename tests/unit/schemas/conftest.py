from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import duckdb
import pytest

from schemas.sql import install_macros

AS_AT = date(2026, 11, 22)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        install_macros(made, as_at=AS_AT)
        yield made


@pytest.fixture(scope="module")
def column(connection: duckdb.DuckDBPyConnection) -> Callable[[str, list[str | None]], list[object]]:
    """Evaluate an SQL expression over `x` for a whole column of texts."""

    def evaluate(expression: str, values: list[str | None]) -> list[object]:
        rows = connection.execute(f"SELECT {expression} FROM (SELECT unnest(?) AS x)", [values]).fetchall()
        return [value for (value,) in rows]

    return evaluate
