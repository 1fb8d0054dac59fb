"""Deliveries whose records can be read and whose values stand in wrong places."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from caretrace.nightly.values import of_unread, of_values
from connectors import Source, read
from schemas.sql import install_macros

AS_AT = date(2026, 11, 22)
TITLES = "record_id,nhs_number,family_name,birth_date,gender\n"
GOOD = ["{0},9000000009,Ash,1950-01-{0:02},1", "{0},,Ash,1950-01-{0:02},1"]


def reasons(folder: Path, titles: str, rows: list[str]) -> list[str]:
    path = folder / "person.csv"
    path.write_text(titles + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    with duckdb.connect() as connection:
        install_macros(connection, as_at=AS_AT)
        report = read(connection, [Source(path)], side="clients", as_at=AS_AT)
        return of_values(connection, "clients", report.files, 0.5)


@pytest.mark.parametrize(
    ("rows", "column"),
    [
        ([GOOD[0].format(n) for n in range(1, 13)], None),
        # Half of the numbers that are there, no more; empty cells do not count.
        ([f"{n},{'90' if n % 2 else '9000000009'},Ash,1950-01-01,1" for n in range(1, 13)], None),
        ([f"{n},{'90' if n > 4 else ''},Ash,1950-01-01,1" for n in range(1, 13)], "nhs_number"),
        ([f"{n},,Ash,AB1 2CD,1" for n in range(1, 13)], "birth_date"),
        ([f"{n},,Ash,1950-01-01,North" for n in range(1, 13)], "gender"),
        # A few are let pass, whatever their share.
        ([f"{n},90,Ash,1950-01-01,1" for n in range(1, 4)], None),
        ([f"{n},90,Ash,1950-01-01,1" for n in range(1, 5)], "nhs_number"),
    ],
)
def test_a_column_of_which_most_values_cannot_be_used_is_a_reason(tmp_path: Path, rows: list[str], column: str | None):
    found = reasons(tmp_path, TITLES, rows)
    assert [f"values of {column} cannot be used" in reason for reason in found] == ([True] if column else [])


def test_titles_one_column_beside_their_cells_are_a_reason_that_holds_no_value(tmp_path: Path):
    titles = "record_id,family_name,birth_date,gender,nhs_number\n"
    (reason,) = reasons(tmp_path, titles, [GOOD[0].format(n) for n in range(1, 13)])
    assert "do its titles stand over the right columns?" in reason
    assert not {"Ash", "1950", "9000000009"} & set(reason.replace(",", " ").split())


def test_a_file_that_nearly_is_one_of_the_format_is_a_reason_and_a_stranger_is_none(tmp_path: Path):
    (tmp_path / "person.csv").write_text(TITLES.replace("record_id", "Id") + GOOD[0].format(1), encoding="utf-8")
    (tmp_path / "service.csv").write_text("record_id,event_id,service_type\n1,S1,Meals\n", encoding="utf-8")
    (tmp_path / "rooms.csv").write_text("room,floor\n1,2\n", encoding="utf-8")
    held = "(SELECT 'standard' AS source, 'x' AS source_org, '1' AS record_id)"
    with duckdb.connect() as connection:
        report = read(connection, [Source(tmp_path, name="x")], side="clients", as_at=AS_AT, held=held)
    (reason,) = of_unread(report.files)
    assert reason.startswith("person.csv: not read")
