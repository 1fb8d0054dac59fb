"""What becomes of each trap in SUS+ CSV and CDS lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fixtures.systems import cds, sus
from schemas import SettingsError
from tests.spec.hospital.reading import NUMBER, OTHER_NUMBER, Reading


def test_sus_fixture(tmp_path: Path) -> None:
    reading = Reading(tmp_path / "apc.csv", sus.write(sus.ROWS))
    assert reading.all(
        "spell", "event_id, primary_diagnosis, discharge_destination, start_date, end_date, episodes"
    ) == [
        ("S1", "J440", "19", date(2026, 3, 2), date(2026, 3, 9), 1),
        ("S2", "I500", "54", date(2026, 3, 2), date(2026, 3, 9), 2),
        ("S3", "J440", "19", date(2026, 3, 2), date(2026, 4, 12), 1),
        ("S6", "J440", "19", date(2026, 3, 2), date(2026, 3, 9), 1),
    ]
    assert reading.rules() == {
        4: "replaced by a later submission with the same CDS unique identifier",
        6: "replaced by a later submission with the same CDS unique identifier",
        7: "a deletion (CDS update type 1)",
        8: "anonymised, and counted only: at the request of the patient",
        10: "marked as a test",
    }
    who = "record_id, source_org, nhs_number, nhs_number_status, family_name, given_name, gp_practice_code"
    assert reading.of("H0000006", "person", who) == [("H0000006", "RYJ", None, "04", "O'Neill", "Bríd", "E85001")]


def test_the_day_somebody_was_ready_to_leave(tmp_path: Path) -> None:
    ready = "DischargeReadyDateHospitalProviderSpell"
    rows = [
        {ready: "20260306"},
        {"HospitalProviderSpellNumber": "S2", "CDSUniqueIdentifier": "RYJ2", ready: "20261306"},
    ]
    reading = Reading(tmp_path / "apc.txt", cds.write(rows))
    assert reading.all("spell", "discharge_ready_date, end_date") == [
        (date(2026, 3, 6), date(2026, 3, 9)),
        (None, date(2026, 3, 9)),
    ]
    assert reading.all("data_quality", '"column", issue, used') == [
        ("discharge_ready_date", "an impossible date", False)
    ]
    text = sus.write([{}]).decode().splitlines()
    titled = f'{text[0]},"Hospital Provider Spell Discharge Ready Date"\r\n{text[1]},"20260306"\r\n'
    reading = Reading(tmp_path / "apc.csv", titled.encode())
    assert reading.all("spell", "discharge_ready_date") == [(date(2026, 3, 6),)]


def test_cds_fixture(tmp_path: Path) -> None:
    reading = Reading(tmp_path / "apc.txt", cds.write(cds.ROWS))
    assert reading.all("spell", "event_id, primary_diagnosis, end_date, episodes") == [
        ("S3", None, None, 1),
        ("S1", "J441", date(2026, 3, 9), 1),
        ("S2", "I10", date(2026, 3, 9), 2),
        ("S4", "J440", date(2026, 3, 9), 1),
        ("S5", "J440", date(2026, 3, 9), 1),
    ]
    bulk = "replaced by a later bulk submission for its period"
    withheld = "anonymised, and counted only: for legal or statutory reasons"
    assert reading.rules() == {1: bulk, 2: bulk, 9: withheld}
    place = "family_name, address_line_1, address_line_2, address_line_3, address_line_5"
    assert reading.of("H000000004", "person", place) == [("Müller", "4 Elm Row", None, None, "London")]
    assert reading.of("H000000005", "person", place) == [(None, "Flat 2", "1 High Street", "London", None)]


P, S, E = sus.PATIENT, sus.SPELL, sus.EPISODE_NUMBER
BEGIN, START = "Start Date (Hospital Provider Spell)", "Start Date (Consultant Episode)"
DISCHARGE, LAST = "Discharge Date (From Hospital Provider Spell)", "Last Episode In Spell Indicator"
DIAGNOSIS, METHOD = "Diagnosis (ICD)", "Admission Method (Hospital Provider Spell)"
ID, SENT, UPDATE = "Unique CDS identifier", "Applicable date/time", "Update type"

APC: dict[str, tuple[list[dict[str, str]], str, list[tuple[Any, ...]]]] = {
    # case, which is the local patient identifier: rows, columns of SPELL, values
    "x-fill": ([{DIAGNOSIS: "I10X"}], "primary_diagnosis", [("I10",)]),
    "dot": ([{DIAGNOSIS: "J44.0"}], "primary_diagnosis", [("J440",)]),
    "dagger": ([{DIAGNOSIS: "A17.0D"}], "primary_diagnosis", [("A170",)]),
    "hyphen": ([{DIAGNOSIS: "R69-"}], "primary_diagnosis", [("R69",)]),
    "read": ([{DIAGNOSIS: "XE0Uc"}], "primary_diagnosis", [(None,)]),
    "late": ([{E: "02", START: "20260305", DIAGNOSIS: "J440"}], "primary_diagnosis, episodes", [(None, 1)]),
    "unnumbered": (
        [{E: "", START: "20260305", DIAGNOSIS: "I500"}, {E: "", DIAGNOSIS: "J440"}],
        "primary_diagnosis, start_date",
        [("J440", date(2026, 3, 2))],
    ),
    "backwards": ([{DISCHARGE: "20260201"}], "end_date", [(date(2026, 2, 1),)]),
    "impossible": ([{DISCHARGE: "20260230"}], "end_date", [(None,)]),
    "births": ([{METHOD: "82"}], "admission_method, emergency", [("82", False)]),
    "methodless": ([{METHOD: ""}], "admission_method, emergency", [(None, None)]),
    "strange": ([{METHOD: "7Q"}], "admission_method, emergency", [("7Q", False)]),
    "twice": ([{ID: "t1"}, {ID: "t2"}], "episodes", [(1,)]),
    "numberless": ([{S: "", DIAGNOSIS: "J440"}, {S: "", E: "02", DIAGNOSIS: "I10"}], "event_id, episodes", [(None, 2)]),
    "two": ([{S: "A"}, {S: "B", BEGIN: "20260301"}], "event_id", [("A",), ("B",)]),
    "sites": (
        [{S: "A"}, {S: "A", E: "02", "Organisation Code Code of Provider": "RYJ"}],
        "provider, episodes",
        [("RYJ", 2)],
    ),
    "providers": (
        [{S: "A"}, {S: "A", "Organisation Code Code of Provider": "RXH00"}],
        "provider, episodes",
        [("RYJ", 1), ("RXH", 1)],
    ),
    "iso": (
        [{ID: "i", SENT: "2026-05-01 09:30:00", DIAGNOSIS: "I10"}, {ID: "i", SENT: "20260401"}],
        "primary_diagnosis",
        [("I10",)],
    ),
    "undeleted": (
        [{ID: "u", UPDATE: "1", SENT: "20260401"}, {ID: "u", SENT: "20260501"}],
        "event_id",
        [("undeleted",)],
    ),
    "outpatient": ([{"CDS type": "020"}], "event_id", []),
}

APC_ISSUES = {
    "read": [("primary_diagnosis", "not a code of ICD-10", False)],
    "late": [("primary_diagnosis", "of a later episode: the admission episode is not in the extract", False)],
    "backwards": [("end_date", "before the admission", True)],
    "impossible": [("end_date", "an impossible date", False)],
    "strange": [("admission_method", "not a code of the NHS Data Dictionary", True)],
}


@pytest.fixture(scope="module")
def episodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    rows = [{P: case, S: case, **row} for case, (changes, *_) in APC.items() for row in changes]
    made = Reading(tmp_path_factory.mktemp("sus") / "apc.csv", sus.write(rows))
    yield made
    made.connection.close()


@pytest.mark.parametrize("case", APC)
def test_sus_spells(episodes: Reading, case: str) -> None:
    _, columns, expected = APC[case]
    assert episodes.of(case, "spell", columns) == expected
    assert episodes.of(case, "data_quality", '"column", issue, used') == APC_ISSUES.get(case, [])


def test_sus_a_patient_is_told_by_what_the_submissions_say_together(tmp_path: Path) -> None:
    """Verified records leave the name out, and a blank number does not undo one."""
    rows = [
        {"NHS Number": OTHER_NUMBER, "Person Family Name": "Smith", SENT: "20260301", S: "A"},
        {S: "B", SENT: "20260401"},
        {
            "NHS Number": "",
            "NHS Number Trace Status": "03",
            "Postcode": "LS1 4AP",
            "Sex": "9",
            SENT: "20260501",
            S: "C",
        },
    ]
    reading = Reading(tmp_path / "apc.csv", sus.write(rows))
    columns = "nhs_number, nhs_number_status, family_name, postcode, gender, extract_record"
    assert reading.all("person", columns) == [(NUMBER, "01", "Smith", "LS1 4AP", "2", 3)]
    several = ("nhs_number", "other records of this patient carry another number", True)
    assert reading.all("data_quality", '"column", issue, used') == [several]


def test_sus_anonymised_records_are_counted_by_reason_and_nothing_else(tmp_path: Path) -> None:
    reasons = {
        "01": "legal or statutory",
        "2": "Caldicott Guardian",
        "03": "patient",
        "97": "another",
        "99": "not known",
        "X": "another",
    }
    rows = [{"Withheld Identity Reason": code} for code in reasons]
    # The last one, sent under the same identifier, takes a named record away.
    named = {ID: "a", SENT: "20260301", P: "taken", S: "taken"}
    rows[-1] |= {ID: "a", SENT: "20260401"}
    reading = Reading(tmp_path / "apc.csv", sus.write([*rows, {}, named]))
    assert reading.report.tables["PERSON"] == reading.report.tables["SPELL"] == 1
    rules = reading.rules()
    assert rules.pop(8).startswith("replaced by a later submission")
    for (record, rule), reason in zip(rules.items(), reasons.values(), strict=True):
        assert record < 7 and rule.startswith("anonymised, and counted only") and reason in rule


def test_sus_open_spells_can_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "sus.toml").write_text('source = "sus"\nopen_spells = false\n', encoding="utf-8")
    rows = [{}, {P: "b", S: "b", DISCHARGE: "", LAST: "2"}]
    reading = Reading(tmp_path / "apc.csv", sus.write(rows), mapping=tmp_path / "sus.toml")
    assert (reading.report.tables["PERSON"], reading.report.tables["SPELL"]) == (2, 1)


def test_sus_the_order_in_the_file_says_nothing(tmp_path: Path) -> None:
    cases = [case for case in APC if case not in ("twice", "sites", "numberless", "two", "providers")]
    rows = [{P: case, S: case, ID: f"{case}{at}", **row} for case in cases for at, row in enumerate(APC[case][0])]
    first = Reading(tmp_path / "apc.csv", sus.write(rows)).facts()
    assert Reading(tmp_path / "apc.csv", sus.write(rows[::-1])).facts() == first


def test_cds_a_line_cut_short_is_rejected(tmp_path: Path) -> None:
    whole = cds.line({})
    reading = Reading(tmp_path / "apc.txt", f"{whole}\n{cds.line({'LocalPatientID': 'H2'})[:1200]}\n".encode())
    assert reading.all("set_aside", "extract_record, kind") == [(2, "rejected")]


@pytest.mark.parametrize(
    ("changed", "is_set_aside"),
    [
        pytest.param(lambda line: line[:560] + line[561:], True, id="a character too few"),
        pytest.param(lambda line: line[:560] + " " + line[560:], True, id="one too many"),
        pytest.param(lambda line: line[:1051] + "11111101" + line[1051:], True, id="days of no time of ours"),
        pytest.param(lambda line: line[:1051] + "20261345" + line[1059:], False, id="one day that is none"),
        pytest.param(lambda line: line[:1051] + " " * 104 + line[1155:], False, id="no day at all"),
    ],
)
def test_cds_a_line_whose_fields_are_out_of_place_is_set_aside(
    tmp_path: Path, changed: Callable[[str], str], is_set_aside: bool
) -> None:
    """Names and numbers of stays would be cut from the wrong place without a word."""
    shifted = changed(cds.line({"LocalPatientID": "H2", "HospitalProviderSpellNumber": "S2"}))
    reading = Reading(tmp_path / "apc.txt", f"{cds.line({})}\n{shifted}\n".encode())
    rules = {record: rule for record, rule in reading.rules().items() if rule.startswith("none of its days is a day")}
    assert list(rules) == [2] * is_set_aside
    assert reading.report.tables["PERSON"] == 2 - is_set_aside


def test_sus_submissions_settle_themselves_so_a_feed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="sus is not sent as full and delta deliveries"):
        Reading(tmp_path / "apc.csv", sus.write([{}]), feed="full")
