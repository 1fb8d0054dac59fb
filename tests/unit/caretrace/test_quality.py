"""Each fact against a handful of records that a reader can count."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from caretrace import quality
from schemas import SOURCE_TABLES
from schemas.sql import install_macros

AS_AT = date(2026, 11, 22)
CLIENT = {"side": "clients", "source": "carefirst", "source_org": "Northshire"}
PATIENT = {"side": "register", "source": "emis", "source_org": "A81001"}
ANN = {"family_name": "Hale", "given_name": "Ann", "birth_date": date(1950, 5, 4), "birth_date_precision": "YMD"}
NUMBER, OTHER_NUMBER = "9434765919", "9434765870"


@pytest.fixture(scope="module")
def tables() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        install_macros(connection, as_at=AS_AT)
        for side in quality.SIDES:
            connection.execute(f"CREATE SCHEMA {side}")
            for table in SOURCE_TABLES:
                connection.execute(table.ddl(f"{side}.{table.name.lower()}"))
        yield connection


@pytest.fixture
def store(tables: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Empty tables; what a test adds is rolled back."""
    tables.execute("BEGIN")
    yield tables
    tables.execute("ROLLBACK")


def add(store: duckdb.DuckDBPyConnection, table: str, *rows: dict[str, Any]) -> None:
    """Insert rows; record_id counts up where a row does not give it."""
    for number, row in enumerate(rows, 1):
        columns = {"record_id": f"r{number}", **row} if table != "set_aside" else row
        names = [name for name in columns if name != "side"]
        quoted = ", ".join(f'"{name}"' for name in names)
        marks = ", ".join("?" * len(names))
        values = [columns[name] for name in names]
        store.execute(f"INSERT INTO {row['side']}.{table} ({quoted}) VALUES ({marks})", values)


def only(store: duckdb.DuckDBPyConnection) -> quality.SourceQuality:
    (source,) = quality.facts(store, as_at=AS_AT).sources
    return source


def test_a_field_is_present_missing_refused_or_doubtful(store: duckdb.DuckDBPyConnection) -> None:
    add(
        store,
        "person",
        {**CLIENT, "postcode": "AB1 2CD"},
        {**CLIENT, "postcode": "AB1 2CE"},
        CLIENT,
        CLIENT,
        CLIENT,
    )
    add(
        store,
        "data_quality",
        {**CLIENT, "record_id": "r1", "column": "postcode", "issue": "an old address was refused", "used": False},
        {**CLIENT, "record_id": "r2", "column": "postcode", "issue": "no longer in use", "used": True},
        {**CLIENT, "record_id": "r3", "column": "postcode", "issue": "not a UK postcode", "used": False},
        {**CLIENT, "record_id": "r3", "column": "postcode", "issue": "cut short", "used": False},
        {**CLIENT, "record_id": "r4", "column": "uprn", "issue": "not a number", "used": False},
    )
    fields = {field.column: field for field in only(store).fields}
    assert fields["postcode"] == quality.Field("postcode", present=2, missing=2, refused=1, doubtful=1)
    assert fields["uprn"] == quality.Field("uprn", present=0, missing=4, refused=1, doubtful=0)
    assert all(field.present + field.missing + field.refused == 5 for field in fields.values())


def test_issues_and_records_set_aside_are_counted_by_rule(store: duckdb.DuckDBPyConnection) -> None:
    fault = {"column": "nhs_number", "issue": "fails the Modulus 11 check digit", "used": False}
    add(store, "person", CLIENT, CLIENT)
    add(store, "data_quality", {**CLIENT, **fault}, {**CLIENT, **fault})
    left_out = {**CLIENT, "kind": "excluded", "extract_file": "people.csv", "rule": "a test record"}
    add(store, "set_aside", left_out, left_out, {**left_out, "kind": "rejected", "rule": "too few columns"})
    found = quality.facts(store, as_at=AS_AT)
    assert found.issues == (quality.Issue(*CLIENT.values(), *fault.values(), 2),)
    assert found.set_aside == (
        quality.SetAside("clients", "carefirst", "excluded", "people.csv", "a test record", 2),
        quality.SetAside("clients", "carefirst", "rejected", "people.csv", "too few columns", 1),
    )


def test_numbers_are_counted_by_who_issues_them(store: duckdb.DuckDBPyConnection) -> None:
    add(store, "person", *({**CLIENT, "nhs_number": n} for n in (NUMBER, OTHER_NUMBER, "0101000004")), CLIENT)
    assert (only(store).test_numbers, only(store).numbers_from_elsewhere) == (2, 1)


@pytest.mark.parametrize(
    ("change", "different"),
    [
        ({}, 0),
        ({"given_name": "Annie", "family_name": "HALE"}, 0),
        ({"family_name": "Haile"}, 0),
        ({"family_name": "Okonkwo"}, 1),
        ({"birth_date": date(1950, 5, 5)}, 1),
        ({"birth_date": date(1950, 1, 1), "birth_date_precision": "Y"}, 0),
    ],
)
def test_one_number_on_two_records(store: duckdb.DuckDBPyConnection, change: dict[str, Any], different: int) -> None:
    person = {**CLIENT, **ANN, "nhs_number": NUMBER}
    add(store, "person", person, {**person, **change}, {**person, "nhs_number": OTHER_NUMBER})
    source = only(store)
    assert (source.numbers_on_several_records, source.numbers_on_different_people) == (1, different)


@pytest.mark.parametrize(
    ("change", "people"),
    [
        ({"nhs_number": OTHER_NUMBER}, 1),
        ({"nhs_number": NUMBER}, 0),
        ({"nhs_number": None}, 0),
        ({"nhs_number": OTHER_NUMBER, "postcode": "AB1 2CE"}, 0),
        ({"nhs_number": OTHER_NUMBER, "given_name": "ANN"}, 1),
        ({"nhs_number": OTHER_NUMBER, "given_name": None}, 0),
    ],
)
def test_one_person_with_several_numbers(store: duckdb.DuckDBPyConnection, change: dict[str, Any], people: int) -> None:
    person = {**CLIENT, **ANN, "postcode": "AB1 2CD", "nhs_number": NUMBER}
    add(store, "person", person, {**person, **change})
    wanted = (quality.SeveralNumbers("clients", people, 2),) if people else ()
    assert quality.facts(store, as_at=AS_AT).several_numbers == wanted


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({}, (0, 0, 0)),
        ({"birth_date": date(1950, 4, 5)}, (1, 0, 0)),
        ({"gender": "1"}, (0, 1, 0)),
        ({"gender": "9"}, (0, 0, 0)),
        ({"family_name": "Okonkwo"}, (0, 0, 1)),
        ({"family_name": "Okonkwo", "previous_family_name": "Hale"}, (0, 0, 0)),
    ],
)
def test_two_sources_with_one_number(
    store: duckdb.DuckDBPyConnection, change: dict[str, Any], differs: tuple[int, int, int]
) -> None:
    person = {**ANN, "nhs_number": NUMBER, "gender": "2"}
    add(store, "person", {**CLIENT, **person})
    add(store, "person", {**PATIENT, **person, **change})
    wanted = quality.Between("clients", "carefirst", "register", "emis", 1, *differs)
    assert quality.facts(store, as_at=AS_AT).between == (wanted,)


def test_one_agreeing_pair_of_records_is_agreement(store: duckdb.DuckDBPyConnection) -> None:
    person = {**ANN, "nhs_number": NUMBER}
    add(store, "person", {**CLIENT, **person})
    add(store, "person", {**PATIENT, **person}, {**PATIENT, **person, "birth_date": date(1990, 1, 2)})
    (between,) = quality.facts(store, as_at=AS_AT).between
    assert between.birth_date_differs == 0


@pytest.mark.parametrize(
    ("person", "counted"),
    [
        ({"birth_date": date(1900, 1, 1)}, {"born_placeholder"}),
        ({"birth_date": date(1901, 1, 1)}, {"born_placeholder"}),
        ({"birth_date": date(1962, 1, 1)}, {"born_first_january", "born_full_date"}),
        ({"birth_date": date(1962, 1, 1), "birth_date_precision": "Y"}, set()),
        ({"birth_date": date(2026, 11, 22)}, {"born_full_date"}),
        ({"birth_date": date(2026, 11, 23)}, {"born_full_date", "born_in_future"}),
        ({"birth_date": date(1910, 11, 23)}, {"born_full_date"}),
        ({"birth_date": date(1910, 11, 22)}, {"born_full_date", "born_too_long_ago"}),
        ({"birth_date": date(1910, 11, 22), "death_date": date(1999, 3, 4)}, {"born_full_date"}),
        ({"birth_date": date(1999, 3, 5), "death_date": date(1999, 3, 4)}, {"born_full_date", "died_before_birth"}),
    ],
)
def test_dates_that_cannot_or_hardly_be(
    store: duckdb.DuckDBPyConnection, person: dict[str, Any], counted: set[str]
) -> None:
    add(store, "person", {**CLIENT, "birth_date_precision": "YMD", **person})
    source = only(store)
    names = [name for name in vars(source) if name.startswith(("born_", "died_"))]
    assert {name for name in names if getattr(source, name)} == counted


def test_the_dead_with_an_open_service_are_counted_once(store: duckdb.DuckDBPyConnection) -> None:
    add(store, "person", {**CLIENT, "death_date": date(2026, 1, 2)}, {**CLIENT, "death_date": date(2026, 1, 2)}, CLIENT)
    add(
        store,
        "service",
        {**CLIENT, "record_id": "r1"},
        {**CLIENT, "record_id": "r1"},
        {**CLIENT, "record_id": "r2", "end_date": date(2026, 1, 9)},
        {**CLIENT, "record_id": "r3"},
    )
    assert only(store).dead_with_open_services == 1


def test_organisations_are_kept_apart_and_flags_counted(store: duckdb.DuckDBPyConnection) -> None:
    add(store, "person", {**CLIENT, "restricted": True}, {**CLIENT, "restricted": False}, CLIENT)
    add(store, "person", {**CLIENT, "source_org": "Southshire"})
    found = [(s.source_org, s.records, s.restricted) for s in quality.facts(store, as_at=AS_AT).sources]
    assert found == [("Northshire", 3, 1), ("Southshire", 1, 0)]


def test_one_side_alone_can_be_looked_at(store: duckdb.DuckDBPyConnection) -> None:
    store.execute("DROP SCHEMA register CASCADE")
    add(store, "person", {**CLIENT, **ANN})
    assert only(store).records == 1


def test_json_is_plain_and_holds_no_value(store: duckdb.DuckDBPyConnection) -> None:
    person = {**ANN, "family_name": "ZZLEAKNAME", "nhs_number": NUMBER, "record_id": "ZZLEAKID"}
    add(store, "person", {**CLIENT, **person})
    add(store, "person", {**PATIENT, **person})
    text = json.dumps(quality.facts(store, as_at=AS_AT).to_json())
    assert '"as_at": "2026-11-22"' in text
    assert not any(value in text for value in ("ZZLEAK", NUMBER, "Ann", "1950"))


def test_nothing_is_left_in_the_store(store: duckdb.DuckDBPyConnection) -> None:
    add(store, "person", {**CLIENT, **ANN})
    before = store.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
    quality.facts(store, as_at=AS_AT)
    assert store.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall() == before
