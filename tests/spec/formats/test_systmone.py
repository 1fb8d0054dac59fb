"""SystmOne: people, addresses, what is left out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.spec.formats.reading import VALID, aside, extract, load, rows

SR_PATIENT = {
    "RowIdentifier": "1",
    "IDOrganisationVisibleTo": "A81001",
    "FirstName": "Zoë",
    "MiddleNames": "",
    "Surname": "Smith",
    "PreviousSurname": "Jones",
    "NHSNumber": VALID,
    "DateBirth": "01 Feb 1950 13:45",
    "DateDeath": "",
    "Gender": "f",
    "TestPatient": "FALSE",
    "SSRef": "12345",
    "SpineMatched": "1",
    "RemovedData": "0",
}
SR_ADDRESS = {
    "RowIdentifier": "11",
    "IDOrganisationVisibleTo": "A81001",
    "DateEvent": "01 Jan 2000 00:00:00",
    "NameOfBuilding": "",
    "NumberOfBuilding": "1",
    "NameOfRoad": "High Street",
    "NameOfTown": "Bromley",
    "FullPostCode": "BR1 1AA",
    "DateTo": "",
    "AddressType": "7",
    "IDPatient": "1",
}
SR_REGISTRATION = {
    "RowIdentifier": "21",
    "IDOrganisationVisibleTo": "A81001",
    "DateRegistration": "01 Jan 2000",
    "DateDeRegistration": "",
    "RegistrationStatus": "GMS, Contraception",
    "IDPatient": "1",
    "IDOrganisation": "A81001",
}
SR_MAPPING = [
    {"RowIdentifier": "7", "IdMappingGroup": "1", "Mapping": "Home"},
    {"RowIdentifier": "8", "IdMappingGroup": "1", "Mapping": "Correspondence only"},
]


def test_systmone_person_and_current_address(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    addresses = [
        SR_ADDRESS,
        {**SR_ADDRESS, "RowIdentifier": "12", "NameOfRoad": "New Road", "DateEvent": "01 Jan 2010 00:00:00"},
        {
            **SR_ADDRESS,
            "RowIdentifier": "13",
            "NameOfRoad": "Left Road",
            "DateEvent": "01 Jan 2020",
            "DateTo": "02 Jan 2020",
        },
        {
            **SR_ADDRESS,
            "RowIdentifier": "14",
            "NameOfRoad": "Post Road",
            "DateEvent": "01 Jan 2021",
            "AddressType": "8",
        },
    ]
    files = {"SRPatient.csv": [SR_PATIENT], "SRPatientAddressHistory.csv": addresses, "SRMapping.csv": SR_MAPPING}
    files["SRPatientRegistration.csv"] = [SR_REGISTRATION]
    files["SRManifest.csv"] = [{"FileName": Path(name).stem, "IsDelta": "N"} for name in files]
    report = load(connection, extract(tmp_path, files, "cp1252"))
    columns = (
        "source_org, record_id, nhs_number_status, given_name, previous_family_name, birth_date, gender, address_line_2"
    )
    assert rows(connection, "person", columns + ", gp_practice_code") == [
        ("A81001", "1", "01", "Zoë", "Jones", date(1950, 2, 1), "2", "1 New Road", "A81001")
    ]
    assert rows(connection, "name", "name_type, family_name") == [("previous", "Jones")]
    assert rows(connection, "identifier", "scheme, value") == [("social services reference", "12345")]
    assert [kind for (kind,) in rows(connection, "address", "address_type")] == [
        "home",
        "home",
        "home",
        "correspondence",
    ]
    manifest = next(file for file in report.files if file.name == "SRManifest.csv")
    assert manifest.note == "every file listed is here; all are full extracts"
    assert next(file for file in report.files if file.name == "SRPatient.csv").encoding == "Windows-1252"


@pytest.mark.parametrize(
    ("file", "change", "rule"),
    [
        ("SRPatient.csv", {"TestPatient": "true"}, "a test patient"),
        ("SRPatient.csv", {"RemovedData": "1"}, "removed (RemovedData)"),
        ("SRPatient.csv", {"RowIdentifier": ""}, "no RowIdentifier"),
        ("SRPatient.csv", {"IDOrganisationVisibleTo": ""}, "no IDOrganisationVisibleTo"),
        ("SRPatientAddressHistory.csv", {"IDPatient": "99"}, "its person is not in the extract, or was set aside"),
        ("SRPatientAddressHistory.csv", {"IDPatient": ""}, "no IDPatient"),
        ("SRPatientRegistration.csv", {"RegistrationStatus": "Temporary, NonGMS"}, "not a GMS registration"),
        ("SRPatientRegistration.csv", {"IDOrganisation": "B81002"}, "a shared record's row about another organisation"),
    ],
)
def test_systmone_leaves_out(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, file: str, change: dict[str, str], rule: str
) -> None:
    files = {
        "SRPatient.csv": [SR_PATIENT],
        "SRPatientAddressHistory.csv": [SR_ADDRESS],
        "SRPatientRegistration.csv": [SR_REGISTRATION],
    }
    files[file] = [*files[file], {**files[file][0], "RowIdentifier": "2", **change}]
    load(connection, extract(tmp_path, files))
    assert [(name, line, said) for name, line, _, said in aside(connection)] == [(file, 3, rule)]


def test_systmone_removal_that_names_only_the_row(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    removal = {"RowIdentifier": "1", "RemovedData": "1"}
    load(connection, extract(tmp_path, {"SRPatient.csv": [SR_PATIENT, removal, {**SR_PATIENT, "RowIdentifier": "2"}]}))
    assert [line for _, line, _, _ in aside(connection)] == [2, 3]
    assert rows(connection, "person", "record_id") == [("2",)]
