"""A Client Level Data submission as the collection takes it: CSV, the 46 checked fields under a council's titles.

A machine reads it, so values stand as they are: nothing is put before a cell that a spreadsheet would run as a formula.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from connectors.suppliers.cld import fields
from connectors.writers.lines import csv_line

if TYPE_CHECKING:
    import duckdb

_BATCH = 50_000


def write_cld(connection: duckdb.DuckDBPyConnection, relation: str, path: Path, *, order: str) -> int:
    """Write the rows of `relation`, whose text columns are the fields by name, as UTF-8 CSV with CRLF; gives the rows.

    `order` is SQL that orders them completely. Titles are those of a council's file [assumed]; what needs quotes, and
    nothing else, has them (RFC 4180).
    """
    line = csv_line([f'"{field.name}"' for field in fields()])
    result = connection.execute(f"SELECT {line} FROM {relation} ORDER BY {order}")
    rows = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(field.title for field in fields()) + "\r\n")
        while batch := result.fetchmany(_BATCH):
            file.write("".join(f"{text}\r\n" for (text,) in batch))
            rows += len(batch)
    return rows
