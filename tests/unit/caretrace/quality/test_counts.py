"""What is counted of the quality of records."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from caretrace import quality
from caretrace.quality import first
from tests.unit.caretrace.quality.records import ANN, CLIENT, NUMBER, PATIENT, add, counts, look


def test_a_field_is_present_missing_refused_or_doubtful(store: duckdb.DuckDBPyConnection) -> None:
    add(store, "person", {**CLIENT, "postcode": "AB1 2CD"}, {**CLIENT, "postcode": "AB1 2CE"}, CLIENT, CLIENT, CLIENT)
    add(
        store,
        "data_quality",
        {**CLIENT, "record_id": "r1", "column": "postcode", "issue": "an old address was refused", "used": False},
        {**CLIENT, "record_id": "r2", "column": "postcode", "issue": "no longer in use", "used": True},
        {**CLIENT, "record_id": "r3", "column": "postcode", "issue": "not a UK postcode", "used": False},
        {**CLIENT, "record_id": "r3", "column": "postcode", "issue": "cut short", "used": False},
        {**CLIENT, "record_id": "r4", "column": "uprn", "issue": "not a number", "used": False},
    )
    found = look(store)
    (source,) = found.sources
    assert source.field("postcode") == quality.Field("postcode", present=2, missing=2, refused=1, doubtful=1)
    assert source.field("uprn") == quality.Field("uprn", present=0, missing=4, refused=1, doubtful=0)
    assert all(field.present + field.missing + field.refused == 5 for field in source.fields)
    # The kinds count the same records as the fields do.
    kinds = counts(found)
    assert (kinds["postcode-missing", "Northshire"], kinds["postcode-refused", "Northshire"]) == (2, 1)


def test_issues_and_records_set_aside_are_counted_by_rule(store: duckdb.DuckDBPyConnection) -> None:
    fault = {"column": "nhs_number", "issue": "fails the Modulus 11 check digit", "used": False}
    add(store, "person", CLIENT, CLIENT)
    add(store, "data_quality", {**CLIENT, **fault}, {**CLIENT, **fault})
    left_out = {**CLIENT, "kind": "excluded", "extract_file": "people.csv", "rule": "a test record"}
    add(store, "set_aside", left_out, left_out, {**left_out, "kind": "rejected", "rule": "too few columns"})
    found = look(store)
    assert found.issues == (quality.Issue(*CLIENT.values(), *fault.values(), 2),)
    assert found.set_aside == (
        quality.SetAside("clients", "carefirst", "excluded", "people.csv", "a test record", 2),
        quality.SetAside("clients", "carefirst", "rejected", "people.csv", "too few columns", 1),
    )


def test_organisations_are_kept_apart_and_flags_counted(store: duckdb.DuckDBPyConnection) -> None:
    add(store, "person", {**CLIENT, "restricted": True}, {**CLIENT, "restricted": False}, CLIENT)
    add(store, "person", {**CLIENT, "source_org": "Southshire"})
    found = look(store)
    assert [(s.source_org, s.records, s.restricted) for s in found.sources] == [
        ("Northshire", 3, 1),
        ("Southshire", 1, 0),
    ]
    assert {org: n for (kind, org), n in counts(found).items() if kind == "birth-date-missing"} == {
        "Northshire": 3,
        "Southshire": 1,
    }


def test_two_councils_with_one_number_are_held_against_each_other(store: duckdb.DuckDBPyConnection) -> None:
    person = {**CLIENT, **ANN, "nhs_number": NUMBER, "gender": "2"}
    add(store, "person", person)
    add(store, "person", {**person, "source_org": "Southshire", "gender": "1"})
    found = look(store)
    assert {org for kind, org in counts(found) if kind == "gender-differs"} == {"Northshire", "Southshire"}
    (pair,) = found.between
    assert (pair.source, pair.other_source, pair.people, pair.differ["gender-differs"]) == (
        "carefirst",
        "carefirst",
        1,
        1,
    )


def test_a_person_in_three_systems_counts_once_in_each(store: duckdb.DuckDBPyConnection) -> None:
    person = {**ANN, "nhs_number": NUMBER, "gender": "2"}
    add(store, "person", {**CLIENT, **person, "gender": "1"})
    add(store, "person", {**PATIENT, **person})
    add(store, "person", {**PATIENT, **person, "source": "systmone", "source_org": "A81002"})
    found = look(store)
    assert {org: n for (kind, org), n in counts(found).items() if kind == "gender-differs"} == {
        "Northshire": 1,
        "A81001": 1,
        "A81002": 1,
    }
    assert sorted((p.source, p.other_source, p.differ.get("gender-differs", 0)) for p in found.between) == [
        ("carefirst", "emis", 1),
        ("carefirst", "systmone", 1),
        ("emis", "systmone", 0),
    ]


def test_a_number_that_stands_for_none_is_nobodys(store: duckdb.DuckDBPyConnection) -> None:
    rows = [{**ANN, "nhs_number": NUMBER, "record_id": str(n), "birth_date": date(1950, 1, 2 + n)} for n in range(26)]
    add(store, "person", *({**CLIENT, **row} for row in rows))
    add(store, "person", *({**PATIENT, **row} for row in rows))
    found = look(store)
    assert counts(found)["number-on-different-people", "Northshire"] == 26
    assert found.between == ()


def test_one_side_alone_can_be_looked_at(store: duckdb.DuckDBPyConnection) -> None:
    store.execute("DROP SCHEMA register CASCADE")
    add(store, "person", {**CLIENT, **ANN})
    assert [source.records for source in look(store).sources] == [1]


def test_nobody_can_be_looked_at(store: duckdb.DuckDBPyConnection) -> None:
    found = look(store, linked=True)
    assert (found.sources, found.figures, found.between) == ((), (), ())
    assert first.to_mend(found) == ()


def test_nothing_is_left_in_the_store(store: duckdb.DuckDBPyConnection) -> None:
    add(store, "person", {**CLIENT, **ANN})
    before = store.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
    look(store, linked=True)
    assert store.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall() == before


@pytest.mark.parametrize(
    ("genders", "differing"),
    [(["2"], 1), (["2", "2"], 1), (["2", None], 1), (["2", "1"], 0), (["1", "1"], 0), ([None, None], 0)],
)
def test_a_system_that_holds_a_person_several_times_contradicts_with_one_voice(
    genders: list[str | None], differing: int, store: duckdb.DuckDBPyConnection
) -> None:
    person = {**ANN, "nhs_number": NUMBER}
    add(store, "person", {**CLIENT, **person, "gender": "1"})
    # One of the records is enough to be told of a death, whatever the others say.
    died = [None] * (len(genders) - 1) + [date(2020, 1, 1)]
    add(
        store,
        "person",
        *({**PATIENT, **person, "gender": g, "death_date": d} for g, d in zip(genders, died, strict=True)),
    )
    found = counts(look(store))
    assert found.get(("gender-differs", "Northshire"), 0) == differing
    assert found["dead-elsewhere", "Northshire"] == 1
