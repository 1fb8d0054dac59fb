"""Records of EMIS for the tests, and files as EMIS names them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from tests.spec.gp.reading import AGREEMENT, NUMBER, Row, write

PATIENT: Row = {
    "PatientGuid": "{A}",
    "OrganisationGuid": "{O}",
    "Sex": "F",
    "DateOfBirth": "1950-02-01",
    "GivenName": "Zoë",
    "Surname": "Smith",
    "NhsNumber": NUMBER,
    "PatientTypeDescription": "Regular",
    "DummyType": "false",
    "Deleted": "false",
    "SpineSensitive": "false",
    "IsConfidential": "false",
    "DateofDeactivation": "",
    "DateOfRegistration": "2007-11-02",
    "PersonGuid": "",
    "ProcessingId": "1",
}
ORGANISATION: Row = {"OrganisationGuid": "{O}", "OrganisationName": "The Surgery", "ODSCode": "A81001"}
SHARING: Row = {
    "OrganisationGuid": "{O}",
    "IsActivated": "true",
    "LastModifiedDate": "2020-01-01 00:00:00",
    "Disabled": "false",
    "Deleted": "false",
}
OBSERVATION: Row = {
    "ObservationGuid": "{o1}",
    "PatientGuid": "{A}",
    "OrganisationGuid": "{O}",
    "EffectiveDate": "2019-05-01",
    "CodeId": "1",
    "Value": "",
    "AssociatedText": "",
    "Deleted": "false",
    "ProcessingId": "1",
}
CODES: list[Row] = [
    {"CodeId": "1", "Term": "Dissent", "ReadTermId": "9Nu0.00", "SnomedCTConceptId": "827241000000103"},
    {"CodeId": "2", "Term": "Dissent withdrawn", "ReadTermId": "9Nu1.", "SnomedCTConceptId": ""},
    {"CodeId": "3", "Term": "Refused", "ReadTermId": "", "SnomedCTConceptId": "416409005"},
    {"CodeId": "4", "Term": "Agreed", "ReadTermId": "93C0", "SnomedCTConceptId": "417528008"},
    {"CodeId": "5", "Term": "Type 2", "ReadTermId": "9Nu4.", "SnomedCTConceptId": "881561000000100"},
    {"CodeId": "6", "Term": "Research", "ReadTermId": "", "SnomedCTConceptId": "1091881000000109"},
    {"CodeId": "7", "Term": "Social services number", "ReadTermId": "", "SnomedCTConceptId": "108651000000103"},
    {"CodeId": "8", "Term": "Blood pressure", "ReadTermId": "246..", "SnomedCTConceptId": "75367002"},
    {"CodeId": "9", "Term": "Another code but for its capitals", "ReadTermId": "9nu0.", "SnomedCTConceptId": ""},
]


def emis(
    folder: Path,
    *,
    at: str = "20261001020304",
    prefix: str = "291",
    agreement: str = AGREEMENT,
    **files: Sequence[Row],
) -> Path:
    """Files as EMIS names them, by their table."""
    return write(folder, {f"{prefix}_{table}_{at}_{agreement}": records for table, records in files.items()})


DAY = date(2019, 5, 1)


def person(guid: str, organisation: str = "{O}", **changes: str) -> Row:
    return {**PATIENT, "PatientGuid": guid, "OrganisationGuid": organisation, **changes}


def gone(guid: str, organisation: str = "{O}") -> Row:
    """What a delta holds of a patient who is gone."""
    return {**dict.fromkeys(PATIENT, ""), "PatientGuid": guid, "OrganisationGuid": organisation, "Deleted": "true"}


def entry(guid: str, patient: str = "{A}", code: str = "1", **changes: str) -> Row:
    return {**OBSERVATION, "ObservationGuid": guid, "PatientGuid": patient, "CodeId": code, **changes}


FULL = {"Admin_Patient": [person("{A}"), person("{B}")], "CareRecord_Observation": [entry("{1}"), entry("{2}", "{B}")]}
DISABLED = {**SHARING, "Disabled": "true", "LastModifiedDate": "2021-01-01 00:00:00"}
ENABLED = {**SHARING, "LastModifiedDate": "2022-01-01 00:00:00"}
