"""Deliveries laid over what holds, against an oracle that keeps plain lists."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretrace.warehouse.apply import apply

MORE = 25 if "CARETRACE_PROVE" in os.environ else 1
"""How much longer the property is looked at by `make prove`."""

ADA = {"record_id": "1", "family_name": "Lovelace", "extract_record": "1"}
BEA = {"record_id": "2", "family_name": "Webb", "extract_record": "2"}


def names(warehouse: Any, side: str = "clients") -> list[tuple[Any, ...]]:
    return warehouse.ask(f"SELECT record_id, family_name, from_run FROM state.{side}.person ORDER BY ALL")


def test_the_same_full_delivery_again_changes_nothing(warehouse: Any) -> None:
    warehouse.night().deliver("clients", "f", whole=True, person=[ADA, BEA])
    moved = [BEA | {"extract_record": "1"}, ADA | {"extract_record": "2"}]
    applied = warehouse.night().deliver("clients", "f", whole=True, person=moved)
    assert applied.changes == 0
    assert applied.people == {"new": 0, "changed": 0, "gone": 0}
    # Where it stood the first time stays, for that is where it was read.
    assert warehouse.ask("SELECT record_id, from_run, extract_record FROM state.clients.person ORDER BY 1") == [
        ("1", 1, 1),
        ("2", 1, 2),
    ]
    assert warehouse.ask("SELECT * FROM changed_clients") == []


def test_a_full_delivery_replaces_its_own_feed_only(warehouse: Any) -> None:
    warehouse.night().deliver("clients", "f", whole=True, person=[ADA, BEA])
    warehouse.deliver("clients", "g", whole=True, person=[{"record_id": "9", "family_name": "Other"}])
    applied = warehouse.night().deliver("clients", "f", whole=True, person=[ADA | {"family_name": "King"}])
    assert applied.people == {"new": 0, "changed": 1, "gone": 1}
    assert names(warehouse) == [("1", "King", 2), ("9", "Other", 1)]
    assert warehouse.ask("SELECT record_id, from_run, to_run FROM state.clients_past.person ORDER BY 1") == [
        ("1", 1, 2),
        ("2", 1, 2),
    ]
    assert warehouse.ask("SELECT record_id, to_run FROM state.record ORDER BY id") == [
        ("1", None),
        ("2", 2),
        ("9", None),
    ]


def test_a_delta_touches_only_whom_it_names_table_by_table(warehouse: Any) -> None:
    addresses = [{"record_id": n, "postcode": f"AB1 {n}CD"} for n in "12"]
    warehouse.night().deliver("clients", "f", whole=True, person=[ADA, BEA], address=addresses)
    delta = [{"record_id": "1", "postcode": "AB9 9ZZ"}, {"record_id": "1", "postcode": "AB8 8ZZ"}]
    applied = warehouse.night().deliver("clients", "f", whole=False, person=[ADA], address=delta)
    assert applied.tables["PERSON"] == {"added": 0, "removed": 0}
    assert applied.people == {"new": 0, "changed": 1, "gone": 0}
    assert warehouse.ask("SELECT record_id, postcode FROM state.clients.address ORDER BY ALL") == [
        ("1", "AB8 8ZZ"),
        ("1", "AB9 9ZZ"),
        ("2", "AB1 2CD"),
    ]


def test_a_delta_replaces_events_one_by_one(warehouse: Any) -> None:
    services = [{"record_id": "1", "event_id": n, "service_type": "day care"} for n in "ab"]
    warehouse.night().deliver("clients", "f", whole=True, person=[ADA], service=services)
    ended = {"record_id": "1", "event_id": "b", "service_type": "day care", "end_reason": "moved"}
    applied = warehouse.night().deliver("clients", "f", whole=False, person=[ADA], service=[ended])
    assert warehouse.ask("SELECT event_id, end_reason, from_run FROM state.clients.service ORDER BY 1") == [
        ("a", None, 1),
        ("b", "moved", 2),
    ]
    assert applied.people == {"new": 0, "changed": 0, "gone": 0}  # events tell nothing of who somebody is


def found_in(file: str, record: str, column: str, issue: str = "not valid") -> dict[str, str]:
    """An issue of record 1, told by where it was read."""
    return {"record_id": "1", "column": column, "issue": issue, "extract_file": file, "extract_record": record}


WHERE = {"extract_file": "persons.csv"}
ADDRESS = {"record_id": "1", "postcode": None, "extract_file": "addresses.csv", "extract_record": "7"}
SERVICES = [{"record_id": "1", "event_id": n, "extract_file": "s.csv", "extract_record": n} for n in "34"]
ISSUES = [
    found_in("persons.csv", "1", "birth_date"),
    found_in("addresses.csv", "7", "postcode"),
    found_in("s.csv", "3", "start_date"),
    found_in("s.csv", "4", "end_date"),
    found_in("gone.csv", "9", "phone"),
]


@pytest.mark.parametrize(
    ("delta", "left"),
    [
        ({"person": [ADA | WHERE]}, {"postcode", "start_date", "end_date"}),
        ({"address": [ADDRESS]}, {"birth_date", "start_date", "end_date", "phone"}),
        ({"service": SERVICES[:1]}, {"birth_date", "postcode", "end_date", "phone"}),
        (
            {"service": SERVICES[:1], "data_quality": [found_in("s.csv", "3", "start_date", "in the future")]},
            {"birth_date", "postcode", "start_date", "end_date", "phone"},
        ),
        ({"person": [BEA]}, {"birth_date", "postcode", "start_date", "end_date", "phone"}),
    ],
    ids=["person", "address", "one service", "another issue of it", "somebody else"],
)
def test_an_issue_goes_where_what_it_was_found_in_is_told_anew(warehouse: Any, delta: Any, left: set[str]) -> None:
    full = {"person": [ADA | WHERE], "address": [ADDRESS], "service": SERVICES, "data_quality": ISSUES}
    warehouse.night().deliver("clients", "f", whole=True, **full)
    warehouse.night().deliver("clients", "f", whole=False, **delta)
    assert {name for (name,) in warehouse.ask('SELECT "column" FROM state.clients.data_quality')} == left
    # In a full delivery it goes in any case.
    warehouse.night().deliver("clients", "f", whole=True, person=[ADA | WHERE])
    assert warehouse.held("clients", "data_quality") == []


def test_the_same_issue_of_two_things_is_two(warehouse: Any) -> None:
    both = [found_in("persons.csv", "1", "postcode"), found_in("addresses.csv", "7", "postcode")]
    full = {"person": [ADA | WHERE], "address": [ADDRESS], "data_quality": both}
    warehouse.night().deliver("clients", "f", whole=True, **full)
    # The person's own is mended, the address's stays; then the person is told of alone.
    warehouse.night().deliver("clients", "f", whole=False, **full | {"data_quality": both[1:]})
    warehouse.night().deliver("clients", "f", whole=False, person=[ADA | WHERE])
    assert warehouse.ask("SELECT origin FROM state.clients.data_quality") == [(["ADDRESS"],)]


def test_rows_that_say_the_same_are_counted(warehouse: Any) -> None:
    address = {"record_id": "1", "postcode": "AB1 1CD"}
    for count in (2, 2, 3, 1):
        warehouse.night().deliver("clients", "f", whole=True, person=[ADA], address=[address] * count)
        assert len(warehouse.held("clients", "address")) == count
    assert warehouse.ask("SELECT from_run FROM state.clients.address") == [(1,)]
    assert warehouse.ask("SELECT from_run, to_run FROM state.clients_past.address ORDER BY ALL") == [(1, 4), (3, 4)]


def test_a_record_that_comes_back_has_its_id(warehouse: Any) -> None:
    warehouse.night().deliver("clients", "f", whole=True, person=[ADA, BEA])
    warehouse.night().deliver("clients", "f", whole=True, person=[BEA])
    warehouse.night().deliver("clients", "f", whole=True, person=[{"record_id": "3"}, ADA, BEA])
    assert warehouse.ask("SELECT id, record_id, from_run, to_run FROM state.record ORDER BY id") == [
        (1, "1", 3, None),
        (2, "2", 1, None),
        (3, "3", 3, None),
    ]
    assert warehouse.ask("SELECT * FROM state.record_past") == [(1, "f", 1, 2)]


def test_ids_are_one_sequence_over_both_sides(warehouse: Any) -> None:
    warehouse.night().deliver("clients", "f", whole=True, person=[ADA])
    warehouse.deliver("register", "r", whole=True, person=[ADA])
    assert warehouse.ask("SELECT id, side FROM state.record ORDER BY id") == [(1, "clients"), (2, "register")]


def test_a_record_of_another_feed_is_set_aside_and_not_silently(warehouse: Any) -> None:
    warehouse.night().deliver("clients", "f", whole=True, person=[ADA])
    applied = warehouse.deliver("clients", "g", whole=True, person=[ADA | {"family_name": "Byron"}, BEA])
    assert applied.elsewhere == 1
    assert [name for _, name, _ in names(warehouse)] == ["Lovelace", "Webb"]
    assert warehouse.ask("SELECT kind, rule, extract_record FROM store.clients.set_aside") == [
        ("excluded", "the feed f holds this record", 1)
    ]
    # Once the first feed lets it go, the other may have it.
    warehouse.night().deliver("clients", "f", whole=True, person=[])
    warehouse.deliver("clients", "g", whole=True, person=[ADA | {"family_name": "Byron"}, BEA])
    assert warehouse.ask("SELECT id, feed, to_run FROM state.record ORDER BY id") == [(1, "g", None), (2, "g", None)]


_ALSO = "SELECT record_id, t.feed FROM state.also_told t JOIN state.record USING (id) ORDER BY ALL"


@pytest.mark.parametrize(
    ("whole", "person", "gone", "also"),
    [
        (False, [BEA], None, [("1", "g")]),  # changes say nothing of who is not in them
        (False, [ADA], None, [("1", "g")]),
        (False, [], "NULL", []),
        (False, [], "'SERVICE 7'", [("1", "g")]),
        (True, [BEA], None, []),
        (True, [ADA, BEA], None, [("1", "g")]),
    ],
)
def test_what_another_feed_also_tells_of_is_known(
    warehouse: Any, whole: bool, person: list[Any], gone: str | None, also: list[Any]
) -> None:
    """Whom the first feed lets go stands nowhere until the other tells of them again."""
    warehouse.night().deliver("clients", "f", whole=True, person=[ADA])
    warehouse.deliver("clients", "g", whole=True, person=[ADA, BEA])
    assert warehouse.ask(_ALSO) == [("1", "g")]
    warehouse.night().read("clients", {"PERSON": person})
    if gone:
        key = "source, source_org, record_id"
        warehouse.connection.execute(
            f"CREATE TABLE store.clients.gone AS SELECT {key}, {gone} AS part FROM state.record WHERE record_id = '1'"
        )
    apply(warehouse.state, side="clients", feed="g", whole=whole)
    assert warehouse.ask(_ALSO) == also
    assert warehouse.ask("SELECT feed FROM state.record WHERE record_id = '1' AND to_run IS NULL") == [("f",)]
    warehouse.night().deliver("clients", "f", whole=True, person=[])
    warehouse.deliver("clients", "g", whole=False, person=[ADA])
    assert warehouse.ask(_ALSO) == []
    assert warehouse.ask("SELECT feed FROM state.record WHERE record_id = '1' AND to_run IS NULL") == [("g",)]


@pytest.mark.parametrize(
    ("first", "second", "how"),
    [
        ([BEA], [ADA, BEA], {"1": "new"}),
        ([ADA, BEA], [BEA], {"1": "gone"}),
        ([ADA | {"family_name": "King"}, BEA], [ADA | {"family_name": "Byron"}, BEA], {"1": "changed"}),
        ([BEA], [ADA | {"family_name": "King"}, BEA], {"1": "changed"}),
    ],
    ids=["came", "went", "changed twice", "gone and back"],
)
def test_changes_of_several_deliveries_in_one_run_add_up(
    warehouse: Any, first: list[Any], second: list[Any], how: dict[str, str]
) -> None:
    start = [BEA] if how == {"1": "new"} else [ADA, BEA]
    warehouse.night().deliver("clients", "f", whole=True, person=start)
    warehouse.night().deliver("clients", "f", whole=True, person=first)
    warehouse.deliver("clients", "f", whole=True, person=second)
    found = warehouse.ask("SELECT record_id, how FROM changed_clients JOIN state.record USING (id)")
    assert dict(found) == how


def test_new_and_gone_again_in_one_run_is_no_change(warehouse: Any) -> None:
    warehouse.night().deliver("clients", "f", whole=True, person=[BEA])
    warehouse.night().deliver("clients", "f", whole=True, person=[ADA, BEA])
    warehouse.deliver("clients", "f", whole=True, person=[BEA])
    assert warehouse.ask("SELECT * FROM changed_clients") == []
    assert warehouse.ask("SELECT * FROM state.clients_past.person") == []


def _rows(ids: list[str], values: list[str]) -> st.SearchStrategy[list[dict[str, str]]]:
    value = st.sampled_from(values)
    return st.lists(st.fixed_dictionaries({"record_id": st.sampled_from(ids), "value": value}), max_size=5)


_DELIVERY = st.fixed_dictionaries(
    {
        "feed": st.sampled_from(["f", "g"]),
        "whole": st.booleans(),
        "person": st.dictionaries(st.sampled_from("1234"), st.sampled_from("xy"), max_size=3),
        "address": _rows(["1", "2", "3"], ["x", "y"]),
        "service": _rows(["1", "2", "3"], ["x", "y"]),
    }
)
_NIGHTS = st.lists(st.lists(_DELIVERY, min_size=1, max_size=2), min_size=1, max_size=5)
_COLUMN = {"person": "family_name", "address": "postcode", "service": "service_type"}


class Oracle:
    """The same in plain lists: rows are (feed, table, record, event, value)."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str | None, str]] = []
        self.ids: dict[str, int] = {}

    def deliver(self, delivery: dict[str, Any]) -> None:
        feed = delivery["feed"]
        brought = [(feed, *row) for row in _said(delivery)]
        owner = {record: of for of, _, record, _, _ in self.rows}
        kept = [row for row in brought if owner.get(row[2], feed) == feed]
        if delivery["whole"]:
            self.rows = [row for row in self.rows if row[0] != feed]
        named = {(table, record, event) for _, table, record, event, _ in kept}
        self.rows = [row for row in self.rows if row[1:4] not in named] + kept
        for table in _COLUMN:
            for _, of, record, _, _ in kept if table == "person" else [row for row in kept if row[1] == table]:
                if table == of:
                    self.ids.setdefault(record, len(self.ids) + 1)

    def counted(self) -> Counter[tuple[str, str, str | None, str]]:
        return Counter(row[1:] for row in self.rows)


def _said(delivery: dict[str, Any]) -> list[tuple[str, str, str | None, str]]:
    rows: list[tuple[str, str, str | None, str]] = [
        ("person", record, None, value) for record, value in delivery["person"].items()
    ]
    rows += [("address", row["record_id"], None, row["value"]) for row in delivery["address"]]
    # The value is its event's id too, so that events of one id change only in number.
    return rows + [("service", row["record_id"], row["value"], row["value"]) for row in delivery["service"]]


def _tables(delivery: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    tables: dict[str, list[dict[str, str]]] = {name: [] for name in _COLUMN}
    for table, record, event, value in _said(delivery):
        row = {"record_id": record, _COLUMN[table]: value}
        tables[table].append(row | ({"event_id": event} if event else {}))
    return tables


def _held_at(warehouse: Any, run: int) -> Counter[Any]:
    held: Counter[Any] = Counter()
    for table, column in _COLUMN.items():
        event = "event_id" if table == "service" else "NULL"
        said = f"'{table}', record_id, {event}, {column}"
        held.update(
            warehouse.ask(
                f"SELECT {said} FROM state.clients.{table} WHERE from_run <= {run} UNION ALL SELECT {said}"
                f" FROM state.clients_past.{table} WHERE from_run <= {run} AND to_run > {run}"
            )
        )
    return held


@pytest.mark.prove
@given(nights=_NIGHTS)
@settings(max_examples=6 * MORE, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_deliveries_leave_what_plain_lists_would(make_warehouse: Any, nights: list[list[dict[str, Any]]]) -> None:
    oracle, seen = Oracle(), [Counter[Any]()]
    with make_warehouse() as warehouse:
        for night in nights:
            before = oracle.counted()
            warehouse.night()
            for delivery in night:
                warehouse.deliver("clients", delivery["feed"], whole=delivery["whole"], **_tables(delivery))
                oracle.deliver(delivery)
            _check_changed(warehouse, before, oracle.counted())
            seen.append(oracle.counted())
            ids = dict(warehouse.ask("SELECT record_id, id FROM state.record"))
            assert set(ids) == set(oracle.ids)
            assert len(set(ids.values())) == len(ids)
        # What holds today, and what held after every night before.
        assert [_held_at(warehouse, run) for run in range(len(seen))] == seen
        present = {row[2] for row in oracle.rows}
        stays = dict(warehouse.ask("SELECT record_id, to_run IS NULL FROM state.record"))
        assert {record for record, here in stays.items() if here} == present


def _check_changed(warehouse: Any, before: Counter[Any], after: Counter[Any]) -> None:
    """Whoever differs in what tells who somebody is must be named; whoever is named as new or gone must be."""
    here = {side: {row[1] for row in rows if row[0] == "person"} for side, rows in (("was", before), ("is", after))}
    differing = {row[1] for row in (before - after) + (after - before) if row[0] != "service"}
    found = dict(warehouse.ask("SELECT record_id, how FROM changed_clients JOIN state.record USING (id)"))
    assert {record for record, how in found.items() if how == "new"} == here["is"] - here["was"]
    assert {record for record, how in found.items() if how == "gone"} == here["was"] - here["is"]
    changed = {record for record, how in found.items() if how == "changed"}
    assert differing & here["is"] & here["was"] <= changed <= here["is"] & here["was"]
