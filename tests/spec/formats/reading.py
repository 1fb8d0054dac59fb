"""Files of any supplier, written and read, every record accounted for."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from connectors import ReadReport, Source, read

AS_AT = date(2026, 11, 22)
VALID, VALID_SPACED = "9434765919", "943 476 5919"


def extract(folder: Path, files: dict[str, list[dict[str, str]]], encoding: str = "utf-8") -> Path:
    """Write each file with the columns of its first record."""
    for name, records in files.items():
        lines = [",".join(f'"{record.get(title, "")}"' for title in records[0]) for record in records]
        header = ",".join(f'"{title}"' for title in records[0])
        (folder / name).write_bytes("\r\n".join([header, *lines, ""]).encode(encoding))
    return folder


def load(connection: duckdb.DuckDBPyConnection, path: Path, **source: Any) -> ReadReport:
    report = read(connection, [Source(path, **source)], side="clients", as_at=AS_AT)
    # Every record is either in a table or in SET_ASIDE, and the report counts both.
    tables = ["person", "address", "name", "identifier", "registration", "service"]
    union = " UNION ".join(f"SELECT extract_file, extract_record FROM clients.{table}" for table in tables)
    filled = dict(connection.execute(f"SELECT extract_file, count(*) FROM ({union}) GROUP BY ALL").fetchall())
    aside = dict(connection.execute("SELECT extract_file, count(*) FROM clients.set_aside GROUP BY ALL").fetchall())
    for file in report.files:
        assert aside.get(file.name, 0) == file.rejected + file.excluded
        if file.table != "-":
            assert filled.get(file.name, 0) == file.used
    return report


def rows(connection: duckdb.DuckDBPyConnection, table: str, columns: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM clients.{table} ORDER BY extract_file, extract_record").fetchall()


def aside(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return rows(connection, "set_aside", "extract_file, extract_line, kind, rule")
