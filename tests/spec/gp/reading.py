"""Files of a GP system, written and read, every record accounted for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from connectors import ReadReport, Source, read

AS_AT = date(2026, 11, 22)
NUMBER = "9434765919"
AGREEMENT = "45E7CD20-EE37-41AB-90D6-DC9D4B03D102"
Row = dict[str, str]


def write(folder: Path, files: Mapping[str, Sequence[Row]], encoding: str = "utf-8") -> Path:
    """Each file quoted, with the columns of its records."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, records in files.items():
        titles = list(dict.fromkeys(title for record in records for title in record))
        lines = [titles, *([record.get(title, "") for title in titles] for record in records)]
        text = "".join(",".join(f'"{cell}"' for cell in line) + "\r\n" for line in lines)
        (folder / f"{name}.csv").write_bytes(text.encode(encoding))
    return folder


def load(connection: duckdb.DuckDBPyConnection, *sources: Path | Source) -> ReadReport:
    """Read, and hold the report against the tables: every record is used, listed as set aside, or counted."""
    several = [source if isinstance(source, Source) else Source(source) for source in sources]
    report = read(connection, several, side="clients", as_at=AS_AT)
    aside = dict(connection.execute("SELECT extract_file, count(*) FROM clients.set_aside GROUP BY ALL").fetchall())
    for file in report.files:
        assert aside.get(file.name, 0) == file.rejected + file.excluded - file.passed_over
    return report


def table(connection: duckdb.DuckDBPyConnection, name: str, columns: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM clients.{name} ORDER BY ALL").fetchall()


def aside(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Kind of file, line and rule of each record set aside."""
    found = connection.execute(
        "SELECT extract_file, extract_line, rule FROM clients.set_aside ORDER BY extract_file, extract_line"
    ).fetchall()
    return [(Path(file).stem.split("_2")[0].split("_")[-1], line, rule) for file, line, rule in found]


Files = Mapping[str, Sequence[Row]]
