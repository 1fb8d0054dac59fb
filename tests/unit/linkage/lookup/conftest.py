"""People that look alike, as hypothesis draws them, and both forms of the linkage side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from hypothesis import strategies as st

from linkage.lookup.record import Record, record
from schemas import ADDRESS, IDENTIFIER, NAME, PERSON

Row = dict[str, Any]

GIVEN = (
    *(
        "Ann",
        "Anne",
        "Annie",
        "Mary Ann",
        "mary-ann",
        "Bill",
        "William",
        "Will",
        "Wiliam",
        "Liam",
        "Mohammed",
        "Mohamad",
    ),
    *("Mo", "J", "Joan", "Jaon", "Jan", "Zoë", "Zoe", "Mr Lee", "Mr", "Unknown", "Baby Girl", "O", "Imran", "Khan"),
    *(
        "Łukasz",
        "Lukasz",
        "Kate Louise",
        "Catherine",
        "Micheal",
        "Michael known as Mick",
        "TWIN 1 Ann",
        " ",
        "Ann-Marie",
    ),
)
FAMILY = (
    *("Smith", "SMITH", "Smyth", "Smith-Jones", "Jones", "Jonse", "O'Brien", "OBrien", "O Brien", "de la Cruz", "Cruz"),
    *("Khan", "Imran", "Lee", "Mac Donald", "MacDonald", "McDonald", "Müller", "Muller", "Nguyễn", "Brown (nee Green)"),
    *("Green", "Do not use", "Robertson", "Robinson", "Patel", "Ann", "William"),
)
ALIKE = (("Ann", "Smith"), ("Ann", "Smyth"), ("Wiliam", "Robertson"), ("William", "Robinson"))
CROSSED = (("Khan", "Imran"), ("Imran", "Khan"), ("William", "Ann"), ("Ann", "William"), ("Smith", "Smyth"))
DATES = (
    *("1931-07-09", "1931-09-07", "1931-07-19", "1931-08-09", "1941-07-09", "1913-07-09", "2031-07-09", "1931-01-01"),
    *("1900-01-01", "1956-02-28", "1931-07-01", "1930-07-09", "1999-12-31"),
)
POSTCODES = ("BR1 3AA", "BR1 3AB", "BR1 3XZ", "BR1 4XZ", "BR2 4XZ", "SW1A 1AA", "W1A 1AA", "E1 6AN")
LINES = (
    *(
        "14 High Street",
        "14, HIGH ST",
        "Flat 2",
        "FLAT 2, 14 HIGH ST",
        "Rose Cottage",
        "16 High Street",
        "14 Hihg Street",
    ),
    *("The Grove", "12A Park Lane", "Flat 2, 9 Ærø Way", "2 4 6", "", "Bromley"),
)
NUMBERS = ("9434765919", "9000000009", "9434765870", "9990548609")
ENTERED = ("9434765918", "9434756919", "943476591", "abc")


def maybe(values: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.sampled_from(values))


@st.composite
def _people(draw: st.DrawFn) -> Row:
    """A row of PERSON, and under `names`, `addresses` and `identifiers` what hangs on it."""
    given_name, family_name = draw(st.one_of(st.tuples(maybe(GIVEN), maybe(FAMILY)), st.sampled_from(CROSSED + ALIKE)))
    row: Row = {
        "nhs_number": draw(maybe(NUMBERS)),
        "given_name": given_name,
        "middle_names": draw(maybe((*GIVEN, "Ann K Louise"))),
        "family_name": family_name,
        "previous_family_name": draw(maybe(FAMILY)),
        "birth_date": draw(maybe(DATES)),
        "gender": draw(maybe(("0", "1", "2", "9"))),
        "postcode": draw(maybe(POSTCODES)),
        **{f"address_line_{n}": draw(maybe(LINES)) for n in range(1, 5)},
    }
    row["birth_date_precision"] = draw(st.sampled_from(("YMD", "YMD", "YM", "Y"))) if row["birth_date"] else None
    some = st.integers(0, 4).map(lambda n: max(n - 2, 0))
    row["names"] = [{"given_name": draw(maybe(GIVEN)), "family_name": draw(maybe(FAMILY))} for _ in range(draw(some))]
    row["addresses"] = [
        {"postcode": draw(maybe(POSTCODES)), "address_type": draw(maybe(("home", "correspondence", "other")))}
        for _ in range(draw(some))
    ]
    row["identifiers"] = [
        draw(
            st.one_of(
                st.fixed_dictionaries({"scheme": st.just("NHS number as entered"), "value": maybe(ENTERED)}),
                st.fixed_dictionaries({"scheme": st.just("superseded NHS number"), "value": maybe(NUMBERS)}),
                st.fixed_dictionaries({"scheme": maybe(("carefirst", "nino")), "value": maybe(("Ab 1", "AB 1", "2"))}),
            )
        )
        for _ in range(draw(some))
    ]
    return row


@pytest.fixture(scope="session")
def people() -> st.SearchStrategy[Row]:
    """One person as `_people` draws it."""
    return _people()


@pytest.fixture
def both(store) -> Callable[[list[Row], list[Row]], duckdb.DuckDBPyConnection]:
    """Give a function that puts clients and register rows as `people` draws them into a store."""

    def make(clients: list[Row], register: list[Row]) -> duckdb.DuckDBPyConnection:
        given: dict[str, dict[str, list[Row]]] = {}
        for what in ("names", "addresses", "identifiers"):
            given[what] = {
                side: [
                    {"record_id": f"{side[0]}{n}"} | hanging for n, row in enumerate(rows, 1) for hanging in row[what]
                ]
                for side, rows in (("clients", clients), ("register", register))
            }
        sides = [
            [{name: row[name] for name in row if name in PERSON.names} for row in rows] for rows in (clients, register)
        ]
        connection = store(*sides, names=given["names"], addresses=given["addresses"])
        for side, rows in given["identifiers"].items():
            for row in rows:
                connection.execute(
                    f"INSERT INTO {side}.identifier (source, source_org, record_id, scheme, value)"
                    " VALUES (?, 'T', ?, ?, ?)",
                    [side, row["record_id"], row["scheme"], row["value"]],
                )
        return connection

    return make


@pytest.fixture
def records() -> Callable[[duckdb.DuckDBPyConnection, str], dict[str, Record]]:
    """Give a function that reads a side of a store and makes the record of each row in Python, by record_id."""

    def read(connection: duckdb.DuckDBPyConnection, side: str) -> dict[str, Record]:
        hanging: dict[str, dict[str, list[Row]]] = {}
        for table in (NAME, ADDRESS, IDENTIFIER):
            hanging[table.name] = defaultdict(list)
            for row in _rows(connection, f"{side}.{table.name.lower()}", table.names):
                hanging[table.name][row["record_id"]].append(row)
        return {
            row["record_id"]: record(
                row, *(hanging[table.name][row["record_id"]] for table in (NAME, ADDRESS, IDENTIFIER))
            )
            for row in _rows(connection, f"{side}.person", PERSON.names)
        }

    return read


def _rows(connection: duckdb.DuckDBPyConnection, table: str, names: tuple[str, ...]) -> list[Row]:
    found = connection.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()
    return [dict(zip(names, row, strict=True)) for row in found]
