"""`Fill.each`: one record that holds a list fills a row for each of its elements."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from connectors import values
from connectors.standardise import create_work_tables, standardise
from connectors.supplier import Fill, Kind, Repeats, Supplier
from schemas import IDENTIFIER, PERSON, SOURCE_TABLES
from schemas.dates import Form
from schemas.sql import install_macros

AS_AT = date(2026, 11, 22)

# Repeating fields of HL7 v2 stand in one text, parted by "~", and what stands in them by "^".
_PART = "string_split(item, '^')"
_IDS = Fill(
    IDENTIFIER,
    {
        "scheme": values.text(f"nullif({_PART}[2], '')"),
        "value": values.text(f"{_PART}[1]"),
        "from_date": values.day(f"nullif({_PART}[3], '')", Form.ISO),
    },
    where=f"{_PART}[2] <> 'SECRET'",
    each="string_split(r.ids, '~')",
)
_NUMBERS = Fill(IDENTIFIER, {"value": values.nhs_number("item")}, each="string_split(r.numbers, '~')")
_PATIENT = Kind(
    name="patient",
    columns={"id": ("id",), "ids": ("ids",), "numbers": ("numbers",)},
    required=("id",),
    record_id="r.id",
    key_columns=("id",),
    repeats=Repeats.FIRST,
    fills=(Fill(PERSON, {}), _IDS, _NUMBERS),
)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        install_macros(made, as_at=AS_AT)
        made.execute(f"CREATE TEMP MACRO reading_day() AS DATE '{AS_AT}'")
        made.execute("CREATE SCHEMA clients")
        for table in SOURCE_TABLES:
            made.execute(table.ddl(f"clients.{table.name.lower()}"))
        yield made


def run(connection: duckdb.DuckDBPyConnection, *records: tuple[str | None, str | None, str | None]) -> None:
    """Standardise records of id, ids and numbers, from a file whose header is on line 1."""
    connection.execute(
        "CREATE TEMP TABLE raw_patient (file INT, record BIGINT, line BIGINT, id VARCHAR, ids VARCHAR, numbers VARCHAR)"
    )
    for at, record in enumerate(records, start=1):
        connection.execute("INSERT INTO raw_patient VALUES (1, ?, ?, ?, ?, ?)", [at, at + 1, *record])
    create_work_tables(connection)
    connection.execute("INSERT INTO reading_file VALUES (1, 'p.csv', 'A81001')")
    standardise(connection, Supplier("test", (_PATIENT,)), "clients")


def test_a_row_for_each_element_with_its_records_provenance(connection: duckdb.DuckDBPyConnection) -> None:
    run(
        connection,
        ("1", "a^PAS~b^GP^2001-01-31", None),
        ("2", None, None),
        ("1", "c^PAS", None),
        ("3", "d^SECRET~e", None),
    )
    columns = "record_id, scheme, value, from_date::VARCHAR, extract_file, extract_record, extract_line"
    assert connection.execute(f"SELECT {columns} FROM clients.identifier ORDER BY ALL").fetchall() == [
        ("1", "GP", "b", "2001-01-31", "p.csv", 1, 2),
        ("1", "PAS", "a", None, "p.csv", 1, 2),
    ]
    assert connection.execute("SELECT record_id FROM clients.person ORDER BY ALL").fetchall() == [
        ("1",),
        ("2",),
        ("3",),
    ]
    assert connection.execute("SELECT extract_record, kind FROM clients.set_aside").fetchall() == [(3, "excluded")]


def test_each_refused_element_is_reported_and_kept_in_the_order_of_the_list(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    run(connection, ("1", None, "9434765919"), ("2", None, "943 476 5918~9434765919~9434765910~nonsense"))
    used = "SELECT record_id, value FROM clients.identifier WHERE scheme IS NULL ORDER BY ALL"
    assert connection.execute(used).fetchall() == [
        *(("1", "9434765919"), ("2", "9434765919")),
        *(("2", None), ("2", None), ("2", None)),
    ]
    kept = "SELECT record_id, value FROM clients.identifier WHERE scheme = 'NHS number as entered'"
    assert connection.execute(kept).fetchall() == [("2", "9434765918"), ("2", "9434765910")]
    issues = 'SELECT record_id, "column", issue, used, extract_record, extract_line FROM clients.data_quality'
    check = "fails the Modulus 11 check digit"
    assert connection.execute(issues).fetchall() == [
        ("2", "value", check, False, 2, 3),
        ("2", "value", check, False, 2, 3),
        ("2", "value", "not ten digits, plain or 3-3-4 with spaces or hyphens", False, 2, 3),
    ]
