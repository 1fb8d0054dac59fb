"""Our own id of every source record: given once, never used again, and given back to a record that returns.

A record belongs to the feed that brought it, for as long as that feed holds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caretrace.trace.opening import quoted
from caretrace.warehouse import tables
from schemas import PERSON
from schemas.sql import reading_order

if TYPE_CHECKING:
    import duckdb

    from caretrace.warehouse.store import State


_PLACE_BITS = 40
"""Places in the tables after PERSON come after all of its own."""


def same(a: str, b: str) -> str:
    """SQL that two rows are of one record; parts of the key may be missing in lists that name no record."""
    return " AND ".join(f"{a}.{name} IS NOT DISTINCT FROM {b}.{name}" for name in tables.KEY)


def name_records(state: State, *, side: str, feed: str) -> int:
    """Make `brought` (key, id, person: is it in PERSON) of every record in `store.<side>`, and `owned` (id).

    The latter are those the feed holds so far. Records that another feed of this side holds are left out of `brought`,
    and noted in `store.<side>.set_aside`; gives how many. Records not seen before get the next ids, in the order they
    were read.
    """
    connection, key = state.connection, ", ".join(tables.KEY)
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE owned AS
        SELECT id FROM state.record WHERE side = '{side}' AND feed = {quoted(feed)} AND to_run IS NULL""")
    place = f"row_number() OVER (ORDER BY {reading_order('t')}) AS place"
    keys = [f"SELECT {key}, {place} FROM store.{side}.person t"]
    others = [
        f"SELECT {key}, {number << _PLACE_BITS} + {place} FROM store.{side}.{tables.name(table)} t"
        f" ANTI JOIN store.{side}.person p ON {same('p', 't')}"
        for number, table in enumerate(tables.filled(connection, "store", side), start=1)
        if table is not PERSON
    ]
    if others:
        keys.append(f"SELECT {key}, min(place) FROM ({' UNION ALL '.join(others)}) GROUP BY {key}")
    [(last,)] = connection.execute("SELECT coalesce(max(id), 0) FROM state.record").fetchall()
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE known AS
        SELECT n.*, r.id IS NULL AS is_new, coalesce(r.to_run IS NULL AND r.feed <> {quoted(feed)}, false) AS elsewhere,
            coalesce(r.id, {last} + row_number() OVER (PARTITION BY r.id IS NULL ORDER BY place)) AS id
        FROM ({" UNION ALL ".join(keys)}) n
        LEFT JOIN (FROM state.record WHERE side = '{side}') r ON {same("r", "n")}""")
    connection.execute(f"""INSERT INTO state.record
        SELECT id, '{side}', {quoted(feed)}, {key}, {state.run}, NULL FROM known WHERE is_new ORDER BY id""")
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE brought AS
        SELECT {key}, id, place < {1 << _PLACE_BITS} AS person FROM known WHERE NOT elsewhere""")
    return _set_aside(state, side)


def note_also_told(state: State, *, side: str, feed: str, whole: bool, elsewhere: int) -> None:
    """Keep in `state.also_told` which records this feed tells of while another holds them.

    Should the other let them go, they stand nowhere until this one tells of them again: then somebody must be told.
    Needs `known`; must follow `name_records`.
    """
    connection = state.connection
    before = connection.execute("FROM state.also_told WHERE feed = ? LIMIT 1", [feed]).fetchall()
    if not elsewhere and not before:
        return
    told = "SELECT id FROM known"
    if _tells_who_is_gone(connection, side):
        told += f" UNION ALL SELECT r.id {_gone(side)} WHERE g.part IS NULL"
    ended = "" if whole else f" AND id IN ({told})"
    connection.execute(f"DELETE FROM state.also_told WHERE feed = {quoted(feed)}{ended}")
    connection.execute(f"INSERT INTO state.also_told SELECT DISTINCT id, {quoted(feed)} FROM known WHERE elsewhere")


def find_leaving(state: State, *, side: str, feed: str) -> bool:
    """Make `leaving` (id, part): whom, or what event, changes say to be gone; gives whether there are any.

    Only records that this feed holds, and a record or event that the same delivery also gives holds. `part` is null
    where the whole record is gone. Needs `brought` and `owned`.
    """
    connection = state.connection
    connection.execute("CREATE OR REPLACE TEMP TABLE leaving (id BIGINT, part VARCHAR)")
    if not _tells_who_is_gone(connection, side):
        return False
    connection.execute(f"""INSERT INTO leaving SELECT DISTINCT r.id, g.part {_gone(side)}
        SEMI JOIN owned o ON o.id = r.id
        WHERE g.part IS NOT NULL OR r.id NOT IN (SELECT id FROM brought WHERE person)""")
    return bool(connection.execute("FROM leaving LIMIT 1").fetchall())


def _tells_who_is_gone(connection: duckdb.DuckDBPyConnection, side: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = 'store' AND schema_name = ? AND table_name = 'gone'",
        [side],
    ).fetchall()
    return bool(found)


def _gone(side: str) -> str:
    """FROM with `r`, our record, and `g`, what the delivery says of it."""
    return f"FROM store.{side}.gone g JOIN (FROM state.record WHERE side = '{side}') r ON {same('r', 'g')}"


def _set_aside(state: State, side: str) -> int:
    connection = state.connection
    [(count,)] = connection.execute("SELECT count(*) FROM known WHERE elsewhere").fetchall()
    if count:
        connection.execute(f"""INSERT INTO store.{side}.set_aside BY NAME
            SELECT p.source, p.source_org, 'excluded' AS kind, p.extract_file, p.extract_record, p.extract_line,
                '' AS "columns", concat('the feed ', r.feed, ' holds this record') AS rule
            FROM known k JOIN store.{side}.person p ON {same("p", "k")} JOIN state.record r ON r.id = k.id
            WHERE k.elsewhere ORDER BY {reading_order("p")}""")
    return int(count)


def settle(state: State, *, side: str, feed: str, whole: bool) -> None:
    """Note who came back, and, after a whole delivery, who is gone."""
    connection, run = state.connection, state.run
    back = f"SELECT id FROM brought WHERE id IN (SELECT id FROM state.record WHERE side = '{side}' AND to_run < {run})"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE returned AS {back}")
    connection.execute(
        "INSERT INTO state.record_past SELECT id, feed, from_run, to_run FROM state.record WHERE id IN (FROM returned)"
    )
    connection.execute(f"""UPDATE state.record SET from_run = {run}, to_run = NULL, feed = {quoted(feed)}
        WHERE id IN (FROM returned)""")
    # Gone and back within one run is no leave.
    connection.execute(f"""UPDATE state.record SET to_run = NULL, feed = {quoted(feed)}
        WHERE to_run = {run} AND id IN (SELECT id FROM brought)""")
    if whole:
        connection.execute(f"""UPDATE state.record SET to_run = {run}
            WHERE to_run IS NULL AND id IN (SELECT id FROM owned WHERE id NOT IN (SELECT id FROM brought))""")
    else:
        connection.execute(f"""UPDATE state.record SET to_run = {run}
            WHERE to_run IS NULL AND id IN (SELECT id FROM leaving WHERE part IS NULL)""")
