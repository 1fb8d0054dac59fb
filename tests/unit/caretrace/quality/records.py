"""Records for the tests of data quality, and what is found in them."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from caretrace import quality

AS_AT = date(2026, 11, 22)
CLIENT = {"side": "clients", "source": "carefirst", "source_org": "Northshire"}
PATIENT = {"side": "register", "source": "emis", "source_org": "A81001"}
ANN = {"family_name": "Hale", "given_name": "Ann", "birth_date": date(1950, 5, 4), "birth_date_precision": "YMD"}
NUMBER, OTHER_NUMBER = "9434765919", "9434765870"


def add(store: duckdb.DuckDBPyConnection, table: str, *rows: dict[str, Any]) -> None:
    """Insert rows; record_id counts up where a row does not give it."""
    for number, row in enumerate(rows, 1):
        columns = {"record_id": f"r{number}", **row} if table != "set_aside" else row
        names = [name for name in columns if name != "side"]
        quoted = ", ".join(f'"{name}"' for name in names)
        marks = ", ".join("?" * len(names))
        values = [columns[name] for name in names]
        schema = f"{row['side']}." if "side" in row else ""
        store.execute(f"INSERT INTO {schema}{table} ({quoted}) VALUES ({marks})", values)


def look(store: duckdb.DuckDBPyConnection, **options: Any) -> quality.Quality:
    return quality.facts(store, as_at=AS_AT, **options)


def counts(found: quality.Quality) -> dict[tuple[str, str], int]:
    """Records by kind and organisation; test numbers are everywhere here."""
    return {(f.kind, f.source_org): f.records for f in found.figures if f.kind != "test-number"}
