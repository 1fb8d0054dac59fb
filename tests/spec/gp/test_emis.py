"""What becomes of each trap in EMIS extracts: patients and coded entries."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path

import duckdb

from tests.spec.gp.emis import CODES, DAY, OBSERVATION, PATIENT, emis
from tests.spec.gp.reading import Row, aside, load, table

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


# Entries of one patient (what differs from OBSERVATION); the opt-outs that come of them, and the rules of those left
# out. The rest have codes that say nothing here: they are counted and not listed.
_ENTRIES: dict[str, tuple[list[Row], list[tuple[str, bool, date | None]], list[str]]] = {
    "dissent, later withdrawn": (
        [{"CodeId": "1"}, {"CodeId": "2", "EffectiveDate": "2021-01-01"}],
        [("type 1", False, date(2021, 1, 1)), ("type 1", True, DAY)],
        [],
    ),
    "local sharing, by Read and by SNOMED": (
        [{"CodeId": "3"}, {"CodeId": "4"}],
        [("local sharing", False, DAY), ("local sharing", True, DAY)],
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
    "a number with a mark nobody knows": (
        [{"CodeId": "7", "Value": "1", "IsConfidential": "restricted?"}],
        [],
        ["its mark of confidentiality is neither yes nor no: taken for yes"],
    ),
    "a refusal with a mark nobody knows": (
        [{"CodeId": "1", "IsConfidential": "restricted?"}],
        [("type 1", True, DAY)],
        [],
    ),
    "numbers whose marks say no": (
        [{"CodeId": "7", "Value": "1", "IsConfidential": "No"}, {"CodeId": "7", "Value": "2", "IsConfidential": ""}],
        [],
        [],
    ),
    "a refusal kept from others": ([{"CodeId": "1", "IsConfidential": "true"}], [("type 1", True, DAY)], []),
    "a number is said to follow, and none does": (
        [{"CodeId": "7"}],
        [],
        ["a code for a number, and no number with it"],
    ),
    "re-sent with another code": (
        [{"CodeId": "1"}, {"CodeId": "3", "ObservationGuid": "same", "ProcessingId": "2"}],
        [("local sharing", True, DAY)],
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
