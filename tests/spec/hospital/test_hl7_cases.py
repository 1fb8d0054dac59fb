"""What becomes of each trap in HL7 ADT messages: each case is the messages of patients of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fixtures.systems import hl7
from tests.spec.hospital.messages import FEB, JAN, MAR, say, stay, who
from tests.spec.hospital.reading import NUMBER, OTHER_NUMBER, Reading

PEOPLE: dict[str, tuple[list[list[str]], str, tuple[Any, ...]]] = {
    # case: messages, columns of PERSON, values
    "latest": ([say("A31", FEB, "latest", {5: "Jones^Ann"}), say("A28", JAN, "latest")], "family_name", ("Jones",)),
    "kept": ([say("A28", JAN, "kept", {7: "19310714"}), say("A31", FEB, "kept")], "birth_date", (date(1931, 7, 14),)),
    "deleted": ([say("A28", JAN, "deleted", {8: "F"}), say("A31", FEB, "deleted", {8: '""'})], "gender", (None,)),
    "evn": ([say("A31", JAN, "evn", msh={7: MAR}), say("A31", FEB, "evn", {5: "Jones"})], "family_name", ("Jones",)),
    "minute": (
        [say("A31", "202602010900", "minute", {5: "Old"}), say("A31", "20260201090001+0000", "minute", {5: "New"})],
        "family_name",
        ("New",),
    ),
    "number": ([say("A28", JAN, "number", {3: who("number", f"~{NUMBER}^^^NHS^NH")})], "nhs_number", (NUMBER,)),
    "oid": (
        [say("A28", JAN, "oid", {3: who("oid", f"~{NUMBER}^^^X&2.16.840.1.113883.2.1.4.1&ISO")})],
        "nhs_number",
        (NUMBER,),
    ),
    "first": ([say("A28", JAN, "first", {3: f"943 476 5919^^^NHS Number~{who('first')}"})], "nhs_number", (NUMBER,)),
    "slip": ([say("A28", JAN, "slip", {3: who("slip", "~9434765910^^^NHS^NH")})], "nhs_number", (None,)),
    "two": (
        [say("A28", JAN, "two", {3: who("two", f"~{NUMBER}^^^NHS^NH~{OTHER_NUMBER}^^^NHS^NH")})],
        "nhs_number",
        (None,),
    ),
    "twice": (
        [say("A28", JAN, "twice", {3: who("twice", f"~943 476 5919^^^NHS^NH~{NUMBER}^^^NHS^NH")})],
        "nhs_number",
        (NUMBER,),
    ),
    "status": (
        [say("A28", JAN, "status", {3: who("status", f"~{NUMBER}^^^NHS^NH"), 32: "AL~NSTS02"})],
        "nhs_number_status",
        ("02",),
    ),
    "braces": (
        [say("A28", JAN, "braces", {3: who("braces", f"~{NUMBER}^^^NHS^NH{{status:01}}")})],
        "nhs_number, nhs_number_status",
        (NUMBER, "01"),
    ),
    # A number stays with its status, whatever a later message without a number says of it.
    "together": (
        [
            say("A28", JAN, "together", {3: who("together", f"~{NUMBER}^^^NHS^NH"), 32: "NSTS01"}),
            say("A31", FEB, "together", {32: "NSTS03"}),
        ],
        "nhs_number, nhs_number_status",
        (NUMBER, "01"),
    ),
    "escapes": (
        [say("A28", JAN, "escapes", {5: "O\\T\\C\\F\\D\\S\\\\R\\\\E\\^\\X5A6FC3AB\\ \\H\\A\\N\\n"})],
        "family_name, given_name",
        ("O&C|D^~\\", "Zoë An"),
    ),
    "backslash": ([say("A28", JAN, "backslash", {5: "C\\O Smith^Ann"})], "family_name", ("C\\O Smith",)),
    "usual": (
        [say("A28", JAN, "usual", {5: "Old^Ann^^^^^M~Now^Anna^Mary Jane^^Mrs^^L"})],
        "family_name, given_name, middle_names",
        ("Now", "Anna", "Mary Jane"),
    ),
    "prefix": ([say("A28", JAN, "prefix", {5: "van Dyk&van&Dyk^Ann"})], "family_name", ("van Dyk",)),
    "home": (
        [say("A28", JAN, "home", {11: "Away^^^^N1 1AA^^C~1&High St^Top^York^Yorks^YO1 7HH^GBR^H"})],
        "address_line_1, address_line_2, address_line_3, address_line_4, postcode",
        ("1 High St", "Top", "York", "Yorks", "YO1 7HH"),
    ),
    "away": ([say("A28", JAN, "away", {11: "Away^^^^N1 1AA^^C"})], "address_line_1, postcode", (None, None)),
    "fixed": ([say("A28", JAN, "fixed", {11: "NFA^^^^ZZ99 3VZ^^H"})], "address_line_1, postcode", ("NFA", None)),
    "midnight": ([say("A28", JAN, "midnight", {7: "194402290000+0000"})], "birth_date", (date(1944, 2, 29),)),
    "month": ([say("A28", JAN, "month", {7: "194402"})], "birth_date, birth_date_precision", (date(1944, 2, 1), "YM")),
    "slashes": ([say("A28", JAN, "slashes", {7: "29/02/1944"})], "birth_date", (date(1944, 2, 29),)),
    "ambiguous": ([say("A28", JAN, "ambiguous", {8: "A"})], "gender", ("9",)),
    "ethnic": ([say("A28", JAN, "ethnic", {22: "H^Indian"})], "ethnicity", ("H",)),
    "phone": (
        [say("A28", JAN, "phone", {13: "a@example.org^NET^Internet~^PRN^CP^^^0113^4960000", 14: "1"})],
        "phone, email",
        ("0113 4960000", "a@example.org"),
    ),
    "practice": (
        [say("A28", JAN, "practice", pd1={3: "The Surgery^^E85001", 4: "G9999981^Who"})],
        "gp_practice_code",
        ("E85001",),
    ),
    "none": ([say("A28", JAN, "none", pd1={3: "None^^V81997"})], "gp_practice_code", (None,)),
    "dead": ([say("A08", JAN, "dead", {29: "202512240310", 30: "Y"})], "death_date", (date(2025, 12, 24),)),
    "undead": ([say("A08", JAN, "undead", {29: "20251224", 30: "N"})], "death_date", (None,)),
    "dayless": ([say("A08", JAN, "dayless", {30: "Y"})], "death_date", (None,)),
}

ISSUES = {
    "slip": [("nhs_number", "fails the Modulus 11 check digit", False)],
    "two": [("nhs_number", "several numbers in one message, and which of them is the patient's nobody knows", False)],
    "fixed": [("postcode", "a pseudo-postcode (ZZ99...)", False)],
    "undead": [("death_date", "given, though the death indicator says no", False)],
    "dayless": [("death_date", "dead, on a day that is not given", False)],
}


SPELLS: dict[str, tuple[list[list[str]], list[tuple[Any, ...]]]] = {
    # case: messages, (start, end, method, emergency, destination) of each spell
    "open": (
        [say("A01", JAN, "open", pv1=stay("open", f44="202512312350"))],
        [(date(2025, 12, 31), None, "21", True, None)],
    ),
    "untimed": ([say("A01", JAN, "untimed", pv1=stay("untimed"))], [(date(2026, 1, 1), None, "21", True, None)]),
    "ended": (
        [
            say("A03", FEB, "ended", pv1=stay("ended", f45="202601311130", f37="19", f36="1")),
            say("A01", JAN, "ended", pv1=stay("ended", f4="11")),
        ],
        [(date(2026, 1, 1), date(2026, 1, 31), "21", True, "19")],
    ),
    "occurred": (
        [
            say("A01", JAN, "occurred", pv1=stay("occurred")),
            say("A03", FEB, "occurred", pv1=stay("occurred"), evn={6: "20260131"}),
        ],
        [(date(2026, 1, 1), date(2026, 1, 31), "21", True, None)],
    ),
    "back": (
        [
            say("A01", JAN, "back", pv1=stay("back")),
            say("A03", FEB, "back", pv1=stay("back", f45="20260131", f37="19")),
            say("A13", MAR, "back", pv1=stay("back")),
        ],
        [(date(2026, 1, 1), None, "21", True, None)],
    ),
    "cancelled": (
        [say("A11", FEB, "cancelled", pv1=stay("cancelled")), say("A01", JAN, "cancelled", pv1=stay("cancelled"))],
        [],
    ),
    "again": (
        [
            say("A01", JAN, "again", pv1=stay("again")),
            say("A11", FEB, "again", pv1=stay("again")),
            say("A01", MAR, "again", pv1=stay("again")),
        ],
        [(date(2026, 1, 1), None, "21", True, None)],
    ),
    "clinic": ([say("A04", JAN, "clinic", pv1=stay("clinic", f2="O"))], []),
    "moved": (
        [say("A01", JAN, "moved", pv1=stay("moved")), say("A07", FEB, "moved", pv1=stay("moved", f2="O"))],
        [],
    ),
    "planned": ([say("A05", JAN, "planned", pv1=stay("planned", f4="11"))], []),
    "elective": (
        [say("A01", JAN, "elective", pv1=stay("elective", f4="11"))],
        [(date(2026, 1, 1), None, "11", False, None)],
    ),
}

ASIDE: dict[str, tuple[list[list[str]], str]] = {
    # case: messages, the rule that the first of them is left out by
    "oru": ([say("R01", JAN, "oru", msh={9: "ORU^R01"})], "no ADT message"),
    "query": ([say("A19", JAN, "query")], "an event that says nothing of a patient's state"),
    "training": ([say("A28", JAN, "training", msh={11: "T"})], "not a message of the live system (MSH-11)"),
    "cut": ([say("A01", JAN, "cut")], "no PV1, which its event must have: cut short"),
    "header": ([say("A01", JAN, "header")[:2]], "no PID"),
    "stray": ([[*say("A28", JAN, "stray"), "half of a line"]], "a line that is no HL7 segment"),
    "nobody": ([say("A28", JAN, "nobody", {3: f"{NUMBER}^^^NHS^NH"})], "no number of the hospital's own (PID-3)"),
    "unmerged": ([say("A40", JAN, "unmerged", mrg="")], "a merge without the number that was merged (MRG-1)"),
    "gone": ([say("A28", JAN, "gone"), say("A29", FEB, "gone")], "its patient was deleted (A29)"),
    "old": (
        [say("A28", JAN, "old"), say("A40", FEB, "new", mrg="old")],
        "its patient was merged into another one, which",
    ),
    "mistake": (
        [say("A01", JAN, "mistake", pv1=stay("mistake")), say("A11", FEB, "mistake", pv1=stay("mistake"))],
        "its admission was cancelled",
    ),
    "repeat": ([say("A28", JAN, "repeat"), say("A28", JAN, "repeat")], "an earlier message of the same patient"),
}

MERGES: dict[str, tuple[list[list[str]], dict[str, list[tuple[str, str]]]]] = {
    # case: messages, the identifiers of each patient that is left
    "m1": (
        [say("A40", FEB, "m1", mrg="m1x^^^RYJ^MR"), say("A28", JAN, "m1x", {5: "Other^Ann"}), say("A28", JAN, "m1")],
        {"m1": [("former hospital number", "m1x")]},
    ),
    # One after the other, the later merge first in the file.
    "m2": (
        [say("A40", MAR, "m2", mrg="m2x"), say("A34", FEB, "m2x", mrg="m2y"), say("A28", JAN, "m2y")],
        {"m2": [("former hospital number", "m2x"), ("former hospital number", "m2y")]},
    ),
    # An id that is used again after its merge is a patient of its own.
    "m3": (
        [say("A28", JAN, "m3x"), say("A40", FEB, "m3", mrg="m3x"), say("A31", MAR, "m3x")],
        {"m3": [], "m3x": []},
    ),
    # Merged the wrong way round, then the right way.
    "m4": (
        [say("A40", FEB, "m4x", mrg="m4"), say("A40", MAR, "m4", mrg="m4x")],
        {"m4": [("former hospital number", "m4x")]},
    ),
    # Several merges in one message.
    "m5": (
        [[*say("A40", FEB, "m5", mrg="m5x"), f"PID|||{who('m5b')}||Brown^Bob", "MRG|m5y"], say("A28", JAN, "m5y")],
        {"m5": [("former hospital number", "m5x")], "m5b": [("former hospital number", "m5y")]},
    ),
    "m6": (
        [[*say("A24", FEB, "m6"), f"PID|||{who('m6b')}||Smith^A"]],
        {"m6": [("linked hospital number", "m6b")], "m6b": [("linked hospital number", "m6")]},
    ),
    "m7": (
        [
            [*say("A24", FEB, "m7"), f"PID|||{who('m7b')}||Smith^A"],
            [*say("A37", MAR, "m7b"), f"PID|||{who('m7')}||Smith^A"],
        ],
        {"m7": [], "m7b": []},
    ),
    "m8": (
        [say("A28", JAN, "m8", {3: who("m8", "~B7^^^BADGER^PI~V9^^^RYJ^VN")})],
        {"m8": [("BADGER PI", "B7"), ("RYJ VN", "V9")]},
    ),
    # The same number of another authority is another patient's.
    "m9": (
        [say("A28", JAN, "m9"), say("A40", FEB, "m9b", mrg="m9^^^RXH^MR")],
        {"m9": [], "m9b": [("former hospital number", "m9")]},
    ),
}

STREAM = [
    message
    for cases in (PEOPLE, SPELLS, ASIDE, MERGES)
    for messages, *_ in cases.values()  # type: ignore[attr-defined]
    for message in messages
]


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    made = Reading(tmp_path_factory.mktemp("hl7") / "adt.hl7", hl7.framed(STREAM))
    yield made
    made.connection.close()


@pytest.mark.parametrize("case", PEOPLE)
def test_hl7_person(stream: Reading, case: str) -> None:
    _, columns, expected = PEOPLE[case]
    assert stream.of(case, "person", columns) == [expected]
    assert stream.of(case, "data_quality", '"column", issue, used') == ISSUES.get(case, [])


@pytest.mark.parametrize("case", SPELLS)
def test_hl7_spells(stream: Reading, case: str) -> None:
    columns = "start_date, end_date, admission_method, emergency, discharge_destination"
    assert stream.of(case, "spell", columns) == SPELLS[case][1]
    assert len(stream.of(case, "person", "1")) == 1


@pytest.mark.parametrize("case", ASIDE)
def test_hl7_set_aside(stream: Reading, case: str) -> None:
    record = STREAM.index(ASIDE[case][0][0]) + 1
    assert stream.rules()[record].startswith(ASIDE[case][1])


@pytest.mark.parametrize("case", MERGES)
def test_hl7_merges_and_links(stream: Reading, case: str) -> None:
    left = MERGES[case][1]
    found = {record_id: sorted(stream.of(record_id, "identifier", "scheme, value")) for record_id in left}
    assert found == left
    like = f"record_id LIKE '{case}%'"
    assert {record_id for (record_id,) in stream.all("person", "record_id", like)} == set(left)


def test_hl7_the_order_in_the_file_says_nothing(stream: Reading, tmp_path: Path) -> None:
    # Repeats at one time are told apart by nothing but their place, and say the same.
    assert Reading(tmp_path / "adt.hl7", hl7.stream(STREAM[::-1])).facts() == stream.facts()
