"""A place to write small extracts in, and one call that reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import ReadReport, Source, read

AS_AT = date(2026, 11, 22)


class Store:
    """A working store read into once; tables as lists of tuples."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.report: ReadReport | None = None

    def read(self, *data: Any, **source: Any) -> ReadReport:
        self.report = read(self.connection, [Source(d, **source) for d in data], side="clients", as_at=AS_AT)
        return self.report

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        select = ", ".join(f'"{c}"' for c in columns)
        return self.connection.execute(
            f"SELECT {select} FROM clients.{table} ORDER BY extract_file, extract_record"
        ).fetchall()

    def one(self, table: str, *columns: str) -> tuple[Any, ...]:
        (row,) = self.rows(table, *columns)
        return row


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.connection.close()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, text: str | bytes, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write
