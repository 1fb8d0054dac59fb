"""What becomes of each trap in each supplier's extract: used, or set aside by which rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors import ReadReport, Source, read

AS_AT = date(2026, 11, 22)
VALID, VALID_SPACED = "9434765919", "943 476 5919"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


def extract(folder: Path, files: dict[str, list[dict[str, str]]], encoding: str = "utf-8") -> Path:
    """Write each file with the columns of its first record."""
    for name, records in files.items():
        lines = [",".join(f'"{record.get(title, "")}"' for title in records[0]) for record in records]
        header = ",".join(f'"{title}"' for title in records[0])
        (folder / name).write_bytes("\r\n".join([header, *lines, ""]).encode(encoding))
    return folder


def load(connection: duckdb.DuckDBPyConnection, path: Path, **source: Any) -> ReadReport:
    report = read(connection, [Source(path, **source)], side="clients", as_at=AS_AT)
    # Every record is either in a table or in SET_ASIDE, and the report counts both.
    tables = ["person", "address", "name", "identifier", "registration", "service"]
    union = " UNION ".join(f"SELECT extract_file, extract_record FROM clients.{table}" for table in tables)
    filled = dict(connection.execute(f"SELECT extract_file, count(*) FROM ({union}) GROUP BY ALL").fetchall())
    aside = dict(connection.execute("SELECT extract_file, count(*) FROM clients.set_aside GROUP BY ALL").fetchall())
    for file in report.files:
        assert aside.get(file.name, 0) == file.rejected + file.excluded
        if file.table != "-":
            assert filled.get(file.name, 0) == file.used
    return report


def rows(connection: duckdb.DuckDBPyConnection, table: str, columns: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM clients.{table} ORDER BY extract_file, extract_record").fetchall()


def aside(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return rows(connection, "set_aside", "extract_file, extract_line, kind, rule")


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
    files["SRManifest.csv"] = [{"FileName": "SRPatient", "IsDelta": "N"}, {"FileName": "SRMapping", "IsDelta": "N"}]
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


@pytest.mark.parametrize(
    ("record", "kind", "rule"),
    [
        ("1,Again,,,", "excluded", "duplicate record_id: an earlier record has the same id"),
        (" ,Nobody,,,", "rejected", "no record_id"),
        ("2,Test,,,true", "excluded", "marked as a test record"),
        ('2,"Open,,,', "rejected", "a quotation mark is never closed"),
        ("2,Short", "rejected", "2 fields where the header has 5"),
    ],
)
def test_standard_sets_aside(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, record: str, kind: str, rule: str
) -> None:
    path = tmp_path / "council.csv"
    path.write_text(
        f"record_id,family_name,birth_date,gender,test_record\n1,First,1931-07,m,\n{record}\n3,Last,1931,x,0\n",
        encoding="utf-8",
    )
    load(connection, path)
    assert aside(connection) == [("council.csv", 3, kind, rule)]
    assert rows(connection, "person", "source, source_org, record_id, birth_date, birth_date_precision") == [
        ("standard", "council", "1", date(1931, 7, 1), "YM"),
        ("standard", "council", "3", date(1931, 1, 1), "Y"),
    ]
