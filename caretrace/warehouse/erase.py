"""Records taken out of the state for good, with everything that was ever kept of them.

An erasure is a run: the records go before anything is linked (`begin`), so that links, person keys and what is
published are made without them, and after that every trace of them goes (`finish`). Nothing of them moves to the past,
so no undo brings them back. What other records say stays, even where it names the same person: a register row, say,
of somebody whose client record is erased. Numbers that no other record holds go from others' past links too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caretrace.warehouse import changed, left_over, tables
from linkage.frequencies import FOR_CLIENTS, OF_VALUES
from schemas.errors import InputError
from schemas.person import SUPERSEDED_NHS_NUMBER

if TYPE_CHECKING:
    import duckdb

    from caretrace.warehouse.store import State

_BY_ID = (
    *("record", "record_past", "decided", "link", "link_past", "candidate", "traced", "person_key"),
    *("person_key_past", "loaded_back", "retraction", "also_told"),
)
"""Tables of the state that name a record by our id, beside those of each side."""
_LINKAGE = (
    *(f"{side}_{what}" for side in tables.SIDES for what in ("record", "key")),
    "register_key_late",
    "register_key_moved",
)
_NUMBERS = ("nhs_number", "candidate_nhs_number", "runner_up_nhs_number")
_VALUES = ("given", "middle", "family", "birth_date", "unit", "house")
"""What the kept frequencies count that could tell who somebody is, where one person had it."""


@dataclass(frozen=True)
class Erasure:
    """What is to be erased: records by our ids."""

    ids: tuple[int, ...]
    log_id: str = ""
    """By which the log knows it; the run keeps it, which tells an erasure that was killed from one that was not."""
    keep_out: tuple[tuple[int, str], ...] = ()
    """Keyed hashes of them, with the version of the key (`kept_out`), where deliveries must not bring them back."""


def find(connection: duckdb.DuckDBPyConnection, names: Sequence[str], *, side: str | None, whole: bool) -> list[int]:
    """Ids of the records so named, each by its record id or as source/organisation/id, gone ones too.

    With `whole` all records of the same persons as well. Raises InputError where a name fits no record or several; it
    is told by its place, for an id may be all that it takes to find somebody.
    """
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE named AS
        SELECT n.place, r.id FROM (SELECT unnest($names) AS name, generate_subscripts($names, 1) AS place) n
        LEFT JOIN (FROM state.record WHERE $side IS NULL OR side = $side) r
            ON r.record_id = n.name OR concat_ws('/', r.source, r.source_org, r.record_id) = n.name""",
        {"names": list(names), "side": side},
    )
    for place, fitting in connection.execute(
        "SELECT place, count(id) FROM named GROUP BY place HAVING count(id) <> 1 ORDER BY place LIMIT 1"
    ).fetchall():
        raise InputError(
            f"the warehouse knows no record of the id given as number {place}; give its record id, or"
            " source/organisation/id"
            if not fitting
            else f"{fitting} records have the id given as number {place}; give source/organisation/id, and --side"
        )
    query = "SELECT id FROM named"
    if whole:
        # Of a record that is gone the person is who it was last.
        query = """WITH last AS (
                SELECT id, person_key FROM state.person_key UNION ALL
                SELECT id, max_by(person_key, to_run) FROM state.person_key_past ANTI JOIN state.person_key USING (id)
                GROUP BY id)
            SELECT id FROM named UNION
            SELECT id FROM last WHERE person_key IN (SELECT person_key FROM last SEMI JOIN named USING (id))"""
    return sorted(id_ for (id_,) in connection.execute(query).fetchall())


def name_all(connection: duckdb.DuckDBPyConnection, ids: Sequence[int]) -> None:
    """Make `erasing` (id, side, feed, key, from_run, to_run) and `erasing_number`, the NHS numbers they ever had."""
    key = ", ".join(tables.KEY)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE erasing AS SELECT id, side, feed, {key}, least(r.from_run, p.first) AS from_run,"
        " r.to_run FROM state.record r LEFT JOIN (SELECT id, min(from_run) AS first FROM state.record_past GROUP BY id)"
        " p USING (id) WHERE id IN (SELECT unnest(?))",
        [list(ids)],
    )
    sources = [
        query
        for side in tables.SIDES
        for schema in (side, f"{side}_past")
        for query in (
            f"SELECT id, nhs_number FROM state.{schema}.person",
            f"SELECT id, value FROM state.{schema}.identifier WHERE scheme = '{SUPERSEDED_NHS_NUMBER}'",
        )
    ]
    sources += [f"SELECT id, nhs_number FROM state.{name} WHERE decision = 'link'" for name in ("link", "link_past")]
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE erasing_number AS
        SELECT DISTINCT nhs_number FROM ({" UNION ALL ".join(sources)}) SEMI JOIN erasing USING (id)
        WHERE nhs_number IS NOT NULL""")


def drop_numbers_of_others(connection: duckdb.DuckDBPyConnection) -> None:
    """Leave in `erasing_number` what no other record holds: a number may be another's, or the person's elsewhere."""
    held = [
        query
        for side in tables.SIDES
        for query in (
            f"SELECT id, nhs_number FROM state.{side}.person",
            f"SELECT id, value FROM state.{side}.identifier WHERE scheme = '{SUPERSEDED_NHS_NUMBER}'",
        )
    ]
    # A link to a row that goes is a link that goes.
    theirs = " AND ".join(f"l.register_{name} = e.{name}" for name in tables.KEY)
    linked = f"""SELECT id, nhs_number FROM state.link l WHERE decision = 'link'
        AND NOT EXISTS (FROM erasing e WHERE e.side = 'register' AND {theirs})"""
    others = " UNION ALL ".join([*held, linked])
    connection.execute(f"""DELETE FROM erasing_number WHERE nhs_number IN (
        SELECT nhs_number FROM ({others}) ANTI JOIN erasing USING (id) WHERE nhs_number IS NOT NULL)""")


def begin(state: State, erasure: Erasure) -> dict[str, int]:
    """Take their rows out of both sides, before anything is linked; gives how many records each side loses.

    Adds to `changed_<side>`, and makes `redo_clients`.
    """
    connection = state.connection
    name_all(connection, erasure.ids)
    connection.execute("""CREATE OR REPLACE TEMP TABLE erasing_key AS
        SELECT DISTINCT person_key FROM (
            SELECT id, person_key FROM state.person_key UNION ALL SELECT id, person_key FROM state.person_key_past)
        SEMI JOIN erasing USING (id)""")
    counts = {}
    for side in tables.SIDES:
        gone = f"SELECT id, 'gone' AS how FROM state.{side}.person SEMI JOIN erasing USING (id)"
        [(counts[side],)] = connection.execute(f"SELECT count(*) FROM ({gone})").fetchall()
        changed.note(connection, side, gone)
        for table in tables.KEPT:
            for schema in (side, f"{side}_past"):
                _delete(connection, f"state.{schema}.{tables.name(table)}", "id")
    _forget_values(connection)
    return counts


def finish(state: State, erasure: Erasure) -> None:
    """Take out all else that names them, after links and person keys were made without them; the file is made anew."""
    connection = state.connection
    for name in _BY_ID:
        _delete(connection, f"state.{name}", "id")
    for name in _kept(connection, _LINKAGE):
        _delete(connection, name, "id")
    for name in _kept(connection, ("settled_client",)):
        _delete(connection, name, "c")
    drop_numbers_of_others(connection)
    _scrub_others(connection)
    connection.execute("""DELETE FROM state.person WHERE person_key IN (FROM erasing_key)
        AND person_key NOT IN (SELECT person_key FROM state.person_key)
        AND person_key NOT IN (SELECT person_key FROM state.person_key_past)""")
    for version, digest in erasure.keep_out:
        connection.execute(
            "INSERT INTO state.kept_out SELECT $digest, $version, $run WHERE NOT EXISTS"
            " (FROM state.kept_out WHERE hash = $digest)",
            {"digest": digest, "version": version, "run": state.run},
        )
    left_over.check(connection)
    state.renew = True


def _delete(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> None:
    connection.execute(f"DELETE FROM {table} WHERE {column} IN (SELECT id FROM erasing)")


def _kept(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> list[str]:
    """Those of linkage's own tables that there are: an engine need not keep all of them."""
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'state' AND schema_name = 'linkage'"
        " AND table_name IN (SELECT unnest(?)) ORDER BY 1",
        [list(names)],
    ).fetchall()
    return [f"state.linkage.{name}" for (name,) in rows]


def _forget_values(connection: duckdb.DuckDBPyConnection) -> None:
    """Take names, birth dates and postcodes that nobody else has out of the kept frequencies.

    A value that is not counted weighs as one that one person has. Clients who have one of them are decided again, so
    that the outcome stays that of linking everybody with these frequencies.
    """
    if not _kept(connection, ("register_record",)):
        return
    register, clients = "state.linkage.register_record", "state.linkage.clients_record"
    # A state of before middle names were compared has none.
    held = connection.sql(f"FROM {register} LIMIT 0").columns
    connection.execute(f"""CREATE OR REPLACE TEMP TABLE erasing_value AS
        SELECT {", ".join(name for name in _VALUES if name in held)} FROM {register} SEMI JOIN erasing USING (id)""")
    connection.execute("CREATE OR REPLACE TEMP TABLE redo_clients (id BIGINT)")
    counted: Mapping[str, tuple[str, ...]] = {
        row[0].rpartition(".")[2]: tuple(name for name in row[1] if name in _VALUES)
        for row in connection.execute(
            "SELECT table_name, list(column_name) FROM duckdb_columns() WHERE database_name = 'state'"
            " AND schema_name = 'linkage' AND table_name IN (SELECT unnest(?)) GROUP BY ALL ORDER BY 1",
            [[*OF_VALUES, *FOR_CLIENTS]],
        ).fetchall()
    }
    for name, columns in counted.items():
        if not columns:
            continue
        listed = ", ".join(columns)
        connection.execute(f"""CREATE OR REPLACE TEMP TABLE lone_value AS
            SELECT DISTINCT {listed} FROM erasing_value
            ANTI JOIN (FROM {register} ANTI JOIN erasing USING (id)) USING ({listed})""")
        connection.execute(f"INSERT INTO redo_clients SELECT id FROM {clients} SEMI JOIN lone_value USING ({listed})")
        connection.execute(f"DELETE FROM state.linkage.{name} WHERE ({listed}) IN (SELECT ({listed}) FROM lone_value)")


def _scrub_others(connection: duckdb.DuckDBPyConnection) -> None:
    """Take the erased, and numbers that nobody has any more, out of what is kept of other clients' links."""
    theirs = " AND ".join(f"t.register_{name} = e.{name}" for name in tables.KEY)
    blank = ", ".join(f"register_{name} = NULL" for name in tables.KEY)
    connection.execute(f"UPDATE state.link_past t SET {blank} FROM erasing e WHERE e.side = 'register' AND {theirs}")
    for column in _NUMBERS:
        connection.execute(f"UPDATE state.link_past SET {column} = NULL WHERE {column} IN (FROM erasing_number)")
    for name in ("loaded_back", "retraction"):
        connection.execute(f"DELETE FROM state.{name} WHERE nhs_number IN (FROM erasing_number)")
    for name in _kept(connection, ("verdict",)):
        connection.execute(f"DELETE FROM {name} WHERE nhs_number IN (FROM erasing_number)")
        for side, before in (("clients", ""), ("register", "register_")):
            same = " AND ".join(f"t.{before}{column} = e.{column}" for column in tables.KEY)
            connection.execute(f"DELETE FROM {name} t USING erasing e WHERE e.side = '{side}' AND {same}")
