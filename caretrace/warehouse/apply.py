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
from schemas import DATA_QUALITY, PERSON, Table

if TYPE_CHECKING:
    import duckdb


WHOLE, NAMED, LEAVING = "whole", "named", "leaving"
"""What a delivery speaks of: all of its feed; whom it names; whom it names and whom it says to be gone."""

_TELLING = ", ".join(str(number) for number, table in enumerate(tables.KEPT) if table.name in changed.TELLING)


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
    identities.note_also_told(state, side=side, feed=feed, whole=whole, elsewhere=elsewhere)
    changed.begin_telling(connection)
    _tell_origins(connection, side)
    counts = {table.name: {"added": 0, "removed": 0} for table in tables.KEPT}
    counts |= _lay_over(state, _spoken_of(connection, side, scope), side, scope)
    identities.settle(state, side=side, feed=feed, whole=whole)
    people = changed.note_told(connection, side)
    return Applied(feed, side, whole, people, counts, elsewhere)


def clear_read(state: State, side: str) -> None:
    """Drop `store.<side>`, so that the next delivery can be read."""
    state.connection.execute(f"DROP SCHEMA IF EXISTS store.{side} CASCADE")


def _spoken_of(connection: duckdb.DuckDBPyConnection, side: str, scope: str) -> dict[int, Table]:
    """Those tables in which this delivery can change a row, numbered: where it only names people, those it has rows of.

    What is in order now is no row of the delivery, and ends an issue that was one of an earlier.
    """
    told = [*tables.filled(connection, "store", side), DATA_QUALITY]
    if scope != NAMED:
        told += tables.filled(connection, "state", side)
    return {number: table for number, table in enumerate(tables.KEPT) if table in told}


def _lay_over(state: State, told: Mapping[int, Table], side: str, scope: str) -> dict[str, dict[str, int]]:
    """Find which (record, content) of each table there are too many or too few of, and write only those.

    Tables are asked together where they can be: to plan a query takes longer than to go through the rows of a night.
    """
    connection = state.connection
    _gather(connection, told, side, scope)
    # Of rows that say the same, an excess of one side is a difference; which of them it is makes none.
    connection.execute("""CREATE OR REPLACE TEMP TABLE differing AS
        SELECT number, id, content, CAST(sum(n) AS BIGINT) AS n FROM (
            SELECT number, id, content, 1 AS n FROM incoming UNION ALL SELECT number, id, content, -1 FROM standing)
        GROUP BY number, id, content HAVING sum(n) <> 0""")
    found = connection.execute(
        "SELECT number, coalesce(sum(n) FILTER (n > 0), 0), coalesce(sum(-n) FILTER (n < 0), 0)"
        " FROM differing GROUP BY number ORDER BY number"
    ).fetchall()
    fewer, more = ({number: told[number] for number, *counts in found if counts[at]} for at in (1, 0))
    if fewer:
        _remove(state, fewer, side)
    if more:
        _add(state, more, side)
    connection.execute(
        f"INSERT INTO told SELECT id, number = {tables.KEPT.index(PERSON)}, bool_or(n > 0), bool_or(n < 0)"
        f" FROM differing WHERE number IN ({_TELLING}) GROUP BY number, id"
    )
    connection.execute("; ".join(f"DROP TABLE {each}" for each in ("incoming", "standing", "differing")))
    return {told[number].name: {"added": int(added), "removed": int(removed)} for number, added, removed in found}


def _gather(connection: duckdb.DuckDBPyConnection, told: Mapping[int, Table], side: str, scope: str) -> None:
    """Make `incoming`, the rows of the delivery, and `standing`, those that hold and that it speaks of."""
    said = "(number UTINYINT, id BIGINT, content UBIGINT, place BIGINT"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE incoming {said}, part VARCHAR)")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE standing {said})")
    for number, table in told.items():
        connection.execute(f"""INSERT INTO incoming
            SELECT {number}, b.id, {tables.content(table, "t")}, t.rowid, {tables.part(table, "t")}
            FROM store.{side}.{tables.name(table)} t JOIN brought b ON {identities.same("b", "t")}""")
    for number, table in told.items():
        connection.execute(
            f"INSERT INTO standing SELECT {number}, h.id, h.content, h.rowid"
            f" FROM state.{side}.{tables.name(table)} h {_replaced(number, table, scope)}"
        )


def _replaced(number: int, table: Table, scope: str) -> str:
    """SQL that limits the rows `h` that hold to those which this delivery speaks of."""
    if scope == WHOLE:
        return "SEMI JOIN owned o ON o.id = h.id"
    if table is DATA_QUALITY:
        # What is in order now is not named any more: an issue goes where what it was found in is told anew.
        named = "incoming"
        own = "(list_contains(h.origin, n.part) OR n.part = 'PERSON' AND len(coalesce(h.origin, [])) = 0)"
    else:
        named, own = f"(FROM incoming WHERE number = {number})", f"n.part = {tables.part(table, 'h')}"
    if scope == LEAVING:
        # Rarer than changes, and dearer to look for, so the usual night goes without.
        named = f"(SELECT id, part FROM {named} UNION ALL SELECT id, part FROM leaving)"
        own = f"(n.part IS NULL OR {own})"
    return f"SEMI JOIN {named} n ON n.id = h.id AND {own}"


def _remove(state: State, fewer: Mapping[int, Table], side: str) -> None:
    """Move rows of which there are too many to the past."""
    connection, run = state.connection, state.run
    connection.execute("""CREATE OR REPLACE TEMP TABLE doomed AS SELECT number, place AS row FROM (
        SELECT s.number, s.place, d.n,
            row_number() OVER (PARTITION BY s.number, s.id, s.content ORDER BY s.place DESC) AS nth
        FROM standing s JOIN (FROM differing WHERE n < 0) d USING (number, id, content)) WHERE nth <= -n""")
    for number, table in fewer.items():
        name = tables.name(table)
        # What came and went within one run was never seen by anybody.
        connection.execute(
            f"INSERT INTO state.{side}_past.{name} BY NAME SELECT h.*, {run} AS to_run FROM state.{side}.{name} h"
            f" SEMI JOIN (FROM doomed WHERE number = {number}) d ON d.row = h.rowid WHERE h.from_run < {run}"
        )
        connection.execute(
            f"DELETE FROM state.{side}.{name} WHERE rowid IN (SELECT row FROM doomed WHERE number = {number})"
        )
    connection.execute("DROP TABLE doomed")


def _add(state: State, more: Mapping[int, Table], side: str) -> None:
    """Add rows of which there are too few, by record, those of one record in the order they were read."""
    connection = state.connection
    connection.execute("""CREATE OR REPLACE TEMP TABLE fresh AS SELECT number, id, content, place FROM (
        SELECT i.number, i.id, i.content, i.place, d.n,
            row_number() OVER (PARTITION BY i.number, i.id, i.content ORDER BY i.place) AS nth
        FROM incoming i JOIN (FROM differing WHERE n > 0) d USING (number, id, content)) WHERE nth <= n""")
    for number, table in more.items():
        name = tables.name(table)
        connection.execute(
            f"INSERT INTO state.{side}.{name} BY NAME SELECT f.id, f.content, {state.run} AS from_run,"
            f" {tables.kept_columns(table, 't')} FROM (FROM fresh WHERE number = {number}) f"
            f" JOIN store.{side}.{name} t ON t.rowid = f.place ORDER BY f.id, f.place"
        )
    connection.execute("DROP TABLE fresh")


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
