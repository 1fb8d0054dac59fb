"""Person keys: who is one person, and which key goes on when that changes."""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import date
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretrace.linked import make_person_keys
from caretrace.warehouse.keys import GONE, JOINED, MERGED, PARTED
from schemas.sql import install_macros

MORE = 25 if "CARETRACE_PROVE" in os.environ else 1
"""How much longer the property is looked at by `make prove`."""

A, B, C = "9990000018", "9990000026", "9990000034"


def linked(record: str, number: str | None, row: str | None = None) -> dict[str, Any]:
    """A client's decision: linked to a number, to a register row without one, or to nobody."""
    if number is None and row is None:
        return {"record_id": record, "decision": "none"}
    to_row = {"register_source": "s", "register_source_org": "o", "register_record_id": row} if row else {}
    return {"record_id": record, "decision": "link", "nhs_number": number, "candidate_nhs_number": number, **to_row}


class People:
    """Nights told by who is in the register with which number, and which client is linked to what."""

    def __init__(self, warehouse: Any) -> None:
        self.warehouse = warehouse

    def night(self, register: dict[str, str | None], clients: dict[str, Any]) -> dict[str, str]:
        rows = [{"record_id": record, "nhs_number": number} for record, number in register.items()]
        self.warehouse.night().deliver("register", "r", whole=True, person=rows)
        self.warehouse.deliver("clients", "c", whole=True, person=[{"record_id": record} for record in clients])
        self.warehouse.decide(
            *(linked(record, *to) if isinstance(to, tuple) else linked(record, to) for record, to in clients.items())
        )
        self.changes = self.warehouse.key()
        return self.warehouse.keys()

    def reasons(self) -> list[tuple[str, str]]:
        run = self.warehouse.state.run
        return self.warehouse.ask(
            f"SELECT record_id, reason FROM state.person_key_past p JOIN state.record USING (id) WHERE p.to_run = {run}"
            " ORDER BY 1"
        )


@pytest.fixture
def people(warehouse: Any) -> People:
    return People(warehouse)


def test_rows_of_one_number_and_the_clients_linked_to_it_are_one_person(people: People) -> None:
    keys = people.night({"r1": A, "r2": A, "r3": None, "r4": None}, {"c1": A, "c2": (None, "r3"), "c3": None})
    assert keys["r1"] == keys["r2"] == keys["c1"]
    assert keys["r3"] == keys["c2"]
    assert len(set(keys.values())) == 4


def test_keys_are_the_bytes_given_and_nothing_else(people: People) -> None:
    people.night({"r1": A}, {"c1": A, "c2": None})
    drawn = Random(1).randbytes(32)  # noqa: S311
    assert set(people.warehouse.keys().values()) == {drawn[:16].hex(), drawn[16:].hex()}


def test_nothing_changed_nothing_drawn(people: People) -> None:
    before = people.night({"r1": A, "r2": B}, {"c1": A})
    assert people.night({"r1": A, "r2": B}, {"c1": A}) == before
    assert set(people.changes.to_json().values()) == {0}


def test_a_superseded_number_keeps_the_person(people: People) -> None:
    before = people.night({"r1": A}, {"c1": A})
    assert people.night({"r1": B}, {"c1": B}) == before
    assert people.reasons() == []


def test_merged_persons_keep_the_key_known_for_longer(people: People) -> None:
    before = people.night({"r1": A}, {})
    people.night({"r1": A, "r2": B}, {})
    after = people.night({"r1": A, "r2": A}, {})
    assert after["r1"] == after["r2"] == before["r1"]
    assert people.reasons() == [("r2", MERGED)]
    ended = people.warehouse.ask("SELECT to_run, merged_into FROM state.person WHERE to_run IS NOT NULL")
    assert ended == [(3, before["r1"])]


def test_of_parted_persons_the_one_in_the_register_keeps_the_key(people: People) -> None:
    before = people.night({"r1": A}, {"c1": A})
    after = people.night({"r1": A}, {"c1": None})
    assert after["r1"] == before["r1"]
    assert after["c1"] not in before.values()
    assert people.reasons() == [("c1", PARTED)]


def test_of_parted_register_rows_the_one_known_for_longer_keeps_the_key(people: People) -> None:
    people.night({"r1": A}, {})
    before = people.night({"r1": A, "r2": A}, {})
    after = people.night({"r1": B, "r2": A}, {})
    assert after["r1"] == before["r1"] != after["r2"]


def test_a_client_linked_anew_takes_the_key_of_the_other_person(people: People) -> None:
    before = people.night({"r1": A, "r2": B}, {"c1": A})
    after = people.night({"r1": A, "r2": B}, {"c1": B})
    assert (after["r1"], after["r2"]) == (before["r1"], before["r2"])
    assert after["c1"] == before["r2"]
    assert people.reasons() == [("c1", JOINED)]


def test_a_record_gone_and_back_has_its_key(people: People) -> None:
    before = people.night({"r1": A, "r2": B}, {})
    gone = people.night({"r2": B}, {})
    assert set(gone) == {"r2"}
    assert people.reasons() == [("r1", GONE)]
    assert people.night({"r1": A, "r2": B}, {}) == before
    assert people.changes.back == 1
    assert people.warehouse.ask("SELECT count(*) FROM state.person WHERE to_run IS NOT NULL") == [(0,)]


def test_a_person_of_whom_one_record_stays_goes_on(people: People) -> None:
    before = people.night({"r1": A}, {"c1": A})
    after = people.night({}, {"c1": None})
    assert after["c1"] == before["c1"]
    # The register row that comes back is somebody else until it is linked again.
    back = people.night({"r1": A}, {"c1": None})
    assert back["c1"] == before["c1"] != back["r1"]
    assert set(people.night({"r1": A}, {"c1": A}).values()) == {before["c1"]}


def test_a_key_that_went_into_another_never_comes_back(people: People) -> None:
    people.night({"r1": A}, {})
    two = people.night({"r1": A, "r2": B}, {})
    people.night({"r1": A, "r2": A}, {})
    people.night({"r1": A}, {})
    back = people.night({"r1": A, "r2": B}, {})
    assert back["r1"] == two["r1"]
    assert back["r2"] not in two.values()


_NUMBER = st.sampled_from([A, B, C, None])
_NIGHT = st.tuples(
    st.dictionaries(st.sampled_from(["r1", "r2", "r3", "r4"]), _NUMBER, max_size=4),
    st.dictionaries(st.sampled_from(["c1", "c2", "c3"]), _NUMBER, max_size=3),
)


class Oracle:
    """The rules once more, over everybody every night."""

    def __init__(self) -> None:
        self.held: dict[str, Any] = {}
        self.last: dict[str, Any] = {}
        self.known: dict[Any, int] = {}
        self.merged: set[Any] = set()

    def night(self, run: int, person_of: dict[str, Any], order: dict[str, int]) -> dict[str, Any]:
        groups = defaultdict(list)
        for record, person in person_of.items():
            groups[person].append(record)
        claims: dict[Any, dict[Any, list[tuple[bool, bool, int]]]] = defaultdict(lambda: defaultdict(list))
        for record, person in person_of.items():
            living = record in self.held
            key = self.held.get(record) if living else self.last.get(record)
            if key is None or (not living and (key in self.merged or key in self.held.values())):
                continue
            claims[key][person].append((not living, record[0] != "r", order[record]))
        won: dict[Any, list[tuple[bool, int, int, Any]]] = defaultdict(list)
        for key, by_person in claims.items():
            best = {
                person: (min(c[0] for c in of), min(c[1] for c in of), min(c[2] for c in of))
                for person, of in by_person.items()
            }
            person = min(best, key=lambda one: best[one])
            won[person].append((best[person][0], self.known[key], best[person][2], key))
        now: dict[str, Any] = {}
        for person, members in groups.items():
            key = min(won[person])[3] if won[person] else (run, min(order[record] for record in members))
            self.known.setdefault(key, run)
            now |= dict.fromkeys(members, key)
            self.merged |= {lost for *_, lost in won[person] if lost != key}
        self.last |= self.held | now
        self.held = now
        return now


@pytest.mark.prove
@given(nights=st.lists(_NIGHT, min_size=2, max_size=5))
@settings(max_examples=4 * MORE, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_keys_follow_the_rules_whatever_happens(make_warehouse: Any, nights: list[Any]) -> None:
    oracle = Oracle()
    pairs: dict[str, Any] = {}
    with make_warehouse() as warehouse:
        people = People(warehouse)
        for run, (register, clients) in enumerate(nights, start=1):
            keys = people.night(register, clients)
            order = dict(warehouse.ask("SELECT record_id, id FROM state.record"))
            assert _partition(keys) == _partition(_of_one_run(warehouse))
            person_of = {record: number or record for record, number in (register | clients).items()}
            expected = oracle.night(run, person_of, order)
            assert set(keys) == set(expected)
            for record, key in keys.items():
                assert pairs.setdefault(key, expected[record]) == expected[record]
            assert len(set(pairs.values())) == len(pairs)
            living = {key for (key,) in warehouse.ask("SELECT person_key FROM state.person WHERE to_run IS NULL")}
            assert living == set(keys.values())


def _partition(keys: dict[str, str]) -> set[frozenset[str]]:
    groups: dict[str, set[str]] = defaultdict(set)
    for record, key in keys.items():
        groups[key].add(record)
    return {frozenset(group) for group in groups.values()}


def _of_one_run(warehouse: Any) -> dict[str, str]:
    """How `caretrace link` groups the same records."""
    with duckdb.connect() as connection:
        install_macros(connection, as_at=date(2026, 11, 22))
        connection.execute("CREATE SCHEMA clients; CREATE SCHEMA register")
        for name in ("clients.person", "register.person", "link"):
            rows = warehouse.connection.sql(f"SELECT * FROM state.{name}").to_arrow_table()
            connection.register("rows", rows)
            connection.execute(f"CREATE TABLE {name} AS FROM rows")
        make_person_keys(connection, run_id="x")
        return dict(connection.execute("SELECT record_id, person_key FROM person_key").fetchall())
