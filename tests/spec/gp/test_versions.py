"""Every version of a GP extract is told by its columns."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import duckdb
import pytest

from fixtures.systems import emis as emis_fixture
from fixtures.systems import emis_delta
from fixtures.systems import systmone as systmone_fixture
from tests.spec.gp.emis import CODES, DAY, OBSERVATION, PATIENT, emis
from tests.spec.gp.reading import load, table
from tests.spec.gp.systmone import SR_CODE, SR_PATIENT, systmone

_PATIENT_5 = (
    "PatientGuid OrganisationGuid UsualGpUserInRoleGuid Sex DateOfBirth DateOfDeath Title GivenName MiddleNames "
    "Surname DateOfRegistration NhsNumber PatientNumber PatientTypeDescription DummyType HouseNameFlatNumber "
    "NumberAndStreet Village Town County Postcode ResidentialInstituteCode NHSNumberStatus CarerName CarerRelation "
    "PersonGuid DateOfDeactivation Deleted SpineSensitive IsConfidential EmailAddress HomePhone MobilePhone "
    "ExternalUsualGPGuid ExternalUsualGP ExternalUsualGPOrganisation ProcessingId"
)
_OBSERVATION_5 = (
    "ObservationGuid PatientGuid OrganisationGuid EffectiveDate EffectiveDatePrecision EnteredDate EnteredTime "
    "ClinicianUserInRoleGuid EnteredByUserInRoleGuid ParentObservationGuid CodeId ProblemGuid AssociatedText "
    "ConsultationGuid Value NumericUnit ObservationType NumericRangeLow NumericRangeHigh DocumentGuid Deleted "
    "IsConfidential ProcessingId"
)
_CODE_5 = (
    "CodeId Term ReadTermId SnomedCTConceptId SnomedCTDescriptionId NationalCode NationalCodeCategory "
    "NationalDescription EmisCodeCategoryDescription ProcessingId"
)
_PATIENT_50 = _PATIENT_5.replace("ExternalUsualGP ", "ExternalUsusalGP ").replace(
    "ExternalUsualGPOrganisation", "ExternalUsusalGPOrganisation"
)
_PATIENT_8 = _PATIENT_5.replace("DateOfDeactivation", "DateofDeactivation").replace(
    " ProcessingId", " ContactComments ProcessingId"
)
_OBSERVATION_8 = _OBSERVATION_5.replace("AssociatedText ", "").replace(
    "DocumentGuid ", "DocumentGuid Qualifiers Abnormal AbnormalReason Episode "
)
_VERSIONS = {
    # version: (Admin_Patient, CareRecord_Observation, Coding_ClinicalCode), and what is said of each
    "5.0, 5.1": (_PATIENT_50, _OBSERVATION_5, _CODE_5, ("5.0-5.1", "5.x", "5.x")),
    "5.2": (_PATIENT_5, _OBSERVATION_5, _CODE_5, ("5.2-7.x", "5.x", "5.x")),
    "5.4": (_PATIENT_5, _OBSERVATION_5, f"{_CODE_5} ParentCodeId", ("5.2-7.x", "5.x", "5.4 or 8.x")),
    "8.2": (
        _PATIENT_8,
        _OBSERVATION_8,
        _CODE_5.replace(" ProcessingId", " ParentCodeID ProcessingId"),
        ("8.x", "8.x", "5.4 or 8.x"),
    ),
    "8.3, with free text": (
        _PATIENT_8,
        _OBSERVATION_8.replace("ProblemGuid ", "ProblemGuid AssociatedText "),
        _CODE_5.replace(" ProcessingId", " ParentCodeID ProcessingId"),
        ("8.x", "8.x", "5.4 or 8.x"),
    ),
}
_NOT_READ = {
    "Admin_UserInRole": "UserInRoleGuid OrganisationGuid Title GivenName Surname JobCategoryCode JobCategoryName "
    "ContractStartDate ContractEndDate ProcessingId",
    "Admin_OrganisationLocation": "OrganisationGuid LocationGuid IsMainLocation Deleted ProcessingId",
    "CareRecord_Problem": "ObservationGuid PatientGuid OrganisationGuid ParentProblemObservationGuid Deleted EndDate",
    "CareRecord_Diary": "DiaryGuid PatientGuid OrganisationGuid EffectiveDate CodeId OriginalTerm Deleted ProcessingId",
    "Coding_DrugCode": "CodeId Term DmdProductCodeId ProcessingId",
    "Prescribing_DrugRecord": "DrugRecordGuid PatientGuid OrganisationGuid EffectiveDate CodeId Dosage Deleted",
}


@pytest.mark.parametrize("version", _VERSIONS)
def test_every_emis_version_is_told_by_its_columns(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, version: str
) -> None:
    patient, observation, code, said = _VERSIONS[version]
    full = [
        {**dict.fromkeys(titles.split(), ""), **record}
        for titles, record in zip((patient, observation, code), (PATIENT, OBSERVATION, CODES[0]), strict=True)
    ]
    # 5.x spells it DateOfDeactivation; only one of the two stands in a file.
    if "DateOfDeactivation" in patient:
        del full[0]["DateofDeactivation"]
    if "AssociatedText" not in observation:
        del full[1]["AssociatedText"]
    others = {name: [dict.fromkeys(titles.split(), "x")] for name, titles in _NOT_READ.items()}
    files = dict(
        zip(("Admin_Patient", "CareRecord_Observation", "Coding_ClinicalCode"), ([r] for r in full), strict=True)
    )
    report = load(connection, emis(tmp_path, **files, **others))
    found = {file.name.split("_")[2]: file for file in report.files}
    assert tuple(found[name].version for name in ("Patient", "Observation", "ClinicalCode")) == said
    assert all((found[name.split("_")[1]].note or "").startswith("not read") for name in _NOT_READ)
    assert table(connection, "opt_out", "record_id, scheme, opted_out") == [("{A}", "type 1", True)]


_SR_PATIENT = (
    "RowIdentifier IDOrganisationVisibleTo Title FirstName MiddleNames Surname PreviousSurname NHSNumber DateBirth "
    "DateDeath BirthPlace Gender SpeaksEnglish EmailAddress TestPatient SSRef SpineMatched RemovedData"
)
_SR_ADDRESS = (
    "RowIdentifier IDOrganisationVisibleTo DateEventRecorded DateEvent IDProfileEnteredBy IDDoneBy TextualEventDoneBy "
    "IDOrganisationDoneAt NameOfBuilding NumberOfBuilding NameOfRoad NameOfLocality NameOfTown NameOfCounty "
    "FullPostCode DateTo AddressType IDEvent IDPatient IDOrganisation CcgOfResidence IDOrganisationRegisteredAt "
    "RemovedData"
)
_SR_REGISTRATION = (
    "RowIdentifier IDOrganisationVisibleTo DateEventRecorded IDProfileEnteredBy DateRegistration DateDeRegistration "
    "RegistrationStatus PreferredPharmacy IDPatient IDOrganisation IDOrganisationRegisteredAt RemovedData"
)
_SR_CODE = (
    "RowIdentifier IDOrganisationVisibleTo DateEventRecorded DateEvent IDProfileEnteredBy IDDoneBy TextualEventDoneBy "
    "IDOrganisationDoneAt CTV3Code CTV3Text SNOMEDCode SNOMEDText NumericComparator IsNumeric NumericValue NumericUnit "
    "EpisodeType IDTemplate IDQuestionnaire IDEvent IDPatient IDReferralIn IDAppointment IDVisit IDOrganisation "
    "IDOrganisationRegisteredAt RemovedData"
)
_REGISTERED_AT, _REMOVED, _SNOMED = "IDOrganisationRegisteredAt", "RemovedData", "SNOMEDCode SNOMEDText"
_NEITHER = f"{_REGISTERED_AT} {_REMOVED}"
# Layout to the columns that it leaves out of SRPatient, SRPatientAddressHistory, SRPatientRegistration and SRCode, and
# what is said of the four.
_LAYOUTS = {
    "87": (
        (_REMOVED, _NEITHER, _NEITHER, f"{_SNOMED} IDQuestionnaire {_REMOVED}"),
        ("without RemovedData", "87 or older", "87 or older", "89 or older"),
    ),
    "91": (
        (_REMOVED, _REMOVED, _REMOVED, f"IDQuestionnaire {_REMOVED}"),
        ("without RemovedData", "88, 91 or 92", "88, 91 or 92", "90 or 91"),
    ),
    "93": (("", "", "", ""), ("with RemovedData", "89, 90 or 93", "89, 90 or 93", "92 or 93")),
}


@pytest.mark.parametrize("layout", _LAYOUTS)
def test_every_systmone_layout_is_told_by_its_columns(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, layout: str
) -> None:
    absent, said = _LAYOUTS[layout]
    dependant = {"RowIdentifier": "1", "IDPatient": "1"}
    names = ("SRPatient", "SRPatientAddressHistory", "SRPatientRegistration", "SRCode")
    tables = zip((_SR_PATIENT, _SR_ADDRESS, _SR_REGISTRATION, _SR_CODE), absent, strict=True)
    files = {}
    for name, row, (columns, without) in zip(names, (SR_PATIENT, dependant, dependant, SR_CODE), tables, strict=True):
        files[name] = [{title: row.get(title, "") for title in columns.split() if title not in without.split()}]
    report = load(connection, systmone(tmp_path, **files))
    versions = {file.name: file.version for file in report.files}
    assert tuple(versions[f"{name}.csv"] for name in names) == said
    assert table(connection, "opt_out", "record_id, scheme, from_date") == [("1", "type 1", DAY)]


@pytest.mark.parametrize(
    ("made", "people", "opt_outs"),
    [(emis_fixture, 4, 4), (emis_delta, 4, 0), (systmone_fixture, 3, 0)],
)
def test_the_fixtures(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, made: ModuleType, people: int, opt_outs: int
) -> None:
    for name, data in made.files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    load(connection, next(tmp_path.iterdir()))
    assert len(table(connection, "person", "record_id")) == people
    assert len(table(connection, "opt_out", "record_id")) == opt_outs
