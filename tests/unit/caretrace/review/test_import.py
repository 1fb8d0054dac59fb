"""Answers on their way back: what a spreadsheet does to them, what is refused and how, and what is kept."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from caretrace.review import ledger, returned, sampled, verdicts
from caretrace.review.export import Wanted
from caretrace.review.importing import Imported, import_answers
from caretrace.review.sheets import ANSWER, CODE, NOTE
from caretrace.review.withdrawing import withdraw
from schemas import VERDICT
from schemas.errors import InputError, SettingsError

from .conftest import CLIENTS, NOW, REGISTER, Desk, MakeRun

MakeDesk = Callable[..., Desk]
SAME, DIFFERENT, UNSURE = "same person", "different people", "cannot tell"
ANN = {("c1", "r1"): SAME, ("c2", "r3"): SAME, ("c4", "r5"): UNSURE}


def take(desk: Desk, *files: Path, **given: Any) -> Imported:
    return import_answers(desk.folder, files, decisions=desk.decisions, now=NOW, **given)


def stands(desk: Desk) -> dict[str, str]:
    """Verdicts by client and register row."""
    return {
        f"{each.made.client.record_id} {each.made.register.record_id}": each.made.verdict
        for each in ledger.read(desk.decisions).standing.values()
    }


EXPECTED = {"c1 r1": "same", "c1 r2": "different", "c2 r3": "same", "c3 r4": "different", "c4 r5": "cannot tell"}


def test_one_readers_answers_are_kept_with_who_and_when(desk: MakeDesk) -> None:
    made = desk("ann")
    done = take(made, made.answer("ann", ANN))
    assert stands(made) == EXPECTED
    assert (done.answered, done.left, done.agreement, done.ids[0], done.ids[-1]) == (5, 0, None, "D1", "D5")
    first = ledger.read(made.decisions).decisions[0]
    assert (first.at, first.made.by, first.made.run_id, first.made.blind) == (NOW, ("ann",), "id of run", True)
    assert first.made.export_id == made.export.export_id


def workbook(made: Desk, rows: Sequence[Mapping[str, Any]], name: str = "back.xlsx") -> Path:
    """What a reader's Excel saves: a title row above, an own sheet before ours, typed cells, columns turned round."""
    path = made.folder.parent / name
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("My notes").write(0, 0, "hello")
    sheet = book.add_worksheet("Pairs")
    sheet.write(0, 0, "done on Friday")
    titles = list(reversed(rows[0]))
    for line, cells in enumerate(({title: title for title in titles}, *rows), 2):
        for at, title in enumerate(titles):
            value = cells[title]
            if isinstance(value, datetime):
                sheet.write_datetime(line, at, value, book.add_format({"num_format": "dd/mm/yyyy"}))
            else:
                sheet.write(line, at, value)
    book.close()
    return path


def filled(made: Desk, answers: Mapping[tuple[str, str], str]) -> list[dict[str, Any]]:
    rows = made.sheet("ann")
    return [{**row, ANSWER: answers.get(made.client_of(row[CODE]), DIFFERENT)} for row in rows]


def test_a_workbook_filled_in_excel_comes_back(desk: MakeDesk) -> None:
    made = desk("ann")
    rows = filled(made, ANN)
    for row in rows:
        row["Client: born"], row["No."], row[NOTE] = NOW.replace(tzinfo=None), 7, 3.5
    take(made, workbook(made, rows))
    assert stands(made) == EXPECTED


MANGLED: dict[str, Callable[[list[dict[str, Any]]], list[dict[str, Any]]]] = {
    "rows in another order": lambda rows: rows[::-1],
    "columns in another order": lambda rows: [dict(reversed(row.items())) for row in rows],
    "an extra column": lambda rows: [{"": "x", **row, "Done": "yes"} for row in rows],
    "an empty row between": lambda rows: [rows[0], dict.fromkeys(rows[0], ""), *rows[1:]],
    "a row twice": lambda rows: [*rows, rows[0]],
    "dates and numbers rewritten": lambda rows: [
        {**row, "Client: born": "12-Mar-50", "Register: NHS number": "9.99E+09", "No.": "01:00"} for row in rows
    ],
    "answers typed by hand": lambda rows: [{**row, ANSWER: f"  {row[ANSWER].upper()}. "} for row in rows],
    "short answers": lambda rows: [
        {**row, ANSWER: {SAME: "Same", DIFFERENT: "different", UNSURE: "can't tell"}[row[ANSWER]]} for row in rows
    ],
    "codes in small letters": lambda rows: [{**row, CODE: f" {row[CODE].lower()}\u00a0"} for row in rows],
    "titles in capitals": lambda rows: [{title.upper(): cell for title, cell in row.items()} for row in rows],
    "columns removed that nobody needs": lambda rows: [
        {title: cell for title, cell in row.items() if "address" not in title and title != NOTE} for row in rows
    ],
}


@pytest.mark.parametrize("mangle", MANGLED.values(), ids=MANGLED)
def test_what_spreadsheets_and_people_do_to_rows_does_no_harm(
    desk: MakeDesk, mangle: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> None:
    made = desk("ann")
    take(made, made.save(mangle(filled(made, ANN)), "back.csv"))
    assert stands(made) == EXPECTED


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ";"), ("cp1252", ","), ("cp1252", ";"), ("utf-16", "\t"), ("ascii", ",")]
)
def test_any_encoding_and_separator_is_read(desk: MakeDesk, encoding: str, delimiter: str) -> None:
    made = desk("ann")
    take(made, made.save(filled(made, ANN), "back.csv", encoding=encoding, delimiter=delimiter))
    assert stands(made) == EXPECTED


def _change(at: int, **cells: str) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    return lambda rows: [
        {**row, **{_TITLES[t]: c for t, c in cells.items()}} if n == at else row for n, row in enumerate(rows)
    ]


_TITLES = {"answer": ANSWER, "code": CODE}


def _sorted_alone(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    codes = [row[CODE] for row in rows]
    return [{**row, CODE: code} for row, code in zip(rows, [*codes[1:], codes[0]], strict=True)]


WRONG: dict[str, tuple[Callable[[list[dict[str, Any]]], list[dict[str, Any]]], list[str]]] = {
    "a word that is no answer": (_change(1, answer="maybe"), ["back.csv, row 3, column 'Your answer': not one of"]),
    "a blank answer": (_change(1, answer=" "), ["back.csv, row 3, column 'Your answer': no answer"]),
    "a changed code": (
        _change(1, code="BBBB-BBBB-BBBB"),
        ["back.csv, row 3, column 'Pair code': no pair of this export", "reader ann: 1 of 5 rows gone"],
    ),
    "a code gone": (
        _change(1, code=""),
        ["back.csv, row 3, column 'Pair code': no pair of this export", "reader ann: 1 of 5 rows gone"],
    ),
    "rows removed": (lambda rows: rows[2:], ["reader ann: 2 of 5 rows gone"]),
    "one pair answered twice, differently": (
        lambda rows: [*rows, {**rows[0], ANSWER: UNSURE}],
        ["back.csv, row 7, column 'Your answer': another answer than in back.csv, row 2"],
    ),
    "one column sorted without the others": (
        _sorted_alone,
        [f"back.csv, row {n}: the names are not those" for n in (2, 3, 4, 5, 6)],
    ),
    "the names removed": (
        lambda rows: [{title: cell for title, cell in row.items() if title != "Client: family name"} for row in rows],
        ["back.csv: the column 'Client: family name' is gone"],
    ),
    "two problems at once": (
        lambda rows: _change(0, answer="yes")(_change(3, answer="no")(rows)),
        ["back.csv, row 2, column 'Your answer'", "back.csv, row 5, column 'Your answer'"],
    ),
}


@pytest.mark.parametrize(("change", "says"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_by_file_row_and_column_and_nothing_is_kept(
    desk: MakeDesk, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], says: list[str]
) -> None:
    made = desk("ann")
    rows = filled(made, {("c2", "r3"): SAME})
    with pytest.raises(InputError) as failure:
        take(made, made.save(change(rows), "back.csv"))
    told = str(failure.value)
    assert told.startswith("nothing was imported")
    assert all(words in told for words in says), told
    assert ("rows gone" in told) is any("rows gone" in words for words in says), told
    assert not made.decisions.exists()
    for person in (*CLIENTS, *REGISTER):
        assert person["family_name"] not in told
        assert person["record_id"] not in told


def test_two_people_cannot_both_be_the_client(desk: MakeDesk) -> None:
    made = desk("ann")
    with pytest.raises(InputError, match="one person of the register at most"):
        take(made, made.answer("ann", {("c1", "r1"): SAME, ("c1", "r2"): SAME}))


def test_partial_takes_what_is_answered_and_the_rest_may_follow(desk: MakeDesk) -> None:
    made = desk("ann", "bob")
    bob = made.answer("bob", ANN)
    rows = [{**row, ANSWER: SAME if made.client_of(row[CODE]) == ("c1", "r1") else ""} for row in made.sheet("ann")]
    done = take(made, made.save(rows[::-1], "half.csv"), bob, partial=True)
    assert (done.answered, done.left, stands(made)) == (1, 4, {"c1 r1": "same"})
    done = take(made, made.answer("ann", ANN), bob)
    assert (done.answered, len(done.ids), stands(made)) == (5, 4, EXPECTED)
    assert not take(made, made.answer("ann", ANN), bob).ids  # the same again writes nothing


def test_both_readers_are_needed_and_files_of_another_export_are_refused(desk: MakeDesk) -> None:
    made, other = desk("ann", "bob"), desk("ann", "bob", name="other", wanted=Wanted(limit=2))
    with pytest.raises(InputError, match="no file of reader bob"):
        take(made, made.answer("ann", {}), partial=True)
    with pytest.raises(InputError, match="none of its pairs belongs to export"):
        take(made, made.answer("ann", {}), other.answer("bob", {}))


def test_another_runs_pairs_are_refused(make_run: MakeRun, desk: MakeDesk) -> None:
    """The same people, so that only the codes tell the runs apart."""
    made, other = desk("ann", run=make_run("one"), name="a"), desk("ann", run=make_run("two"), name="b")
    with pytest.raises(InputError, match="none of its pairs belongs to export"):
        take(made, other.answer("ann", {}))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no columns"),
        (b"Pair code,Your answer\r\n", "holds no pair"),
        (b"name,answer\r\nx,y\r\n", "holds no columns 'Your answer' and 'Pair code'"),
        (b"Your answer,Pair code,Your answer\r\nx,y,z\r\n", "stands twice"),
        (b"PK\x03\x04 not a workbook", "cannot be read"),
        (b"\xd0\xcf\x11\xe0 not a workbook", "cannot be read"),
    ],
)
def test_files_that_are_no_sheet_of_ours_are_told_so(desk: MakeDesk, content: bytes, says: str) -> None:
    made = desk("ann")
    path = made.folder.parent / "back.xlsx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        take(made, path)


def test_an_archive_that_unpacks_without_end_is_refused(desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = desk("ann")
    monkeypatch.setattr(returned, "MOST_BYTES", 100_000)
    path = made.folder.parent / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sheet", bytes(100_001))
    assert path.stat().st_size < 1000
    with pytest.raises(InputError, match="unpacks to far more"):
        take(made, path)


def test_readers_who_differ_are_asked_about_by_a_third(desk: MakeDesk) -> None:
    made = desk("ann", "bob")
    done = take(
        made, made.answer("ann", ANN), made.answer("bob", {**ANN, ("c2", "r3"): UNSURE, ("c1", "r1"): DIFFERENT})
    )
    assert done.agreement.agreed.part == 3
    assert done.verdicts == {"different": 2, "disagreed": 2, "cannot tell": 1}
    assert {row["verdict"] for row in verdicts(made.decisions).table.to_pylist()} == {"different"}

    with pytest.raises(SettingsError, match="another reader"):
        desk("Ann", name="third", wanted=Wanted(third_look=True))
    third = desk("carol", name="third", wanted=Wanted(third_look=True))
    assert {third.client_of(row[CODE]) for row in third.sheet("carol")} == {("c1", "r1"), ("c2", "r3")}
    take(third, third.answer("carol", {("c2", "r3"): SAME}))
    assert stands(made) == {**EXPECTED, "c1 r1": "different"}
    assert len(ledger.read(made.decisions).decisions) == 7

    with pytest.raises(InputError, match="decided again since"):
        take(made, made.answer("ann", {}), made.answer("bob", {}))


def test_a_senior_readers_answer_wins(desk: MakeDesk) -> None:
    made = desk("ann", "bob")
    files = made.answer("ann", ANN), made.answer("bob", {**ANN, ("c2", "r3"): UNSURE})
    with pytest.raises(SettingsError, match="ann, bob"):
        take(made, *files, senior="carol")
    take(made, *files, senior="ann")
    assert stands(made) == EXPECTED
    settled = next(each.made for each in ledger.read(made.decisions).decisions if len(each.made.by) == 1)
    assert (settled.by, dict(settled.answers)) == (("ann",), {"ann": "same", "bob": "cannot tell"})


def test_a_corrected_file_counts_instead(desk: MakeDesk) -> None:
    made = desk("ann")
    take(made, made.answer("ann", {("c1", "r1"): SAME}))
    done = take(made, made.answer("ann", {("c1", "r2"): SAME}))
    assert len(done.ids) == 2
    assert {pair for pair, verdict in stands(made).items() if verdict == "same"} == {"c1 r2"}


def test_a_client_is_not_two_people_over_two_imports(desk: MakeDesk) -> None:
    made = desk("ann")
    take(made, made.answer("ann", {("c1", "r1"): SAME}))
    again = desk("bob", name="again", wanted=Wanted(again=True))
    rows = [{**row, ANSWER: SAME if again.client_of(row[CODE]) == ("c1", "r2") else ""} for row in again.sheet("bob")]
    path = again.save(rows, "bob.csv")
    with pytest.raises(InputError, match=r"D[1-5] says that a client of this import is another person"):
        take(again, path, partial=True)
    mistaken = next(each.id for each in ledger.read(made.decisions).decisions if each.made.verdict == "same")
    withdraw(made.decisions, [mistaken], client=None, by="mia", now=NOW)
    take(again, path, partial=True)
    assert {pair for pair, verdict in stands(made).items() if verdict == "same"} == {"c1 r2"}


def test_a_withdrawn_answer_may_be_imported_again(desk: MakeDesk) -> None:
    made = desk("ann")
    take(made, made.answer("ann", ANN))
    withdraw(made.decisions, ["D1"], client=None, by="mia", now=NOW)
    assert len(stands(made)) == 4
    assert take(made, made.answer("ann", ANN)).ids == ("D7",)
    assert stands(made) == EXPECTED


def test_a_linkage_is_told_what_stands(desk: MakeDesk) -> None:
    made = desk("ann")
    assert verdicts(made.decisions) is None
    take(made, made.answer("ann", ANN))
    found = verdicts(made.decisions)
    VERDICT.check(found.table)
    rows = {(row["record_id"], row["register_record_id"]): row for row in found.table.to_pylist()}
    assert {key: row["verdict"] for key, row in rows.items()} == {
        ("c1", "r1"): "same",
        ("c1", "r2"): "different",
        ("c2", "r3"): "same",
        ("c3", "r4"): "different",
    }
    assert rows["c1", "r1"]["nhs_number"] == "9990000018"
    assert rows["c3", "r4"]["nhs_number"] is None
    assert rows["c1", "r1"]["decided_at"] == NOW.replace(tzinfo=None)
    assert {name: found.facts[name] for name in ("file", "same", "different")} == {
        "file": "decisions.jsonl",
        "same": 2,
        "different": 2,
    }
    withdraw(made.decisions, ["D1"], client=None, by="mia", now=NOW)
    assert verdicts(made.decisions).sha256 != found.sha256


def test_an_evaluation_is_told_what_a_sample_said(desk: MakeDesk) -> None:
    made = desk("ann", wanted=Wanted(sample=100))
    take(made, made.answer("ann", {("c5", "r6"): SAME, ("c6", "r7"): UNSURE}))
    found = {row["record_id"]: row for row in sampled(made.decisions, run_id="id of run").to_pylist()}
    assert found["c5"]["verdict"] == "same"
    assert found["c6"]["verdict"] == "cannot tell"
    assert {name: found["c5"][name] for name in ("decision", "stratum", "size", "drawn", "rank", "blind")} == {
        **{"decision": "link", "stratum": "link, 0.9999 to 1", "size": 1, "drawn": 1, "rank": 1},
        "blind": True,
    }
    assert sampled(made.decisions, run_id="another").num_rows == 0


def test_a_third_look_at_a_sample_stays_in_the_sample(desk: MakeDesk) -> None:
    made = desk("ann", "bob", wanted=Wanted(sample=100))
    take(made, made.answer("ann", {("c5", "r6"): SAME}), made.answer("bob", {}))
    rows = {row["record_id"]: row["verdict"] for row in sampled(made.decisions, run_id="id of run").to_pylist()}
    assert rows["c5"] == "disagreed"
    third = desk("carol", name="third", wanted=Wanted(third_look=True))
    take(third, third.answer("carol", {("c5", "r6"): SAME}))
    rows = {row["record_id"]: row["verdict"] for row in sampled(made.decisions, run_id="id of run").to_pylist()}
    assert rows["c5"] == "same"
