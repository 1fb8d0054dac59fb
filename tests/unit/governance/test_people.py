"""Who is left out: opt-outs, objections and doubts, applied to the whole linked person."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from governance import agreement, example, optout
from governance.prepare import Keyed, prepare
from governance.request import History
from schemas.sql import install_macros

if TYPE_CHECKING:
    from conftest import Kit

TODAY = date(2026, 11, 22)


def choice(who: Any, **about: Any) -> dict[str, Any]:
    """A row of OPT_OUT that hangs on a person's client record."""
    return {"person_key": who.key, "source": "carefirst", "opted_out": True} | about


def objection(who: Any, **about: Any) -> dict[str, Any]:
    return {"person_key": who.key, "source": "carefirst", "upheld": True} | about


NDOO, TYPE_1, LOCAL = "national data opt-out", "type 1", "local"
WITHDRAWN = [{"from_date": date(2025, 1, 1)}, {"from_date": date(2026, 1, 1), "opted_out": False}]

# what, rows of OPT_OUT, rows of OBJECTION (values beside those that hang them on the person), rule that leaves them out
CHOICES: list[tuple[str, list[dict[str, Any]], list[dict[str, Any]], str | None]] = [
    ("nothing", [], [], None),
    ("opted out nationally", [{"scheme": NDOO}], [], "R20"),
    ("opted out, kept by number", [{"scheme": NDOO, "person_key": None, "nhs_number": "theirs"}], [], "R20"),
    ("somebody else's number", [{"scheme": NDOO, "person_key": None, "nhs_number": "another"}], [], None),
    ("opted out, whether still not said", [{"scheme": NDOO, "opted_out": None}], [], "R20"),
    ("withdrawn later", [{"scheme": TYPE_1} | row for row in WITHDRAWN], [], None),
    (
        "withdrawn before",
        [{"scheme": TYPE_1, "from_date": date(2026, 2, 1)}, {"scheme": TYPE_1} | WITHDRAWN[1]],
        [],
        "R23",
    ),
    ("withdrawn, but when chosen not known", [{"scheme": TYPE_1}, {"scheme": TYPE_1} | WITHDRAWN[1]], [], "R23"),
    ("only a withdrawal", [{"scheme": TYPE_1} | WITHDRAWN[1]], [], None),
    (
        "will withdraw tomorrow",
        [{"scheme": TYPE_1} | WITHDRAWN[0], {"scheme": TYPE_1, "opted_out": False, "from_date": TODAY + timedelta(1)}],
        [],
        "R23",
    ),
    (
        "withdrew today",
        [{"scheme": TYPE_1} | WITHDRAWN[0], {"scheme": TYPE_1, "opted_out": False, "from_date": TODAY}],
        [],
        None,
    ),
    ("type 1", [{"scheme": TYPE_1}], [], "R23"),
    ("a local flag", [{"scheme": LOCAL}], [], "R24"),
    ("a scheme not known", [{"scheme": None}], [], "R24"),
    ("objects to everything", [], [{}], "R24"),
    ("objects to this", [], [{"purpose": " Commissioning"}], "R24"),
    ("objects to something else", [], [{"purpose": "research"}], None),
    ("objects to care alone", [], [{"purpose": "Direct care"}], None),
    ("objects to all", [], [{"purpose": "all"}], "R24"),
    ("objects to what may be this", [], [{"purpose": "research and planning"}], "R24"),
    ("not upheld", [], [{"upheld": False}], None),
    ("whether upheld not said", [], [{"upheld": None}], "R24"),
    ("taken back", [], [{"to_date": TODAY}], None),
    ("taken back tomorrow", [], [{"to_date": TODAY + timedelta(days=1)}], "R24"),
]


@pytest.fixture(scope="module")
def decided(kit_in: type[Kit], tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bool], dict[str, int]]:
    """One run in which each person made one of the choices above: who leaves, and the counts by rule."""
    kit = kit_in(tmp_path_factory.mktemp("choices"))
    people = kit.crowd(len(CHOICES))
    opt_outs, objections = [], []
    for who, (_, chosen, objected, _) in zip(people, CHOICES, strict=True):
        numbers = {"theirs": who.number, "another": kit.nhs_number(999), None: None}
        opt_outs += [choice(who, **row | {"nhs_number": numbers[row.get("nhs_number")]}) for row in chosen]
        objections += [objection(who, **row) for row in objected]
    desk = kit.desk(people, opt_out=opt_outs, objection=objections)
    with duckdb.connect() as connection:
        planned = prepare(
            connection,
            desk.run,
            agreement.load(desk.agreement),
            recipient=None,
            today=TODAY,
            project=desk.project,
            keys_dir=desk.keys.folder,
            key=Keyed(version=1),
            history=History(),
        )
        leaving = {key for (key,) in connection.execute("SELECT person_key FROM chosen").fetchall()}
    return [who.key in leaving for who in people], {e.rule: e.people for e in planned.exclusions}


@pytest.mark.parametrize(("at", "rule"), list(enumerate(row[3] for row in CHOICES)), ids=[row[0] for row in CHOICES])
def test_what_a_person_chose(decided: tuple[list[bool], dict[str, int]], at: int, rule: str | None) -> None:
    assert decided[0][at] is (rule is None)


def test_every_choice_is_counted_under_its_rule(decided: tuple[list[bool], dict[str, int]]) -> None:
    assert decided[1] == Counter(row[3] for row in CHOICES if row[3])


def test_a_number_that_is_not_on_the_list_is_left_out(kit: Kit) -> None:
    people = kit.crowd()
    desk = kit.desk(people, allowed=[who.number for who in people[2:]])
    [left_out] = desk.plan().exclusions
    assert (left_out.rule, left_out.people) == ("R20", 2)


@pytest.mark.parametrize(
    ("what", "link", "rule"),
    [
        ("review, all possible numbers allowed", {"candidate_nhs_number": 1, "runner_up_nhs_number": 2}, None),
        ("review, candidate not allowed", {"candidate_nhs_number": 99, "runner_up_nhs_number": 2}, "R20"),
        ("review, runner-up not allowed", {"candidate_nhs_number": 1, "runner_up_nhs_number": 99}, "R20"),
        ("review, candidate has a Type 1", {"candidate_nhs_number": 3, "runner_up_nhs_number": 2}, "R23"),
        ("review, runner-up is sensitive", {"candidate_nhs_number": 1, "runner_up_nhs_number": 4}, "R29"),
    ],
)
def test_a_client_in_doubt_is_left_out_with_anybody_it_may_be(
    kit: Kit, what: str, link: dict[str, int], rule: str | None
) -> None:
    people = kit.crowd()
    people[3].register = {"restricted": True}
    doubtful = kit.Someone("d" * 32, None, decision="review", register=None)
    doubtful.link = {name: kit.nhs_number(n) for name, n in link.items()}
    desk = kit.desk([*people, doubtful], opt_out=[choice(people[2], scheme=TYPE_1)])
    desk.edit(
        ('people = "linked"', 'people = "clients"'),
        ('without_nhs_number = "exclude"', 'without_nhs_number = "include"\nwithout_nhs_number_reason = "counted"'),
    )
    planned = desk.plan()
    found = {e.rule: e.people for e in planned.exclusions}
    assert found == {"R23": 1, "R29": 1} | ({rule: {"R20": 1, "R23": 2, "R29": 2}[rule]} if rule else {})


@pytest.mark.parametrize(("probability", "left_out"), [(0.5, 1), (0.01, 1), (None, 1), (0.009, 0)])
def test_a_likely_runner_up_of_a_link_counts(kit: Kit, probability: float | None, left_out: int) -> None:
    people = kit.crowd()
    people[0].link = {"runner_up_nhs_number": kit.nhs_number(99), "runner_up_probability": probability}
    assert sum(e.people for e in kit.desk(people).plan().exclusions) == left_out


def test_records_with_different_numbers_are_nobodys(kit: Kit) -> None:
    people = kit.crowd()
    people[5].person = {"nhs_number": people[6].number}
    desk = kit.desk(people)
    assert {(e.rule, e.people) for e in desk.plan().exclusions} == {("R28", 1)}


def test_a_sensitive_mark_on_either_side_counts(kit: Kit) -> None:
    people = kit.crowd()
    people[0].person, people[1].register = {"restricted": True}, {"restricted": True}
    assert {(e.rule, e.people) for e in kit.desk(people).plan().exclusions} == {("R29", 2)}


@pytest.mark.parametrize(("cohort", "released"), [("linked", 12), ("clients", 14), ("all", 15)])
def test_the_cohort(kit: Kit, cohort: str, released: int) -> None:
    unlinked = [kit.someone(20, decision="none"), kit.someone(21, decision="none")]
    desk = kit.desk([*kit.crowd(), *unlinked, kit.someone(22, decision=None)])
    desk.edit(('people = "linked"', f'people = "{cohort}"'))
    planned = desk.plan()
    assert planned.people == released
    assert planned.people + sum(e.people for e in planned.exclusions) == 15


def test_without_a_number_people_are_left_out_unless_agreed(kit: Kit) -> None:
    desk = kit.desk([*kit.crowd(), kit.Someone("e" * 32, None, decision="none")])
    desk.edit(('people = "linked"', 'people = "clients"'))
    assert {(e.rule, e.people) for e in desk.plan().exclusions} == {("R25", 1)}


@pytest.fixture
def macros() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    install_macros(connection, as_at=TODAY)
    return connection


ONE, TWO = "9000000009", "9000000017"
LISTS: list[tuple[str, bytes | None, bytes | None, str | None]] = [
    ("as MESH carries it", f"{ONE},\n{TWO},\n".encode(), b"checked_on = 2026-11-20", None),
    ("as a text file", f"{ONE}\r\n{TWO}".encode(), b"checked_on = 2026-11-20", None),
    ("a number twice", f"{ONE},\n{TWO},\n{ONE},\n".encode(), b"checked_on = 2026-11-20", None),
    ("missing", None, b"checked_on = 2026-11-20", "cannot be read"),
    ("binary", b"\xff\xfe9", b"checked_on = 2026-11-20", "not plain text"),
    ("a wrong number", f"{ONE},\n9000000018,\n".encode(), b"checked_on = 2026-11-20", "line 2: not an NHS number"),
    ("a header", f"nhs_number\n{ONE}\n".encode(), b"checked_on = 2026-11-20", "line 1"),
    ("a blank line between", f"{ONE},\n\n{TWO},\n".encode(), b"checked_on = 2026-11-20", "line 2"),
    ("two columns", f"{ONE},{TWO}\n".encode(), b"checked_on = 2026-11-20", "line 1"),
    ("without receipt", f"{ONE},\n".encode(), None, "missing or cannot be read"),
    ("receipt is no TOML", f"{ONE},\n".encode(), b"checked on Friday", "missing or cannot be read"),
    ("receipt without a day", f"{ONE},\n".encode(), b"", "not a date"),
    ("receipt with a time", f"{ONE},\n".encode(), b"checked_on = 2026-11-20T10:00:00Z", "not a date"),
    ("another list's receipt", f"{ONE},\n".encode(), b'checked_on = 2026-11-20\nsha256 = "00"', "not the list"),
]


@pytest.mark.parametrize(("what", "data", "receipt", "fault"), LISTS, ids=[row[0] for row in LISTS])
def test_the_list_of_allowed_numbers(
    macros: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    what: str,
    data: bytes | None,
    receipt: bytes | None,
    fault: str | None,
) -> None:
    path = tmp_path / "allowed.dat"
    if data is not None:
        path.write_bytes(data)
    if receipt is not None:
        optout.receipt_path(path).write_bytes(receipt)
    facts = optout.load(macros, path)
    [(count,)] = macros.execute("SELECT count(*) FROM allowed").fetchall()
    if fault is None:
        assert (facts.fault, facts.numbers, count) == (None, 2, 2)
        assert facts.checked_on == date(2026, 11, 20)
    else:
        assert fault in (facts.fault or "")
        assert ONE not in (facts.fault or "")
        assert count == 0


def test_an_empty_list_allows_nobody(macros: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = example.write_allowed_list(tmp_path, [], checked_on=TODAY)
    facts = optout.load(macros, path)
    assert (facts.fault, facts.numbers) == (None, 0)
