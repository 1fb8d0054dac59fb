"""CareFirst and Swift: the rows of a person, marked names, a council's own titles."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest

from schemas.errors import InputError
from tests.spec.formats.reading import VALID, VALID_SPACED, aside, extract, load, rows

CAREFIRST = {
    "CareFirst ID": "1",
    "Surname": "Smith",
    "Forename": "Zoë",
    "Date of Birth": "01/02/1950 00:00:00",
    "DOB Estimated": "",
    "Gender": "Female",
    "Ethnicity": "White British",
    "NHS Number": VALID_SPACED,
    "Address Line 1": "1 High Street",
    "Postcode": "br1 1aa",
    "Address From": "01/01/2000",
    "Address To": "",
}


def test_carefirst_folds_the_rows_of_a_person(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    old = {**CAREFIRST, "Address Line 1": "Old House", "Address From": "01/01/1990", "Address To": "31/12/1999"}
    bare = {**CAREFIRST, "Address Line 1": "", "Postcode": "", "Address From": ""}
    load(connection, extract(tmp_path, {"clients.csv": [old, CAREFIRST, bare]}, "cp1252"))
    columns = "record_id, given_name, birth_date, birth_date_precision, gender, ethnicity, nhs_number"
    columns += ", address_line_1, postcode"
    assert rows(connection, "person", columns) == [
        ("1", "Zoë", date(1950, 2, 1), "YMD", "2", "A", VALID, "1 High Street", "BR1 1AA")
    ]
    assert rows(connection, "address", "address_line_1, to_date") == [
        ("Old House", date(1999, 12, 31)),
        ("1 High Street", None),
    ]
    assert aside(connection) == [("clients.csv", 4, "excluded", "another row of the same person")]


def test_what_the_rows_of_one_person_say_otherwise_is_reported(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """Two people may share an id that a spreadsheet shortened, or a number may stand on one of the rows alone."""
    same = {**CAREFIRST, "Surname": "SMITH ", "Date of Birth": "1/2/1950", "NHS Number": VALID}
    others = [
        {**CAREFIRST, "Surname": "Jones"},
        {**CAREFIRST, "Date of Birth": "02/03/1960", "NHS Number": "9434765870"},
        {**CAREFIRST, "Date of Birth": "", "NHS Number": ""},
    ]
    late = [{**CAREFIRST, "CareFirst ID": "2", "NHS Number": ""}, {**CAREFIRST, "CareFirst ID": "2"}]
    load(connection, extract(tmp_path, {"clients.csv": [CAREFIRST, same, *others, *late]}))
    assert rows(connection, "person", "record_id, family_name, nhs_number") == [
        ("1", "Smith", VALID),
        ("2", "Smith", None),
    ]
    otherwise = "another row of this person says otherwise; the first row's is used"
    assert rows(connection, "data_quality", 'extract_line, "column", issue, used') == [
        (4, "family_name", otherwise, True),
        (5, "birth_date", otherwise, True),
        (5, "nhs_number", otherwise, True),
        (8, "nhs_number", "only a further row of this person says it, and it is not used", True),
    ]


@pytest.mark.parametrize("name", ["DUPLICATE - Smith", "DO NOT USE", "Smith (test)", "anonymised"])
def test_carefirst_leaves_out_marked_names(connection: duckdb.DuckDBPyConnection, tmp_path: Path, name: str) -> None:
    kept = {**CAREFIRST, "Surname": "Testwood"}
    load(connection, extract(tmp_path, {"clients.csv": [kept, {**CAREFIRST, "CareFirst ID": "2", "Surname": name}]}))
    assert aside(connection) == [
        ("clients.csv", 3, "excluded", "the name carries a mark such as DUPLICATE, TEST or DO NOT USE")
    ]


@pytest.mark.parametrize(
    ("change", "column", "issue"),
    [
        ({"Date of Birth": "31/02/1980"}, "birth_date", "an impossible date"),
        ({"Date of Birth": "2/29/1981"}, "birth_date", "an impossible date, unless the month comes first"),
        ({"Date of Death": "12/31/2020"}, "death_date", "an impossible date, unless the month comes first"),
        ({"Date of Birth": "13/13/1980"}, "birth_date", "an impossible date"),
        ({"Date of Birth": "1980/13"}, "birth_date", "not a date in the form this source uses"),
        ({"Date of Birth": "01/01/2030"}, "birth_date", "in the future"),
        (
            {"NHS Number": "9.43477E+09"},
            "nhs_number",
            "damaged by a spreadsheet (scientific notation or a decimal point)",
        ),
        ({"NHS Number": "0000000000"}, "nhs_number", "a placeholder (0000000000 or 9999999999)"),
        ({"Gender": "Trans"}, "gender", "not a word or code this column has"),
        ({"Ethnicity": "Whitish"}, "ethnicity", "not a word or code this column has"),
        ({"Postcode": "nowhere"}, "postcode", "not a UK postcode"),
    ],
)
def test_carefirst_refuses_values_not_records(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, change: dict[str, str], column: str, issue: str
) -> None:
    load(connection, extract(tmp_path, {"clients.csv": [{**CAREFIRST, **change}]}))
    assert rows(connection, "data_quality", '"column", issue, used, extract_line') == [(column, issue, False, 2)]
    assert rows(connection, "person", column) == [(None,)]


def test_carefirst_estimated_births_and_services(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    service = {"CareFirst ID": "1", "Service": "Home care", "Service Start": "01/04/2020", "Cost": "£1,200.50"}
    files = {
        "clients.csv": [{**CAREFIRST, "DOB Estimated": "Y"}],
        "services.csv": [service, {**service, "CareFirst ID": "9"}],
    }
    load(connection, extract(tmp_path, files))
    assert rows(connection, "person", "birth_date, birth_date_precision") == [(date(1950, 1, 1), "Y")]
    assert rows(connection, "service", "service_type, start_date, unit_cost") == [
        ("Home care", date(2020, 4, 1), 1200.5)
    ]
    assert aside(connection) == [("services.csv", 3, "excluded", "its person is not in the extract, or was set aside")]


def test_swift_takes_the_nhs_number_from_its_reference_row(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    person = {
        "SWIFT_NUMBER": "1",
        "SURNAME": "Smith",
        "FORENAMES": "Zoe Ann Bea",
        "DATE_OF_BIRTH": "01-Feb-50",
        "GENDER": "F",
    }
    reference = {
        "SWIFT_NUMBER": "1",
        "REFERENCE_TYPE": "NHS",
        "REFERENCE_VALUE": VALID_SPACED,
        "START_DATE": "",
        "END_DATE": "",
    }
    address = {
        "SWIFT_NUMBER": "1",
        "ADDRESS_TYPE": "Main",
        "ADDRESS_LINE_1": "1 Old Road",
        "START_DATE": "01-Jan-99",
        "END_DATE": "",
    }
    files = {
        "people.csv": [person, {**person, "SWIFT_NUMBER": "2"}],
        "references.csv": [
            {**reference, "REFERENCE_VALUE": "9434765918", "END_DATE": "01-Jan-2001"},
            reference,
            {**reference, "REFERENCE_TYPE": "PAYROLL", "REFERENCE_VALUE": "77"},
            {**reference, "SWIFT_NUMBER": "2", "REFERENCE_VALUE": "9434765918"},
        ],
        "addresses.csv": [
            address,
            {**address, "ADDRESS_LINE_1": "2 New Road", "START_DATE": "01-Jan-10"},
            {**address, "ADDRESS_TYPE": "Holiday", "ADDRESS_LINE_1": "Cottage", "START_DATE": "01-Jan-12"},
        ],
    }
    load(connection, extract(tmp_path, files))
    columns = "nhs_number, given_name, middle_names, birth_date, address_line_1"
    assert rows(connection, "person", columns) == [
        (VALID, "Zoe", "Ann Bea", date(1950, 2, 1), "2 New Road"),
        (None, "Zoe", "Ann Bea", date(1950, 2, 1), None),
    ]
    assert rows(connection, "data_quality", 'record_id, "column", extract_file, extract_line') == [
        ("2", "nhs_number", "references.csv", 5)
    ]


@pytest.mark.parametrize(
    ("began", "other", "used", "said"),
    [
        (("", ""), "9434765870", "9434765870", True),  # the last row, for want of anything better
        (("01-Jan-2015", "01-Jan-2010"), "9434765870", VALID, True),
        (("", ""), VALID_SPACED, VALID, False),
        (("", ""), "9434765918", VALID, False),
    ],
)
def test_swift_says_when_reference_rows_in_use_differ(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    began: tuple[str, str],
    other: str,
    used: str,
    said: bool,
) -> None:
    person = {"SWIFT_NUMBER": "1", "SURNAME": "Smith", "FORENAMES": "Zoe", "DATE_OF_BIRTH": "01-Feb-50"}
    references = [
        {"SWIFT_NUMBER": "1", "REFERENCE_TYPE": "NHS", "REFERENCE_VALUE": value, "START_DATE": start}
        for value, start in zip((VALID, other), began, strict=True)
    ]
    load(connection, extract(tmp_path, {"people.csv": [person], "references.csv": references}))
    assert rows(connection, "person", "nhs_number") == [(used,)]
    issue = ("nhs_number", "several identifier rows in use hold different NHS numbers", True)
    assert rows(connection, "data_quality", '"column", issue, used') == [issue] * said


def test_swift_with_a_councils_own_titles(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    mapping = tmp_path / "map.toml"
    mapping.write_text(
        'source = "swift"\n[kinds.person.columns]\nperson_id = "Client Ref"\nfamily_name = ["Nachname"]\n',
        encoding="utf-8",
    )
    person = {"Client Ref": "1", "Nachname": "Smith", "Forenames": "Zoe", "DOB": "1/2/1950"}
    extract(tmp_path, {"people.csv": [person]})
    load(connection, tmp_path / "people.csv", mapping=mapping)
    assert rows(connection, "person", "record_id, family_name, birth_date") == [("1", "Smith", date(1950, 2, 1))]


def people(months_first: int, days_first: int) -> list[dict[str, str]]:
    born = ["12/31/1980"] * months_first + ["03/04/1980"] * days_first
    return [{**CAREFIRST, "CareFirst ID": str(number), "Date of Birth": day} for number, day in enumerate(born)]


@pytest.mark.parametrize(
    ("months_first", "days_first", "refused"), [(2, 1, False), (3, 1, True), (3, 27, False), (3, 26, True)]
)
def test_a_file_with_the_month_first_is_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, months_first: int, days_first: int, refused: bool
) -> None:
    """The others would be read too, as other days."""
    folder = extract(tmp_path, {"clients.csv": people(months_first, days_first)})
    if not refused:
        load(connection, folder)
        assert [day for (day,) in rows(connection, "person", "birth_date") if day] == [date(1980, 4, 3)] * days_first
        return
    said = f"clients.csv: {months_first} of {months_first + days_first} dates of birth have the month first"
    with pytest.raises(InputError, match=re.escape(said)):
        load(connection, folder)


def test_each_file_answers_for_itself(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    good = [{**person, "CareFirst ID": f"9{number}"} for number, person in enumerate(people(0, 60))]
    with pytest.raises(InputError, match=r"american\.csv: 4 of 5"):
        load(connection, extract(tmp_path, {"good.csv": good, "american.csv": people(4, 1)}))
