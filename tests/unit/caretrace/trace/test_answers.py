"""What becomes of each answer of the tracing service."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from caretrace.trace.choose import Round
from caretrace.trace.request import Service
from caretrace.trace.results import of_run
from caretrace.trace.rules import FORMS, SAME_GIVEN, Rules, given_words, load_everyday_forms
from connectors import Source, read
from fixtures.systems import dbs
from fixtures.systems.pds_mesh import NOBODY, SEVERAL, answer
from governance import audit
from governance.audit import writings
from schemas.errors import InputError, SettingsError
from schemas.nhs_number import check_digit
from tests.unit.caretrace.trace.asking import ANN, BORN, FOUND, A, B, C, D, Make, everybody, reference

SELF, OTHER = "the number asked about", "another number"

ANSWERS: list[tuple[tuple[Any, ...], str, str, str]] = [
    (("00", SELF, "1", "100", FOUND), "ACCEPTED", SELF, ""),
    (("00", SELF, "1", "100", FOUND | {"FAMILY_NAME": "MARRIED"}), "ACCEPTED", SELF, ""),
    (("00", SELF, "1", "100", FOUND | {"GIVEN_NAME": "A"}), "ACCEPTED", SELF, ""),
    (("00", SELF, "1", "100", FOUND | {"GIVEN_NAME": "NANCY"}), "ACCEPTED", SELF, ""),
    (("00", SELF, "1", "100", FOUND | {"GIVEN_NAME": "MARY ANN"}), "ACCEPTED", SELF, ""),
    (("00", SELF, "1", "100", {}), "ACCEPTED", SELF, ""),
    (("00", SELF, "1", "100", FOUND | {"GIVEN_NAME": "JOAN"}), "REFER", "", "another given name"),
    (("00", SELF, "1", "100", FOUND | {"DATE_OF_BIRTH": "19310907"}), "REFER", "", "another date of birth"),
    (("00", SELF, "1", "99.5", FOUND), "REFER", "", "not exact"),
    (("00", SELF, "2", "100", FOUND), "REFER", "", "not exact"),
    (("00", SELF, "", "", FOUND), "REFER", "", "not exact"),
    (("00", SELF, "4", "99", FOUND), "REFER", "", "by resemblance"),
    (("00", OTHER, "3", "100", FOUND), "REFER", "", "another number"),
    (("90", OTHER, "1", "100", FOUND), "REPLACED", OTHER, ""),
    (("92", SELF, "1", "100", FOUND), "ACCEPTED", SELF, ""),
    (("91", NOBODY, "1", "0", {}), "SUPPRESSED", "", ""),
    (("95", SELF, "1", "0", {}), "SUPPRESSED", "", ""),
    (("97", SEVERAL, "4", "80", {}), "ASK_WITH_MORE", "", ""),
    (("15", NOBODY, "0", "0", {}), "ASK_WITH_MORE", "", ""),
    (("14", NOBODY, "0", "0", {}), "ASK_AGAIN", "", ""),
    (("98", NOBODY, "1", "0", {}), "NOT_CONFIRMED", "", ""),
    (("00", NOBODY, "1", "100", {}), "NOT_CONFIRMED", "", ""),
    (("66", SELF, "1", "100", FOUND), "REFER", "", "not in the published list"),
]
"""What PDS says of a client called Ann, born on 9 July 1931, who holds a number; and what becomes of it."""


def numbers(count: int) -> list[str]:
    """Valid numbers of the test range."""
    stems = (str(stem) for stem in range(900_001_000, 900_002_000))
    return [f"{stem}{check_digit(stem)}" for stem in stems if check_digit(stem) is not None][:count]


def test_what_becomes_of_each_answer(bench: Make) -> None:
    given = numbers(2 * len(ANSWERS))
    ids = [f"c{place:02d}" for place in range(len(ANSWERS))]
    theirs = {each: {SELF: given[2 * n], OTHER: given[2 * n + 1]} for n, each in enumerate(ids)}
    b = bench(*(ANN | {"record_id": each, "nhs_number": theirs[each][SELF]} for each in ids))
    questions = {question["record_id"]: question for question in b.ask()}
    said = [
        answer(questions[each]["reference"], code, theirs[each].get(number, number), step, percent, **about)
        for each, ((code, number, step, percent, about), *_) in zip(ids, ANSWERS, strict=True)
    ]
    done = b.read(b.reply(*said))
    results = b.results(done)
    for each, (_, verdict, number, because) in zip(ids, ANSWERS, strict=True):
        found = (each, results[each]["verdict"], results[each]["accepted_nhs_number"])
        assert found == (each, verdict, theirs[each].get(number, ""))
        assert because in results[each]["reason"]
        assert (results[each]["nhs_number_status"] == "01") == bool(number)
        assert bool(results[each]["reason"]) == bool(because)
    people = pq.read_table(done.folder / "register" / "person.parquet").column("nhs_number").to_pylist()
    assert sorted(people) == sorted(theirs[e][n] for e, (_, _, n, _) in zip(ids, ANSWERS, strict=True) if n)


def test_what_may_be_set(bench: Make) -> None:
    b = bench(*(ANN | {"record_id": f"c{n}", "nhs_number": number} for n, number in enumerate((A, B, C))))
    first, second, third = b.ask()
    reply = b.reply(
        answer(first["reference"], "00", A, "4", "60", **FOUND),
        answer(second["reference"], "00", B, "4", "59.99", **FOUND),
        answer(third["reference"], "00", C, "1", "100", **FOUND | {"GIVEN_NAME": "JOAN"}),
    )
    for rules, verdicts in (
        ({"algorithmic_from": 60}, ["ACCEPTED", "REFER", "REFER"]),
        ({"algorithmic_from": 50, "check_names": False}, ["ACCEPTED"] * 3),
    ):
        results = b.results(b.read(reply, **rules))
        assert [row["verdict"] for row in results.values()] == verdicts
    with pytest.raises(SettingsError):
        Rules(algorithmic_from=40)


GIVEN_NAMES = [
    (("Ann", None), ("ANN", None), True),
    (("Ann", None), ("MARY", "ANN"), True),
    (("Mary Ann", None), ("ANN", None), True),
    (("Anne-Marie", None), ("ANNE", "MARIE"), True),
    (("Zo\u00eb", None), ("ZOE", None), True),
    (("A", None), ("ANN", None), True),
    (("A.", None), ("JOAN", None), False),
    (("Bill", None), ("WILLIAM", None), True),
    (("William", None), ("BILL", None), True),
    ((None, None), ("ANN", None), True),
    (("Ann", None), (None, None), True),
    (("Joan", "Ann"), ("MARY", "ANN"), False),
    (("Joan", None), ("JOANNA", None), False),
    (("Patrjcia", None), ("PATRICIA", None), True),
    (("Daid", None), ("DAVID", None), True),
    (("Terry", None), ("JERRY", None), False),
    (("Joan", None), ("JEAN", None), False),
    (("Margret", None), ("MARJORIE", None), False),
    (("John", None), ("JEAN", None), False),
]


def test_whose_given_names_may_be_one_persons() -> None:
    with duckdb.connect() as connection:
        load_everyday_forms(connection)
        connection.execute("CREATE TABLE pair (place INTEGER, a VARCHAR, b VARCHAR, c VARCHAR, d VARCHAR)")
        pairs = [[n, *client, *pds] for n, (client, pds, _) in enumerate(GIVEN_NAMES)]
        connection.executemany("INSERT INTO pair VALUES (?, ?, ?, ?, ?)", pairs)
        found = connection.execute(
            f"WITH c AS (SELECT place, {given_words('a', 'b')} AS given FROM pair),"
            f" f AS (SELECT place, {given_words('c', 'd')} AS given FROM pair)"
            f" SELECT {SAME_GIVEN} FROM c JOIN f USING (place) CROSS JOIN {FORMS} ORDER BY place"
        ).fetchall()
    assert [(*names, same) for (*names, _), (same,) in zip(GIVEN_NAMES, found, strict=True)] == GIVEN_NAMES


def test_two_numbers_or_two_clients_are_a_persons_matter(bench: Make) -> None:
    more = numbers(2)
    b = bench(
        ANN | {"record_id": "both", "nhs_number": C, "linked": D},
        ANN | {"record_id": "one of two", "nhs_number": more[0], "linked": more[1]},
        ANN | {"record_id": "first", "linked": A},
        ANN | {"record_id": "second", "linked": A},
        ANN | {"record_id": "third", "linked": B},
        ANN | {"record_id": "holder", "nhs_number": B, "nhs_number_status": "01"},
    )
    said = [
        answer(q["reference"], "98")
        if q["asked"] == more[0]
        else answer(q["reference"], "00", q["asked"], "1", "100", **FOUND)
        for q in b.ask()
    ]
    done = b.read(b.reply(*said))
    results = b.results(done)
    assert {name: (row["verdict"], row["accepted_nhs_number"]) for name, row in results.items()} == {
        "both": ("REFER", ""),
        "one of two": ("ACCEPTED", more[1]),
        "first": ("REFER", ""),
        "second": ("REFER", ""),
        "third": ("REFER", ""),
    }
    assert results["both"]["reason"] == "two different numbers were confirmed"
    assert results["first"]["reason"] == results["third"]["reason"]
    found = of_run(b.run, b.project).to_pylist()
    assert {row["record_id"]: row["nhs_number"] for row in found if row["verdict"] == "ACCEPTED"} == {
        "one of two": more[1]
    }


def test_what_the_first_run_did_not_settle_is_asked_again(bench: Make) -> None:
    b = bench(*(ANN | {"record_id": name, "nhs_number": n} for name, n in (("no", A), ("sure", B), ("failed", D))))
    questions = b.ask()
    with pytest.raises(InputError, match="asked before"):
        b.ask()
    no, sure, failed = (reference(questions, name) for name in ("no", "sure", "failed"))
    b.read(b.reply(answer(no, "98"), answer(sure, "00", B, "1", "100", **FOUND), answer(failed, "14")))
    # The service failed, so the question is free at once; the others had their answer.
    [again] = b.ask()
    assert again["record_id"] == "failed"
    by_name = b.ask(Round.NAMES)
    assert [(q["record_id"], q["why"], q["sent"]["NHS_NO"]) for q in by_name] == [
        ("failed", "NOT_CONFIRMED", ""),
        ("no", "NOT_CONFIRMED", ""),
    ]
    found = answer(reference(by_name, "no"), "00", C, "3", "100", **FOUND)
    done = b.read(b.reply(found, answer(again["reference"], "98")))
    assert b.results(done)["no"]["accepted_nhs_number"] == C
    assert done.clients == {"accepted": 2, "not confirmed": 1}


def test_what_is_missing_strange_or_repeated_is_said(bench: Make) -> None:
    b = bench(*everybody())
    questions = b.ask()
    first, second = reference(questions, "held"), reference(questions, "linked")
    done = b.read(
        b.reply(
            answer(first, "00", A, "1", "100", **FOUND),
            answer("CTOTHER1", "00", B, "1", "100", **FOUND),
            answer(second, "00", B, "1", "100", REQ_NHS_NUMBER=C, **FOUND),
            answer(reference(questions, "differs", C), "98"),
            answer(reference(questions, "differs", C), "98"),
        )
    )
    assert done.records == 5
    assert done.answers == 1
    assert done.strangers == {
        "to no question of this project": 1,
        "whose repeated number is not the one asked about": 1,
    }
    assert done.set_aside == {"answered more than once: none of its answers is used": 2}
    assert done.unanswered == 3
    assert done.clients == {"accepted": 1}


def test_what_stands_for_a_code_is_not_repeated(bench: Make) -> None:
    """In a reply whose columns were moved a name may stand there."""
    b = bench(ANN | {"record_id": "held", "nhs_number": A})
    held = reference(b.ask(), "held")
    done = b.read(b.reply(answer(held, "Featherstone", A, "1", "100")))
    assert done.codes == [("another text", "a code that is not in the published list", 1)]
    assert "Featherstone" not in (done.folder / "reading.json").read_text(encoding="utf-8")


def test_a_later_reply_that_says_something_else_undoes_the_first(bench: Make) -> None:
    b = bench(ANN | {"record_id": "held", "nhs_number": A})
    [question] = b.ask()
    yes = answer(question["reference"], "00", A, "1", "100", **FOUND)
    b.read(b.reply(answer(question["reference"], "14"), name="failed.csv"))
    assert b.read(b.reply(yes)).clients == {"accepted": 1}
    done = b.read(b.reply(answer(question["reference"], "98"), name="other.csv"))
    assert b.results(done)["held"]["reason"] == "answered twice, and differently"
    assert b.results(done)["held"]["accepted_nhs_number"] == ""


def test_an_answer_holds_in_later_runs_while_the_client_is_as_it_was(bench: Make) -> None:
    same, changed = (ANN | {"record_id": name, "nhs_number": n} for name, n in (("same", A), ("changed", B)))
    b = bench(same, changed)
    questions = b.ask()
    said = [answer(q["reference"], "00", q["asked"], "1", "100", **FOUND) for q in questions]
    b.run = b.another_run(same, changed | {"birth_date": date(1931, 7, 10)}, run_id="e" * 32)
    done = b.read(b.reply(*said))
    assert done.strangers == {"about a client that is not in this run, or has changed since it was asked": 1}
    assert done.clients == {"accepted": 1}
    [again] = b.ask()
    assert again["record_id"] == "changed"
    b.run = b.another_run(changed | {"given_name": "Anna"}, run_id="f" * 32)
    with pytest.raises(InputError, match="has changed since it was asked"):
        b.read(b.reply(*said, name="late.csv"))


def test_a_dbs_reply(bench: Make) -> None:
    b = bench(ANN | {"record_id": "held", "nhs_number": A}, ANN | {"record_id": "linked", "linked": B})
    questions = b.ask(service=Service.DBS, organisation="X1")
    about = {"family": "HILL", "given": "ANN", "born": "19310709"}
    merged = {"type": "40", "reference": reference(questions, "held"), "asked": A, "number": C, **about}
    other = {"type": "33", "reference": reference(questions, "linked"), "asked": B, "number": D, **about}
    path = b.folder / "reply.txt"
    path.write_bytes(dbs.reply((merged, other), as_csv=False))
    results = b.results(b.read(path))
    assert (results["held"]["verdict"], results["held"]["accepted_nhs_number"]) == ("REPLACED", C)
    assert (results["held"]["former_nhs_number"], results["linked"]["verdict"]) == (A, "REFER")


def test_every_step_is_in_the_log_without_anybodys_number(bench: Make) -> None:
    b = bench(*everybody())
    questions = b.ask()
    b.read(b.reply(answer(reference(questions, "held"), "00", A, "1", "100", **FOUND)))
    found = audit.verify(b.project.audit, keys_dir=b.keys_dir)
    rows = writings.rows(found.entries)
    assert [(row["kind"], row["state"], row["rows"]) for row in rows] == [
        ("trace request", "written", 4),
        ("trace results", "written", 1),
    ]
    text = (b.project.audit / "log.jsonl").read_text("utf-8")
    assert not [number for number in (A, B, C, D) if number in text]


def test_who_was_found_can_stand_among_the_register(bench: Make) -> None:
    b = bench(ANN | {"record_id": "held", "nhs_number": A})
    [question] = b.ask()
    done = b.read(b.reply(answer(question["reference"], "90", B, "1", "100", REQ_NHS_NUMBER=A, **FOUND)))
    with duckdb.connect() as connection:
        report = read(connection, [Source(done.folder / "register")], side="register", as_at=date(2026, 11, 22))
        people = connection.execute(
            "SELECT source, source_org, nhs_number, nhs_number_status, given_name, birth_date FROM register.person"
        ).fetchall()
        former = connection.execute("SELECT scheme, value FROM register.identifier").fetchall()
    assert report.rejected == report.excluded == 0
    assert people == [("pds_mesh", "PDS", B, "01", "ANN", BORN)]
    assert former == [("superseded NHS number", A)]
