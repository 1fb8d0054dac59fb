"""HL7 ADT messages that need a file of their own: visits, delimiters, character sets."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fixtures.systems import hl7
from tests.spec.hospital.messages import FEB, IN, JAN, MAR, say, stay, who
from tests.spec.hospital.reading import NUMBER, OTHER_NUMBER, Reading


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
