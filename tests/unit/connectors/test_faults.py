"""What is reported of a value does not depend on what else is wrong in the file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb

from connectors import Source, read

FAULTY = {
    "nhs_number": ["9434765918", "943", "1010101010", "9434765919", ""],
    "birth_date": ["1950-02-30", "1850-01-01", "2999-01-01", "1900-01-01", "soon"],
    "death_date": ["2020-13-01", "2020-01-01", "", "", ""],
    "postcode": ["nowhere", "ZZ99 3VZ", "LS1 1AA", "", ""],
    "gender": ["x", "1", "", "", ""],
    "ethnicity": ["", "Q", "A", "", ""],
    "restricted": ["", "", "perhaps", "yes", ""],
}
ROWS = list(zip(*FAULTY.values(), strict=True))
ISSUES = 'SELECT record_id, "column", issue, used, extract_record, extract_line FROM clients.data_quality ORDER BY ALL'
KEPT = "SELECT record_id, scheme, value FROM clients.identifier ORDER BY ALL"


def _read(write: Callable[..., Path], rows: list[tuple[str, ...]]) -> tuple[list[object], list[object]]:
    lines = [",".join((str(at), f"Name{at}", *row)) for at, row in enumerate(rows)]
    path = write("people.csv", "\n".join((",".join(("record_id", "family_name", *FAULTY)), *lines, "")))
    with duckdb.connect() as connection:
        read(connection, [Source(path, name="council")], side="clients", as_at=date(2026, 11, 22))
        return connection.execute(ISSUES).fetchall(), connection.execute(KEPT).fetchall()


def test_a_value_at_fault_is_reported_alone_as_among_others(write: Callable[..., Path]) -> None:
    issues, kept = _read(write, ROWS)
    alone: list[object] = []
    kept_alone: list[object] = []
    for place, _ in enumerate(FAULTY):
        found, number = _read(write, [tuple(v if at == place else "" for at, v in enumerate(row)) for row in ROWS])
        alone += found
        kept_alone += number
    assert issues == sorted(alone)
    assert kept == sorted(kept_alone)
    assert len(issues) == 14
    assert len(kept) == 2
