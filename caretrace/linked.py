"""Person keys, and the standard tables of both sides joined on them.

In: the working store with `clients.*`, `register.*` and `link`. Out: view `person_key` (schemas.PERSON_KEY) and
`linked/<table>.parquet`: person_key, person_nhs_number and side before each table's declared columns, clients before
register, rows in the order they were read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.parquet import as_text, in_order, write_parquet
from caretrace.people_in_order import people_in_order, sorted_people, stand_in_order
from schemas import PERSON, SOURCE_TABLES, Table
from schemas.progress import SILENT, Progress
from schemas.sql import reading_order

if TYPE_CHECKING:
    import duckdb

SIDES = {"clients": "client", "register": "register"}
"""The two sides: name of the DuckDB schema, and the word in the `side` column."""

LINKED_TABLES: tuple[Table, ...] = tuple(t for t in SOURCE_TABLES if t.name not in ("SET_ASIDE", "DATA_QUALITY"))

_KEY = ("source", "source_org", "record_id")


def make_person_keys(connection: duckdb.DuckDBPyConnection, *, run_id: str) -> None:
    """Make the views `keyed_clients`, `keyed_register` and `person_key`: one key a person.

    Register rows with one NHS number are one person, and so are the clients linked to that number; a client linked to a
    row without a number is one person with that row. Everybody else is a person of their own: an unlinked client's
    number is held, not confirmed, so it joins nothing.

    Keys are 128 bits of the stream that the run's id starts (MD5 in counter mode), drawn in the order in which
    the rows were read; a person of several rows has the key of the first. No identifier goes into them. Two runs share
    no key, so that whoever stood in the same place in an earlier run is never taken for the same person.
    """
    ((clients,),) = connection.execute("SELECT count(*) FROM clients.person").fetchall()
    first = {"clients": 0, "register": clients}
    for schema, before in first.items():
        if stand_in_order(connection, schema):
            number, rows = "rowid", f"{schema}.person"
        else:
            # Numbered once they are in order: a window that orders them itself takes twice as long.
            number = "row_number() OVER () - 1"
            rows = f"(SELECT rowid, nhs_number FROM {schema}.person p ORDER BY {reading_order('p')})"
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE read_{schema} AS
            SELECT rowid AS place, nhs_number, {before} + {number} AS position FROM {rows}""")
    connection.execute(f"CREATE OR REPLACE TEMP MACRO person_key_of(first) AS md5(concat('{run_id} ', first))")
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE client_person AS
        WITH linked AS (
            SELECT p.rowid AS place, l.* FROM clients.person p
            JOIN (FROM link WHERE decision = 'link') l USING (source, source_org, record_id))
        SELECT place, nhs_number, CAST(nhs_number AS BIGINT) AS shared FROM linked WHERE nhs_number IS NOT NULL
        -- Few, so that few rows of the register are looked at.
        UNION ALL SELECT place, l.nhs_number, -1 - q.rowid
        FROM (FROM linked WHERE nhs_number IS NULL) l JOIN register.person q ON q.source = l.register_source
            AND q.source_org = l.register_source_org AND q.record_id = l.register_record_id""")
    # Most people are one row, and need no look-up: only the later rows of the others are kept.
    connection.execute("""
        CREATE OR REPLACE TEMP TABLE same_person AS
        WITH held AS (
            SELECT position, shared FROM client_person JOIN read_clients USING (place)
            UNION ALL SELECT position, coalesce(CAST(nhs_number AS BIGINT), -1 - place) FROM read_register
        ),
        person AS (SELECT shared, min(position) AS first FROM held GROUP BY shared HAVING count(*) > 1)
        SELECT position, first FROM held JOIN person USING (shared) WHERE position > first""")
    for schema, (number, linked) in {
        "clients": (", coalesce(l.nhs_number, p.nhs_number) AS number", "LEFT JOIN client_person l USING (place)"),
        "register": ("", ""),
    }.items():
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE person_of_{schema} AS
            SELECT place, position, coalesce(s.first, position) AS first{number}
            FROM read_{schema} p LEFT JOIN same_person s USING (position) {linked} ORDER BY position""")
        connection.execute(f"DROP TABLE read_{schema}")
        connection.execute(f"""
            CREATE OR REPLACE TEMP VIEW keyed_{schema} AS
            SELECT {_keys_of(schema)}, t.* FROM {schema}.person t JOIN person_of_{schema} k ON k.place = t.rowid""")
    columns = f"person_key, {', '.join(_KEY)}, side, person_nhs_number AS nhs_number"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW person_key AS SELECT {columns} FROM keyed_clients"
        f" UNION ALL SELECT {columns} FROM keyed_register"
    )


def _keys_of(schema: str) -> str:
    """The columns before those of PERSON, of a person `t` and of `k`, its row of `person_of_<schema>`.

    The keys are worked out where they are needed: as texts of a million they are longer than all else that is kept.
    """
    number = "k.number" if schema == "clients" else "t.nhs_number"
    return f"person_key_of(k.first) AS person_key, {number} AS person_nhs_number, '{SIDES[schema]}' AS side"


def write_linked(connection: duckdb.DuckDBPyConnection, folder: Path, *, progress: Progress = SILENT) -> None:
    """Write person_key.parquet and every linked table into `folder`, which must exist."""
    with progress.stage("Writing linked tables", len(LINKED_TABLES) + 1) as advance:
        empty = _without_rows(connection)
        for table in LINKED_TABLES:
            if table is PERSON:
                _write_people(connection, folder)
                advance(2)
                continue
            query = _nothing(table) if table.name in empty else _joined(table)
            write_parquet(connection, query, folder / f"{table.name.lower()}.parquet")
            advance(1)


def _write_people(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """PERSON and PERSON_KEY of both sides."""

    def columns(schema: str) -> str:
        return ", ".join((_keys_of(schema), *(f't."{name}"' for name in PERSON.names)))

    file = folder / "person.parquet"
    with people_in_order(connection, tuple(SIDES), columns) as people:
        write_parquet(connection, people or sorted_people(tuple(SIDES), columns), file)
        # Read back where they were sorted, for there everybody stands in order.
        keyed = f"({people})" if people else f"read_parquet('{as_text(file)}', hive_partitioning = false)"
        columns_of_key = f"person_key, {', '.join(_KEY)}, side, person_nhs_number AS nhs_number"
        write_parquet(connection, f"SELECT {columns_of_key} FROM {keyed}", folder / "person_key.parquet")


def _without_rows(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Names of the tables without rows on either side: most are, and to look for nobody in a million takes time."""
    rows = ", ".join(
        " + ".join(f"(SELECT count(*) FROM {schema}.{table.name.lower()})" for schema in SIDES)
        for table in LINKED_TABLES
    )
    (counts,) = connection.execute(f"SELECT {rows}").fetchall()
    return {table.name for table, count in zip(LINKED_TABLES, counts, strict=True) if not count}


def _nothing(table: Table) -> str:
    """What `_joined` gives of an empty table."""
    columns = ", ".join(f'"{name}"' for name in table.names)
    key = ", ".join(f"CAST(NULL AS VARCHAR) AS {name}" for name in ("person_key", "person_nhs_number"))
    return f"SELECT {key}, '{SIDES['clients']}' AS side, {columns} FROM clients.{table.name.lower()}"


def _joined(table: Table) -> str:
    """Both sides of one table; an opt-out keyed by a number alone keeps that number as its person's."""
    columns = ", ".join(f't."{name}"' for name in table.names)
    number = "coalesce(k.person_nhs_number, t.nhs_number)" if "nhs_number" in table else "k.person_nhs_number"
    key = ", ".join(_KEY)
    rows = (
        f"""k.person_key, {number} AS person_nhs_number, '{side}' AS side, {columns}
        FROM {schema}.{table.name.lower()} t LEFT JOIN (
            SELECT person_key, person_nhs_number, {key} FROM keyed_{schema}
            SEMI JOIN {schema}.{table.name.lower()} USING ({key})) k USING ({key})"""
        for schema, side in SIDES.items()
    )
    return in_order(rows, by=reading_order("t"))
