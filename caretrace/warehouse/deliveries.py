"""What was delivered and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from caretrace.warehouse import tables
from schemas import SET_ASIDE

if TYPE_CHECKING:
    from caretrace.warehouse.store import State


def note(
    state: State,
    *,
    feed: str,
    side: str,
    name: str,
    mode: str,
    outcome: str,
    reason: str | None = None,
    files: Sequence[Mapping[str, Any]] = (),
    whole: bool = False,
    set_asides: bool = True,
) -> int:
    """Write a delivery down and give its number.

    `mode` is full or delta; `outcome` applied, held, repeated or late. Of one that was applied the records set aside
    are kept beside it; `whole` says that it took the place of all before it, whose set-asides no longer stand. Of
    several that were read together the last has the `set_asides` of all.
    """
    connection = state.connection
    [(number,)] = connection.execute("SELECT coalesce(max(delivery), 0) + 1 FROM state.delivery").fetchall()
    if outcome == "applied" and set_asides:
        if whole:
            _end(state, feed, side)
        connection.execute(
            f"INSERT INTO state.set_aside SELECT ?, {tables.columns(SET_ASIDE)}, {state.run}"
            f" FROM store.{side}.set_aside",
            [number],
        )
    connection.execute(
        "INSERT INTO state.delivery BY NAME SELECT ? AS delivery, ? AS feed, ? AS side, ? AS name, ? AS mode,"
        " ? AS outcome, ? AS reason, ? AS run, CAST(? AS JSON) AS files",
        [number, feed, side, name, mode, outcome, reason, state.run, json.dumps([dict(file) for file in files])],
    )
    return int(number)


def _end(state: State, feed: str, side: str) -> None:
    """Move the set-asides of the feed's earlier deliveries to the past."""
    connection = state.connection
    earlier = "delivery IN (SELECT delivery FROM state.delivery WHERE feed = ? AND side = ?)"
    connection.execute(
        f"INSERT INTO state.set_aside_past BY NAME SELECT *, {state.run} AS to_run FROM state.set_aside"
        f" WHERE {earlier}",
        [feed, side],
    )
    connection.execute(f"DELETE FROM state.set_aside WHERE {earlier}", [feed, side])
