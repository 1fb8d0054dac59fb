"""The index of people: finds every release that holds a person, tells nobody else, and forgets."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from governance import after, audit, example, release
from governance.audit.persons import FOLDER, Index, by_number, by_record, read_names
from governance.officer import about
from schemas.errors import InputError, IntegrityFailure, Refused

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Desk, Kit

Names = tuple[bytes, ...]


@pytest.fixture(scope="module")
def desk(kit_in: type[Kit], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Twelve people released twice; a thirteenth is opted out, a fourteenth is not linked. The tests share it."""
    kit = kit_in(tmp_path_factory.mktemp("desk"))
    people = [*kit.crowd(), kit.someone(13), kit.someone(14, decision="no_link")]
    desk = kit.desk(people, allowed=[who.number for who in people[:12] if who.number])
    for to in ("one", "two"):
        desk.make(to=to)
    return desk


def entries(desk: Desk) -> list[dict[str, Any]]:
    return list(audit.verify(desk.audit, keys_dir=desk.keys.folder).entries)


def at(desk: Desk) -> dict[str, Any]:
    now = datetime.fromisoformat(entries(desk)[-1]["at"]) + timedelta(seconds=1)
    return {"reference": "SAR-7", "maker": "officer", "now": now}


def shared(desk: Desk, *names: bytes) -> list[str]:
    return [row["release_id"] for row in about.shared(desk.project, desk.keys.folder, names, **at(desk))]


def ids(desk: Desk) -> list[str]:
    return [past.release_id for past in release.past(desk.project, desk.keys.folder).releases]


def number(kit: Kit, n: int) -> bytes:
    return by_number(kit.nhs_number(n))


def record(n: int) -> bytes:
    return by_record("carefirst", "X0X01", f"C-{n:032x}"[:2] + f"{n:032x}"[-6:])


def test_a_person_is_found_by_number_and_by_record(desk: Desk, kit: Kit) -> None:
    for n in (1, 12):
        assert shared(desk, number(kit, n)) == shared(desk, record(n)) == ids(desk)
    for n in (13, 14, 15):
        assert shared(desk, number(kit, n), record(n)) == []


def test_the_answer_says_what_went_to_whom(desk: Desk, kit: Kit) -> None:
    row = about.shared(desk.project, desk.keys.folder, (number(kit, 1),), **at(desk))[0]
    assert tuple(row) == about.SHARED
    assert row["organisation"] == "Exampleshire Integrated Care Board"
    assert "person.birth_date" in row["fields"]
    assert row["state"] == "released"


def test_asking_is_logged_without_the_person_and_first(desk: Desk, kit: Kit) -> None:
    before = len(entries(desk))
    shared(desk, number(kit, 1))
    shared(desk, number(kit, 15))
    said = entries(desk)[before:]
    assert [(e["type"], e["body"]) for e in said] == [
        ("SAR_QUERY", {"question": "shared", "reference": "SAR-7", "maker": "officer"})
    ] * 2
    with pytest.raises(InputError, match="a reference"):
        about.shared(desk.project, desk.keys.folder, (number(kit, 1),), **at(desk) | {"reference": " "})


def test_recall_names_the_recipients_that_still_hold_it(desk: Desk, kit: Kit) -> None:
    first, second = ids(desk)[:2]
    now = {name: value for name, value in at(desk).items() if name != "reference"}
    after.destroyed(desk.project, desk.keys.folder, first, certificate="C-1", destroyed_on=now["now"].date(), **now)
    rows = about.recall(desk.project, desk.keys.folder, (number(kit, 1),), **at(desk))
    assert [(row["release_id"], row["organisation_id"]) for row in rows][:1] == [(second, "X0X02")]
    assert first not in [row["release_id"] for row in rows]
    about.recalled(desk.project, desk.keys.folder, (second,), **at(desk))
    assert entries(desk)[-1]["body"] == {"releases": [second], "reference": "SAR-7", "maker": "officer"}
    with pytest.raises(InputError, match="no release R999999"):
        about.recalled(desk.project, desk.keys.folder, ("R999999",), **at(desk))


def test_a_forgotten_person_is_found_by_nobody_and_others_still_are(desk: Desk, kit: Kit) -> None:
    names = (number(kit, 5), record(5))
    index = Index(desk.audit, desk.keys)
    salts = index._known(names)
    assert about.forget(desk.project, desk.keys.folder, names, **at(desk)) == 2
    assert shared(desk, *names) == []
    assert shared(desk, number(kit, 2)) == ids(desk)
    assert about.forget(desk.project, desk.keys.folder, names, **at(desk)) == 0
    assert entries(desk)[-1]["type"] == "PERSON_FORGOTTEN"
    assert len(salts) == 2
    everything = b"".join(path.read_bytes() for path in (desk.audit / FOLDER).iterdir())
    assert not any(salt in everything for salt in salts)
    third = desk.make(to="three", now=at(desk)["now"])  # shared again, found again from then on
    assert shared(desk, *names) == [third.release_id]


def test_two_releases_have_no_tag_in_common_and_nobody_is_named(desk: Desk, kit: Kit) -> None:
    one, two = ((desk.audit / FOLDER / f"{name}.tags").read_bytes() for name in ids(desk)[:2])
    tags = [{each[at : at + 16] for at in range(0, len(each), 16)} for each in (one, two)]
    assert [len(each) for each in tags] == [24, 24]  # a number and a record for each of twelve people
    assert not tags[0] & tags[1]
    held = b"".join(path.read_bytes() for path in desk.audit.rglob("*") if path.is_file())
    for n in range(1, 15):
        assert kit.nhs_number(n).encode() not in held
        assert f"C-{n:06x}".encode() not in held


@pytest.mark.parametrize("change", ["altered", "cut", "removed", "salts altered", "salts cut", "salts removed"])
def test_an_index_that_was_touched_gives_no_answer(desk: Desk, kit: Kit, change: str) -> None:
    path: Path = desk.audit / FOLDER / f"{ids(desk)[0]}.tags"
    if change.startswith("salts"):
        path = path.with_name("salts.bin")
    data = path.read_bytes()
    if change.endswith("altered"):
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif change.endswith("cut"):
        path.write_bytes(data[:-32])
    else:
        path.unlink()
    with pytest.raises(IntegrityFailure, match="backup"):
        shared(desk, number(kit, 1))
    if change.startswith("salts"):  # nor are new salts made in their place, or the old tags would belong to nobody
        with pytest.raises(IntegrityFailure, match="backup"):
            desk.make(to=f"after {change}")
    path.write_bytes(data)


def test_salts_of_an_earlier_version_are_taken_over(kit: Kit) -> None:
    desk = kit.desk()
    desk.make()
    names = (number(kit, 5), record(5))
    salts = Index(desk.audit, desk.keys)._salts()
    rows = bytes(salts.read())
    pairs = [(rows[at : at + 16], rows[at + 16 : at + 32]) for at in range(0, len(rows), 32)]
    before = desk.audit / FOLDER / "salts.sqlite"
    salts.path.unlink()
    with closing(sqlite3.connect(before)) as held:
        held.execute("CREATE TABLE salt (name BLOB PRIMARY KEY, salt BLOB NOT NULL) WITHOUT ROWID")
        held.executemany("INSERT INTO salt VALUES (?, ?)", reversed(pairs))
        held.commit()
    assert shared(desk, *names) == ids(desk)
    assert not before.exists()
    assert bytes(salts.read()) == rows
    assert about.forget(desk.project, desk.keys.folder, names, **at(desk)) == 2
    assert shared(desk, *names) == []


def test_a_later_release_gives_salts_to_whoever_is_new_alone(kit: Kit) -> None:
    desk = kit.desk(kit.crowd(24), allowed=[kit.nhs_number(n) for n in range(1, 13)])
    first = desk.make().release_id
    salts = Index(desk.audit, desk.keys)._salts()
    rows = bytes(salts.read())
    numbers = [kit.nhs_number(n) for n in range(1, 25)]
    example.write_allowed_list(desk.agreement.parent, numbers, checked_on=kit.today - timedelta(days=1))
    second = desk.make(to="two").release_id
    assert len(salts.read()) == len(rows) + 2 * 12 * 32
    after_it = bytes(salts.read())
    kept = {rows[at : at + 32] for at in range(0, len(rows), 32)}
    assert kept < {after_it[at : at + 32] for at in range(0, len(after_it), 32)}
    assert shared(desk, number(kit, 1)) == [first, second]
    assert shared(desk, number(kit, 24)) == shared(desk, record(24)) == [second]


@pytest.mark.parametrize("record_id", ["Zoë Ñ", r"C-\x41", r"\\", "a\x1fb", "'", "名"])
def test_whatever_its_id_a_record_is_found(kit: Kit, record_id: str) -> None:
    who = kit.someone(1, person={"record_id": record_id})
    desk = kit.desk([who, *kit.crowd(12, start=2)])
    desk.make()
    assert shared(desk, by_record("carefirst", "X0X01", record_id)) == ids(desk)
    assert shared(desk, by_record("carefirst", "X0X01", record_id + ".")) == []


def test_without_its_index_nothing_leaves(kit: Kit) -> None:
    desk = kit.desk()
    with pytest.raises(Refused, match=r"index of people .* nothing leaves"):
        desk.audit.mkdir(parents=True)
        (desk.audit / FOLDER).write_text("in the way")
        desk.make()
    assert not (desk.project / "releases").exists() or not any((desk.project / "releases").iterdir())
    assert "RELEASE_INTENT" not in [entry["type"] for entry in entries(desk)]


def test_releases_of_before_the_index_are_named(desk: Desk) -> None:
    found = entries(desk)
    assert about.unindexed(found) == ()
    for entry in found:
        if entry["type"] == "RELEASE_INTENT":
            del entry["body"]["person_index"]
    assert about.unindexed(found) == tuple(ids(desk))


LINES: list[tuple[list[str], Names | str]] = [
    (["900 000 0009"], "names"),
    (["", "carefirst, X0X01, C-1"], (by_record("carefirst", "X0X01", "C-1"),)),
    (["9000000000"], "line 1 is neither"),
    (["carefirst,X0X01"], "line 1 is neither"),
    (["carefirst,,C-1"], "line 1 is neither"),
    ([""], "nobody is named"),
]


@pytest.mark.parametrize(("lines", "expected"), LINES)
def test_names_are_read_or_refused_without_being_repeated(kit: Kit, lines: list[str], expected: Names | str) -> None:
    if expected == "names":
        assert read_names([kit.nhs_number(3)[:3] + " " + kit.nhs_number(3)[3:]]) == (number(kit, 3),)
    elif isinstance(expected, tuple):
        assert read_names(lines) == expected
    else:
        with pytest.raises(InputError, match=expected) as raised:
            read_names(lines)
        assert not any(line and line in str(raised.value) for line in lines)
