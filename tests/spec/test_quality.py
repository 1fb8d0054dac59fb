"""Every kind of gap and contradiction: a few records in, what is found of them out.

A case is its own council and practice, with people of its own. `A`, `B` and `C` stand for the case's NHS numbers. What
a record is not said to differ in is complete and agrees with everybody. `found` names every finding, so a case also
shows what is not found.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from caretrace import quality
from caretrace.quality.to_fix import file_name
from schemas import LINK, SOURCE_TABLES
from schemas.nhs_number import check_digit
from schemas.sql import install_macros

TODAY = date(2026, 11, 22)
Row = dict[str, Any]


def person(record: str, **changes: Any) -> Row:
    """A complete client (c...) or patient (g... at the practice, h... at another practice, s... in hospital)."""
    return {
        "record_id": record,
        "nhs_number": "A",
        "family_name": "Hale",
        "given_name": "Ann",
        "birth_date": "1950-05-04",
        "birth_date_precision": "YMD" if changes.get("birth_date", "1950") else None,
        "gender": "2",
        "address_line_1": "1 High Street",
        "postcode": "AB1 2CD",
        "gp_practice_code": "H82001" if record[0] == "h" else "A81001",
        "ethnicity": "A",
        **changes,
    }


@dataclass(frozen=True)
class Case:
    """Records, what else the systems hold of them, the links of the run, and what is found."""

    what: str
    people: list[Row]
    found: dict[str, str]
    """Record id to its findings, with spaces between; who is not named has none."""
    others: dict[str, list[Row]] = field(default_factory=dict)
    """Rows of other tables than PERSON, by table."""
    links: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Client to the number it is linked to, and how probable that is; number "" for nobody."""


def c(record: str = "c1", **changes: Any) -> Row:
    return person(record, **changes)


def g(record: str = "g1", **changes: Any) -> Row:
    return person(record, **changes)


NO_DATE = {"birth_date": None}
SURE = {"c1": ("A", 0.9999)}
DOUBTFUL = {"c1": ("A", 0.97)}
FAULTY = {"used": False, "issue": "a fault"}

WITHIN = [
    Case("nothing to find", [c()], {}),
    Case("no number", [c(nhs_number=None)], {"c1": "nhs-number-missing"}),
    Case(
        "a number whose check digit fails",
        [c(nhs_number=None)],
        {"c1": "nhs-number-refused"},
        {"data_quality": [{"record_id": "c1", "column": "nhs_number", **FAULTY}]},
    ),
    Case("a Scottish number", [c(nhs_number="0101000004")], {"c1": "nhs-number-elsewhere"}),
    Case(
        "a number that the record's own history calls superseded",
        [c()],
        {"c1": "number-superseded"},
        {"identifier": [{"record_id": "c1", "scheme": "superseded NHS number", "value": "A"}]},
    ),
    Case(
        "one number, one person, two records",
        [c("c1"), c("c2", given_name="Annie")],
        {"c1": "likely-duplicate-number", "c2": "likely-duplicate-number"},
    ),
    Case(
        "one number, two dates of birth",
        [c("c1"), c("c2", birth_date="1985-05-04")],
        {"c1": "number-on-different-people", "c2": "number-on-different-people"},
    ),
    Case(
        "one number, two families",
        [c("c1"), c("c2", family_name="Okonkwo", postcode="AB1 2CE")],
        {"c1": "number-on-different-people", "c2": "number-on-different-people"},
    ),
    Case(
        "one person, two numbers",
        [c("c1"), c("c2", nhs_number="B", given_name="ANN")],
        {"c1": "several-numbers", "c2": "several-numbers"},
    ),
    Case(
        "one person, two records, one of them without the number",
        [c("c1"), c("c2", nhs_number=None)],
        {"c1": "likely-duplicate", "c2": "likely-duplicate nhs-number-missing"},
    ),
    Case(
        "two people of one household and one day of birth",
        [c("c1"), c("c2", nhs_number="B", given_name="Bea")],
        {},
    ),
    Case("no date of birth", [c(**NO_DATE)], {"c1": "birth-date-missing"}),
    Case(
        "an impossible date of birth",
        [c(**NO_DATE)],
        {"c1": "birth-date-refused"},
        {"data_quality": [{"record_id": "c1", "column": "birth_date", **FAULTY}]},
    ),
    Case("born 1 January 1900", [c(birth_date="1900-01-01")], {"c1": "birth-date-placeholder"}),
    Case(
        "only the year of birth", [c(birth_date="1950-01-01", birth_date_precision="Y")], {"c1": "birth-date-partial"}
    ),
    Case("born on 1 January", [c(birth_date="1950-01-01")], {"c1": "first-january"}),
    Case("born tomorrow", [c(birth_date="2026-11-23")], {"c1": "birth-date-future"}),
    Case("born today", [c(birth_date="2026-11-22")], {}),
    Case("aged 116", [c(birth_date="1910-11-22")], {"c1": "too-old"}),
    Case("aged 115", [c(birth_date="1910-11-23")], {}),
    Case("died at 89, long ago", [c(birth_date="1910-11-22", death_date="1999-03-04")], {}),
    Case("died before birth", [c(death_date="1949-01-02")], {"c1": "died-before-birth"}),
    Case("died tomorrow", [c(death_date="2026-11-23")], {"c1": "death-in-future"}),
    Case(
        "dead, with an open and a closed service",
        [c("c1", death_date="2026-01-02"), c("c2", death_date="2026-01-02", nhs_number="B", given_name="Bea")],
        {"c1": "dead-with-open-service"},
        {"service": [{"record_id": "c1"}, {"record_id": "c1"}, {"record_id": "c2", "end_date": "2026-01-09"}]},
    ),
    Case("no family name", [c(family_name=None)], {"c1": "family-name-missing"}),
    Case("no given name", [c(given_name=None)], {"c1": "given-name-missing"}),
    Case("a baby without a name", [c(given_name="BABY")], {"c1": "name-placeholder"}),
    Case("gender not specified", [c(gender="9")], {"c1": "gender-unknown"}),
    Case("no postcode", [c(postcode=None)], {"c1": "postcode-missing"}),
    Case(
        "a postcode that is none",
        [c(postcode=None)],
        {"c1": "postcode-refused"},
        {"data_quality": [{"record_id": "c1", "column": "postcode", **FAULTY}]},
    ),
    Case("ethnic category not known", [c(ethnicity="99")], {"c1": "ethnicity-missing"}),
    Case("ethnic category not stated", [c(ethnicity="Z")], {}),
    Case("no practice", [c(gp_practice_code=None)], {"c1": "gp-practice-missing"}),
]

ACROSS = [
    Case("the two agree", [c(), g()], {}, links=SURE),
    Case("gaps of the register that only the practice cares for", [g(ethnicity=None, gender="0")], {}),
    Case(
        "another date of birth",
        [c(), g(birth_date="1950-04-05")],
        {"c1": "birth-date-differs", "g1": "birth-date-differs"},
        links=SURE,
    ),
    Case("another date of birth, by a doubtful link", [c(), g(birth_date="1950-04-05")], {}, links=DOUBTFUL),
    Case(
        "one of the practice's two records agrees",
        [c(), g("g1"), g("g2", birth_date="1990-01-02")],
        {"g1": "number-on-different-people", "g2": "number-on-different-people birth-date-differs"},
        links=SURE,
    ),
    Case(
        "a placeholder contradicts nobody",
        [c(birth_date="1900-01-01"), g()],
        {"c1": "birth-date-placeholder birth-date-known-elsewhere"},
        links=SURE,
    ),
    Case("another gender", [c(gender="1"), g()], {"c1": "gender-differs", "g1": "gender-differs"}, links=SURE),
    Case(
        "another family name",
        [c(family_name="Okonkwo"), g()],
        {"c1": "family-name-differs", "g1": "family-name-differs"},
        links=SURE,
    ),
    Case("another spelling of the family name", [c(family_name="Haile"), g()], {}, links=SURE),
    Case(
        "a name from before the marriage", [c(family_name="Okonkwo"), g(previous_family_name="Okonkwo")], {}, links=SURE
    ),
    Case("dead for the practice", [c(), g(death_date="2026-02-03")], {"c1": "dead-elsewhere"}, links=SURE),
    Case(
        "dead for the practice, with a service still open",
        [c(), g(death_date="2026-02-03")],
        {"c1": "dead-elsewhere-with-open-service"},
        {"service": [{"record_id": "c1", "start_date": "2025-01-01"}]},
        links=SURE,
    ),
    Case("dead for the council", [c(death_date="2026-02-03"), g()], {"g1": "dead-elsewhere"}, links=SURE),
    Case(
        "two dates of death",
        [c(death_date="2026-02-03"), g(death_date="2026-03-02")],
        {"c1": "death-date-differs"},
        links=SURE,
    ),
    Case("restricted at the practice", [c(), g(restricted=True)], {"c1": "restricted-elsewhere"}, links=SURE),
    Case(
        "another postcode",
        [c(postcode="AB1 2CE"), g()],
        {"c1": "postcode-differs", "g1": "postcode-differs"},
        links=SURE,
    ),
    Case(
        "another postcode, and the council's is newer",
        [c(postcode="AB1 2CE"), g()],
        {"g1": "postcode-differs"},
        {
            "address": [
                {"record_id": "c1", "postcode": "AB1 2CE", "address_type": "home", "from_date": "2026-01-01"},
                {"record_id": "g1", "postcode": "AB1 2CD", "address_type": "home", "from_date": "2019-01-01"},
            ]
        },
        links=SURE,
    ),
    Case(
        "another postcode of somebody who must not be found",
        [c(postcode="AB1 2CE", restricted=True), g()],
        {"g1": "restricted-elsewhere"},
        links=SURE,
    ),
    Case("another house number", [c(address_line_1="11 High Street"), g()], {"c1": "house-differs"}, links=SURE),
    Case("the house without its number", [c(address_line_1="High Street"), g()], {}, links=SURE),
    Case("another practice", [c(gp_practice_code="H82001"), g()], {"c1": "gp-practice-differs"}, links=SURE),
    Case(
        "another practice, which the patient has left",
        [c(gp_practice_code="H82001"), g()],
        {"c1": "registered-nowhere"},
        {"registration": [{"record_id": "g1", "registration_type": "Regular", "end_date": "2020-01-01"}]},
        links=SURE,
    ),
    Case(
        "another practice, by what the hospital was told",
        [c(), g(), person("s1", gp_practice_code="H82001")],
        {"s1": "gp-practice-differs"},
        links=SURE,
    ),
    Case("at two practices at once", [g("g1"), g("h1")], {"g1": "several-practices", "h1": "several-practices"}),
    Case(
        "at two practices, one after the other",
        [g("g1"), g("h1")],
        {},
        {"registration": [{"record_id": "g1", "registration_type": "GMS", "end_date": "2020-01-01"}]},
    ),
    Case(
        "a registration's history is no registration",
        [c(), g()],
        {},
        {"registration": [{"record_id": "g1", "registration_status": "Left"}]},
        links=SURE,
    ),
    Case(
        "the council's date of birth is missing",
        [c(**NO_DATE), g()],
        {"c1": "birth-date-missing birth-date-known-elsewhere"},
        links=SURE,
    ),
    Case(
        "the council's gender is missing",
        [c(gender=None), g()],
        {"c1": "gender-unknown gender-known-elsewhere"},
        links=SURE,
    ),
    Case(
        "the council's postcode is missing",
        [c(postcode=None), g()],
        {"c1": "postcode-missing postcode-known-elsewhere"},
        links=SURE,
    ),
    Case(
        "the council's practice is missing",
        [c(gp_practice_code=None), g()],
        {"c1": "gp-practice-missing gp-practice-code-known-elsewhere"},
        links=SURE,
    ),
    Case(
        "a number of somebody else",
        [c(birth_date="1985-01-02", family_name="Okonkwo"), g()],
        {"c1": "number-of-another-person", "g1": "number-of-another-person"},
        links=SURE,
    ),
]

ONLY_LINKED = [
    Case(
        "another number than the linked person's",
        [c(nhs_number="B"), g()],
        {"c1": "number-differs", "g1": "number-differs"},
        links=SURE,
    ),
    Case(
        "twins whose numbers were exchanged",
        [c(given_name="Bea"), g()],
        {"c1": "given-name-differs"},
        {"levels": [{"given name": "different"}]},
        links=SURE,
    ),
    Case("linked to nobody", [c()], {"c1": "unknown-to-register"}, links={"c1": ("", 0.0)}),
    Case("waits for review", [c()], {}),
    Case(
        "linked to a patient without a number",
        [c(nhs_number=None, gender="1"), g(nhs_number=None)],
        {"c1": "nhs-number-missing gender-differs", "g1": "nhs-number-missing gender-differs"},
        links={"c1": ("g1", 0.9999)},
    ),
]

ONLY_BY_NUMBER = [
    Case("a number that no practice knows", [c()], {"c1": "unknown-to-register"}),
]


def as_numbers(place: int, value: Any) -> Any:
    """The letters A, B and C as NHS numbers of the test range that no other case has."""
    if value not in ("A", "B", "C"):
        return value
    for nine in range(900_000_000 + place * 100 + "ABC".index(value) * 10, 999_999_999):
        if (digit := check_digit(str(nine))) is not None:
            return f"{nine}{digit}"
    raise AssertionError


def organisation(place: int, record: str) -> str:
    return f"{ {'c': 'council', 'g': 'practice', 'h': 'other practice', 's': 'hospital'}[record[0]] } {place}"


def insert(connection: duckdb.DuckDBPyConnection, table: str, row: Row) -> None:
    names = ", ".join(f'"{name}"' for name in row)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def add(connection: duckdb.DuckDBPyConnection, place: int, case: Case, *, linked: bool) -> None:
    def keyed(table: str, row: Row) -> None:
        record = row["record_id"]
        side = "clients" if record[0] == "c" else "register"
        source = {"c": "carefirst", "s": "sus"}.get(record[0], "emis")
        values = {name: as_numbers(place, value) for name, value in row.items()}
        if family := values.get("family_name"):
            values["family_name"] = f"{family} {place}"
        insert(
            connection,
            f"{side}.{table}",
            {"source": source, "source_org": organisation(place, record), **values},
        )

    for row in case.people:
        keyed("person", row)
    for table, rows in case.others.items():
        for row in rows:
            if table != "levels":
                keyed(table, row)
    for row in case.people if linked else ():
        record = row["record_id"]
        if record[0] == "c":
            number, probability = case.links.get(record, ("", 0.5))
            decision = "link" if number else "none" if record in case.links else "review"
            levels = str(case.others.get("levels", [{}])[0])
            to_row = {} if number != "g1" else {"register_source": "emis", "register_record_id": "g1"}
            to_row |= {"register_source_org": organisation(place, "g")} if to_row else {}
            values = {"record_id": record, "decision": decision, "probability": probability, **to_row}
            values |= {"nhs_number": as_numbers(place, number) if number and not to_row else None}
            key = {"source": "carefirst", "source_org": organisation(place, record)}
            insert(connection, "link", {**key, **values})
            if levels != "{}":
                connection.execute(
                    "UPDATE link SET levels = MAP {'given name': 'different'} WHERE source_org = ?",
                    [organisation(place, record)],
                )


@dataclass(frozen=True)
class Found:
    """What one look at all cases found."""

    cases: list[Case]
    quality: quality.Quality
    listed: dict[str, list[dict[str, str]]]

    def of(self, place: int) -> tuple[Counter[tuple[str, str]], set[tuple[str, str]]]:
        """For one case: records by who holds them and kind; record ids and kinds in the lists."""
        held = {organisation(place, letter): letter for letter in "cghs"}
        counts = Counter(
            {
                (held[f.source_org], f.kind): f.records
                for f in self.quality.figures
                if f.source_org in held and f.records
            }
        )
        rows = [row for name, letter in held.items() for row in self.listed.get(name, [])]
        return counts, {(row["record_id"], row["kind"]) for row in rows}


def look(folder: Path, cases: list[Case], *, linked: bool) -> Found:
    with duckdb.connect() as connection:
        install_macros(connection, as_at=TODAY)
        for side in quality.SIDES:
            connection.execute(f"CREATE SCHEMA {side}")
            for table in SOURCE_TABLES:
                connection.execute(table.ddl(f"{side}.{table.name.lower()}"))
        connection.execute(LINK.ddl("link"))
        for place, case in enumerate(cases):
            add(connection, place, case, linked=linked)
        facts = quality.facts(connection, as_at=TODAY, linked=linked, lists=folder)
    listed = {}
    for source in facts.sources:
        path = folder / file_name(source.source, source.source_org)
        if path.exists():
            with path.open(encoding="utf-8-sig", newline="") as file:
                listed[source.source_org] = list(csv.DictReader(file))
    return Found(cases, facts, listed)


LINKED, BY_NUMBER = [*WITHIN, *ACROSS, *ONLY_LINKED], [*ACROSS, *ONLY_BY_NUMBER]


@pytest.fixture(scope="module")
def by_links(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    yield look(tmp_path_factory.mktemp("linked"), LINKED, linked=True)


@pytest.fixture(scope="module")
def by_numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    yield look(tmp_path_factory.mktemp("numbers"), BY_NUMBER, linked=False)


def expect(found: Found, place: int) -> None:
    case = found.cases[place]
    wanted = {(record, kind) for record, kinds in case.found.items() for kind in kinds.split()}
    counts, listed = found.of(place)
    # All numbers here are of the test range, and low gaps of the register are looked at on their own.
    asked = {key: n for key, n in counts.items() if key[1] != "test-number" and is_listed(key)}
    assert asked == Counter((record[0], kind) for record, kind in wanted if is_listed((record[0], kind)))
    assert listed == {(record, kind) for record, kind in wanted if is_listed((record[0], kind))}
    unlisted = {key for key in counts if key[0] == "c" and not is_listed(key)}
    assert unlisted - {("c", "test-number")} == {(r[0], k) for r, k in wanted if r[0] == "c" and not is_listed((r, k))}


def is_listed(key: tuple[str, str]) -> bool:
    return quality.BY_NAME[key[1]].is_listed("clients" if key[0][0] == "c" else "register")


@pytest.mark.parametrize("place", range(len(LINKED)), ids=[case.what for case in LINKED])
def test_with_the_links_of_a_run(by_links: Found, place: int) -> None:
    expect(by_links, place)


@pytest.mark.parametrize(
    "place", [n for n, case in enumerate(BY_NUMBER) if case.links is not DOUBTFUL], ids=lambda n: BY_NUMBER[n].what
)
def test_by_the_numbers_that_records_share(by_numbers: Found, place: int) -> None:
    expect(by_numbers, place)


def test_every_kind_is_shown() -> None:
    shown = {kind for case in (*LINKED, *BY_NUMBER) for kinds in case.found.values() for kind in kinds.split()}
    assert shown | {"test-number"} == set(quality.BY_NAME)


def test_a_doubtful_link_is_counted_and_asks_nobody_to_do_anything(by_links: Found) -> None:
    place = next(n for n, case in enumerate(LINKED) if case.links is DOUBTFUL)
    figures = [
        f for f in by_links.quality.figures if f.source_org in (organisation(place, "c"), organisation(place, "g"))
    ]
    assert {(f.kind, f.side): (f.records, f.doubtful) for f in figures if f.doubtful} == {
        ("birth-date-differs", "clients"): (0, 1),
        ("birth-date-differs", "register"): (0, 1),
    }
    assert by_links.of(place)[1] == set()


def test_low_gaps_of_the_register_are_counted_only(by_links: Found) -> None:
    place = next(n for n, case in enumerate(LINKED) if case.what.startswith("gaps of the register"))
    counts, listed = by_links.of(place)
    assert {kind for _, kind in counts} == {"ethnicity-missing", "gender-unknown", "test-number"}
    assert listed == set()


@pytest.mark.parametrize(
    ("what", "record", "column", "words"),
    [
        ("another postcode", "c1", "note", "the dates do not tell which is newer"),
        ("another postcode, and the council's is newer", "g1", "note", "the other system's is newer, by its dates"),
        ("another date of birth", "c1", "also_seen_in", "emis"),
        ("another date of birth", "g1", "also_seen_in", "carefirst"),
        ("restricted at the practice", "c1", "also_seen_in", ""),
        ("restricted at the practice", "c1", "when", "now"),
        ("no date of birth", "c1", "who", "the council"),
        ("another date of birth", "g1", "who", "the GP practice"),
        ("another practice", "c1", "who", "the council"),
        ("another practice, by what the hospital was told", "s1", "who", "the hospital"),
        (
            "another number than the linked person's",
            "g1",
            "who",
            "the council or practice, after tracing the person on PDS",
        ),
    ],
)
def test_what_a_list_says(by_links: Found, what: str, record: str, column: str, words: str) -> None:
    place = next(n for n, case in enumerate(LINKED) if case.what == what)
    (row,) = by_links.listed[organisation(place, record)]
    assert (row["record_id"], row[column]) == (record, words)
