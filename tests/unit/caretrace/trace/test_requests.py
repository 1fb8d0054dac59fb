"""Requests to the tracing service: who is asked about, with what."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from caretrace.trace.choose import Round, Why
from caretrace.trace.request import Service
from schemas.errors import InputError, SettingsError
from tests.unit.caretrace.trace.asking import A, B, C, D, Make, everybody


def test_the_first_run_asks_with_number_and_date_alone(bench: Make) -> None:
    b = bench(*everybody())
    questions = b.ask()
    assert [(q["record_id"], q["why"], q["asked"]) for q in questions] == [
        ("differs", "HELD", C),
        ("differs", "LINKED", D),
        ("held", "HELD", A),
        ("linked", "LINKED", B),
    ]
    for question in questions:
        sent = {title: text for title, text in question["sent"].items() if text}
        assert sent == {
            "UNIQUE REFERENCE": question["reference"],
            "NHS_NO": question["asked"],
            "DATE_OF_BIRTH": "19310709",
        }
    assert b.asked[0].chosen.left_out == {"no whole date of birth": 1}
    assert b.asked[0].chosen.asked == {Why.HELD.value: 2, Why.LINKED.value: 2}


def test_the_second_run_asks_by_name_who_has_no_number(bench: Make) -> None:
    b = bench(*everybody())
    questions = b.ask(Round.NAMES)
    assert [(q["record_id"], q["why"], q["asked"]) for q in questions] == [
        ("none", "NONE", None),
        ("review", "REVIEW", None),
    ]
    sent = {title: text for title, text in questions[0]["sent"].items() if text and title != "UNIQUE REFERENCE"}
    assert sent == {"FAMILY_NAME": "Hill", "GIVEN_NAME": "Zoe", "GENDER": "2", "DATE_OF_BIRTH": "19310709"}
    assert b.asked[0].changes == ["1 x given_name: accents and signs were written in plain letters"]
    assert b.asked[0].chosen.left_out == {"no family name": 1, "no gender": 1}
    with pytest.raises(InputError, match="asked before"):
        b.ask(Round.NAMES)
    assert b.ask(Round.NAMES, postcode=True)[0]["sent"]["POSTCODE"] == "BR1 3AA"
    assert len(b.ask(Round.NAMES, again=True)) == 2


def test_what_the_project_keeps_and_cannot_be_read_is_said(bench: Make) -> None:
    b = bench(*everybody())
    b.ask()
    [kept] = (b.project.root / "traces" / "requests").glob("*/questions.parquet")
    whole = pq.read_table(kept)
    pq.write_table(whole.drop_columns(["facts"]), kept)
    with pytest.raises(InputError, match="another version of caretrace: it lacks facts"):
        b.ask()
    kept.write_bytes(b"PAR1")
    with pytest.raises(InputError, match="restore it from a backup"):
        b.ask()


def test_only_these(bench: Make) -> None:
    b = bench(*everybody())
    assert [q["record_id"] for q in b.ask(whom=frozenset({Why.LINKED}))] == ["differs", "linked"]


def test_references_say_nothing_of_a_client_and_large_requests_are_split(bench: Make) -> None:
    b = bench(*everybody())
    b.ask(most=3)
    names = [path.name for path in b.asked[0].files]
    assert names == ["pds-request-TEST0000-1.csv", "pds-request-TEST0000-2.csv"]
    texts = [path.read_text("ascii").splitlines() for path in b.asked[0].files]
    assert [len(lines) for lines in texts] == [4, 2]
    references = [line.partition(",")[0] for lines in texts for line in lines[1:]]
    assert references == [f"CTTEST0000{n:06d}" for n in range(1, 5)]


def test_mpt_and_dbs_requests(bench: Make) -> None:
    b = bench(*everybody())
    b.ask(service=Service.MPT, most=2)
    assert [path.name for path in b.asked[0].files] == ["MPTREQ_20261122120100.csv", "MPTREQ_20261122120101.csv"]
    b.ask(service=Service.DBS, organisation="X1", again=True)
    lines = b.asked[1].files[0].read_text("ascii").splitlines()
    assert [len(line) for line in lines] == [63, 600, 600, 600, 600, 62]
    with pytest.raises(SettingsError, match="ODS code"):
        b.ask(service=Service.DBS, again=True)
