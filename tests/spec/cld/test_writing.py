"""A submission of Client Level Data as it is written, with the numbers found."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretrace.cld.numbers import Numbers, fill
from caretrace.cld.submission import Asked, Paths, Report, write
from connectors import ReadReport, Source, read
from connectors.suppliers.cld import fields
from schemas.errors import InputError
from schemas.sql import install_macros
from tests.spec.cld.submissions import AS_AT, NUMBER, OTHER, REVIEW, SERVICE, Row, csv_of, rows


def written(
    folder: Path, records: Sequence[Row], asked: Asked | None = None, name: str = "out"
) -> tuple[Report, list[Row]]:
    path = folder / f"{name}-in.csv"
    path.write_text(csv_of(records), encoding="utf-8", newline="")
    paths = Paths(*(folder / f"{name}.{end}" for end in ("csv", "faults.csv", "json")))
    with duckdb.connect() as connection:
        report = write(connection, [Source(path)], None, asked or Asked(), paths, as_at=AS_AT)
    return report, rows_of(paths.submission)


def rows_of(path: Path) -> list[Row]:
    names = {each.title: each.name for each in fields()}
    with path.open(encoding="utf-8", newline="") as file:
        return [{names[title]: value for title, value in row.items()} for row in csv.DictReader(file)]


# What is given; how it is written under Release 2.
MENDED: list[tuple[Row, Row]] = [
    ({"date_of_birth": "1950-02-01 00:00:00"}, {"date_of_birth": "01/02/1950"}),
    ({"date_of_birth": "1/2/50"}, {"date_of_birth": "01/02/1950"}),
    ({"nhs_number": "943 476 5919"}, {"nhs_number": NUMBER}),
    ({"client_type": "Carer"}, {"client_type": "Unpaid carer"}),
    ({"service_type": "Short Term Support: ST-Max"}, {"service_type": "Short term support: ST-Max"}),
    ({"delivery_mechanism": "Direct Payment"}, {"delivery_mechanism": "Direct payment"}),
    ({"gender": "NULL"}, {"gender": ""}),
    # What is wrong in another way stands as the council gave it.
    ({"nhs_number": "9434765918"}, {"nhs_number": "9434765918"}),
    ({"date_of_birth": "about 1950"}, {"date_of_birth": "about 1950"}),
    ({"event_description": '=1+1, "quoted"\nand on'}, {"event_description": '=1+1, "quoted"\nand on'}),
]


def test_what_is_mended_and_what_is_not(tmp_path: Path) -> None:
    given = [SERVICE | {"la_person_unique_identifier": f"P{n}"} | change for n, (change, _) in enumerate(MENDED)]
    report, found = written(tmp_path, given)
    for row, before, (_, expected) in zip(found, given, MENDED, strict=True):
        assert row == {each.name: "" for each in fields()} | before | expected
    assert report.facts["mended"] == {
        "nhs_number": 1,
        "date_of_birth": 2,
        "client_type": 1,
        "service_type": 1,
        "delivery_mechanism": 1,
    }


@pytest.mark.parametrize(
    ("change", "asked", "words"),
    [
        ({"reporting_period_end_date": "31/12/2026"}, Asked(), "the rows name 2 reporting periods"),
        ({"reporting_period_end_date": ""}, Asked(), "the rows name 2 reporting periods"),
        ({}, Asked(period=(date(2026, 4, 1), date(2026, 6, 30))), "2 rows belong to another reporting period"),
    ],
)
def test_a_submission_is_of_one_period(tmp_path: Path, change: Row, asked: Asked, words: str) -> None:
    with pytest.raises(InputError, match=words):
        written(tmp_path, [SERVICE, REVIEW | change], asked)


def test_blank_periods_are_filled_with_the_one_asked_for(tmp_path: Path) -> None:
    blank = dict.fromkeys(("reporting_period_start_date", "reporting_period_end_date"), "")
    _, found = written(tmp_path, [SERVICE | blank], Asked(period=(date(2026, 7, 1), date(2026, 9, 30))))
    assert (found[0]["reporting_period_start_date"], found[0]["reporting_period_end_date"]) == (
        "01/07/2026",
        "30/09/2026",
    )


_CELL = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=8).map(
    lambda text: "" if text.strip(" \u00a0") == "NULL" else " ".join(text.split())
)
_FREE = [each.name for each in fields() if each.kind == "text" and each.name != "la_code"]


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=st.lists(
        st.fixed_dictionaries(
            dict.fromkeys(_FREE, _CELL),
            optional={"nhs_number": st.sampled_from([NUMBER, OTHER, "123"]), "unit_cost": st.sampled_from(["1", "x"])},
        ),
        min_size=1,
        max_size=40,
    )
)
def test_what_is_written_is_read_back_equal(tmp_path: Path, records: list[Row]) -> None:
    given = [SERVICE | record for record in records]
    _, once = written(tmp_path, given, name="once")
    assert once == [{each.name: "" for each in fields()} | row for row in given]
    _, twice = written(tmp_path, once, name="twice")
    assert twice == once
    assert (tmp_path / "twice.csv").read_bytes() == (tmp_path / "once.csv").read_bytes()


# Numbers of the rows of one person; what the run found and how; the rows' numbers afterwards; what is reported.
FILLED: list[tuple[list[str], tuple[str | None, str] | None, list[str], str | None]] = [
    (["", ""], (OTHER, "exact"), [OTHER, OTHER], "exact"),
    (["", ""], (OTHER, "probable"), ["", ""], "unsure"),
    (["", "123"], (OTHER, "held"), [OTHER, OTHER], "held"),
    ([NUMBER, ""], (NUMBER, "exact"), [NUMBER, NUMBER], None),
    ([NUMBER, ""], (OTHER, "exact"), [NUMBER, ""], "differs"),
    ([NUMBER, OTHER, ""], (OTHER, "exact"), [NUMBER, OTHER, ""], "differs"),
    ([""], (OTHER, "restricted"), [""], "restricted"),
    ([""], (OTHER, "several"), [""], "several"),
    ([""], (None, "unlinked"), [""], "unlinked"),
    ([NUMBER, ""], (None, "unlinked"), [NUMBER, ""], None),
    ([""], None, [""], "unknown"),
]


def test_which_numbers_are_filled_in(connection: duckdb.DuckDBPyConnection) -> None:
    install_macros(connection, as_at=AS_AT)
    people = [(f"P{n}", number) for n, (numbers, *_) in enumerate(FILLED) for number in numbers]
    connection.execute(
        "CREATE TABLE row AS SELECT 1 AS file, row_number() OVER () AS record, id AS la_person_unique_identifier,"
        " nullif(number, '') AS nhs_number, 'White: Irish' AS ethnicity FROM"
        f" (VALUES {', '.join(map(str, people))}) v (id, number)"
    )
    connection.execute("CREATE TABLE found_number (id VARCHAR, number VARCHAR, how VARCHAR)")
    for n, (_, found, *_) in enumerate(FILLED):
        if found:
            connection.execute("INSERT INTO found_number VALUES (?, ?, ?)", [f"P{n}", *found])
    fill(connection, "row", Numbers.EXACT)
    result = connection.execute("SELECT coalesce(nhs_number, '') FROM row ORDER BY record").fetchall()
    assert [number for (number,) in result] == [number for _, _, after, _ in FILLED for number in after]
    said = dict(connection.execute("SELECT id, how FROM outcome").fetchall())
    assert said == {f"P{n}": how for n, (*_, how) in enumerate(FILLED)}


@pytest.mark.parametrize("la_code", ["", "NULL"])
def test_a_row_without_a_council_is_nobodys(
    load: Callable[..., ReadReport], connection: duckdb.DuckDBPyConnection, la_code: str
) -> None:
    """The name of the folder does not stand for the council: the same person would be somebody else in each folder."""
    load([SERVICE, SERVICE | {"la_code": la_code, "la_person_unique_identifier": "P2"}])
    assert rows(connection, "person", "source_org, record_id") == [("318", "P1")]
    assert rows(connection, "set_aside", "kind, rule") == [("excluded", "no LA Code, so whose id it is cannot be told")]


def test_a_file_without_the_column_of_the_council_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text(csv_of([SERVICE]).replace("LA Code", "Code", 1), encoding="utf-8", newline="")
    with duckdb.connect() as connection, pytest.raises(InputError, match="the column LA Code is missing"):
        read(connection, [Source(tmp_path / "q.csv")], side="clients", as_at=AS_AT)
