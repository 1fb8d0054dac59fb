"""What becomes of each trap of a Client Level Data file, and what its field checks say."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretrace.cld.checks import Verdict
from caretrace.cld.numbers import Numbers, fill
from caretrace.cld.submission import Asked, Paths, Report, check, write
from connectors import ReadReport, Source, read
from connectors.suppliers.cld import fields
from schemas.errors import InputError
from schemas.sql import install_macros

AS_AT = date(2026, 11, 22)
NUMBER, OTHER = "9434765919", "9434765870"
Row = dict[str, str]

# A row of Release 2 without a fault.
SERVICE: Row = {
    "la_code": "318",
    "reporting_period_start_date": "01/07/2026",
    "reporting_period_end_date": "30/09/2026",
    "nhs_number": NUMBER,
    "la_person_unique_identifier": "P1",
    "gp_practice_code": "A81001",
    "gender": "Female",
    "ethnicity": "White: English, Welsh, Scottish, Northern Irish or British",
    "date_of_birth": "01/02/1950",
    "client_type": "Service user",
    "primary_support_reason": "Mental Health Support",
    "postcode": "BR1 1AA",
    "accommodation_status": "Tenant",
    "has_unpaid_carer": "No",
    "client_funding_status": "Full cost client",
    "event_type": "Service",
    "event_reference": "E1",
    "event_start_date": "01/05/2026",
    "event_outcome": "Continuation of support or services",
    "service_type": "Long term support: Community",
    "service_component": "Home support or domiciliary care",
    "delivery_mechanism": "CASSR commissioned support",
}
_NO_SERVICE = dict.fromkeys(("service_type", "service_component", "delivery_mechanism"), "")
ASSESSMENT = SERVICE | _NO_SERVICE | {
    "event_type": "Assessment", "event_end_date": "03/07/2026", "assessment_type": "Long term assessment",
    "eligible_needs_identified": "Yes", "method_of_assessment": "Service user only",
}  # fmt: skip
REQUEST = SERVICE | _NO_SERVICE | {
    "event_type": "Request", "event_end_date": "03/07/2026", "request_route_of_access": "Community / other route",
}  # fmt: skip
REVIEW = SERVICE | _NO_SERVICE | {
    "event_type": "Review", "event_end_date": "03/07/2026", "review_reason": "Planned",
    "review_outcomes_achieved": "Fully achieved", "method_of_review": "Service user only",
}  # fmt: skip
ASSOCIATED = {
    name: SERVICE[name] for name in SERVICE if not name.startswith(("event_", "service_", "delivery_", "client_"))
} | {"client_type": "Unpaid carer known by association", "la_person_unique_identifier": "C1", "nhs_number": OTHER}


def csv_of(records: Sequence[Row], *, database_names: bool = False) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(each.name.upper() if database_names else each.title for each in fields())
    writer.writerows([record.get(each.name, "") for each in fields()] for record in records)
    return text.getvalue()


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


@pytest.fixture
def load(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Callable[..., ReadReport]:
    def load(*files: Sequence[Row], **form: bool) -> ReadReport:
        paths = [tmp_path / f"q{n}.csv" for n in range(len(files))]
        for path, records in zip(paths, files, strict=True):
            path.write_text(csv_of(records, **form), encoding="utf-8", newline="")
        report = read(connection, [Source(path) for path in paths], side="clients", as_at=AS_AT)
        tables = ("person", "service", "assessment", "request", "care_review")
        union = " UNION ".join(f"SELECT extract_file, extract_record FROM clients.{table}" for table in tables)
        filled = connection.execute(f"SELECT extract_file, count(*) FROM ({union}) GROUP BY ALL").fetchall()
        assert {file.name: file.used for file in report.files if file.used} == dict(filled)
        return report

    return load


def rows(connection: duckdb.DuckDBPyConnection, table: str, columns: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM clients.{table} ORDER BY ALL").fetchall()


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


VALID, BLANK, MISSING = Verdict.VALID, Verdict.BLANK, Verdict.MISSING
NOT_LISTED, FORM, AT_ODDS = Verdict.NOT_LISTED, Verdict.FORM, Verdict.CONTRADICTION
OTHER_RELEASE, NOT_CHECKED = Verdict.OTHER_RELEASE, Verdict.NOT_CHECKED
# A row; a field of it; what is said of it under Release 2 (None: the field does not apply).
CHECKS: list[tuple[Row, Row, str, Verdict | None]] = [
    (SERVICE, {}, "event_end_date", BLANK),  # the one event that may be open
    (SERVICE, {"date_of_death": "01/09/2026"}, "event_end_date", MISSING),
    (REVIEW, {"event_end_date": ""}, "event_end_date", MISSING),
    (REVIEW, {"event_end_date": "30/06/2026"}, "event_end_date", AT_ODDS),
    (SERVICE, {"event_end_date": "2026-08-01"}, "event_end_date", VALID),
    (SERVICE, {"event_start_date": "31/06/2026"}, "event_start_date", FORM),
    (SERVICE, {"event_start_date": "01/10/2026"}, "event_start_date", AT_ODDS),
    (SERVICE, {"date_of_birth": "01/01/1900"}, "date_of_birth", AT_ODDS),  # a dummy: 126 years
    (SERVICE, {"date_of_birth": "01/10/1911"}, "date_of_birth", VALID),  # 114
    (SERVICE, {"date_of_birth": "30/09/1911"}, "date_of_birth", AT_ODDS),  # 115 on that day
    (SERVICE, {"date_of_birth": ""}, "date_of_birth", MISSING),
    (SERVICE, {"date_of_death": "01/01/1949"}, "date_of_death", AT_ODDS),
    (SERVICE, {"nhs_number": ""}, "nhs_number", MISSING),
    (SERVICE, {"nhs_number": "9434765918"}, "nhs_number", FORM),
    (SERVICE, {"postcode": "ZZ99 3VZ"}, "postcode", VALID),
    (SERVICE, {"postcode": "Bromley"}, "postcode", FORM),
    (SERVICE, {"gender": "Non-binary"}, "gender", NOT_CHECKED),
    (SERVICE, {"client_type": "Carer"}, "client_type", OTHER_RELEASE),
    (SERVICE, {"client_type": "SERVICE USER"}, "client_type", VALID),
    (SERVICE, {"client_type": "Customer"}, "client_type", NOT_LISTED),
    (SERVICE, {"service_type": "Carer Support: Direct to Carer"}, "service_type", OTHER_RELEASE),
    (SERVICE, {"service_type": "Short Term Support: ST-Max"}, "service_type", VALID),
    (SERVICE, {"ethnicity": "White - Irish"}, "ethnicity", VALID),
    (SERVICE, {"ethnicity": "Mixed or multiple ethnic groups: Any other Mixed background"}, "ethnicity", VALID),
    (SERVICE, {"delivery_mechanism": ""}, "delivery_mechanism", BLANK),
    (SERVICE, {"delivery_mechanism": ""}, "unit_cost", MISSING),
    (SERVICE, {}, "unit_cost", BLANK),  # commissioned by the council
    (SERVICE, {"unit_cost": "about £10"}, "unit_cost", FORM),
    (SERVICE, {"unit_cost": "-1"}, "unit_cost", FORM),
    (SERVICE, {}, "assessment_type", None),
    (SERVICE, {}, "no_of_adults_being_cared_for", None),
    (SERVICE, {"client_type": "Unpaid carer"}, "no_of_adults_being_cared_for", BLANK),
    (SERVICE, {"client_type": "Unpaid carer"}, "client_funding_status", None),
    (REQUEST, {"primary_support_reason": ""}, "primary_support_reason", BLANK),
    (REVIEW, {"primary_support_reason": ""}, "primary_support_reason", MISSING),
    (ASSESSMENT, {"method_of_assessment": ""}, "method_of_assessment", MISSING),
    (ASSESSMENT, {"assessment_type": "Financial Assessment", "method_of_assessment": ""},
     "method_of_assessment", BLANK),
    (REVIEW, {"review_outcomes_achieved": ""}, "review_outcomes_achieved", MISSING),
    (REVIEW, {"review_reason": "Unplanned", "review_outcomes_achieved": ""}, "review_outcomes_achieved", BLANK),
    (ASSOCIATED, {}, "event_type", None),
    (SERVICE, {"date_of_birth": "01/10/1961", "primary_support_reason": "Learning Disability Support"},
     "employment_status", MISSING),  # 64
    (SERVICE, {"date_of_birth": "30/09/1961", "primary_support_reason": "Learning Disability Support"},
     "employment_status", BLANK),  # 65 on the last day
]  # fmt: skip


def checked(path: Path, records: Sequence[Row], release: int = 2) -> tuple[Report, list[dict[str, Verdict | None]]]:
    path.write_text(csv_of(records), encoding="utf-8", newline="")
    with duckdb.connect() as connection:
        report = check(connection, [Source(path)], Asked(release=release), as_at=AS_AT)
        result = connection.execute("SELECT * EXCLUDE (file, record, line) FROM cld_before ORDER BY record")
        names = [column[0] for column in result.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return report, [{n: None if v is None else Verdict(v) for n, v in row.items()} for row in found]


def test_checks(tmp_path: Path) -> None:
    people = [
        {**row, "la_person_unique_identifier": f"P{n}", "nhs_number": "", **change}
        for n, (row, change, *_) in enumerate(CHECKS)
    ]
    report, verdicts = checked(tmp_path / "q.csv", people)
    said = [verdicts[n][field] for n, (_, _, field, _) in enumerate(CHECKS)]
    assert said == [expected for *_, expected in CHECKS]
    counted = report.after["event_end_date"]
    assert sum(counted.values()) == sum(1 for each in verdicts if each["event_end_date"] is not None)


def test_one_number_of_two_people_is_a_fault(tmp_path: Path) -> None:
    two = [SERVICE, SERVICE | {"la_person_unique_identifier": "P2"}, SERVICE | {"nhs_number": OTHER}]
    _, verdicts = checked(tmp_path / "q.csv", two)
    assert [each["nhs_number"] for each in verdicts] == [AT_ODDS, AT_ODDS, VALID]


def test_release_1_has_its_own_lists(tmp_path: Path) -> None:
    old = SERVICE | {"client_type": "Carer", "method_of_review": "", "delivery_mechanism": "Self-Funder Metering Only"}
    _, [new_row, old_row] = checked(tmp_path / "q.csv", [SERVICE | {"client_type": "Unpaid carer"}, old], release=1)
    assert (new_row["client_type"], old_row["client_type"]) == (OTHER_RELEASE, VALID)
    assert (new_row["delivery_mechanism"], old_row["delivery_mechanism"]) == (VALID, VALID)


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
