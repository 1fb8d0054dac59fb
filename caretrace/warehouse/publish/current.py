"""The rows that hold: every published table as a Parquet file of the run folder.

Joined by our own ids, never by the three texts of a record's key: at a million rows that is most of the time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.linked import SIDES, order_kept, write_parquet
from caretrace.warehouse import tables
from caretrace.warehouse.publish import accounts
from schemas import CANDIDATE, LINK, SET_ASIDE, Table
from schemas.progress import SILENT, Progress
from schemas.warehouse import PUBLISHED

if TYPE_CHECKING:
    import duckdb

    from caretrace.warehouse.store import State

COMPRESSION = "zstd, COMPRESSION_LEVEL 1"
"""As quick to write as Snappy and little more than half of its size, and a project keeps many nights."""

_KEY = ", ".join(f"p.{name}" for name in tables.KEY)
SINCE = "d.as_at AS valid_from, t.from_run"
DAY = "LEFT JOIN state.run d ON d.run = t.from_run"


def write(state: State, folder: Path, *, progress: Progress = SILENT) -> None:
    """Write what holds now into the draft `folder`; leaves `person_of_<side>` (id, person_key, number)."""
    connection = state.connection
    (folder / "linked").mkdir()
    queries = _queries(connection)
    with progress.stage("Writing the tables", len(queries)) as advance, order_kept(connection):
        prepare(connection)
        for name, query in queries.items():
            write_parquet(connection, query, folder / name, compression=COMPRESSION)
            advance(1)


def write_accounts(state: State, folder: Path) -> None:
    """Write the tables of runs and deliveries; last, for they hold the counts of this run."""
    for each in PUBLISHED:
        if each.file and each.name in accounts.QUERIES:
            write_parquet(state.connection, accounts.QUERIES[each.name], folder / each.file, compression=COMPRESSION)


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `person_of_<side>`: for each record its person's key and number, as `linked.make_person_keys` has them."""
    for side in SIDES:
        linked = "LEFT JOIN state.link l ON l.id = p.id AND l.decision = 'link'" if side == "clients" else ""
        number = "coalesce(l.nhs_number, p.nhs_number)" if side == "clients" else "p.nhs_number"
        connection.execute(f"""CREATE OR REPLACE TEMP TABLE person_of_{side} AS
            SELECT p.id, k.person_key, {number} AS person_nhs_number, {_KEY}, k.from_run
            FROM state.{side}.person p LEFT JOIN state.person_key k USING (id) {linked}""")


def _queries(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """A query for each file of rows that hold now, in the order of PUBLISHED."""
    made = {
        "person_key": _person_keys(),
        "link": f"SELECT {tables.columns(LINK, 't')}, {SINCE} FROM state.link t {DAY}"
        " ORDER BY t.source, t.source_org, t.record_id",
        "candidate": f"SELECT {tables.columns(CANDIDATE)} FROM state.candidate"
        " ORDER BY source, source_org, record_id, rank",
        "set_aside": f"SELECT delivery, {tables.columns(SET_ASIDE)} FROM state.set_aside ORDER BY ALL",
        **{tables.name(table): _linked(connection, table) for table in tables.KEPT},
    }
    return {each.file: made[each.name] for each in PUBLISHED if each.file and each.name in made}


def _linked(connection: duckdb.DuckDBPyConnection, table: Table) -> str:
    """Both sides of a table; an opt-out keyed by a number alone keeps that number as its person's."""
    name = tables.name(table)
    number = "coalesce(k.person_nhs_number, t.nhs_number)" if "nhs_number" in table else "k.person_nhs_number"
    held = [side for side in SIDES if connection.execute(f"FROM state.{side}.{name} LIMIT 1").fetchall()]
    # Without rows a side has no part in it: else the people of it would be put in order for nobody.
    return " UNION ALL ".join(
        f"SELECT k.person_key, {number} AS person_nhs_number, '{SIDES[side]}' AS side, {tables.columns(table, 't')},"
        f" {SINCE} FROM state.{side}.{name} t LEFT JOIN {_people(side, name if held else None)} k USING (id) {DAY}"
        for side in held or ["clients"]
    )


def _people(side: str, name: str | None) -> str:
    """Keys and numbers of those who have rows in a table of the side."""
    people = f"SELECT id, person_key, person_nhs_number FROM person_of_{side}"
    if name is None:
        return f"({people} LIMIT 0)"
    return f"({people})" if name == "person" else f"({people} SEMI JOIN state.{side}.{name} USING (id))"


def _person_keys() -> str:
    key = ", ".join(tables.KEY)
    return " UNION ALL ".join(
        f"SELECT t.person_key, {key}, '{word}' AS side, t.person_nhs_number AS nhs_number, {SINCE}"
        f" FROM person_of_{side} t {DAY}"
        for side, word in SIDES.items()
    )
