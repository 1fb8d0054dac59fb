"""Person keys, and the standard tables of both sides joined on them.

In: the working store with `clients.*`, `register.*` and `link`. Out: table `person_key` (schemas.PERSON_KEY) and
`linked/<table>.parquet`: person_key, person_nhs_number and side before each table's declared columns.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from schemas import SOURCE_TABLES, Table
from schemas.progress import SILENT, Progress

if TYPE_CHECKING:
    import duckdb

SIDES = {"clients": "client", "register": "register"}
"""The two sides: name of the DuckDB schema, and the word in the `side` column."""

LINKED_TABLES: tuple[Table, ...] = tuple(t for t in SOURCE_TABLES if t.name not in ("SET_ASIDE", "DATA_QUALITY"))

_KEY = ("source", "source_org", "record_id")
ROW_GROUP = 122_880
"""Rows to a Parquet row group, fixed so that the bytes do not depend on the number of threads."""


def make_person_keys(connection: duckdb.DuckDBPyConnection, *, seed: int) -> None:
    """Make the temporary table `person_key`: one key a person, drawn from the seed's random stream in row order.

    Register rows with one NHS number are one person, and so are the clients linked to that number; a client linked to a
    row without a number is one person with that row. Everybody else is a person of their own: an unlinked client's
    number is held, not confirmed, so it joins nothing.
    """
    # An origin's number stands for its three texts, and a row's number for its key: sorted once, compared cheaply.
    connection.execute("""CREATE OR REPLACE TEMP TABLE origin AS
        SELECT *, row_number() OVER (ORDER BY side, source, source_org) AS origin FROM (
            SELECT DISTINCT 'client' AS side, source, source_org FROM clients.person
            UNION ALL SELECT DISTINCT 'register', source, source_org FROM register.person)""")
    connection.execute("""CREATE OR REPLACE TEMP TABLE record AS SELECT * FROM (
            SELECT o.origin, p.record_id, p.rowid AS person_row,
                coalesce(l.nhs_number, p.nhs_number) AS nhs_number,
                coalesce(l.nhs_number, 'row ' || q.rowid) AS shared
            FROM clients.person p JOIN (SELECT * FROM origin WHERE side = 'client') o USING (source, source_org)
            LEFT JOIN (SELECT * FROM link WHERE decision = 'link') l USING (source, source_org, record_id)
            LEFT JOIN register.person q ON l.nhs_number IS NULL AND q.source = l.register_source
                AND q.source_org = l.register_source_org AND q.record_id = l.register_record_id
            UNION ALL
            SELECT o.origin, p.record_id, p.rowid, p.nhs_number, coalesce(p.nhs_number, 'row ' || p.rowid)
            FROM register.person p JOIN (SELECT * FROM origin WHERE side = 'register') o USING (source, source_org))
        ORDER BY origin, record_id""")
    ((rows,),) = connection.execute("SELECT count(*) FROM record").fetchall()
    # Keys are drawn for every row; a person of several rows has the key of the first.
    connection.register("drawn", _draw(rows, seed))
    try:
        connection.execute("""CREATE OR REPLACE TEMP TABLE person_key AS
            WITH person AS (SELECT shared, min(rowid) AS position FROM record WHERE shared IS NOT NULL GROUP BY 1)
            SELECT format('{:016x}{:016x}', d.high, d.low) AS person_key,
                   o.source, o.source_org, r.record_id, o.side, r.nhs_number, r.rowid AS position, r.person_row
            FROM record r JOIN origin o USING (origin) LEFT JOIN person p ON p.shared = r.shared
            JOIN drawn d ON d.position = coalesce(p.position, r.rowid)""")
    finally:
        connection.unregister("drawn")
        connection.execute("DROP TABLE record")
        connection.execute("DROP TABLE origin")


def _draw(rows: int, seed: int) -> object:
    import numpy as np
    import pyarrow as pa

    bits = np.random.Generator(np.random.PCG64(seed)).integers(0, 2**64, size=(rows, 2), dtype=np.uint64)
    return pa.table({"position": np.arange(rows), "high": bits[:, 0], "low": bits[:, 1]})


def write_linked(connection: duckdb.DuckDBPyConnection, folder: Path, *, progress: Progress = SILENT) -> None:
    """Write person_key.parquet and every linked table into `folder`, which must exist."""
    with progress.stage("Writing linked tables", len(LINKED_TABLES) + 1) as advance:
        write_parquet(
            connection,
            "SELECT * EXCLUDE (position, person_row) FROM person_key ORDER BY position",
            folder / "person_key.parquet",
        )
        advance(1)
        for table in LINKED_TABLES:
            write_parquet(connection, _joined(table), folder / f"{table.name.lower()}.parquet")
            advance(1)


def _joined(table: Table) -> str:
    """Both sides of one table; an opt-out keyed by a number alone keeps that number as its person's."""
    number = "coalesce(k.nhs_number, t.nhs_number)" if "nhs_number" in table else "k.nhs_number"
    columns = ", ".join(f't."{name}"' for name in table.names)
    # PERSON is by far the longest table, and its own rows are known by number.
    same = "ON k.person_row = t.rowid" if table.name == "PERSON" else f"USING ({', '.join(_KEY)})"
    sides = " UNION ALL ".join(
        f"""SELECT k.person_key, {number} AS person_nhs_number, '{side}' AS side, {columns}, k.position
        FROM {schema}.{table.name.lower()} t LEFT JOIN (SELECT * FROM person_key WHERE side = '{side}') k {same}"""
        for schema, side in SIDES.items()
    )
    # A position names one PERSON row; in the other tables a record has several, so the rest of the row decides.
    rest = () if table.name == "PERSON" else ("side", *(f'"{name}"' for name in table.names))
    return f"SELECT * EXCLUDE position FROM ({sides}) ORDER BY {', '.join(('position', *rest))}"


def write_parquet(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """Write one file with fixed row groups; `query` must order its rows completely."""
    quoted = str(path).replace("'", "''")
    # Ids and addresses seldom repeat, so a long search for a dictionary of them is lost time.
    options = f"FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE {ROW_GROUP}, DICTIONARY_SIZE_LIMIT 1000"
    connection.execute(f"COPY ({query}) TO '{quoted}' ({options})")
