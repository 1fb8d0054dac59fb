"""A hospital's file that is read, every record of it accounted for."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from connectors import ReadReport, Source, read

AS_AT = date(2026, 11, 22)
TABLES = ("person", "address", "name", "identifier", "spell")
NUMBER, OTHER_NUMBER = "9434765919", "9434765927"


class Reading:
    """One file that was read, and its tables."""

    def __init__(self, path: Path, data: bytes, **source: Any) -> None:
        path.write_bytes(data)
        self.connection = duckdb.connect()
        self.report: ReadReport = read(self.connection, [Source(path, **source)], side="clients", as_at=AS_AT)
        # Every record is either in a table or in SET_ASIDE, never in both, and the report counts them.
        union = " UNION ".join(f"SELECT extract_record FROM clients.{table}" for table in TABLES)
        used = {record for (record,) in self.connection.execute(union).fetchall()}
        aside = {record for (record,) in self.all("set_aside", "extract_record")}
        assert used.isdisjoint(aside)
        assert (self.report.used, len(aside)) == (len(used), self.report.rejected + self.report.excluded)
        assert self.report.records == len(used) + len(aside)

    def all(self, table: str, columns: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
        return self.connection.execute(
            f"SELECT {columns} FROM clients.{table} WHERE {where} ORDER BY extract_record"
        ).fetchall()

    def of(self, record_id: str, table: str, columns: str) -> list[tuple[Any, ...]]:
        return self.all(table, columns, f"record_id = '{record_id}'")

    def rules(self) -> dict[int, str]:
        return dict(self.all("set_aside", "extract_record, rule"))

    def facts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything but where it stood."""
        return {
            table: sorted(self.all(table, "* EXCLUDE (extract_file, extract_record, extract_line)"), key=repr)
            for table in TABLES
        }
