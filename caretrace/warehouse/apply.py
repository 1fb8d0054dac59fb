"""A delivery laid over what holds: rows that say the same stay as they are, and only the difference is written.

A full delivery of a feed replaces all of that feed's records. A delta replaces, table by table, the rows of the people
it names there (of an event table with event ids: the events), takes away the people and events that it says are gone,
and touches nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caretrace.warehouse import changed, identities, tables
from caretrace.warehouse.store import State
from schemas import DATA_QUALITY, Table

if TYPE_CHECKING:
    import duckdb


WHOLE, NAMED, LEAVING = "whole", "named", "leaving"
"""What a delivery speaks of: all of its feed; whom it names; whom it names and whom it says to be gone."""


@dataclass(frozen=True)
class Applied:
    """What a delivery changed."""

    feed: str
    side: str
    whole: bool
    people: Mapping[str, int]
    """Records by what became of them: new, changed, gone; only changes that tell who somebody is."""
    tables: Mapping[str, Mapping[str, int]]
    """Rows added and removed, by name of the table; a changed row is one of each."""
    elsewhere: int
    """Records left out because another feed of this side holds them."""

    @property
    def changes(self) -> int:
        """Rows added and removed, in all tables."""
        return sum(sum(each.values()) for each in self.tables.values())

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        rows = {name: dict(counts) for name, counts in self.tables.items() if any(counts.values())}
        return {"people": dict(self.people), "rows": rows, "elsewhere": self.elsewhere}


def apply(state: State, *, side: str, feed: str, whole: bool) -> Applied:
    """Lay `store.<side>.*`, as `connectors.read` left it, over the state; adds to `changed_<side>`."""
    connection = state.connection
    changed.prepare(connection)
    elsewhere = identities.name_records(state, side=side, feed=feed)
    scope = WHOLE if whole else LEAVING if identities.find_leaving(state, side=side, feed=feed) else NAMED
    changed.begin_telling(connection)
    connection.execute("CREATE OR REPLACE TEMP TABLE named_part (id BIGINT, part VARCHAR)")
    _tell_origins(connection, side)
    told = _spoken_of(connection, side, scope)
    counts = {
        table.name: _apply_table(state, table, side, scope) if table in told else {"added": 0, "removed": 0}
        for table in tables.KEPT
    }
    identities.settle(state, side=side, feed=feed, whole=whole)
    people = changed.note_told(connection, side)
    return Applied(feed, side, whole, people, counts, elsewhere)


def clear_read(state: State, side: str) -> None:
    """Drop `store.<side>`, so that the next delivery can be read."""
    state.connection.execute(f"DROP SCHEMA IF EXISTS store.{side} CASCADE")


def _spoken_of(connection: duckdb.DuckDBPyConnection, side: str, scope: str) -> list[Table]:
    """Those tables in which this delivery can change a row: where it only names people, those that it has rows of."""
    told = tables.filled(connection, "store", side)
    if scope == NAMED:
        # What is in order now is no row of the delivery, and ends an issue that was one of an earlier.
        return [*told, DATA_QUALITY]
    return [*told, *tables.filled(connection, "state", side)]


def _apply_table(state: State, table: Table, side: str, scope: str) -> dict[str, int]:
    """One table: find which (record, content) there are too many or too few of, and write only those."""
    connection, name = state.connection, tables.name(table)
    held = f"state.{side}.{name}"
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE incoming AS
        SELECT b.id, {tables.content(table, "t")} AS content, t.rowid AS place, {tables.part(table, "t")} AS part
        FROM store.{side}.{name} t JOIN brought b ON {identities.same("b", "t")}""")
    if scope != WHOLE:
        connection.execute("INSERT INTO named_part SELECT DISTINCT id, part FROM incoming")
    # Of rows that say the same, an excess of one side is a difference; which of them it is makes none.
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE differing AS
        SELECT id, content, CAST(sum(n) AS BIGINT) AS n FROM (
            SELECT id, content, 1 AS n FROM incoming
            UNION ALL SELECT h.id, h.content, -1 FROM {held} h {_replaced(table, scope)})
        GROUP BY id, content HAVING sum(n) <> 0""")
    [(fewer, more)] = connection.execute(
        "SELECT coalesce(sum(-n) FILTER (n < 0), 0), coalesce(sum(n) FILTER (n > 0), 0) FROM differing"
    ).fetchall()
    if fewer:
        _remove(state, table, side, _replaced(table, scope))
    if more:
        _add(state, table, side)
    if table.name in changed.TELLING and (fewer or more):
        connection.execute(
            f"INSERT INTO told SELECT id, {table.name == 'PERSON'}, bool_or(n > 0), bool_or(n < 0)"
            " FROM differing GROUP BY id"
        )
    return {"added": int(more), "removed": int(fewer)}


def _replaced(table: Table, scope: str) -> str:
    """SQL that limits the rows `h` that hold to those which this delivery speaks of."""
    if scope == WHOLE:
        return "SEMI JOIN owned o ON o.id = h.id"
    if scope == LEAVING:
        # Rarer than changes, and dearer to look for, so the usual night goes without.
        named = "named_part" if table is DATA_QUALITY else "incoming"
        own = """list_contains(h.origin, n.part) OR n.part = 'PERSON' AND len(coalesce(h.origin, [])) = 0"""
        own = own if table is DATA_QUALITY else f"n.part = {tables.part(table, 'h')}"
        return f"""SEMI JOIN (SELECT id, part FROM {named} UNION ALL SELECT id, part FROM leaving) n
            ON n.id = h.id AND (n.part IS NULL OR {own})"""
    if table is DATA_QUALITY:
        # What is in order now is not named any more: an issue goes where what it was found in is told anew.
        return """SEMI JOIN named_part n ON n.id = h.id
            AND (list_contains(h.origin, n.part) OR n.part = 'PERSON' AND len(coalesce(h.origin, [])) = 0)"""
    return f"SEMI JOIN incoming i ON i.id = h.id AND i.part = {tables.part(table, 'h')}"


def _remove(state: State, table: Table, side: str, replaced: str) -> None:
    """Move rows of which there are too many to the past."""
    connection, name = state.connection, tables.name(table)
    held = f"state.{side}.{name}"
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE doomed AS SELECT row FROM (
        SELECT h.row, d.n, row_number() OVER (PARTITION BY h.id, h.content ORDER BY h.row DESC) AS place
        FROM (SELECT h.rowid AS row, h.id, h.content FROM {held} h {replaced}) h
        JOIN (FROM differing WHERE n < 0) d ON d.id = h.id AND d.content = h.content) WHERE place <= -n""")
    # What came and went within one run was never seen by anybody.
    connection.execute(
        f"INSERT INTO state.{side}_past.{name} BY NAME SELECT h.*, {state.run} AS to_run FROM {held} h"
        f" SEMI JOIN doomed d ON d.row = h.rowid WHERE h.from_run < {state.run}"
    )
    connection.execute(f"DELETE FROM {held} WHERE rowid IN (SELECT row FROM doomed)")


def _add(state: State, table: Table, side: str) -> None:
    """Add rows of which there are too few, by record, those of one record in the order they were read."""
    connection, name = state.connection, tables.name(table)
    connection.execute("""CREATE OR REPLACE TEMP TABLE fresh AS SELECT id, content, place FROM (
        SELECT i.id, i.content, i.place, d.n, row_number() OVER (PARTITION BY i.id, i.content ORDER BY i.place)
            AS nth
        FROM incoming i JOIN (FROM differing WHERE n > 0) d ON d.id = i.id AND d.content = i.content) WHERE nth <= n""")
    connection.execute(
        f"INSERT INTO state.{side}.{name} BY NAME SELECT f.id, f.content, {state.run} AS from_run,"
        f" {tables.kept_columns(table, 't')} FROM fresh f JOIN store.{side}.{name} t ON t.rowid = f.place"
        " ORDER BY f.id, f.place"
    )


def _tell_origins(connection: duckdb.DuckDBPyConnection, side: str) -> None:
    """Give the issues just read a column more: what their records filled."""
    issues, place = f"store.{side}.{tables.name(DATA_QUALITY)}", "extract_file, extract_record"
    connection.execute(f"ALTER TABLE {issues} ADD COLUMN IF NOT EXISTS {tables.ORIGIN} VARCHAR[]")
    rows = " UNION ALL ".join(
        f"SELECT {place}, {tables.part(table, 'r')} AS part FROM store.{side}.{tables.name(table)} r"
        f" SEMI JOIN {issues} USING ({place})"
        for table in tables.filled(connection, "store", side)
        if table is not DATA_QUALITY
    )
    if rows:
        connection.execute(f"""UPDATE {issues} t SET {tables.ORIGIN} = o.parts
            FROM (SELECT {place}, list_sort(list(DISTINCT part)) AS parts FROM ({rows}) GROUP BY ALL) o
            WHERE o.extract_file = t.extract_file AND o.extract_record = t.extract_record""")
