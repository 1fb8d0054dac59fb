"""Runs taken back: what held then holds again, and the history shows both."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caretrace.warehouse import deliveries
from caretrace.warehouse.undo import WHY, undo
from schemas.errors import InputError

MORE = 25 if "CARETRACE_PROVE" in os.environ else 1
"""How much longer the property is looked at by `make prove`."""

A, B = "9990000018", "9990000026"

_PERSON = st.dictionaries(st.sampled_from("123"), st.sampled_from([A, B, None]), max_size=3)
_NIGHT = st.fixed_dictionaries(
    {"clients": _PERSON, "register": _PERSON, "whole": st.booleans(), "services": st.lists(st.sampled_from("xy"))}
)


def play(warehouse: Any, night: dict[str, Any]) -> None:
    """Deliver, decide about everybody whose number is in the register, and give keys."""
    warehouse.night()
    for side in ("clients", "register"):
        rows = [{"record_id": record, "nhs_number": number} for record, number in night[side].items()]
        services = [{"record_id": record, "service_type": kind} for record in night[side] for kind in night["services"]]
        warehouse.deliver(side, f"feed of {side}", whole=night["whole"], person=rows, service=services)
        deliveries.note(
            warehouse.state,
            feed=f"feed of {side}",
            side=side,
            name="d",
            mode="full",
            outcome="applied",
            whole=night["whole"],
        )
    settle(warehouse)


def settle(warehouse: Any) -> None:
    """What linkage would say of everybody: linked where the register holds the number."""
    here = {number for (number,) in warehouse.ask("SELECT nhs_number FROM state.register.person")}
    clients = warehouse.ask("SELECT record_id, nhs_number FROM state.clients.person")
    warehouse.decide(
        *(
            {"record_id": record, "decision": "link", "nhs_number": number}
            if number in here and number
            else {"record_id": record, "decision": "none"}
            for record, number in clients
        )
    )
    warehouse.key()


def picture(warehouse: Any) -> dict[str, list[Any]]:
    """All that holds, without since when."""
    ask = warehouse.ask
    return {
        **{f"{side}.{table}": warehouse.held(side, table) for side in ("clients", "register") for table in _TABLES},
        "link": ask("SELECT * EXCLUDE (from_run) FROM state.link ORDER BY id"),
        "person_key": ask("SELECT id, person_key FROM state.person_key ORDER BY id"),
        "person": ask("SELECT person_key FROM state.person WHERE to_run IS NULL ORDER BY 1"),
        "record": ask("SELECT id, feed FROM state.record WHERE to_run IS NULL ORDER BY id"),
        "set_aside": ask("SELECT * EXCLUDE (from_run) FROM state.set_aside ORDER BY ALL"),
        "delivery": ask("SELECT delivery FROM state.delivery WHERE outcome = 'applied' ORDER BY 1"),
    }


_TABLES = ("person", "service")


@pytest.mark.prove
@given(nights=st.lists(_NIGHT, min_size=2, max_size=4), data=st.data())
@settings(max_examples=2 * MORE, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_run_can_be_gone_back_to(make_warehouse: Any, nights: list[Any], data: st.DataObject) -> None:
    with make_warehouse() as warehouse:
        pictures = {}
        for number, night in enumerate(nights, start=1):
            play(warehouse, night)
            pictures[number] = picture(warehouse)
        for _ in range(2):  # an undo is a run too, and can be undone
            last = warehouse.state.run
            to_run = data.draw(st.integers(1, last - 1))
            warehouse.night()
            undo(warehouse.state, to_run=to_run)
            assert picture(warehouse) == pictures[to_run]
            # Linkage decides the same again, and nothing moves.
            settle(warehouse)
            pictures[warehouse.state.run] = picture(warehouse)
            assert pictures[warehouse.state.run] == pictures[to_run]
            _check_history(warehouse)


def _check_history(warehouse: Any) -> None:
    """Of every record no two rows hold at once, and none holds for no time."""
    for side in ("clients", "register"):
        overlapping = warehouse.ask(f"""
            WITH stay AS (SELECT id, from_run, to_run FROM state.{side}_past.person
                          UNION ALL SELECT id, from_run, 1000 FROM state.{side}.person)
            SELECT a.id FROM stay a JOIN stay b ON a.id = b.id AND a.from_run < b.to_run AND b.from_run < a.to_run
                AND (a.from_run, a.to_run) <> (b.from_run, b.to_run)
            UNION ALL SELECT id FROM stay WHERE from_run >= to_run""")
        assert overlapping == []


def test_an_undone_run_is_told_of(warehouse: Any) -> None:
    clients = {"clients": {"1": A}, "register": {"1": A}, "whole": True, "services": []}
    play(warehouse, clients)
    play(warehouse, clients | {"clients": {"1": B, "2": A}})
    warehouse.night()
    done = undo(warehouse.state, to_run=1)
    assert (done.runs, done.removed, done.restored, done.links, done.deliveries) == ((2,), 2, 1, 2, 2)
    assert warehouse.ask("SELECT record_id, how FROM changed_clients JOIN state.record USING (id) ORDER BY 1") == [
        ("1", "changed"),
        ("2", "gone"),
    ]
    assert warehouse.ask("SELECT count(*) FROM redo_clients") == [(1,)]
    assert {why for (why,) in warehouse.ask("SELECT why FROM state.link_past WHERE to_run = 3")} == {WHY}
    outcomes = warehouse.ask("SELECT outcome, undone_by, count(*) FROM state.delivery GROUP BY ALL ORDER BY ALL")
    assert outcomes == [("applied", None, 2), ("undone", 3, 2)]


@pytest.mark.parametrize(
    ("to_run", "words"), [(2, "run 2 is the last one"), (7, "knows no run 7; its runs are 1 to 3")]
)
def test_a_run_that_cannot_be_gone_back_to(warehouse: Any, to_run: int, words: str) -> None:
    for _ in range(3):
        warehouse.night()
    with pytest.raises(InputError, match=words):
        undo(warehouse.state, to_run=to_run)
