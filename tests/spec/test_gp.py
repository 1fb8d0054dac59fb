"""EMIS and SystmOne as they really come: versions, traps, opt-outs in coded entries, full and delta feeds."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import ReadReport, Source, read
from connectors.files.opening import Opening
from connectors.suppliers import gp_codes
from fixtures.systems import emis as emis_fixture
from fixtures.systems import emis_delta
from fixtures.systems import systmone as systmone_fixture
from schemas.errors import InputError, SettingsError

AS_AT = date(2026, 11, 22)
NUMBER = "9434765919"
AGREEMENT = "45E7CD20-EE37-41AB-90D6-DC9D4B03D102"
Row = dict[str, str]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


def write(folder: Path, files: Mapping[str, Sequence[Row]], encoding: str = "utf-8") -> Path:
    """Each file quoted, with the columns of its records."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, records in files.items():
        titles = list(dict.fromkeys(title for record in records for title in record))
        lines = [titles, *([record.get(title, "") for title in titles] for record in records)]
        text = "".join(",".join(f'"{cell}"' for cell in line) + "\r\n" for line in lines)
        (folder / f"{name}.csv").write_bytes(text.encode(encoding))
    return folder


def load(connection: duckdb.DuckDBPyConnection, *sources: Path | Source) -> ReadReport:
    """Read, and hold the report against the tables: every record is used, listed as set aside, or counted."""
    several = [source if isinstance(source, Source) else Source(source) for source in sources]
    report = read(connection, several, side="clients", as_at=AS_AT)
    aside = dict(connection.execute("SELECT extract_file, count(*) FROM clients.set_aside GROUP BY ALL").fetchall())
    for file in report.files:
        assert aside.get(file.name, 0) == file.rejected + file.excluded - file.passed_over
    return report


def table(connection: duckdb.DuckDBPyConnection, name: str, columns: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {columns} FROM clients.{name} ORDER BY ALL").fetchall()


def aside(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Kind of file, line and rule of each record set aside."""
    found = connection.execute(
        "SELECT extract_file, extract_line, rule FROM clients.set_aside ORDER BY extract_file, extract_line"
    ).fetchall()
    return [(Path(file).stem.split("_2")[0].split("_")[-1], line, rule) for file, line, rule in found]


# -- EMIS: every version's columns -----------------------------------------------------------------

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


# -- EMIS: traps -----------------------------------------------------------------------------------


# Records in (what differs from PATIENT); how many people come of them, and lines left out with the rule's first words.
_PATIENTS: dict[str, tuple[list[Row], int, list[str]]] = {
    "deleted": ([{"Deleted": "TRUE"}], 0, ["marked as deleted: the patient fell out of"]),
    "nobody's": ([{"OrganisationGuid": ""}], 0, ["no PatientGuid or no OrganisationGuid"]),
    "one GUID at two practices": ([{}, {"OrganisationGuid": "{O2}"}], 2, []),
    "re-sent in another order": ([{"ProcessingId": "10"}, {"ProcessingId": "9", "Deleted": "true"}], 1, ["superseded"]),
    "deleted later in the file": ([{}, {"ProcessingId": "2", "Deleted": "1"}], 0, ["superseded", "marked as deleted"]),
    "type with leading spaces": ([{"PatientTypeDescription": "  Temporary"}], 0, ["not a regular registration: Temp"]),
    "type by its short word": ([{"PatientTypeDescription": "Emg"}], 0, ["not a regular registration: Emergency"]),
    "type nobody knows": ([{"PatientTypeDescription": "New"}], 0, ["not a regular registration: another type"]),
    "no type": ([{"PatientTypeDescription": ""}], 0, ["not a regular registration: no type given"]),
    "dummy by its flag": ([{"DummyType": "TRUE"}], 0, ["a dummy patient"]),
    "dummy by its type": ([{"PatientTypeDescription": "Dummy"}], 0, ["a dummy patient"]),
    "deducted": ([{"DateofDeactivation": "2020-01-01"}], 1, []),
    "sensitive": ([{"SpineSensitive": "true"}], 1, []),
    "confidential": ([{"IsConfidential": "TRUE"}], 1, []),
    "a mark nobody knows": ([{"SpineSensitive": "false", "IsConfidential": "restricted?"}], 1, []),
    "marks that say no": ([{"SpineSensitive": "No", "IsConfidential": ""}], 1, []),
    "sex in a whole word": ([{"Sex": "UNKNOWN"}], 1, []),
    "number of a spreadsheet": ([{"NhsNumber": "9.43E+09"}], 1, []),
}


def test_emis_patients(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    records = [
        {**PATIENT, "PatientGuid": case, **change} for case, (changes, *_) in _PATIENTS.items() for change in changes
    ]
    load(connection, emis(tmp_path, Admin_Patient=records))
    people = dict(table(connection, "person", "record_id, count(*) OVER (PARTITION BY record_id)"))
    rules = {line: rule for _, line, rule in aside(connection)}
    for case, (changes, count, starts) in _PATIENTS.items():
        lines = [line for line, record in enumerate(records, start=2) if record["PatientGuid"] == case]
        assert people.get(case, 0) == count, case
        said = sorted(rules[line] for line in lines if line in rules)
        assert len(said) == len(starts) == len(changes) - count, case
        assert all(rule.startswith(start) for rule, start in zip(said, sorted(starts), strict=True)), case
    assert ("confidential", True, "2") in table(connection, "person", "record_id, restricted, gender")
    assert ("sensitive", True, "2") in table(connection, "person", "record_id, restricted, gender")
    restricted = {case for case, is_so in table(connection, "person", "record_id, restricted") if is_so}
    assert restricted == {"confidential", "sensitive", "a mark nobody knows"}
    assert ("deducted", date(2020, 1, 1)) in table(connection, "registration", "record_id, end_date")
    assert table(connection, "data_quality", 'record_id, "column", used') == [
        ("a mark nobody knows", "restricted", True),
        ("number of a spreadsheet", "nhs_number", False),
    ]


_DAY = date(2019, 5, 1)
# Entries of one patient (what differs from OBSERVATION); the opt-outs that come of them, and the rules of those left
# out. The rest have codes that say nothing here: they are counted and not listed.
_ENTRIES: dict[str, tuple[list[Row], list[tuple[str, bool, date | None]], list[str]]] = {
    "dissent, later withdrawn": (
        [{"CodeId": "1"}, {"CodeId": "2", "EffectiveDate": "2021-01-01"}],
        [("type 1", False, date(2021, 1, 1)), ("type 1", True, _DAY)],
        [],
    ),
    "local sharing, by Read and by SNOMED": (
        [{"CodeId": "3"}, {"CodeId": "4"}],
        [("local sharing", False, _DAY), ("local sharing", True, _DAY)],
        [],
    ),
    "codes that say nothing, or are not known": ([{"CodeId": "8"}, {"CodeId": "9"}, {"CodeId": "404"}], [], []),
    "deleted": ([{"CodeId": "1", "Deleted": "true"}], [], ["marked as deleted"]),
    "a patient who is not there": (
        [{"CodeId": "1", "PatientGuid": "{gone}"}],
        [],
        ["its person is not in the extract, or was set aside"],
    ),
    "a Type 2 objection": (
        [{"CodeId": "5"}],
        [],
        ["a Type 2 objection: retired on 11 October 2018, the national data"],
    ),
    "without a date it stands": ([{"CodeId": "1", "EffectiveDate": ""}], [("type 1", True, None)], []),
    "of a year alone: the refusal stands in it": (
        [{"CodeId": "1", "EffectiveDate": "2019-01-01", "EffectiveDatePrecision": "Y"}],
        [("type 1", True, date(2019, 12, 31))],
        [],
    ),
    "a number kept from others": (
        [{"CodeId": "7", "Value": "1", "IsConfidential": "true"}],
        [],
        ["a confidential entry, and no opt-out"],
    ),
    "a refusal kept from others": ([{"CodeId": "1", "IsConfidential": "true"}], [("type 1", True, _DAY)], []),
    "a number is said to follow, and none does": (
        [{"CodeId": "7"}],
        [],
        ["a code for a number, and no number with it"],
    ),
    "re-sent with another code": (
        [{"CodeId": "1"}, {"CodeId": "3", "ObservationGuid": "same", "ProcessingId": "2"}],
        [("local sharing", True, _DAY)],
        ["superseded: a later record has the same key"],
    ),
}


def test_emis_coded_entries(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    records = [
        {**OBSERVATION, "PatientGuid": case, "ObservationGuid": f"{case} {n}", **entry}
        for case, (entries, *_) in _ENTRIES.items()
        for n, entry in enumerate(entries)
    ]
    records = [
        {**r, "ObservationGuid": r["PatientGuid"] + " 0"} if r["ObservationGuid"] == "same" else r for r in records
    ]
    patients = [{**PATIENT, "PatientGuid": case} for case in _ENTRIES]
    folder = emis(tmp_path, Admin_Patient=patients, CareRecord_Observation=records, Coding_ClinicalCode=CODES)
    report = load(connection, folder)
    opt_outs = table(connection, "opt_out", "record_id, scheme, opted_out, from_date")
    rules = {line: rule for _, line, rule in aside(connection)}
    line = itertools.count(2)
    for case, (entries, expected, starts) in _ENTRIES.items():
        said = [rules[at] for at in itertools.islice(line, len(entries)) if at in rules]
        assert [found[1:] for found in opt_outs if found[0] == case] == expected, case
        assert len(said) == len(starts), case
        assert all(rule.startswith(start) for rule, start in zip(said, starts, strict=True)), case
    file = next(file for file in report.files if "Observation" in file.name)
    assert file.passed_over == 3


def test_emis_entries_that_are_no_opt_outs(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    entries = [
        {**OBSERVATION, "CodeId": "6"},
        {**OBSERVATION, "CodeId": "7", "ObservationGuid": "{o2}", "Value": "12345.000"},
        {**OBSERVATION, "CodeId": "7", "ObservationGuid": "{o3}", "AssociatedText": "SSD 77"},
    ]
    load(connection, emis(tmp_path, Admin_Patient=[PATIENT], CareRecord_Observation=entries, Coding_ClinicalCode=CODES))
    assert table(connection, "objection", "purpose, upheld, from_date") == [("research", True, date(2019, 5, 1))]
    assert table(connection, "identifier", "scheme, value") == [
        ("social services reference", "12345"),
        ("social services reference", "SSD 77"),
    ]


_DISABLED = "a sharing agreement is disabled, .* the agreement of A81001 is settled, or read it without"
_ROUNDED = {**CODES[5], "SnomedCTConceptId": "1091881000000110"}


@pytest.mark.parametrize(
    ("file", "record", "sentence"),
    [
        ("Agreements_SharingOrganisation", {**SHARING, "Disabled": "TRUE"}, _DISABLED),
        ("Agreements_SharingOrganisation", {**SHARING, "Deleted": "true"}, _DISABLED),
        ("Agreements_SharingOrganisation", {**SHARING, "IsActivated": "false"}, _DISABLED),  # and has records
        ("CareRecord_Observation", OBSERVATION, "cannot be understood without the clinical code file"),
        ("Coding_ClinicalCode", _ROUNDED, "a SNOMED id was rounded to 15 digits by a spreadsheet"),
    ],
)
def test_emis_is_held(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, file: str, record: Row, sentence: str
) -> None:
    folder = emis(tmp_path, Admin_Patient=[PATIENT], Admin_Organisation=[ORGANISATION], **{file: [record]})
    with pytest.raises(InputError, match=sentence):
        load(connection, folder)


def test_emis_agreements_that_hold_nothing(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    agreements = [
        {**SHARING, "Disabled": "true"},
        {**SHARING, "LastModifiedDate": "2021-01-01 00:00:00"},  # settled since
        {**SHARING, "OrganisationGuid": "{not yet}", "IsActivated": "false"},  # has no records
    ]
    load(connection, emis(tmp_path, Admin_Patient=[PATIENT], Agreements_SharingOrganisation=agreements))
    assert table(connection, "person", "record_id") == [("{A}",)]


def test_emis_without_the_organisation_that_is_held(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = emis(
        tmp_path,
        Admin_Patient=[PATIENT, {**PATIENT, "OrganisationGuid": "{O2}"}],
        Admin_Organisation=[ORGANISATION, {**ORGANISATION, "OrganisationGuid": "{O2}", "ODSCode": "A81002"}],
        Agreements_SharingOrganisation=[{**SHARING, "Disabled": "true"}, {**SHARING, "OrganisationGuid": "{O2}"}],
    )
    load(connection, Source(folder, without=("A81001",)))
    assert table(connection, "person", "source_org") == [("A81002",)]
    assert {rule for _, _, rule in aside(connection)} == {"its organisation is left out of this reading on request"}


def test_a_slip_about_organisations_or_deliveries_is_an_error(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = emis(tmp_path, Admin_Patient=[PATIENT], Admin_Organisation=[ORGANISATION])
    with pytest.raises(SettingsError, match="no emis record is of A81O01, which is to be left out"):
        load(connection, Source(folder, without=("A81O01",)))
    with pytest.raises(SettingsError, match="feed is full or delta, not 'everything'"):
        Source(folder, feed="everything")  # type: ignore[arg-type]


# -- Code lists ------------------------------------------------------------------------------------


def test_a_council_changes_the_code_list(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    own = tmp_path / "codes.toml"
    own.write_text(
        'source = "emis"\n'
        '[says."our own flag"]\nscheme = "local"\nopted_out = true\n'
        '[[code]]\nsays = "our own flag"\nsnomed = "75367002"\nstanding = "assumed"\n'
        '[[code]]\nsays = "nothing"\nread2 = "9Nu0"\nstanding = "assumed"\n'
        '[[code]]\nsays = "nothing"\nsnomed = "827241000000103"\nstanding = "assumed"\n',
        encoding="utf-8",
    )
    entries = [{**OBSERVATION, "CodeId": code, "ObservationGuid": code} for code in ("1", "8")]
    folder = tmp_path / "emis"
    emis(folder, Admin_Patient=[PATIENT], CareRecord_Observation=entries, Coding_ClinicalCode=CODES)
    load(connection, Source(folder, mapping=own))
    assert table(connection, "opt_out", "scheme") == [("local",)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("code = 7", "code must be rows"),
        ("colour = 1", "unknown setting: colour"),
        ('[[code]]\nsays = "x"\nread2 = "9Nu0"\nstanding = "verified"', "says is one of type 1 opt-out,"),
        ('[[code]]\nsays = "type 1 opt-out"\nread2 = "9Nu0"\nstanding = "sure"', "standing is one of verified"),
        ('[[code]]\nsays = "nothing"\nread2 = "9Nu0"\nctv3 = "x"\nstanding = "assumed"', "a row is one of read2,"),
        ('[[code]]\nsays = "nothing"\nsnomed = "1777541000006110"\nstanding = "assumed"', "fails its check digit"),
        ('[says.x]\nscheme = "local"', "scheme and opted_out"),
    ],
)
def test_a_code_list_with_a_slip_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    own = tmp_path / "codes.toml"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=sentence):
        gp_codes.load(own)


def test_a_code_list_for_another_format_is_refused(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    own = tmp_path / "codes.toml"
    own.write_text('source = "swift"', encoding="utf-8")
    with pytest.raises(SettingsError, match="source = 'swift', and this is read as emis"):
        load(connection, Source(tmp_path, format="emis", mapping=own))


def test_every_shipped_snomed_code_has_its_check_digit() -> None:
    codes = gp_codes.load().codes
    assert len(codes["snomed"]) > 10
    assert all(map(gp_codes.verhoeff, codes["snomed"]))


# -- Feeds: deliveries laid over each other --------------------------------------------------------


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
_EVERYBODY = [person(f"{{{n}}}") for n in range(25)]
_MOST_GONE = [gone(f"{{{n}}}") for n in range(20)]
_TWO_PRACTICES = [person("{A}"), person("{B}"), person("{C}", "{O2}")]

Files = Mapping[str, Sequence[Row]]


def patients(*records: Row) -> Files:
    return {"Admin_Patient": records}


def entries(*records: Row) -> Files:
    return {"CareRecord_Observation": records}


def agreements(*records: Row) -> Files:
    return {"Agreements_SharingOrganisation": records}


# What each day brings; the people and opt-outs that are left. Every case is a practice of one feed.
_FEED: dict[str, tuple[list[Files], list[str], list[str]]] = {
    "changed, added, gone": ([FULL, patients(person("{A}"), person("{C}"), gone("{B}"))], ["{A}", "{C}"], ["{A}"]),
    "an entry gets a code that says nothing": ([FULL, entries(entry("{1}", code="8"))], ["{A}", "{B}"], ["{B}"]),
    "an entry is deleted": ([FULL, entries(entry("{1}", code="", Deleted="true"))], ["{A}", "{B}"], ["{B}"]),
    "a patient leaves, and returns without the old entry": (
        [FULL, patients(gone("{A}")), patients(person("{A}"))],
        ["{A}", "{B}"],
        ["{B}"],
    ),
    "processing ids begin again with every delivery": (
        [patients(person("{A}", ProcessingId="99")), patients(person("{B}"), gone("{A}"))],
        ["{B}"],
        [],
    ),
    "an agreement was disabled for a time": (
        [
            FULL | agreements(SHARING),
            patients(gone("{A}"), gone("{B}")) | agreements(DISABLED),
            FULL | agreements(ENABLED),
        ],
        ["{A}", "{B}"],
        ["{A}", "{B}"],
    ),
    "a practice joins later": ([{}, FULL], ["{A}", "{B}"], ["{A}", "{B}"]),
}


def deliver(folder: Path, deliveries: Sequence[tuple[str, Files]]) -> list[Path]:
    """A folder for each delivery, every one with a (perhaps empty) file of patients, as EMIS sends them."""
    folders = []
    for day, (prefix, files) in enumerate(deliveries, start=1):
        tables = {"Admin_Patient": [dict.fromkeys(PATIENT, "")], "Coding_ClinicalCode": CODES, **files}
        made = emis(folder / f"d{day}", at=f"202610{day:02}000000", prefix=prefix, **tables)
        if "Admin_Patient" not in files:
            path = next(made.glob("*Admin_Patient*"))
            path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\r\n", encoding="utf-8")
        folders.append(made)
    return folders


def test_a_feed_of_emis(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    days: list[dict[str, list[Row]]] = [{} for _ in range(3)]
    for case, (brought, *_) in _FEED.items():
        for day, files in zip(days, brought, strict=False):
            for name, records in files.items():
                day.setdefault(name, []).extend({**record, "OrganisationGuid": case} for record in records)
    folders = deliver(tmp_path, [(str(number), day) for number, day in enumerate(days, start=1)])
    # Nobody has to give them in their order.
    load(connection, *folders[::-1])
    people, opt_outs = (table(connection, name, "source_org, record_id") for name in ("person", "opt_out"))
    for case, (_, left, opted_out) in _FEED.items():
        assert [who for practice, who in people if practice == case] == left, case
        assert [who for practice, who in opt_outs if practice == case] == opted_out, case


def test_a_full_extract_speaks_for_its_practices_alone(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    deliver(tmp_path, [("1", patients(*_TWO_PRACTICES)), ("bulk_000002", patients(person("{A}")))])
    load(connection, tmp_path)
    assert table(connection, "person", "source_org, record_id") == [("{O2}", "{C}"), ("{O}", "{A}")]


_TOO_MANY = "takes away more than half of the people of A81001"
_GROUND = patients(*_EVERYBODY) | {"Admin_Organisation": [ORGANISATION]}


@pytest.mark.parametrize(
    ("deliveries", "sentence"),
    [
        pytest.param([("1", _GROUND), ("2", patients(*_MOST_GONE))], _TOO_MANY, id="mass deletions"),
        pytest.param([("1", _GROUND), ("bulk_000002", patients(*_EVERYBODY[:3]))], _TOO_MANY, id="not full at all"),
        pytest.param(
            [("1", FULL | agreements(SHARING)), ("2", agreements(DISABLED))],
            "a sharing agreement is disabled",
            id="disabled by the last",
        ),
    ],
)
def test_a_feed_of_emis_is_held(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, deliveries: list[tuple[str, Files]], sentence: str
) -> None:
    deliver(tmp_path, deliveries)
    with pytest.raises(InputError, match=sentence):
        load(connection, tmp_path)


def test_what_the_caller_says_of_a_delivery_is_believed(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first, second = deliver(tmp_path, [("1", patients(*_EVERYBODY)), ("2", patients(*_MOST_GONE))])
    load(connection, first, Source(second, feed="delta"))
    assert len(table(connection, "person", "record_id")) == 5


@pytest.mark.skipif(shutil.which("gpg") is None, reason="GnuPG is not installed")
def test_a_feed_of_emis_as_it_comes_encrypted(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("only for this test", encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="ct") as home:  # a short path, for the socket of its agent
        command = ["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback"]
        command += ["--passphrase-file", str(passphrase), "--symmetric"]
        folders = deliver(tmp_path / "feed", [("1", FULL), ("2", patients(gone("{B}")))])
        for path in (path for folder in folders for path in folder.glob("*Admin_Patient*.csv")):
            subprocess.run([*command, str(path)], check=True, capture_output=True)
            path.unlink()
        opening = Opening(passphrase_file=passphrase, gnupg_home=Path(home))
        load(connection, *(Source(folder, opening=opening) for folder in folders))
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    assert [who for (who,) in table(connection, "person", "record_id")] == ["{A}"]


def test_deliveries_that_nothing_tells_but_the_caller(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first = write(tmp_path / "one", {"p": [person("{A}"), person("{B}", ProcessingId="9")]})
    second = write(tmp_path / "two", {"p": [gone("{B}"), person("{C}")]})
    load(connection, Source(first, feed="full"), Source(second, feed="delta"))
    assert [who for (who,) in table(connection, "person", "record_id")] == ["{A}", "{C}"]


def test_a_delivery_that_is_missing_or_twice(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first, second = deliver(tmp_path, [("1", FULL), ("3-4", patients(gone("{B}")))])
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in second.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    report = load(connection, first, second, copy)
    assert [who for (who,) in table(connection, "person", "record_id")] == ["{A}"]
    notes = {file.note for file in report.files if file.name.startswith("d2/") or "/3-4_" in file.name}
    assert any("perhaps a delivery is missing before this one: the one before ends with 1" in str(n) for n in notes)
    assert any("the same delivery is here twice: a copy of" in str(file.note) for file in report.files)


def test_two_deliveries_of_one_moment_that_differ(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (first,) = deliver(tmp_path / "x", [("1", FULL)])
    (second,) = deliver(tmp_path / "y", [("1", patients(person("{C}")))])
    with pytest.raises(InputError, match="is of the same delivery and differs, so which of them holds cannot be told"):
        load(connection, first, second)


# -- SystmOne --------------------------------------------------------------------------------------

SR_PATIENT: Row = {
    "RowIdentifier": "1",
    "IDOrganisationVisibleTo": "A81001",
    "FirstName": "Zoë",
    "Surname": "Smith",
    "NHSNumber": NUMBER,
    "DateBirth": "01 Feb 1950 13:45",
    "Gender": "f",
    "TestPatient": "0",
    "SSRef": "",
    "SpineMatched": "1",
    "RemovedData": "0",
}
SR_CODE: Row = {
    "RowIdentifier": "31",
    "IDOrganisationVisibleTo": "A81001",
    "DateEvent": "01 May 2019 10:00:00",
    "CTV3Code": "XaZ89",
    "SNOMEDCode": "",
    "NumericValue": "",
    "IDPatient": "1",
    "RemovedData": "0",
}
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


def systmone(
    folder: Path,
    *,
    delta: Sequence[str] = (),
    since: str = "19000101_0000",
    until: str = "20261001_0200",
    **files: Sequence[Row],
) -> Path:
    """Files with the manifest that lists them."""
    listed = [
        {
            "FileName": name,
            "IsDelta": "Y" if name in delta else "N",
            "IsReference": "N",
            "DateExtractFrom": since,
            "DateExtractTo": until,
        }
        for name in files
    ]
    whole = {"SRPatient": SR_PATIENT, "SRCode": SR_CODE}
    rows = {
        name: [
            dict.fromkeys(whole.get(name, {}), "") | row if row.get("RemovedData") == "1" else row for row in records
        ]
        for name, records in files.items()
    }
    return write(folder, {"SRManifest": listed, **rows}, "cp1252")


def removed(row: str) -> Row:
    return {"RowIdentifier": row, "RemovedData": "1"}


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
    assert table(connection, "opt_out", "record_id, scheme, from_date") == [("1", "type 1", _DAY)]


# Entries of one patient (what differs from SR_CODE), the opt-outs that come of them, and the rules of those left out.
_SR_ENTRIES: dict[str, tuple[list[Row], list[tuple[str, bool]], list[str]]] = {
    "by CTV3": ([{}], [("type 1", True)], []),
    "by SNOMED": ([{"CTV3Code": "", "SNOMEDCode": "416409005"}], [("local sharing", True)], []),
    "in other capitals it is another code": ([{"CTV3Code": "XAZ89"}], [], []),
    "a Read v2 code is not a CTV3 code": ([{"CTV3Code": "9Nu0"}], [], []),
    "removed": ([{"RemovedData": "1"}], [], ["removed (RemovedData)"]),
    "a Type 2 objection": (
        [{"CTV3Code": "XaaVL"}],
        [],
        ["a Type 2 objection: retired on 11 October 2018, the national"],
    ),
    "nobody's": ([{"IDPatient": ""}], [], ["no IDPatient"]),
    "recorded elsewhere it holds as well": ([{"IDOrganisation": "B81002"}], [("type 1", True)], []),
    "re-sent": ([{}, {"CTV3Code": "XaKRw", "RowIdentifier": "same"}], [("local sharing", True)], ["superseded"]),
    "a number without its value": ([{"CTV3Code": "XaJQs"}], [], ["a code for a number, and no number with it"]),
}


def test_systmone_coded_entries(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    ids = {case: str(n) for n, case in enumerate(_SR_ENTRIES, start=1)}
    records, cases = [], []
    for case, (changes, *_) in _SR_ENTRIES.items():
        for n, change in enumerate(changes):
            own = {"IDPatient": ids[case], "RowIdentifier": f"{ids[case]}0{n}", "IDOrganisation": ""}
            record = {**SR_CODE, **own, **change}
            records.append(record | ({"RowIdentifier": f"{ids[case]}00"} if record["RowIdentifier"] == "same" else {}))
            cases.append(case)
    people = [{**SR_PATIENT, "RowIdentifier": number} for number in ids.values()]
    opted_out = [{"RowIdentifier": "1", "IDOrganisationVisibleTo": "A81001", "IDPatient": "1"}]
    number = {**SR_CODE, "CTV3Code": "XaJQs", "RowIdentifier": "9", "NumericValue": "77.0"}
    files = {"SRPatient": people, "SRCode": [*records, number], "SRNDOptOutPreference": opted_out}
    load(connection, systmone(tmp_path, **files))
    opt_outs = table(connection, "opt_out", "record_id, scheme, opted_out")
    rules = {line: rule for _, line, rule in aside(connection)}
    for case, (_, expected, starts) in _SR_ENTRIES.items():
        own = [found[1:] for found in opt_outs if found[0] == ids[case] and found[1] != "national data opt-out"]
        said = [rules[line] for line, of in enumerate(cases, start=2) if of == case and line in rules]
        assert own == expected, case
        assert [rule.startswith(start) for rule, start in zip(said, starts, strict=True)] == [True] * len(starts), case
    assert ("1", "national data opt-out", True) in opt_outs
    assert table(connection, "identifier", "scheme, value") == [("social services reference", "77")]


def test_systmone_takes_nothing_from_relatives_and_rounds_nothing(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    relative = {"RowIdentifier": "1", "IDPatient": "1", "CodeRelationshipWithUser": NUMBER, "NextOfKin": "1"}
    patient = {**SR_PATIENT, "NHSNumber": "9434765919.0", "SSRef": "12345"}
    report = load(connection, systmone(tmp_path, SRPatient=[patient], SRPatientRelationship=[relative]))
    assert table(connection, "person", "nhs_number, birth_date") == [(None, date(1950, 2, 1))]
    assert table(connection, "identifier", "scheme, value") == [("social services reference", "12345")]
    notes = {file.name: file.note or "" for file in report.files}
    assert notes["SRPatientRelationship.csv"].startswith("not read")


SR_FULL = {"SRPatient": [SR_PATIENT, {**SR_PATIENT, "RowIdentifier": "2"}], "SRCode": [SR_CODE]}
NEXT = {"since": "20261001_0200", "until": "20261002_0200"}
# What the second delivery holds; the people and the number of opt-outs that are left.
_SR_DELTAS: dict[str, tuple[Files, list[str], int]] = {
    "added and changed": ({"SRPatient": [{**SR_PATIENT, "RowIdentifier": "3"}]}, ["1", "2", "3"], 1),
    "a patient is removed by the row alone": ({"SRPatient": [removed("1")]}, ["2"], 0),
    "an entry is removed by the row alone": ({"SRPatient": [], "SRCode": [removed("31")]}, ["1", "2"], 0),
    "an entry gets another code": ({"SRCode": [{**SR_CODE, "CTV3Code": "XaX"}], "SRPatient": []}, ["1", "2"], 0),
    "one is removed, another is new": (
        {"SRPatient": [removed("1"), {**SR_PATIENT, "RowIdentifier": "3"}]},
        ["2", "3"],
        0,
    ),
}


@pytest.mark.parametrize("case", _SR_DELTAS)
def test_a_feed_of_systmone(connection: duckdb.DuckDBPyConnection, tmp_path: Path, case: str) -> None:
    files, people, opt_outs = _SR_DELTAS[case]
    systmone(tmp_path / "a", **SR_FULL)
    # Files without records have their titles all the same.
    rows = {name: records or [{**dict.fromkeys(SR_PATIENT, ""), **removed("404")}] for name, records in files.items()}
    systmone(tmp_path / "b", delta=list(files), **NEXT, **rows)
    load(connection, tmp_path)
    assert [who for (who,) in table(connection, "person", "record_id")] == people
    assert len(table(connection, "opt_out", "record_id")) == opt_outs


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (
            {"since": "20261003_0200", "until": "20261004_0200"},
            "a delivery is missing before this one: it begins after",
        ),
        ({"since": "20261001_0200", "until": "20261001_0200"}, "is of the same delivery and differs"),
    ],
)
def test_a_feed_of_systmone_is_held(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, second: dict[str, str], sentence: str
) -> None:
    systmone(tmp_path / "a", **SR_FULL)
    systmone(tmp_path / "b", delta=["SRPatient"], SRPatient=[{**SR_PATIENT, "Surname": "Jones"}], **second)
    with pytest.raises(InputError, match=sentence):
        load(connection, tmp_path / "b", tmp_path / "a")


def test_two_practices_and_a_day_on_which_nothing_changed(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """A delivery of no records may be of either practice: it fills a gap, and is no copy of another one."""
    other = {"IDOrganisationVisibleTo": "B81002", "RowIdentifier": "5"}
    nothing = [removed("404")]
    days = [("20261001_0200", "20261002_0200"), ("20261002_0200", "20261003_0200")]
    (first_since, first_until), (then_since, then_until) = days
    systmone(tmp_path / "a1", SRPatient=[SR_PATIENT])
    systmone(tmp_path / "a2", delta=["SRPatient"], since=first_since, until=first_until, SRPatient=nothing)
    changed = [{**SR_PATIENT, "Surname": "Jones"}]
    systmone(tmp_path / "a3", delta=["SRPatient"], since=then_since, until=then_until, SRPatient=changed)
    systmone(tmp_path / "b1", SRPatient=[{**SR_PATIENT, **other}])
    changed = [{**SR_PATIENT, **other, "Surname": "Brown"}]
    systmone(tmp_path / "b2", delta=["SRPatient"], since=first_since, until=first_until, SRPatient=changed)
    load(connection, tmp_path)
    assert table(connection, "person", "source_org, family_name") == [("A81001", "Jones"), ("B81002", "Brown")]


def test_changes_alone_are_read_where_they_are_meant(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    systmone(tmp_path, delta=["SRPatient"], SRPatient=[SR_PATIENT], **NEXT)
    with pytest.raises(InputError, match="holds only changes, and the full extract they follow is not here: SRPatient"):
        load(connection, tmp_path)
    with duckdb.connect() as other:
        load(other, Source(tmp_path, feed="delta"))
        assert table(other, "person", "record_id") == [("1",)]


def test_one_table_is_sent_in_full_again_alone(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first = systmone(tmp_path / "a", **SR_FULL)
    second = systmone(tmp_path / "b", SRCode=[{**SR_CODE, "RowIdentifier": "32", "IDPatient": "2"}], **NEXT)
    load(connection, first, Source(second, format="systmone", feed="full"))
    assert table(connection, "opt_out", "record_id") == [("2",)]


def test_a_manifest_of_two_moments(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = systmone(tmp_path, SRPatient=[SR_PATIENT], SRCode=[SR_CODE])
    path = folder / "SRManifest.csv"
    path.write_text(path.read_text(encoding="cp1252").replace("20261001_0200", "20261002_0200", 1), encoding="cp1252")
    with pytest.raises(InputError, match="the manifest gives its files different ends"):
        load(connection, tmp_path)


def test_systmone_as_it_comes_in_archives(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    for name, made in (
        ("one", systmone(tmp_path / "x" / "a", **SR_FULL)),
        ("two", systmone(tmp_path / "x" / "b", delta=["SRPatient"], SRPatient=[removed("1")], **NEXT)),
    ):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for path in sorted(made.iterdir()):
                archive.write(path, path.name)
    load(connection, tmp_path / "two.zip", tmp_path / "one.zip")
    assert table(connection, "person", "record_id") == [("2",)]


# -- The truth, however it was sent ----------------------------------------------------------------

_PEOPLE = [(guid, organisation) for organisation in ("{O}", "{O2}") for guid in ("{A}", "{B}", "{C}")]
_State = dict[tuple[str, str], tuple[str, dict[str, str]]]
"""Who is there, by GUID and organisation: the surname, and the code of each coded entry by its own GUID."""


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[bool, _State]]:
    """What is true on each of some days, and whether everything was sent on that day, or what had changed."""
    days = []
    for day in range(draw(st.integers(2, 4))):
        state = {
            who: (
                draw(st.sampled_from(["Smith", "Jones"])),
                draw(st.dictionaries(st.sampled_from(["1", "2"]), st.sampled_from(["1", "3", "8"]), max_size=2)),
            )
            for who in _PEOPLE
            if draw(st.integers(0, 3))
        }
        # A delivery speaks for the practices it has records of, and never is a practice of nobody.
        state.setdefault(_PEOPLE[0], ("Smith", {}))
        state.setdefault(_PEOPLE[3], ("Smith", {}))
        days.append((day == 0 or draw(st.integers(0, 4)) == 0, state))
    return days


def _emis_rows(state: _State) -> dict[str, dict[tuple[str, str], Row]]:
    patients = {who: person(*who, Surname=name) for who, (name, _) in state.items()}
    coded = {
        (f"{who[0]}{entry_id}", who[1]): {
            **entry(f"{who[0]}{entry_id}", who[0], code),
            "OrganisationGuid": who[1],
        }
        for who, (_, codes) in state.items()
        for entry_id, code in codes.items()
    }
    return {"Admin_Patient": patients, "CareRecord_Observation": coded}


def _emis_day(folder: Path, day: int, full: bool, before: _State, after: _State) -> None:
    """Everything, or what differs table by table. Of a patient who left, no entry is said to be gone."""
    old, new = _emis_rows(before), _emis_rows(after)
    files: dict[str, list[Row]] = {"Coding_ClinicalCode": CODES}
    for name, key in (("Admin_Patient", "PatientGuid"), ("CareRecord_Observation", "ObservationGuid")):
        blank = dict.fromkeys(PATIENT if name == "Admin_Patient" else OBSERVATION, "")
        sent = [row for who, row in new[name].items() if full or old[name].get(who) != row]
        gone_rows = [
            {**blank, key: who[0], "OrganisationGuid": who[1], "Deleted": "true"}
            for who, row in old[name].items()
            if not full and who not in new[name] and (row["PatientGuid"], who[1]) in after | _left(name, before, after)
        ]
        files[name] = [*sent, *gone_rows] or [{**blank, key: "{nobody}", "OrganisationGuid": "{O}", "Deleted": "true"}]
    emis(folder / f"d{day}", at=f"202610{day + 1:02}000000", prefix="bulk_000001" if full else str(day), **files)


def _left(table_name: str, before: _State, after: _State) -> _State:
    """Patients who left, of whom the patients' table tells and no other does."""
    return {who: was for who, was in before.items() if who not in after} if table_name == "Admin_Patient" else {}


def _tables(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect() as connection:
        load(connection, folder)
        return {
            "person": table(connection, "person", "source_org, record_id, family_name"),
            "opt_out": table(connection, "opt_out", "source_org, record_id, scheme, opted_out, from_date"),
            "registration": table(connection, "registration", "source_org, record_id, start_date"),
        }


def _systmone_rows(state: _State) -> dict[str, dict[str, Row]]:
    """By row id, which is unlike in every practice."""
    patients: dict[str, Row] = {}
    codes: dict[str, Row] = {}
    ctv3 = {"1": "XaZ89", "3": "XaKRw", "8": "246.."}
    for who, (name, entered) in state.items():
        number = str(_PEOPLE.index(who) + 1)
        practice = {"IDOrganisationVisibleTo": who[1]}
        patients[number] = {**SR_PATIENT, **practice, "RowIdentifier": number, "Surname": name}
        for each, code in entered.items():
            own = {"RowIdentifier": f"{number}0{each}", "IDPatient": number, "CTV3Code": ctv3[code]}
            codes[f"{number}0{each}"] = {**SR_CODE, **practice, **own}
    return {"SRPatient": patients, "SRCode": codes}


def _systmone_day(folder: Path, day: int, full: bool, before: _State, after: _State) -> None:
    """Everything, or what differs; a removal names its row and nothing else."""
    old, new = _systmone_rows(before), _systmone_rows(after)
    stayed = {str(_PEOPLE.index(who) + 1) for who in after}
    files: dict[str, list[Row]] = {}
    for name, rows in new.items():
        sent = [row for number, row in rows.items() if full or old[name].get(number) != row]
        left = [number for number in old[name] if not full and number not in rows]
        # Of a patient who left, the patients' table tells and no other does.
        told = [number for number in left if name == "SRPatient" or old[name][number]["IDPatient"] in stayed]
        files[name] = [*sent, *map(removed, told)] or [removed("404")]
    span = {"since": f"202610{day:02}_0200", "until": f"202610{day + 1:02}_0200"}
    systmone(folder / f"d{day}", delta=[] if full else list(files), **span, **files)


@pytest.mark.parametrize("deliver_day", [_emis_day, _systmone_day])
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_changes_laid_over_each_other_are_the_full_extract(
    tmp_path_factory: pytest.TempPathFactory,
    deliver_day: Callable[[Path, int, bool, _State, _State], None],
    history: list[tuple[bool, _State]],
) -> None:
    replayed, whole = tmp_path_factory.mktemp("replayed"), tmp_path_factory.mktemp("whole")
    before: _State = {}
    for day, (full, state) in enumerate(history):
        deliver_day(replayed, day, full, before, state)
        before = state
    deliver_day(whole, 9, True, {}, before)
    assert _tables(replayed) == _tables(whole)


# -- EMIS search and report ------------------------------------------------------------------------

_REPORT = """\
Patients aged 75 and over,,,,,,
"The Surgery, Bromley",,,,,,
Last run,"22-Nov-2026 10:00",,,,,
,,,,,,
Population count,2,,,,,
EMIS Number,NHS Number,Full Name,Date of Birth,Gender,Usual Address Postcode,Registration Date,Patient Type,Seen
101,943 476 5919,"SMITH, Zoë Ann (Ms)",01-Feb-1950,Female,BR1 1AA,02-Nov-2007,Regular,01-Jan-2020
,,,,,,,,02-Jan-2020
102,,"JONES, Bob",03-Mar-1940,Male,BR1 1AB,,,
"""


def test_an_emis_report_is_read_below_what_it_says_of_itself(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes(_REPORT.replace("\n", "\r\n").encode("cp1252"))
    report = load(connection, path)
    assert [(file.format, file.records) for file in report.files] == [("emis_search", 3)]
    assert table(connection, "person", "record_id, nhs_number, family_name, given_name, middle_names, postcode") == [
        ("101", NUMBER, "SMITH", "Zoë", "Ann", "BR1 1AA"),
        ("102", None, "JONES", "Bob", None, "BR1 1AB"),
    ]
    assert table(connection, "registration", "record_id, registration_type, start_date") == [
        ("101", "Regular", date(2007, 11, 2))
    ]
    assert [rule for _, _, rule in aside(connection)] == ["no EMIS Number"]


# -- Fixtures --------------------------------------------------------------------------------------


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
