"""What becomes of each trap in hospital data: HL7 ADT messages, SUS+ CSV and CDS lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connectors import ReadReport, Source, read
from connectors.suppliers.hospital.adt import Settings
from fixtures.systems import cds, hl7, sus
from schemas import InputError, SettingsError

AS_AT = date(2026, 11, 22)
TABLES = ("person", "address", "name", "identifier", "spell")
NUMBER, OTHER_NUMBER = "9434765919", "9434765927"


class Reading:
    """One file that was read, and its tables."""

    def __init__(self, path: Path, data: bytes, **source: Any) -> None:
        path.write_bytes(data)
        self.connection = duckdb.connect()
        self.report: ReadReport = read(self.connection, [Source(path, **source)], side="clients", as_at=AS_AT)
        # Every record is either in a table or in SET_ASIDE, never in both, and the report counts them.
        union = " UNION ".join(f"SELECT extract_record FROM clients.{table}" for table in TABLES)
        used = {record for (record,) in self.connection.execute(union).fetchall()}
        aside = {record for (record,) in self.all("set_aside", "extract_record")}
        assert used.isdisjoint(aside)
        assert (self.report.used, len(aside)) == (len(used), self.report.rejected + self.report.excluded)
        assert self.report.records == len(used) + len(aside)

    def all(self, table: str, columns: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
        return self.connection.execute(
            f"SELECT {columns} FROM clients.{table} WHERE {where} ORDER BY extract_record"
        ).fetchall()

    def of(self, record_id: str, table: str, columns: str) -> list[tuple[Any, ...]]:
        return self.all(table, columns, f"record_id = '{record_id}'")

    def rules(self) -> dict[int, str]:
        return dict(self.all("set_aside", "extract_record, rule"))

    def facts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything but where it stood."""
        return {
            table: sorted(self.all(table, "* EXCLUDE (extract_file, extract_record, extract_line)"), key=repr)
            for table in TABLES
        }


# --- HL7 ADT: each case is the messages of patients of its own, and what is to be found of them -----------------------


def who(case: str, more: str = "") -> str:
    """PID-3 of the case's patient."""
    return f"{case}^^^RYJ^MR" + more


def say(event: str, at: str, case: str, pid: Mapping[int, str] | None = None, **how: Any) -> list[str]:
    """A message about the case's patient, whose PID has a name and nothing else beside what is given."""
    bare = {3: who(case), 5: "Smith^Ann", 7: "", 8: "", 11: ""}
    return hl7.message(event, at, bare | (pid or {}), **how)


JAN, FEB, MAR = "20260101090000", "20260201090000", "20260301090000"

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
    "fixed": [("postcode", "a pseudo-postcode (ZZ99...)", False)],
    "undead": [("death_date", "given, though the death indicator says no", False)],
    "dayless": [("death_date", "dead, on a day that is not given", False)],
}

IN = {2: "I", 4: "21", 19: "", 44: ""}


def stay(case: str, **change: str) -> dict[int, str]:
    """PV1 of the case's visit."""
    return IN | {19: case} | {int(name[1:]): value for name, value in change.items()}


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


def test_hl7_a_visit_is_its_patients(tmp_path: Path) -> None:
    messages = [
        # Numbered anew for each patient.
        say("A01", JAN, "x", pv1=stay("1", f44="20260101")),
        say("A01", JAN, "y", pv1=stay("1", f44="20260102")),
        # Moved to another patient: the former one's no more.
        say("A01", JAN, "z", pv1=stay("2", f44="20260103")),
        say("A45", FEB, "y", pv1=stay("2", f44="20260103"), mrg="z"),
        # The patient was merged, and so were the visits, the discharge coming late.
        say("A01", JAN, "m", pv1=stay("3", f44="20260104")),
        say("A40", FEB, "x", mrg="m"),
        say("A03", "20260105", "m", pv1=stay("3", f45="20260105")),
    ]
    reading = Reading(tmp_path / "a.hl7", hl7.stream(messages))
    assert sorted(reading.all("spell", "record_id, event_id, start_date, end_date"), key=repr) == [
        ("x", "1", date(2026, 1, 1), None),
        ("x", "3", date(2026, 1, 4), date(2026, 1, 5)),
        ("y", "1", date(2026, 1, 2), None),
        ("y", "2", date(2026, 1, 3), None),
    ]


def test_hl7_a_message_of_two_patients_is_set_aside_under_the_first(tmp_path: Path) -> None:
    twice = [*say("A24", JAN, "a", msh={11: "T"}), "PID|||b^^^RKB^MR||Other"]
    reading = Reading(tmp_path / "adt.hl7", hl7.stream([say("A28", JAN, "x"), twice]))
    assert reading.all("set_aside", "source_org") == [("RYJ",)]


def test_hl7_the_order_in_the_file_says_nothing(stream: Reading, tmp_path: Path) -> None:
    # Repeats at one time are told apart by nothing but their place, and say the same.
    assert Reading(tmp_path / "adt.hl7", hl7.stream(STREAM[::-1])).facts() == stream.facts()


def test_hl7_own_delimiters_batches_and_mixed_character_sets(tmp_path: Path) -> None:
    """The bytes decide the character set, for MSH-18 is seldom right."""
    utf8 = hl7.stream([say("A28", JAN, "a", {5: "Müller"}, msh={18: "8859/1"})])
    reading = Reading(tmp_path / "a.hl7", utf8 + hl7.files()["hl7/legacy.hl7"])
    columns = "record_id, nhs_number, family_name, given_name, address_line_1, postcode"
    assert reading.all("person", columns) == [
        ("a", None, "Müller", None, None, None),
        ("H0000005", "9434765935", "Muller", "Zoë", "1 Row*2", "YO1 7HH"),
    ]


_EVENTS = ("A28", "A31", "A08", "A01", "A03", "A11", "A13", "A04", "A29", "A40", "A34", "A45", "A24", "A37", "A19")
_IDS = st.sampled_from(["a", "b", "c", "d"])


@st.composite
def _said(draw: st.DrawFn) -> list[str]:
    """A message about one of few patients, with some of the fields that one may have, now and then torn or twice."""
    given = {
        3: draw(
            st.sampled_from([who("{}"), who("{}", f"~{NUMBER}^^^NHS^NH"), "{}", f"{{}}^^^B^PI~{OTHER_NUMBER}^^^NHS"])
        ),
        5: draw(st.sampled_from(["Smith^Ann", "", '""', "Old^A^^^^^M~New^Anna^M^^^^L", "&x^^", "^^^^^^M"])),
        7: draw(st.sampled_from(["19310714", "", "194402290000+0000", "^x"])),
        8: draw(st.sampled_from(["F", "", '""'])),
        9: draw(st.sampled_from(["", "Al^Ias"])),
        11: draw(
            st.sampled_from(
                ["1&High St^^York^^YO1 7HH^^H", "", '""', "a^^^^^^C~b^^^^N1 1AA^^^x", "^^^^^^H", "c^^^^^^M"]
            )
        ),
        13: draw(st.sampled_from(["", "1~^NET^Internet^a@example.org", "^PRN^CP^^^0113^4960000"])),
        14: draw(st.sampled_from(["", "2"])),
        22: draw(st.sampled_from(["", "A^White"])),
        30: draw(st.sampled_from(["", "Y", "N"])),
        32: draw(st.sampled_from(["", "NSTS01", "AL~NSTS02", "3"])),
    }
    given[3] = given[3].format(draw(_IDS))
    stay = draw(
        st.sampled_from([None, {2: "I", 19: "1", 44: ""}, {2: "I", 19: "2", 36: "1", 45: "20260301"}, {2: "O"}])
    )
    event = draw(st.sampled_from(_EVENTS))
    said = hl7.message(
        event,
        draw(st.sampled_from([JAN, FEB, MAR, "2026", ""])),
        given,
        pv1=stay,
        pd1=draw(st.sampled_from([None, {3: "The Surgery^^E85001"}, {4: '""'}])),
        mrg=draw(_IDS) if event in ("A40", "A34", "A45") else None,
    )
    more = draw(st.sampled_from(["", "", "", "PID|||b^^^RYJ^MR||Second", "PV1||I", "ZZZ|1", "PD1|"]))
    return [*said, more] if more else said[: draw(st.sampled_from([None, None, None, 2, 3]))]


TWICE = {"visits": "PV1||I", "practices": "PD1|||E85002", "patients": "PID|||other||Name", "strangers": "ZZZ|1"}


@given(st.lists(_said(), min_size=10, max_size=40))
@settings(
    max_examples=3,
    deadline=None,
    # To make a failing case smaller takes hundreds of readings.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_hl7_plain_messages_say_what_the_same_ones_say_in_other_delimiters(
    tmp_path: Path, messages: list[list[str]]
) -> None:
    """Fields of plain messages are cut out as they stand; all others take a longer way, which leads to the same."""
    twice = [[*say("A01", JAN, name, pv1=IN, pd1={3: "E85001"}), again] for name, again in TWICE.items()]
    plain = hl7.stream([*messages, *twice])
    other = plain.translate(bytes.maketrans(b"|^~\\&", b"#*+?%"))
    short, long = Reading(tmp_path / "a.hl7", plain), Reading(tmp_path / "b.hl7", other)
    assert short.facts() == long.facts()
    assert short.rules() == long.rules()


LISTS = [field.name for field in fields(Settings) if isinstance(getattr(Settings(), field.name), tuple)]

HABITS: list[tuple[str, list[tuple[Mapping[int, str], tuple[Any, ...]]]]] = [
    # settings, and for PIDs the id, number and organisation that they give
    ("", [({3: "7^^^B^MR"}, ("7", None, "B")), ({3: "8"}, ("8", None, "RYJ"))]),
    (
        'nhs_number_fields = ["PID-19", "PID-3(2)"]\norganisation = "facility"',
        [
            ({3: "7^^^B^MR", 19: NUMBER}, ("7", NUMBER, "RYJ")),
            ({3: f"8~{OTHER_NUMBER}"}, ("8", OTHER_NUMBER, "RYJ")),
        ],
    ),
    # Every list may be empty.
    (
        "\n".join(f"{name} = []" for name in LISTS),
        [({3: f"7^^^B^MR~{NUMBER}^^^NHS^NH"}, ("7", None, "B"))],
    ),
    (
        'patient_id_types = ["PAS"]\npatient_id_authorities = ["B", "C"]',
        [({3: "6^^^B^MR~7^^^B^PAS"}, ("7", None, "B")), ({3: "6^^^A^PAS~8^^^C^X"}, ("8", None, "C"))],
    ),
]


@pytest.mark.parametrize(("habit", "people"), HABITS)
def test_hl7_habits(tmp_path: Path, habit: str, people: list[tuple[Mapping[int, str], tuple[Any, ...]]]) -> None:
    (tmp_path / "habits.toml").write_text(f'source = "hl7"\n{habit}\n', encoding="utf-8")
    data = hl7.stream([say("A28", JAN, "", pid) for pid, _ in people])
    reading = Reading(tmp_path / "a.hl7", data, mapping=tmp_path / "habits.toml")
    assert reading.all("person", "record_id, nhs_number, source_org") == [expected for _, expected in people]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('source = "hl7"\nvisit_number = "PV1-19"', "unknown setting: visit_number"),
        ('source = "hl7"\nvisit_number_field = "ZZZ-1"', "'ZZZ-1' is no place in a message"),
        ('source = "hl7"\norder_by = [7]', "the setting order_by must be a list of texts"),
        ('source = "hl7"\n[name_types]\nusal = ["L"]', "name_types has no usal"),
        ('source = "sus"\nopen_spells = "no"', "the setting open_spells must be true or false"),
        ('source = "sus"\nx =', "not a TOML file"),
    ],
)
def test_habits_that_are_none(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "habits.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=says):
        Reading(tmp_path / "a.hl7", hl7.stream([say("A28", JAN, "a")]), mapping=tmp_path / "habits.toml")


# --- Admitted patient care: SUS+ and CDS -----------------------------------------------------------------------------


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


WHOLE = {
    "adt.hl7": hl7.framed(hl7.STREAM),
    "apc.csv": sus.write(sus.ROWS),
    "apc.txt": cds.write(cds.ROWS),
}
PIECES = [
    b"|",
    b"^",
    b"~",
    b"&",
    b"\\",
    b"\r",
    b"\n",
    b'"',
    b",",
    b"\\X",
    b"MSH|",
    b"\0",
    b"\xff",
    b"9" * 40,
    b"\x1c",
    b"\x1e",
]
EDITS = st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from([0, 1, 40]), st.sampled_from([b"", *PIECES]))


@given(st.sampled_from(sorted(WHOLE)), st.lists(EDITS, min_size=1, max_size=20))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutilated_file_is_read_with_every_record_accounted_for_or_refused(
    tmp_path: Path, name: str, edits: list[tuple[float, int, bytes]]
) -> None:
    data = bytearray(WHOLE[name])
    for place, cut, put in edits:
        at = int(place * len(data))
        data[at : at + cut] = put
    try:
        Reading(tmp_path / name, bytes(data)).connection.close()
    except InputError as error:
        assert "\n" not in str(error)


def test_sus_submissions_settle_themselves_so_a_feed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="sus is not sent as full and delta deliveries"):
        Reading(tmp_path / "apc.csv", sus.write([{}]), feed="full")
