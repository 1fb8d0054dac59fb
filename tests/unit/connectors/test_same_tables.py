"""An extract that is written in another way gives the same tables, row for row: each system with titled columns."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import date
from pathlib import Path

import duckdb
import pytest

from connectors import Source, read
from schemas import SOURCE_TABLES

FIXTURES = Path(__file__).parents[3] / "fixtures"
SYSTEMS = (
    *("carefirst", "carefirst6", "eclipse", "swift", "mosaic", "liquidlogic"),
    *("emis", "systmone", "sus", "cld", "pds_mesh"),
)
IN_ORDER = ("sus",)
"""Where a column is known by the one before it (docs/connectors/sus.md)."""

Rows = list[list[str]]
Files = dict[str, bytes]


def _by_another_program(files: Files, system: str) -> Files:
    """Semicolons, quotation marks everywhere, UTF-16, a column nobody asked for, and columns the other way round."""

    def written(content: bytes) -> bytes:
        rows = [[*row, "strange" if at else "NOT_ASKED_FOR"] for at, row in enumerate(_rows(content)) if row]
        if system not in IN_ORDER:
            rows = [row[::-1] for row in rows]
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
        return out.getvalue().encode("utf-16")

    return {name: written(content) for name, content in files.items()}


def _rows(content: bytes) -> Rows:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252")
    mark = max(",;\t|", key=text.partition("\n")[0].count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))


def _tables(files: Files) -> dict[str, list[tuple[object, ...]]]:
    """Everything that was read but the lines on which it stood."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        read(connection, [Source(Path(folder), name="same")], side="clients", as_at=date(2026, 11, 22))
        found = {}
        for table in SOURCE_TABLES:
            columns = ", ".join(f'"{name}"' for name in table.names if name not in ("line", "extract_line"))
            found[table.name] = connection.execute(
                f"SELECT {columns} FROM clients.{table.name.lower()} ORDER BY ALL"
            ).fetchall()
        return found


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_same_tables(system: str) -> None:
    files = {path.name: path.read_bytes() for path in sorted((FIXTURES / system).glob("*.csv"))}
    before = _tables(files)
    assert before["PERSON"]
    assert _tables(_by_another_program(files, system)) == before
