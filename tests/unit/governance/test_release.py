"""What leaves in a release, and what never does."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from governance import audit, example
from governance.audit import register
from governance.deidentify import pseudonym
from schemas.errors import Refused
from schemas.nhs_number import fault
from tests.unit.governance.releasing import PSEUDONYM, entries, full, nothing_left

if TYPE_CHECKING:
    from conftest import Kit


def test_what_leaves(kit: Kit) -> None:
    desk = full(kit)
    made = desk.make()
    person = pq.read_table(kit.opened(made.folder) / "person.parquet").to_pylist()
    service = pq.read_table(kit.opened(made.folder) / "service.parquet").to_pylist()
    assert len(person) == 12
    assert len(service) == 24
    assert {row["pseudonym"] for row in person} == {row["pseudonym"] for row in service}
    for row in person:
        assert PSEUDONYM.fullmatch(row["pseudonym"])
        assert {name: row[name] for name in row if name != "pseudonym"} == {
            "birth_date": "75-79",
            "gender": "2",
            "postcode": "ZE1",
        }
    assert {row["start_date"] for row in service} == {"2026-03"}
    assert len({row["event_id"] for row in service}) == 24
    assert all(PSEUDONYM.fullmatch(row["event_id"]) for row in service)


def test_no_identifier_is_in_any_byte_that_leaves_or_is_logged(kit: Kit) -> None:
    desk = full(kit)
    made = desk.make()
    run = desk.run / "linked"
    secret: set[str] = set()
    for table, columns in {
        "person": ["nhs_number", "record_id", "family_name", "given_name", "address_line_1", "phone", "email"],
        "person_key": ["person_key"],
        "service": ["event_id"],
    }.items():
        read = pq.read_table(run / f"{table}.parquet")
        secret |= {value for column in columns for value in read[column].to_pylist() if value}
    assert len(secret) > 100
    written = [path for path in [*made.folder.iterdir(), *desk.audit.iterdir()] if path.is_file()]
    # Parquet is compressed, so its values are compared as read; every other file as its bytes.
    texts = [path.read_bytes().decode("utf-8", "replace") for path in written if path.suffix != ".parquet"]
    texts += [str(pq.read_table(path).to_pylist()) for path in written if path.suffix == ".parquet"]
    assert not [value for value in secret for text in texts if value in text]
    assert not [
        n for text in texts for n in re.findall(r"(?<![0-9a-zA-Z])[0-9]{10}(?![0-9a-zA-Z])", text) if not fault(n)
    ]


def test_the_same_person_has_one_pseudonym_in_a_domain_and_unrelated_ones_for_two_recipients(kit: Kit) -> None:
    desk = kit.desk()

    def people(to: str) -> set[str]:
        return set(pq.read_table(kit.opened(desk.make(to=to).folder) / "person.parquet")["pseudonym"].to_pylist())

    first, again = people("a"), people("b")
    desk.edit(("X0X02", "X0X03"), ('version = "1.0"', 'version = "1.1"'))
    other = people("c")
    assert first == again
    assert len(first) == len(other) == 12
    assert not first & other


@pytest.mark.skipif(sys.platform == "win32", reason="files have no modes there")
def test_only_the_owner_reads_a_release(kit: Kit) -> None:
    folder = full(kit).make().folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_nobody_who_opted_out_is_in_any_table(kit: Kit) -> None:
    people = kit.crowd(20)
    allowed, opted_out = people[::2], people[1::2]
    desk = kit.desk(people, allowed=[who.number for who in allowed], service=[kit.service(who) for who in people])
    made = desk.make()
    domain: dict[str, Any] = {"agreement_id": "DSA-EXAMPLE-01", "recipient": "X0X02", "epoch": "1", "key_version": 1}
    key = pseudonym.derive(desk.keys.root, **domain)
    expected = set(pseudonym.pseudonyms(key, pseudonym.PERSON, [who.key for who in allowed]).to_pylist())
    forbidden = set(pseudonym.pseudonyms(key, pseudonym.PERSON, [who.key for who in opted_out]).to_pylist())
    for table in ("person", "service"):
        assert set(pq.read_table(kit.opened(made.folder) / f"{table}.parquet")["pseudonym"].to_pylist()) == expected
        assert not [
            one for one in forbidden if one in (kit.opened(made.folder) / f"{table}.csv").read_text("utf-8-sig")
        ]


def test_few_people_left_out_are_hidden_from_the_recipient(kit: Kit) -> None:
    people = kit.crowd()
    desk = kit.desk(people, allowed=[who.number for who in people[1:]])
    made = desk.make()
    assert "  1: national data opt-out" in desk.plan().to_text()
    plan = json.loads((made.folder / "manifest.json").read_text("utf-8"))["plan"]
    assert [row["people"] for row in plan["left_out"]] == ["fewer than 5"]
    assert "fewer than 5: national data opt-out" in (made.folder / "plan.txt").read_text("utf-8")
    for name in ("released.json", "intent.json"):
        assert "left_out" not in (made.folder / name).read_text("utf-8")
    [row] = register.rows(audit.verify(desk.audit).entries)
    assert row["left_out"] == "R20 1"


def test_formulas_are_neutralised_in_csv_and_nowhere_else(kit: Kit) -> None:
    people = kit.crowd()
    desk = kit.desk(people, service=[kit.service(who, service_type='=HYPERLINK("x")') for who in people])
    made = desk.make()
    data = (kit.opened(made.folder) / "service.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == 13
    rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines()))
    assert {row["service_type"] for row in rows} == {'\'=HYPERLINK("x")'}
    read = pq.read_table(kit.opened(made.folder) / "service.parquet")["service_type"].to_pylist()
    assert set(read) == {'=HYPERLINK("x")'}


def test_the_same_plan_gives_the_same_data_bytes(kit: Kit) -> None:
    desk = full(kit)
    first, second = desk.make(to="a"), desk.make(to="b")
    one, two = (kit.opened(made.folder) for made in (first, second))
    assert {path.name: path.read_bytes() for path in one.iterdir()} == {
        path.name: path.read_bytes() for path in two.iterdir()
    }
    # Encrypted, the same data is never the same bytes, and nothing tells from outside that it is the same.
    listed = [json.loads((made.folder / "manifest.json").read_text("utf-8"))["data"] for made in (first, second)]
    assert {tuple(facts) for data in listed for facts in data.values()} == {("sha256",)}
    assert not {facts["sha256"] for facts in listed[0].values()} & {facts["sha256"] for facts in listed[1].values()}


@pytest.mark.parametrize("name", ["manifest.json", "plan.txt"])
def test_no_guess_at_the_data_can_be_tried_against_what_travels_beside_it(kit: Kit, name: str) -> None:
    made = full(kit).make()
    beside = (made.folder / name).read_text("utf-8")
    for path in kit.opened(made.folder).iterdir():
        assert sha256(path.read_bytes()).hexdigest() not in beside


def test_one_row_a_person_the_clients_own_before_the_registers(kit: Kit) -> None:
    people = kit.crowd()
    for who in people:
        who.register = {"gender": "1"}
    made = kit.desk(people).make()
    assert set(pq.read_table(kit.opened(made.folder) / "person.parquet")["gender"].to_pylist()) == {"2"}


@pytest.mark.parametrize(("below", "share", "people", "against"), [
    ("refuse", 0.05, 15, "smallest group of look-alikes has 3 people, k = 5"),
    ("withhold", 0.5, 12, None),
    ("withhold", 0.05, 12, "20.0% of people would be withheld"),
])  # fmt: skip
def test_groups_that_are_too_small(kit: Kit, below: str, share: float, people: int, against: str | None) -> None:
    few = [kit.someone(n, person={"gender": "1"}) for n in (30, 31, 32)]
    desk = kit.desk([*kit.crowd(), *few])
    desk.edit(
        ('below_k = "withhold"', f'below_k = "{below}"'), ("max_withheld_share = 0.10", f"max_withheld_share = {share}")
    )
    planned = desk.plan()
    assert planned.people == people
    assert planned.allowed is (against is None)
    assert against is None or against in " ".join(planned.reasons)
    if planned.allowed:
        released = desk.make(planned)
        assert set(pq.read_table(kit.opened(released.folder) / "person.parquet")["gender"].to_pylist()) == {"2"}


HIDDEN: list[tuple[str, Callable[[Any, int], str], str]] = [
    (
        "NHS numbers of people",
        lambda who, n: f"care for {who.number}" if n == 7 else "care",
        "NHS numbers of people in",
    ),
    ("NHS numbers", lambda who, n: "9434765919", "looks like NHS numbers in 100%"),
    ("postcodes", lambda who, n: "SW1A 1AA", "looks like postcodes"),
    ("e-mails", lambda who, n: "somebody@example.net", "looks like e-mail addresses"),
    ("phones", lambda who, n: "+44 1632 960999", "looks like phone numbers"),
    ("dates", lambda who, n: "15/06/1950", "looks like full dates"),
    ("names", lambda who, n: f"Surname{who.key[-6:]}", "stand in the input's identifying columns"),
]


@pytest.mark.parametrize(("what", "value", "words"), HIDDEN, ids=[row[0] for row in HIDDEN])
def test_a_column_that_holds_something_else_than_its_name_says(
    kit: Kit, what: str, value: Callable[[Any, int], str], words: str
) -> None:
    people = kit.crowd()
    desk = kit.desk(people, service=[kit.service(who, service_type=value(who, n)) for n, who in enumerate(people)])
    planned = desk.plan()
    assert [r for r in planned.reasons if r.startswith("R19a") and words in r and "service.service_type" in r]
    with pytest.raises(Refused, match="R19a"):
        desk.make(planned)
    assert nothing_left(desk)


def test_a_direct_identifier_agreed_by_mistake_is_dropped(kit: Kit) -> None:
    desk = full(kit)
    desk.edit(('{ name = "gender", transform = "keep"', '{ name = "family_name", transform = "keep"'))
    planned = desk.plan()
    assert [field.name for field in planned.fields if not field.leaves] == ["family_name"]
    assert "family_name" not in pq.read_table(kit.opened(desk.make(planned).folder) / "person.parquet").schema.names


def test_identifiable_data_for_direct_care(kit: Kit) -> None:
    desk = full(kit)
    desk.edit(
        ('code = "commissioning"', 'code = "direct care"\nlegitimate_relationship = "caseload of the team"'),
        ('form = "pseudonymised_limited"', 'form = "identifiable"'),
        ('{ name = "gender", transform = "keep"', '{ name = "person_nhs_number", transform = "keep"'),
        ('transform = "five_year_band"', 'transform = "keep"'),
        ('national_data_opt_out = "applied"', 'national_data_opt_out = "exempt"'),
        ('common_law = "section 251"', 'common_law = "direct care"'),
    )
    with pytest.raises(Refused, match="Caldicott Guardian"):
        desk.make()
    made = desk.make(approved_by="Example Guardian of the Council", to="two")
    rows = pq.read_table(kit.opened(made.folder) / "person.parquet").to_pylist()
    assert {row["person_nhs_number"] for row in rows} == {kit.nhs_number(n) for n in range(1, 13)}
    assert {row["birth_date"] for row in rows} == {date(1950, 6, 15)}


def test_the_register_reads_like_the_hdr_one(kit: Kit) -> None:
    desk = full(kit)
    desk.make()
    [row] = register.rows(audit.verify(desk.audit).entries)
    assert tuple(row) == register.COLUMNS
    assert row["organisation"] == "Exampleshire Integrated Care Board"
    assert row["national_data_opt_out_applied"] == "yes"
    assert (row["people"], row["rows"]) == (12, "person 12, service 24")
    assert (row["made_by"], row["approved_by"]) == ("maker", example.APPROVER)


def test_the_folder_can_be_anywhere(kit: Kit, tmp_path: Path) -> None:
    desk = full(kit)
    made = desk.make(to=str(tmp_path / "elsewhere"))
    assert made.folder == tmp_path / "elsewhere"
    assert entries(desk)[-1] == "RELEASED"
