"""Client Level Data as it is read: events, traps, numbers, ethnicity."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import duckdb
import pytest

from connectors import ReadReport
from tests.spec.cld.submissions import ASSESSMENT, ASSOCIATED, NUMBER, OTHER, REQUEST, REVIEW, SERVICE, Row, rows


@pytest.mark.parametrize("database_names", [False, True])
def test_each_event_fills_its_table(
    load: Callable[..., ReadReport], connection: duckdb.DuckDBPyConnection, database_names: bool
) -> None:
    """Titles as a council writes them, and as the national database does."""
    load([SERVICE | {"unit_cost": "£1,240.50"}, ASSESSMENT, REQUEST, REVIEW, ASSOCIATED], database_names=database_names)
    who = "source, source_org, record_id, nhs_number, gender, ethnicity, birth_date, postcode, gp_practice_code"
    assert rows(connection, "person", who) == [
        ("cld", "318", "C1", OTHER, "2", "A", date(1950, 2, 1), "BR1 1AA", "A81001"),
        ("cld", "318", "P1", NUMBER, "2", "A", date(1950, 2, 1), "BR1 1AA", "A81001"),
    ]
    start, end = date(2026, 5, 1), date(2026, 7, 3)
    service = "event_id, service_type, delivery_mechanism, start_date, end_date, unit_cost, client_type"
    assert rows(connection, "service", service) == [
        ("E1", "Long term support: Community", "CASSR commissioned support", start, None, 1240.5, "Service user")
    ]
    assert rows(connection, "assessment", "assessment_type, eligible_needs, method, end_date") == [
        ("Long term assessment", "Yes", "Service user only", end)
    ]
    assert rows(connection, "request", "route_of_access, outcome, end_date") == [
        ("Community / other route", "Continuation of support or services", end)
    ]
    assert rows(connection, "care_review", "review_reason, outcomes_achieved, method, start_date") == [
        ("Planned", "Fully achieved", "Service user only", start)
    ]
    assert rows(connection, "set_aside", "rule") == []


SAME = "the same event stands in a later row"
UNKNOWN_EVENT = "an event type that is none of Request, Assessment, Service and Review"
NO_ID = "no LA Person Unique Identifier"
FOLDED = "another row of the same person"
# Rows after a plain service; those set aside, by line; how many services there are.
TRAPS: list[tuple[list[Row], list[tuple[int, str]], int]] = [
    ([SERVICE], [(2, SAME)], 1),
    # A service that was open is ended: one service, the later row's.
    ([SERVICE | {"event_end_date": "30/06/2026"}], [(2, SAME)], 1),
    # Labels of the releases differ in case.
    ([SERVICE | {"service_type": "Long Term Support: Community"}], [(2, SAME)], 1),
    # Rows that differ in their costs stay, both: costs are not lost.
    ([SERVICE | {"unit_cost": "10"}], [], 2),
    ([SERVICE | {"service_component": "Reablement"}], [], 2),
    ([SERVICE | {"event_type": "Visit"}], [(3, UNKNOWN_EVENT)], 1),
    ([SERVICE | {"event_type": "SERVICE", "event_start_date": "02/05/2026"}], [], 2),
    ([SERVICE | {"la_person_unique_identifier": ""}], [(3, NO_ID)], 1),
    ([SERVICE | {"la_person_unique_identifier": "NULL"}], [(3, f"{NO_ID} but the word NULL")], 1),
    ([SERVICE | {"event_type": "NULL"}], [(3, FOLDED)], 1),
    ([ASSOCIATED, ASSOCIATED], [(4, FOLDED)], 1),
]


def test_rows(load: Callable[..., ReadReport], connection: duckdb.DuckDBPyConnection) -> None:
    records: list[Row] = []
    expected: list[tuple[int, str]] = []
    for n, (further, aside, _) in enumerate(TRAPS):
        expected += [(line + len(records), rule) for line, rule in aside]
        records += [_of_case(n, row) for row in (SERVICE, *further)]
    load(records)
    assert rows(connection, "set_aside", "extract_line, rule") == expected
    counted = rows(
        connection, "service", "CAST(split_part(record_id, ' ', 1) AS INTEGER) AS n, count(*) OVER (PARTITION BY n)"
    )
    assert dict(counted) == {n: services for n, (_, _, services) in enumerate(TRAPS)}


def _of_case(n: int, row: Row) -> Row:
    """The row, about people of its case alone."""
    client = row["la_person_unique_identifier"]
    return row | {"la_person_unique_identifier": client if client in ("", "NULL") else f"{n} {client}"}


def test_submissions_stack_and_the_latest_wins(
    load: Callable[..., ReadReport], connection: duckdb.DuckDBPyConnection
) -> None:
    earlier = {"reporting_period_start_date": "01/04/2026", "reporting_period_end_date": "30/06/2026"}
    load(
        [SERVICE | earlier | {"postcode": "BR2 2BB"}, REVIEW | earlier],
        [SERVICE | {"postcode": "BR3 3CC"}],
        [SERVICE | {"postcode": "BR4 4DD", "event_outcome": "Admitted to hospital"}],
    )
    assert rows(connection, "set_aside", "extract_file, rule") == [
        ("q0.csv", SAME),
        ("q1.csv", "superseded: a later file holds the same council and reporting period"),
    ]
    assert rows(connection, "person", "postcode") == [("BR4 4DD",)]
    assert rows(connection, "service", "outcome") == [("Admitted to hospital",)]


# NHS numbers of the rows of one person; the one used; what is said.
NUMBERS: list[tuple[list[str], str | None, list[tuple[str]]]] = [
    (["", NUMBER], NUMBER, []),
    ([NUMBER, "943 476 5919"], NUMBER, []),
    ([NUMBER, OTHER], None, [("the rows of this person hold different NHS numbers",)]),
    (["4.86E+09", ""], None, [("damaged by a spreadsheet (scientific notation or a decimal point)",)]),
    (["9434765918", NUMBER], NUMBER, []),
]


def test_numbers_of_one_person(load: Callable[..., ReadReport], connection: duckdb.DuckDBPyConnection) -> None:
    load(
        [
            SERVICE | {"la_person_unique_identifier": f"P{n}", "nhs_number": number, "event_reference": str(at),
                       "event_start_date": f"0{at + 1}/05/2026"}
            for n, (numbers, *_) in enumerate(NUMBERS)
            for at, number in enumerate(numbers)
        ]
    )  # fmt: skip
    assert rows(connection, "person", "record_id, nhs_number") == [
        (f"P{n}", used) for n, (_, used, _) in enumerate(NUMBERS)
    ]
    issues = rows(connection, "data_quality", "record_id, issue")
    assert issues == [(f"P{n}", *issue) for n, (*_, said) in enumerate(NUMBERS) for issue in said]


NO_CODE = "a category that the NHS ethnic categories have no code for"
# Labels of both releases; the NHS code; what is said.
ETHNICITIES = [
    ("Asian or Asian British - Indian", "H", None),
    ("Mixed or multiple ethnic groups: White and Asian", "F", None),
    ("No data: Refused", "Z", None),
    ("No data - Undeclared or not known", "99", None),
    ("White: Gypsy or Irish Traveller", None, NO_CODE),
    ("White: Roma", None, NO_CODE),
    ("Other ethnic group: Arab", None, NO_CODE),
    ("Martian", None, "not a word or code this column has"),
]


def test_ethnicity_of_both_releases(load: Callable[..., ReadReport], connection: duckdb.DuckDBPyConnection) -> None:
    load([SERVICE | {"la_person_unique_identifier": f"P{n}", "ethnicity": e[0]} for n, e in enumerate(ETHNICITIES)])
    assert rows(connection, "person", "record_id, ethnicity") == [(f"P{n}", e[1]) for n, e in enumerate(ETHNICITIES)]
    assert rows(connection, "data_quality", "record_id, issue") == [
        (f"P{n}", e[2]) for n, e in enumerate(ETHNICITIES) if e[2]
    ]
