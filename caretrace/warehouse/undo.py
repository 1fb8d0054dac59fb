"""Runs taken back: the state as it was after an earlier run, laid over what holds, as a run of its own.

Nothing is deleted. What the runs since then brought ends, what they ended holds again, and both can be seen in the
history. Person keys are those of then. Deliveries that were applied since are marked undone, so the next run takes none
of them for applied. What stands outside the state stays as it is: decisions of people and answers of the national
service count on, and numbers that were handed over for loading were handed over; those of them that no link supports
any more are retracted by `retracting`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from caretrace.warehouse import changed, tables
from schemas import LINK, SET_ASIDE, Table
from schemas.errors import InputError

if TYPE_CHECKING:
    from caretrace.warehouse.store import State

WHY = "a run was undone"
KEPT_FROM = "past is kept from"
"""Of `state.meta`: the run up to which the past was purged (`caretrace.purge.history`)."""


@dataclass(frozen=True)
class Undone:
    """What was taken back."""

    to_run: int
    runs: tuple[int, ...]
    """Runs whose work no longer holds."""
    removed: int
    """Rows of source tables that no longer hold."""
    restored: int
    """Rows of source tables that hold again."""
    links: int
    """Clients whose link is as it was."""
    deliveries: int
    """Deliveries that count as never applied."""

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {**asdict(self), "runs": list(self.runs)}


def undo(state: State, *, to_run: int) -> Undone:
    """Lay back what held after run `to_run`; adds to `changed_<side>`, and makes `redo_clients`.

    Linkage decides about them again, and links and keys are updated as after any night. Raises InputError where there
    is no such run, or nothing after it.
    """
    connection = state.connection
    found = [run for (run,) in connection.execute("SELECT run FROM state.run ORDER BY run").fetchall()]
    if to_run not in found:
        raise InputError(
            f"the warehouse knows no run {to_run}; its runs are {found[0]} to {found[-1]}"
            if found
            else "there is no run to undo"
        )
    [(kept_from,)] = connection.execute(
        "SELECT coalesce(max(CAST(value AS BIGINT)), 0) FROM state.meta WHERE name = ?", [KEPT_FROM]
    ).fetchall()
    if to_run < kept_from:
        raise InputError(
            f"what held before run {kept_from} was purged by its retention, so nothing before it can be laid back"
        )
    runs = tuple(run for run in found if to_run < run < state.run)
    if not runs:
        raise InputError(f"run {to_run} is the last one, so there is nothing after it to undo")
    changed.prepare(connection)
    removed = restored = 0
    for side in tables.SIDES:
        changed.begin_telling(connection)
        for table in tables.KEPT:
            gone, back = _lay_back_rows(state, table, side, to_run)
            removed, restored = removed + gone, restored + back
        changed.note_told(connection, side)
    _lay_back_records(state, to_run)
    links = _lay_back_links(state, to_run)
    _lay_back_keys(state, to_run)
    return Undone(to_run, runs, removed, restored, links, _lay_back_deliveries(state, to_run))


def _held_then(to_run: int) -> str:
    """SQL that a row of the past held after that run."""
    return f"from_run <= {to_run} AND to_run > {to_run}"


def _lay_back(state: State, table: str, columns: str, to_run: int, why: str = "") -> tuple[int, int]:
    """One table and its past: end what came since, and let hold again what ended since; gives how many of each."""
    connection, run = state.connection, state.run
    schema, _, name = table.rpartition(".")
    held = f"state.{table}"
    past = f"state.{schema}_past.{name}" if schema else f"state.{name}_past"
    since = f"from_run > {to_run}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE restoring AS SELECT rowid AS row FROM {past} WHERE {_held_then(to_run)}"
    )
    [(gone, back)] = connection.execute(
        f"SELECT (SELECT count(*) FROM {held} WHERE {since}), (SELECT count(*) FROM restoring)"
    ).fetchall()
    if gone:
        reason = f", '{WHY}' AS {why}" if why else ""
        connection.execute(f"INSERT INTO {past} BY NAME SELECT *, {run} AS to_run{reason} FROM {held} WHERE {since}")
        connection.execute(f"DELETE FROM {held} WHERE {since}")
    if back:
        connection.execute(
            f"INSERT INTO {held} BY NAME SELECT {columns}, {run} AS from_run FROM {past}"
            " WHERE rowid IN (SELECT row FROM restoring) ORDER BY rowid"
        )
    return int(gone), int(back)


def _lay_back_rows(state: State, table: Table, side: str, to_run: int) -> tuple[int, int]:
    name = f"{side}.{tables.name(table)}"
    if table.name in changed.TELLING:
        state.connection.execute(
            f"INSERT INTO told SELECT id, {table.name == 'PERSON'}, bool_or(added), bool_or(NOT added) FROM ("
            f"SELECT id, false AS added FROM state.{name} WHERE from_run > {to_run} UNION ALL SELECT id, true"
            f" FROM state.{side}_past.{tables.name(table)} WHERE {_held_then(to_run)}) GROUP BY id"
        )
    return _lay_back(state, name, f"id, content, {tables.kept_columns(table)}", to_run)


def _lay_back_records(state: State, to_run: int) -> None:
    """Stays of records: where then is not as now, what is now ends and what was then begins again."""
    connection, run = state.connection, state.run
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE staying AS
        SELECT r.id, t.feed AS feed_then FROM state.record r LEFT JOIN (
            SELECT id, feed FROM state.record WHERE from_run <= {to_run} AND coalesce(to_run, {run}) > {to_run}
            UNION ALL SELECT id, feed FROM state.record_past WHERE {_held_then(to_run)}) t ON t.id = r.id
        WHERE CASE WHEN r.to_run IS NULL THEN r.feed END IS DISTINCT FROM t.feed""")
    again = "SELECT id FROM staying WHERE feed_then IS NOT NULL"
    connection.execute(f"""INSERT INTO state.record_past
        SELECT id, feed, from_run, coalesce(to_run, {run}) FROM state.record WHERE id IN ({again}) ORDER BY id""")
    connection.execute(f"""UPDATE state.record SET to_run = {run}
        WHERE to_run IS NULL AND id IN (SELECT id FROM staying WHERE feed_then IS NULL)""")
    connection.execute(f"""UPDATE state.record SET feed = s.feed_then, from_run = {run}, to_run = NULL
        FROM staying s WHERE s.id = state.record.id AND s.feed_then IS NOT NULL""")


def _lay_back_links(state: State, to_run: int) -> int:
    """Links as they were; the clients concerned are to be decided again, which gives them their candidates too."""
    connection = state.connection
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE relinking AS
        SELECT id FROM state.link WHERE from_run > {to_run}
        UNION SELECT id FROM state.link_past WHERE {_held_then(to_run)}""")
    _lay_back(state, "link", f"id, {tables.columns(LINK)}", to_run, why="why")
    connection.execute("""CREATE OR REPLACE TEMP TABLE redo_clients AS
        SELECT id FROM relinking WHERE id IN (SELECT id FROM state.clients.person)""")
    [(count,)] = connection.execute("SELECT count(*) FROM relinking").fetchall()
    return int(count)


def _lay_back_keys(state: State, to_run: int) -> None:
    """Person keys as they were; persons begun since then end, and those ended since then live again."""
    _lay_back(state, "person_key", "id, person_key", to_run, why="reason")
    living = "person_key IN (SELECT person_key FROM state.person_key)"
    state.connection.execute(
        f"UPDATE state.person SET to_run = {state.run}, merged_into = NULL WHERE to_run IS NULL AND NOT {living}"
    )
    state.connection.execute(
        f"UPDATE state.person SET to_run = NULL, merged_into = NULL WHERE to_run IS NOT NULL AND {living}"
    )


def _lay_back_deliveries(state: State, to_run: int) -> int:
    """Mark deliveries, and lay back which set-asides stand."""
    connection = state.connection
    _lay_back(state, "set_aside", f"delivery, {tables.columns(SET_ASIDE)}", to_run)
    since = f"run > {to_run} AND outcome = 'applied'"
    [(count,)] = connection.execute(f"SELECT count(*) FROM state.delivery WHERE {since}").fetchall()
    connection.execute(f"""UPDATE state.delivery SET outcome = 'applied', undone_by = NULL
        WHERE run <= {to_run} AND outcome = 'undone' AND undone_by > {to_run}""")
    connection.execute(f"UPDATE state.delivery SET outcome = 'undone', undone_by = {state.run} WHERE {since}")
    return int(count)
