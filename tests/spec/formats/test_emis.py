"""EMIS: people, versions, what is left out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.spec.formats.reading import VALID, VALID_SPACED, aside, extract, load, rows

EMIS_PATIENT = {
    "PatientGuid": "{A}",
    "OrganisationGuid": "{O}",
    "Sex": "F",
    "DateOfBirth": "1950-02-01",
    "DateOfDeath": "",
    "GivenName": "Zoë",
    "MiddleNames": "Ann",
    "Surname": "Smith",
    "DateOfRegistration": "2007-11-02",
    "NhsNumber": VALID_SPACED,
    "PatientTypeDescription": "Regular",
    "DummyType": "false",
    "HouseNameFlatNumber": "1",
    "NumberAndStreet": "High Street",
    "Town": "Bromley",
    "Postcode": "BR11AA",
    "PersonGuid": "{P}",
    "DateofDeactivation": "",
    "Deleted": "false",
    "SpineSensitive": "false",
    "IsConfidential": "false",
    "ProcessingId": "1",
}
EMIS_ORGANISATION = {
    "OrganisationGuid": "{O}",
    "OrganisationName": "The Surgery",
    "ODSCode": "A81001",
    "ProcessingId": "1",
}


def test_emis_person(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    load(connection, extract(tmp_path, {"p.csv": [EMIS_PATIENT], "o.csv": [EMIS_ORGANISATION]}))
    columns = "source, source_org, record_id, nhs_number, given_name, birth_date, gender, address_line_2, postcode"
    who = ("emis", "A81001", "{A}", VALID, "Zoë", date(1950, 2, 1), "2", "High Street", "BR1 1AA")
    assert rows(connection, "person", columns) == [who]
    place = "gp_practice_code, restricted, extract_file, extract_record, extract_line"
    assert rows(connection, "person", place) == [("A81001", False, "p.csv", 1, 2)]
    assert rows(connection, "identifier", "scheme, value") == [("emis person", "{P}")]
    assert rows(connection, "registration", "registration_type, start_date, end_date") == [
        ("Regular", date(2007, 11, 2), None)
    ]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"Deleted": "TRUE"}, "marked as deleted: the patient fell out of the extract's scope"),
        ({"DummyType": "True"}, "a dummy patient"),
        ({"PatientTypeDescription": "Dummy"}, "a dummy patient"),
        ({"PatientTypeDescription": " temporary "}, "not a regular registration: Temporary"),
        ({"PatientTypeDescription": "Private"}, "not a regular registration: Private"),
        ({"PatientTypeDescription": "Emg"}, "not a regular registration: Emergency"),
        ({"PatientTypeDescription": ""}, "not a regular registration: no type given"),
        ({"PatientTypeDescription": "Novelty"}, "not a regular registration: another type"),
    ],
)
def test_emis_leaves_out(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, change: dict[str, str], rule: str
) -> None:
    folder = extract(tmp_path, {"p.csv": [EMIS_PATIENT, {**EMIS_PATIENT, "PatientGuid": "{B}", **change}]})
    load(connection, folder)
    assert aside(connection) == [("p.csv", 3, "excluded", rule)]
    assert rows(connection, "person", "record_id") == [("{A}",)]


def test_emis_a_later_deletion_takes_the_earlier_record_with_it(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    other = {**EMIS_PATIENT, "PatientGuid": "{B}"}
    history = {"PatientGuid": "{A}", "OrganisationGuid": "{O}", "HistoryDate": "2007-11-02", "StatusDescription": "x"}
    gone = {**EMIS_PATIENT, "Deleted": "true", "ProcessingId": "10"}
    load(
        connection,
        extract(tmp_path, {"p.csv": [gone, {**EMIS_PATIENT, "ProcessingId": "9"}, other], "h.csv": [history]}),
    )
    assert [(file, line, rule.split(":")[0]) for file, line, _, rule in aside(connection)] == [
        ("h.csv", 2, "its person is not in the extract, or was set aside"),
        ("p.csv", 2, "marked as deleted"),
        ("p.csv", 3, "superseded"),
    ]


def test_emis_the_same_guid_at_two_practices_is_two_people(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    load(connection, extract(tmp_path, {"p.csv": [EMIS_PATIENT, {**EMIS_PATIENT, "OrganisationGuid": "{O2}"}]}))
    assert rows(connection, "person", "source_org, record_id") == [("{O}", "{A}"), ("{O2}", "{A}")]


@pytest.mark.parametrize(
    ("titles", "version"),
    [((), "5.2-7.x"), (("ContactComments",), "8.x"), (("ExternalUsusalGP", "ExternalUsusalGPOrganisation"), "5.0-5.1")],
)
def test_emis_version_is_told_by_the_header(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, titles: tuple[str, ...], version: str
) -> None:
    record = {**EMIS_PATIENT, **dict.fromkeys(titles, "")}
    shouting = {title.upper(): value for title, value in record.items()}
    assert load(connection, extract(tmp_path, {"p.csv": [shouting]})).files[0].version == version


def test_emis_sensitive_and_unusual_values(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    changes = [{"SpineSensitive": "true"}, {"IsConfidential": "TRUE"}, {"Sex": "I"}, {"Sex": "UNKNOWN"}, {"Sex": "U"}]
    changes += [
        {"DateOfDeath": "2020-01-01"},
        {"NhsNumber": "9.43E+09"},
        {"Postcode": "ZZ993VZ"},
        {"NhsNumber": "9434765918"},
    ]
    records = [{**EMIS_PATIENT, "PatientGuid": f"{{{n}}}", **change} for n, change in enumerate(changes)]
    load(connection, extract(tmp_path, {"p.csv": records}))
    found = rows(connection, "person", "restricted, gender, death_date, nhs_number, postcode")
    assert [restricted for restricted, *_ in found] == [True, True, *[False] * 7]
    assert [gender for _, gender, *_ in found[2:5]] == ["9", "0", "0"]
    assert found[5][2] == date(2020, 1, 1)
    assert rows(connection, "data_quality", 'record_id, "column", issue, used') == [
        ("{6}", "nhs_number", "damaged by a spreadsheet (scientific notation or a decimal point)", False),
        ("{7}", "postcode", "a pseudo-postcode (ZZ99...)", False),
        ("{8}", "nhs_number", "fails the Modulus 11 check digit", False),
    ]
