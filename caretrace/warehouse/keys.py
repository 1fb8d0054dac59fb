"""One key a person, kept from night to night.

Register rows of one NHS number and the clients linked to it are one person; so are a register row without a number and
the clients linked to it; everybody else is a person of their own (`caretrace.linked.make_person_keys` groups the same
way). Keys are random, drawn once, and never made from identifiers. When the grouping changes:

- a key goes on with the part that has the register row, else with the record known for longest; the rest get new keys;
- where several keys meet, the one known for longest is kept, and the others say which one they went into;
- a person of whom no record is left ends, and has the same key when the record comes back.

Only persons with a record that changed, or that was linked anew, are looked at.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from caretrace.warehouse import changed

if TYPE_CHECKING:
    import duckdb

    from caretrace.warehouse.store import State

Draw = Callable[[int], bytes]
"""Gives so many random bytes."""

_BYTES = 16

GONE = "the record is gone"
MERGED = "two persons were found to be one; the key known for longer is kept"
PARTED = "found not to be that person"
JOINED = "found to be another person"


def _people(side: str, among: str | None = None) -> str:
    """SELECT of every record of a side, or of those in `among`, and a number for its person.

    That is the NHS number, or below 0 the id of the one row that has none. Needs `numberless`.
    """
    people = f"FROM state.{side}.person" + (f" SEMI JOIN {among} USING (id)" if among else "")
    if side == "register":
        return f"SELECT id, true AS register, coalesce(CAST(nhs_number AS BIGINT), -id) AS person {people}"
    return f"""SELECT p.id, false AS register, coalesce(CAST(l.nhs_number AS BIGINT), -n.row, -p.id) AS person
        FROM ({people}) p LEFT JOIN (FROM state.link WHERE decision = 'link') l ON l.id = p.id
        LEFT JOIN numberless n ON n.id = p.id"""


@dataclass(frozen=True)
class KeyChanges:
    """What became of persons."""

    new: int
    """Keys drawn."""
    back: int
    """Persons of whom a record came back."""
    merged: int
    """Keys that went into another."""
    gone: int
    """Persons of whom no record is left."""
    moved: int
    """Records that belong to another person than before."""

    def to_json(self) -> dict[str, int]:
        """Plain values."""
        return asdict(self)


def update_keys(state: State, draw: Draw = secrets.token_bytes) -> KeyChanges:
    """Give every record its person's key, after links were laid into the state."""
    connection = state.connection
    _find_members(connection)
    _choose(connection, draw)
    moved = _move(state)
    _check(connection)
    return _settle_persons(state, moved)


def _check(connection: duckdb.DuckDBPyConnection) -> None:
    """A person without a key would drop out of everything made from here on, and nobody would see it."""
    [(people, keys)] = connection.execute(
        "SELECT (SELECT count(*) FROM state.clients.person) + (SELECT count(*) FROM state.register.person),"
        " (SELECT count(*) FROM state.person_key)"
    ).fetchall()
    if people != keys:
        raise AssertionError(f"{people} records have {keys} person keys")


def _find_members(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `member` (id, register, person): everybody whose person may have changed, with all of that person.

    A record that neither changed nor was linked anew is of the person it was of. So the records that share a key with
    one that changed, and all who are of one person with any of those today, are everybody there is to look at.
    """
    changed.prepare(connection)
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS relinked (id BIGINT)")
    connection.execute("""CREATE OR REPLACE TEMP TABLE touched AS
        SELECT id FROM changed_clients UNION SELECT id FROM changed_register UNION SELECT id FROM relinked""")
    connection.execute("""CREATE OR REPLACE TEMP TABLE key_mate AS
        SELECT id FROM touched
        UNION SELECT k.id FROM state.person_key k WHERE k.person_key IN (
            SELECT person_key FROM state.person_key SEMI JOIN touched USING (id))""")
    connection.execute("""CREATE OR REPLACE TEMP TABLE numberless AS
        SELECT l.id, r.id AS row FROM state.link l JOIN state.record r ON r.side = 'register'
            AND r.source = l.register_source AND r.source_org = l.register_source_org
            AND r.record_id = l.register_record_id
        WHERE l.decision = 'link' AND l.nhs_number IS NULL""")
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE wanted_person AS SELECT DISTINCT person FROM (
        FROM ({_people("clients", "key_mate")}) UNION ALL FROM ({_people("register", "key_mate")}))""")
    # The register is long and few are wanted of it, so it is looked through for their numbers as they stand.
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE member AS
        FROM ({_people("clients")}) SEMI JOIN wanted_person USING (person)
        UNION ALL {_people("register")} SEMI JOIN (
            SELECT lpad(CAST(person AS VARCHAR), 10, '0') AS nhs_number FROM wanted_person WHERE person > 0)
            USING (nhs_number)
        UNION ALL {_people("register")} SEMI JOIN (SELECT -person AS id FROM wanted_person WHERE person < 0) USING (id)
            WHERE nhs_number IS NULL""")


def _choose(connection: duckdb.DuckDBPyConnection, draw: Draw) -> None:
    """Make `key_claim` (person, person_key, ..., winner) and `chosen` (person, person_key, drawn): one key a person."""
    connection.execute("""CREATE OR REPLACE TEMP TABLE key_claim AS
        WITH held AS (
            SELECT m.person, k.person_key, true AS living, m.register, m.id
            FROM member m JOIN state.person_key k USING (id)
            UNION ALL
            SELECT m.person, k.person_key, false, m.register, m.id
            FROM member m ANTI JOIN state.person_key USING (id)
            JOIN (SELECT id, max_by(person_key, to_run) AS person_key FROM state.person_key_past
                  SEMI JOIN member USING (id) GROUP BY id) k USING (id)
            JOIN state.person p ON p.person_key = k.person_key AND p.to_run IS NOT NULL AND p.merged_into IS NULL),
        claims AS (SELECT person, person_key, bool_or(living) AS living, bool_or(register) AS register, min(id) AS first
                   FROM held GROUP BY ALL)
        SELECT *, row_number() OVER (PARTITION BY person_key ORDER BY living DESC, register DESC, first) = 1 AS winner
        FROM claims""")
    # Most persons have one key to choose from; only of the others it counts which is known for longer.
    connection.execute("""CREATE OR REPLACE TEMP TABLE chosen AS
        WITH won AS (FROM key_claim WHERE winner),
        several AS (SELECT person_key FROM won WHERE person IN (
            SELECT person FROM won GROUP BY person HAVING count(*) > 1)),
        known AS (SELECT person_key, from_run FROM state.person SEMI JOIN several USING (person_key))
        SELECT person, person_key, false AS drawn FROM won LEFT JOIN known USING (person_key)
        QUALIFY row_number() OVER (PARTITION BY person ORDER BY living DESC, from_run, first) = 1""")
    without = "SELECT person, min(id) AS first FROM member ANTI JOIN chosen USING (person) GROUP BY person"
    [(count,)] = connection.execute(f"SELECT count(*) FROM ({without})").fetchall()
    if count:
        connection.register("drawn_keys", _keys(draw, count))
        connection.execute(f"""INSERT INTO chosen SELECT w.person, d.person_key, true
            FROM (SELECT person, row_number() OVER (ORDER BY first) - 1 AS nth FROM ({without})) w
            JOIN drawn_keys d USING (nth)""")
        connection.unregister("drawn_keys")


def _keys(draw: Draw, count: int) -> object:
    """So many keys as a table (nth, person_key): 128 bits each, in hex."""
    import numpy as np
    import pyarrow as pa

    width = 2 * _BYTES
    text = draw(count * _BYTES).hex().encode()
    offsets = np.arange(count + 1, dtype=np.int64) * width
    keys = pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))
    return pa.table({"nth": pa.array(np.arange(count, dtype=np.int64)), "person_key": keys})


def _move(state: State) -> int:
    """Lay the chosen keys over the records; gives how many records went from one person to another."""
    connection = state.connection
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE parting AS
        SELECT k.id, k.person_key, k.from_run, c.person_key AS next_key,
            CASE WHEN m.id IS NULL THEN '{GONE}' WHEN w.person = m.person THEN '{MERGED}' WHEN c.drawn THEN '{PARTED}'
                ELSE '{JOINED}' END AS reason
        FROM (SELECT k.* FROM state.person_key k WHERE k.id IN (SELECT id FROM key_mate UNION SELECT id FROM member)) k
        LEFT JOIN member m USING (id) LEFT JOIN chosen c ON c.person = m.person
        LEFT JOIN (FROM key_claim WHERE winner) w ON w.person_key = k.person_key
        WHERE c.person_key IS DISTINCT FROM k.person_key""")
    connection.execute(f"""INSERT INTO state.person_key_past
        SELECT id, person_key, from_run, {state.run}, reason FROM parting WHERE from_run < {state.run} ORDER BY id""")
    connection.execute("DELETE FROM state.person_key WHERE id IN (SELECT id FROM parting)")
    connection.execute(f"""INSERT INTO state.person_key
        SELECT m.id, c.person_key, {state.run} FROM member m JOIN chosen c USING (person)
        ANTI JOIN state.person_key k ON k.id = m.id ORDER BY m.id""")
    [(moved,)] = connection.execute("SELECT count(*) FROM parting WHERE next_key IS NOT NULL").fetchall()
    return int(moved)


def _settle_persons(state: State, moved: int) -> KeyChanges:
    """Begin, take up again and end persons."""
    connection, run = state.connection, state.run
    connection.execute(f"INSERT INTO state.person SELECT person_key, {run}, NULL, NULL FROM chosen WHERE drawn")
    connection.execute("""CREATE OR REPLACE TEMP TABLE back AS
        SELECT person_key FROM chosen SEMI JOIN (FROM key_claim WHERE NOT living) USING (person, person_key)""")
    connection.execute("UPDATE state.person SET to_run = NULL WHERE person_key IN (FROM back)")
    # Whoever had one of these keys was looked at, so a key that nobody of them has now, nobody has.
    connection.execute("""CREATE OR REPLACE TEMP TABLE ending AS
        SELECT DISTINCT q.person_key, c.person_key AS merged_into
        FROM parting q ANTI JOIN chosen k ON k.person_key = q.person_key
        LEFT JOIN (FROM key_claim WHERE winner) w ON w.person_key = q.person_key
        LEFT JOIN chosen c ON c.person = w.person""")
    connection.execute("""CREATE OR REPLACE TEMP TABLE ended AS
        SELECT p.rowid AS row, p.person_key, p.from_run, e.merged_into
        FROM state.person p JOIN ending e ON e.person_key = p.person_key""")
    connection.execute("DELETE FROM state.person WHERE rowid IN (SELECT row FROM ended)")
    connection.execute(f"""INSERT INTO state.person
        SELECT person_key, from_run, {run}, merged_into FROM ended ORDER BY row""")
    counts = """SELECT (SELECT count(*) FROM chosen WHERE drawn), (SELECT count(*) FROM back),
        count(*) FILTER (merged_into IS NOT NULL), count(*) FILTER (merged_into IS NULL) FROM ending"""
    [(new, back, merged, gone)] = connection.execute(counts).fetchall()
    return KeyChanges(new=new, back=back, merged=merged, gone=gone, moved=moved)
