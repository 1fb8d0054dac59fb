"""A night's links are those of linking everything, whatever came, changed or went."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from importlib import import_module
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from caretrace.synthetic import PRESETS, make, make_census
from connectors import Source, read
from linkage.batch import DuckDBEngine
from linkage.blocking import RULES, RuleFacts, make_keys
from linkage.comparison import MIDDLE
from linkage.incremental import Updated, kept, update
from schemas import LINK, SOURCE_TABLES, VERDICT
from schemas.sql import install_macros

SIDES = ("clients", "register")
READ = [table for table in SOURCE_TABLES if table.name in ("PERSON", "NAME", "ADDRESS", "IDENTIFIER")]
KEY = "source, source_org, record_id"
AS_AT = date(2026, 11, 22)


class World:
    """A state in memory whose records come and go; `all` holds every record there may ever be."""

    def __init__(self, clients: pa.Table, register: pa.Table, seed: int):
        self.connection = duckdb.connect()
        self.random = np.random.default_rng(seed)
        for name in ("store", "state", "all"):
            self.connection.execute(f"ATTACH ':memory:' AS \"{name}\"")
        self.connection.execute("USE store")
        install_macros(self.connection, as_at=AS_AT)
        for side, data in zip(SIDES, (clients, register), strict=True):
            read(self.connection, [Source(data, name=side)], side=side, as_at=AS_AT)
        self.connection.execute(
            "CREATE TABLE state.record (id BIGINT, side VARCHAR, source VARCHAR, source_org VARCHAR, record_id VARCHAR)"
        )
        for number, side in enumerate(SIDES):
            self.connection.execute(f'CREATE SCHEMA "all".{side}')
            self.connection.execute(f"CREATE SCHEMA state.{side}")
            self.connection.execute(
                f"INSERT INTO state.record SELECT rowid + {number} * 1000000, '{side}', {KEY} FROM {side}.person"
            )
            for table in READ:
                name = table.name.lower()
                self.connection.execute(
                    f'CREATE TABLE "all".{side}.{name} AS SELECT r.id, t.* FROM {side}.{name} t'
                    f" JOIN state.record r USING ({KEY}) WHERE r.side = '{side}'"
                )
                self.connection.execute(f'CREATE TABLE state.{side}.{name} AS FROM "all".{side}.{name} LIMIT 0')
            self.connection.execute(f"CREATE TABLE changed_{side} (id BIGINT, how VARCHAR)")

    def ids(self, side: str, where: str = "true", catalog: str = "state") -> list[int]:
        rows = self.connection.execute(f'SELECT id FROM "{catalog}".{side}.person WHERE {where} ORDER BY id').fetchall()
        return [each for (each,) in rows]

    def come(self, side: str, share: float) -> None:
        absent = sorted(set(self.ids(side, catalog="all")) - set(self.ids(side)))
        self._note(side, self._drawn(absent, share), "new")
        for table in READ:
            name = table.name.lower()
            self.connection.execute(
                f'INSERT INTO state.{side}.{name} FROM "all".{side}.{name}'
                f" WHERE id IN (SELECT id FROM changed_{side} WHERE how = 'new')"
                f" AND id NOT IN (SELECT id FROM state.{side}.{name})"
            )

    def go(self, side: str, share: float) -> None:
        gone = self._drawn(self._untouched(side), share)
        self._note(side, gone, "gone")
        for table in READ:
            self.connection.execute(
                f"DELETE FROM state.{side}.{table.name.lower()} WHERE id IN (SELECT unnest(?))", [gone]
            )

    def change(self, side: str, share: float, column: str, value: str, where: str = "true") -> None:
        """Set a column to an SQL expression over the row, for a share of those whom nothing has happened to."""
        changed = self._drawn(self._untouched(side, where), share)
        self._note(side, changed, "changed")
        self.connection.execute(
            f"UPDATE state.{side}.person SET {column} = {value} WHERE id IN (SELECT unnest(?))", [changed]
        )

    def _untouched(self, side: str, where: str = "true") -> list[int]:
        return self.ids(side, f"id NOT IN (SELECT id FROM changed_{side}) AND {where}")

    def _drawn(self, ids: list[int], share: float) -> list[int]:
        return sorted(self.random.choice(ids, round(share * len(ids)), replace=False).tolist())

    def _note(self, side: str, ids: list[int], how: str) -> None:
        self.connection.execute(f"INSERT INTO changed_{side} SELECT unnest(?), ?", [ids, how])

    def forget(self) -> None:
        for side in SIDES:
            self.connection.execute(f"DELETE FROM changed_{side}")

    def decide(self, verdicts: list[dict[str, Any]]) -> None:
        rows = pa.Table.from_pylist(verdicts, schema=VERDICT.arrow_schema())
        self.connection.register("verdict_rows", rows)
        self.connection.execute("CREATE OR REPLACE TABLE verdict AS FROM verdict_rows")
        self.connection.unregister("verdict_rows")


class Council:
    """What somebody who only takes what each update gives holds: the links and candidates of every client."""

    def __init__(self, world: World):
        self.world = world
        self.held: dict[str, dict[int, Any]] = {"link": {}, "candidate": {}}

    def update(self, **how: Any) -> Updated:
        gone = set(self.world.ids("clients", catalog="all")) - set(self.world.ids("clients"))
        updated = update(self.world.connection, seed=1, run_id="run", **how)
        for table, given in taken(self.world.connection).items():
            decided = {each for (each,) in self.world.connection.execute("SELECT id FROM link").fetchall()}
            kept = {id_: rows for id_, rows in self.held[table].items() if id_ not in decided | gone}
            self.held[table] = kept | given
        self.world.forget()
        return updated


def taken(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[int, Any]]:
    """The rows an update made, by client."""
    held: dict[str, dict[int, Any]] = {}
    for table in ("link", "candidate"):
        rows = connection.execute(f"FROM {table} ORDER BY ALL").fetchall()
        by_client: dict[int, Any] = {}
        for id_, *row in rows:
            by_client.setdefault(id_, []).append(row)
        held[table] = by_client
    return held


def all_again(world: World) -> dict[str, dict[int, Any]]:
    """What linking everything with the same model and frequencies gives."""
    world.connection.execute('UPDATE state.linkage.basis SET facts = replace(facts, \'"code": "\', \'"code": "old \')')
    updated = update(world.connection, seed=1, run_id="run")
    assert updated.mode == "rebuilt"
    return taken(world.connection)


def nights(world: World, number: int) -> None:
    """Everything that happens to lists, in small numbers; another mixture each night."""
    for side in SIDES:
        world.come(side, 0.2)
        world.go(side, 0.01 * number)
        world.change(side, 0.01, "phone", "'01632 960000'")
    if number == 1:
        world.change("register", 0.009, "family_name", RARE)
    else:
        world.change("register", 0.6, "family_name", "'Smith'", where=f"family_name = {RARE}")
    world.change("register", 0.01, "birth_date", "DATE '1931-05-17'")
    world.change("register", 0.01, "nhs_number", "NULL")
    world.change("clients", 0.02, "given_name", "'Bill'")
    world.change("clients", 0.02, "postcode", "'ZE1 0AA'")
    world.change("clients", 0.02, "nhs_number", "NULL")


def hard() -> World:
    people = make(160, 1200, seed=3, errors=PRESETS["hard"])
    return World(people.clients, people.register, seed=1)


def census() -> World:
    """Two lists of one population, where whoever is claimed makes room, and the few who are left are all compared."""
    people = make_census(120, 140, seed=4)
    return World(people.clients, people.register, seed=2)


RARE = "'Featherstonehaugh'"
"""A name that becomes too common to look for alone, and then rare again."""


@pytest.mark.parametrize(("people", "number"), [(hard, 2), (census, 1)])
def test_a_night_gives_what_a_full_run_gives(people: Callable[[], World], number: int) -> None:
    world = people()
    for side in SIDES:
        world.come(side, 0.8)
    # Who has come is not changed again before it is forgotten.
    world.forget()
    world.change("register", 0.009, "family_name", RARE)
    world.change("clients", 0.05, "family_name", RARE)
    council = Council(world)
    assert council.update().mode == "learnt"
    for night in range(1, number + 1):
        nights(world, night)
        updated = council.update()
        assert updated.mode == "night"
        assert 0 < sum(updated.reached.values()) < len(world.ids("clients"))
        again = all_again(world)
        assert council.held["link"].keys() == again["link"].keys() == set(world.ids("clients"))
        assert council.held == again
    world.change("register", 0.3, "phone", "'01632 960001'")
    assert sum(council.update().reached.values()) == 0


@pytest.mark.parametrize("most", [0.0, 1.0], ids=["brought in every night", "left apart"])
def test_keys_of_several_nights_may_stand_apart(most: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_MOST_LATE", most)
    world = hard()
    for side in SIDES:
        world.come(side, 0.8)
    council = Council(world)
    council.update()
    for night in (1, 2):
        nights(world, night)
        assert council.update().mode == "night"
    held = keys_of_the_register(world)
    [(late,)] = world.connection.execute("SELECT count(*) FROM state.linkage.register_key_late").fetchall()
    assert 0 < late < len(held) if most else late == 0
    assert council.held == all_again(world)
    assert held == keys_of_the_register(world)


def keys_of_the_register(world: World) -> list[tuple[int, int, int]]:
    query = kept.register_keys("(SELECT id FROM state.register.person)", "id")
    return world.connection.execute(f"{query} ORDER BY ALL").fetchall()


def test_few_clients_are_looked_for_at_once_and_many_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    for few in (10_000, 0):
        monkeypatch.setattr(import_module("linkage.incremental.update"), "_FEW", few)
        world = hard()
        for side in SIDES:
            world.come(side, 0.8)
        council = Council(world)
        council.update()
        nights(world, 1)
        updated = council.update()
        assert updated.mode == "night"
        given.append((council.held, updated.decided))
    assert given[0] == given[1]


def test_keys_that_are_too_large_are_counted_as_in_a_full_run(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[RuleFacts] = []

    def compared(connection: duckdb.DuckDBPyConnection, **asked: Any) -> tuple[RuleFacts, ...]:
        connection.execute("ALTER TABLE register_record RENAME TO near_record")
        connection.execute("CREATE TABLE register_record AS FROM state.linkage.register_record")
        of_all = make_keys(connection, **asked)
        connection.execute("DROP TABLE register_record")
        connection.execute("ALTER TABLE near_record RENAME TO register_record")
        near = stored_keys(connection, **asked)
        assert near == of_all
        found.extend(near)
        return near

    stored_keys = kept.stored_keys
    world = hard()
    for side in SIDES:
        world.come(side, 0.8)
    council = Council(world)
    council.update()
    world.change("register", 0.05, "family_name", RARE)
    world.change("clients", 0.2, "family_name", RARE)
    monkeypatch.setattr(kept, "stored_keys", compared)
    assert council.update().mode == "night"
    assert {each.name for each in found} == {rule.name for rule in RULES}
    assert any(each.oversized_keys and each.oversized_pairs for each in found)


def test_keys_that_are_too_large_are_known_before_a_night_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_MOST_LATE", 0.05)
    world = hard()
    for side in SIDES:
        world.come(side, 0.8)
    world.forget()
    world.change("register", 0.015, "family_name", RARE)
    world.change("clients", 0.6, "family_name", RARE)
    council = Council(world)
    council.update()
    changed = False
    for night in (1, 2, 3):
        before = large_keys(world)
        nights(world, min(night, 2))
        assert council.update().mode == "night"
        known, now = large_keys(world), all_large_keys(world)
        assert known.items() <= now.items()
        # What became large tonight and nobody is looked for by may be missing, and nothing else.
        assert before.keys() & now.keys() <= known.keys()
        changed |= known != before
    assert changed


def test_a_state_of_before_large_keys_were_kept_has_them_counted() -> None:
    world = hard()
    for side in SIDES:
        world.come(side, 0.8)
    world.forget()
    world.change("register", 0.015, "family_name", RARE)
    world.change("clients", 0.6, "family_name", RARE)
    council = Council(world)
    council.update()
    counted = large_keys(world)
    # As an earlier version leaves it that has done a night since: it writes the basis without a word of them.
    world.connection.execute("UPDATE state.linkage.large_key SET rows = 1000, key = key + 1")
    facts = "json_merge_patch(CAST(facts AS JSON), '{\"large_keys\": null}')"
    world.connection.execute(f"UPDATE state.linkage.basis SET facts = CAST({facts} AS VARCHAR)")
    assert council.update().mode == "night"
    assert large_keys(world) == counted
    assert counted
    nights(world, 1)
    council.update()
    assert council.held == all_again(world)


def large_keys(world: World) -> dict[int, int]:
    return dict(world.connection.execute("SELECT key, rows FROM state.linkage.large_key").fetchall())


def all_large_keys(world: World) -> dict[int, int]:
    keys = kept.register_keys("(SELECT id FROM state.register.person)", "id")
    query = f"SELECT key, count(*) AS rows FROM ({keys}) GROUP BY rule, key HAVING rows > {kept.MOST_ROWS}"
    return dict(world.connection.execute(query).fetchall())


class Reticent(DuckDBEngine):
    """As engines on a cluster are: it does not say whom the first rules settled."""

    def score(self, connection: duckdb.DuckDBPyConnection, *given: Any) -> Any:
        scored = super().score(connection, *given)
        connection.execute("DROP TABLE settled_client")
        return scored


def test_another_engine_may_link_all_anew_after_ours() -> None:
    world = hard()
    for side in SIDES:
        world.come(side, 0.5)
    council = Council(world)
    council.update()
    before = council.held
    assert council.update(again=True, engine=Reticent()).mode == "learnt"
    assert council.held == before
    world.change("register", 0.05, "nhs_number", "NULL")
    assert council.update().mode == "night"
    assert council.held == all_again(world)


def test_what_people_decide_is_honoured_the_next_night() -> None:
    world = hard()
    for side in SIDES:
        world.come(side, 0.9)
    council = Council(world)
    council.update()
    linked = [row for (row,) in council.held["link"].values() if row[4] == "link"][:2]
    columns = LINK.names
    named = [dict(zip(columns, row, strict=True)) for row in linked]
    verdict = {"verdict": "different", "decided_by": "a reader", "decided_at": datetime(2026, 11, 1)}  # noqa: DTZ001 - kept in UTC
    picked = ("source", "source_org", "record_id", "register_source", "register_source_org", "register_record_id")
    different = [
        {**{name: each[name] for name in picked}, "nhs_number": each["nhs_number"], **verdict} for each in named
    ]
    world.decide(different)
    assert council.update().reached == {"their own records": 0, "register rows near them": 0, "decisions of people": 2}
    assert council.held == all_again(world)
    undone = {each["record_id"] for each in different}
    after = {row[3]: row for (row,) in council.held["link"].values() if row[3] in undone}
    assert [after[each["record_id"]][5] for each in different] != [each["nhs_number"] for each in named]
    world.decide(different[:1])
    assert council.update().reached["decisions of people"] == 1
    assert council.held == all_again(world)


def test_a_state_of_before_middle_names_were_compared_keeps_its_model() -> None:
    """Until something is learnt anew: neither its model nor its counts know of middle names."""
    world = census()
    council = Council(world)
    world.come("clients", 0.8)
    world.come("register", 0.9)
    council.update()
    state = world.connection
    ((text,),) = state.execute("SELECT facts FROM state.linkage.basis").fetchall()
    facts = json.loads(text)
    compared = facts["model"]["comparisons"]
    facts["model"]["comparisons"] = [each for each in compared if each["comparison"] != MIDDLE.name]
    del facts["frequencies"]["agree"]["middle"]
    state.execute("UPDATE state.linkage.basis SET facts = ?", [json.dumps(facts | {"code": "3 old"})])
    for table in ("f_middle", "f_middle_cohort", "f_middle_known"):
        state.execute(f"DROP TABLE state.linkage.{table}")
    assert council.update().mode == "rebuilt"
    world.come("clients", 0.3)
    night = council.update()
    assert (night.mode, len(night.model.comparisons)) == ("night", len(compared) - 1)
    assert council.held == all_again(world)
    assert len(council.update(again=True).model.comparisons) == len(compared)
