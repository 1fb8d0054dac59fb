"""A record as a dictionary is read as the same record in a table."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import connectors
from caretrace import entry
from schemas.errors import InputError

AS_AT = date(2026, 11, 22)
VALUES: dict[str, tuple[str, ...]] = {
    "given_name": ("Ann", "  Ann\u00a0", "", " ", "Zoë", "O'Neil"),
    "nhs_number": (
        "9434765919",
        "943 476 5919",
        "943-476-5919",
        "9434765918",
        "9.43E+09",
        "1234",
        "9999999999",
        "943476591",
    ),
    "birth_date": (
        *(
            "1931-07-09",
            "1931-07",
            "1931",
            "1931-02-30",
            "09/07/1931",
            "2031-01-01",
            "1931-07-09T00:00:00",
            "0000",
            "x",
        ),
        *("1931-07-09 12:30", "0999-01-01", "1931-7-9", " 1931-07-09 "),
    ),
    "birth_date_precision": ("Y", "ym", "YMD", "D"),
    "gender": ("1", "F", "female", "Man", "9", "0", "x", "Indeterminate Sex", "M "),
    "postcode": ("BR1 3AA", "br13aa", "BR1-3AA", "ZZ99 3VZ", "BR1 OAA", "nowhere", "SW1A1AA", "B R 1 3 A A"),
    "address_line_1": ("14 High Street", "\t14 High Street\n"),
}
USED = tuple(VALUES)
rows = st.fixed_dictionaries(
    {
        name: st.one_of(st.none(), st.sampled_from(values), st.text("09-/ aZ\u00a0", max_size=4))
        for name, values in VALUES.items()
    }
)


def read(row: dict[str, Any], *, test_numbers: bool = True) -> entry.Read:
    return entry.read(row, as_at=AS_AT, test_numbers=test_numbers)


@settings(max_examples=15, deadline=None)
@given(st.lists(rows, min_size=1, max_size=40))
def test_a_dictionary_is_read_as_a_row(given_rows: list[dict[str, str | None]]) -> None:
    numbered = [{"record_id": str(n), **row} for n, row in enumerate(given_rows)]
    table = pa.table({name: pa.array([row[name] for row in numbered], pa.string()) for name in numbered[0]})
    with duckdb.connect() as connection:
        connectors.read(connection, [connectors.Source(table)], side="clients", as_at=AS_AT)
        found = connection.execute(f"SELECT record_id, {', '.join(USED)} FROM clients.person").fetchall()
        kept = connection.execute("SELECT record_id, scheme, value FROM clients.identifier").fetchall()
        noted = connection.execute(
            'SELECT record_id, "column", issue FROM clients.data_quality WHERE NOT used'
        ).fetchall()
    assert len(found) == len(numbered)
    for record_id, *values in found:
        one = read(numbered[int(record_id)])
        assert [one.person[name] for name in USED] == values
        assert [tuple(row.values()) for row in one.identifiers] == [
            (scheme, value) for key, scheme, value in kept if key == record_id
        ]
        assert one.not_used == {column: issue for key, column, issue in noted if key == record_id}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (float("nan"), None),
        (pd.NA, None),
        (pd.NaT, None),
        (np.nan, None),
        (9434765919, "9434765919"),
        (9434765919.0, "9434765919"),
        (np.int64(9434765919), "9434765919"),
        (np.str_("9434765919"), "9434765919"),
    ],
)
def test_a_number_may_be_a_number(value: object, text: str | None) -> None:
    assert read({"nhs_number": value}).person["nhs_number"] == text


@pytest.mark.parametrize("value", [date(1931, 7, 9), pd.Timestamp("1931-07-09"), "1931-07-09"])
def test_a_date_may_be_a_date(value: object) -> None:
    person = read({"birth_date": value}).person
    assert (person["birth_date"], person["birth_date_precision"]) == (date(1931, 7, 9), "YMD")


def test_rows_that_hang_on_it_are_read_too() -> None:
    row = {
        "family_name": "Lee",
        "names": [{"family_name": " Green "}],
        "addresses": [{"postcode": "br13aa"}, {"postcode": "nowhere"}],
        "identifiers": [{"scheme": "carefirst", "value": 12}],
    }
    one = read(row)
    assert one.names == ({"family_name": "Green"},)
    assert one.addresses == ({"postcode": "BR1 3AA"}, {"postcode": None})
    assert one.identifiers == ({"scheme": "carefirst", "value": "12"},)
    assert one.not_used == {"addresses.postcode": "not a UK postcode"}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"given_nam": "Xerxes"}, "has no column 'given_nam' (did you mean 'given_name'?)"),
        ({"given_name": ["Xerxes"]}, "column given_name holds a list"),
        ({"given_name": b"Xerxes"}, "column given_name holds a bytes"),
        ({"given_name": "Xerxes\ud83d"}, "column given_name holds half a character"),
        ({"family_name": {"is": "Xerxes"}}, "column family_name holds a dict"),
        ({"postcode": "BR1 3AA"}, "says nothing about who it is"),
        ({}, "says nothing about who it is"),
        ({"given_name": "Xerxes", "test_record": "Yes"}, "marked as a test record"),
        ({"given_name": "Xerxes", "names": "Xerxes"}, "names holds something else than a list"),
        ({"given_name": "Xerxes", "names": ["Xerxes"]}, "names is a str"),
        ({"given_name": "Xerxes", "addresses": [{"town": "Xerxes"}]}, "ADDRESS has no column 'town'"),
        ([("given_name", "Xerxes")], "record is a list"),
    ],
)
def test_what_is_no_record_is_refused_without_its_values(row: Any, sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(row)
    assert sentence in str(refusal.value)
    assert "Xerxes" not in str(refusal.value)


def test_test_numbers_may_be_refused() -> None:
    one = read({"nhs_number": "9434765919"}, test_numbers=False)
    assert one.person["nhs_number"] is None
    assert one.not_used == {"nhs_number": "a test number, refused by setting"}


@pytest.mark.parametrize(
    ("row", "key"),
    [
        ({"record_id": "1"}, ("emis", "A", "1")),
        ({"record_id": 1, "source_org": "A"}, ("emis", "A", "1")),
        ({"record_id": "1", "source": "swift", "source_org": "B"}, ("swift", "B", "1")),
    ],
)
def test_the_key_of_a_row(row: dict[str, Any], key: tuple[str, str, str]) -> None:
    assert entry.key_of(row, origins=[("emis", "A")]) == key


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"record_id": "77"}, "holds 2 sources"),
        ({"given_name": "Xerxes"}, "no record_id"),
        ({"record_id": " "}, "no record_id"),
    ],
)
def test_a_key_that_is_not_clear_is_refused(row: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as refusal:
        entry.key_of(row, origins=[("emis", "A"), ("emis", "B")])
    assert "77" not in str(refusal.value)
