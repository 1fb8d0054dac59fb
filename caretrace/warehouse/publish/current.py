"""The rows that hold: every published table as a Parquet file of the run folder, in the order the state holds them.

Joined by our own ids, never by the three texts of a record's key; and put in order, since DuckDB gives the rows of
joins and of unions in an order that changes with its threads: the same state gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.linked import SIDES
from caretrace.parquet import in_order, write_parquet
from caretrace.warehouse import tables
from caretrace.warehouse.publish import accounts
from schemas import CANDIDATE, DATA_QUALITY, LINK, SET_ASIDE, Table
from schemas.progress import SILENT, Progress
from schemas.warehouse import PUBLISHED

if TYPE_CHECKING:
    import duckdb

    from caretrace.warehouse.store import State

COMPRESSION = "zstd, COMPRESSION_LEVEL 1"
"""As quick to write as Snappy and little more than half of its size, and a project keeps many nights."""

DAY = "getvariable('days')[{0}]"
"""SQL of the day of a run by its number; see `set_days`."""
SINCE = f"{DAY.format('{0}.from_run')} AS valid_from, {{0}}.from_run"

_AS_IT_STANDS = "POSITIONAL JOIN (SELECT 0 WHERE false)"
"""Behind a table, where nothing is joined by that: DuckDB then reads its rows from the first to the last. They stand by
their ids, those that a night decided again behind the others, and to sort them takes half as long as to write them;
but read by several threads they would fill the file's row groups otherwise than read by one."""


def write_small(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write what is written every night."""
    write_candidates(connection, folder)
    write_links(connection, folder)


def write_candidates(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write candidates and records set aside: nothing that a run does after its linkage is in them."""
    queries = {
        "candidate": f"SELECT {tables.columns(CANDIDATE)} FROM state.candidate {_AS_IT_STANDS}",
        "set_aside": f"SELECT delivery, {tables.columns(SET_ASIDE)} FROM state.set_aside ORDER BY ALL",
    }
    for name, query in _by_file(queries).items():
        write_parquet(connection, query, folder / name, compression=COMPRESSION)


def write_links(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write links: nothing that a run decides after them is in them."""
    set_days(connection)
    query = f"SELECT {tables.columns(LINK, 't')}, {SINCE.format('t')} FROM state.link t {_AS_IT_STANDS}"
    for name, of_links in _by_file({"link": query}).items():
        write_parquet(connection, of_links, folder / name, compression=COMPRESSION)


def write(connection: duckdb.DuckDBPyConnection, folder: Path, *, progress: Progress = SILENT) -> None:
    """Write the linked tables into the draft `folder`."""
    set_days(connection)
    prepare(connection)
    (folder / "linked").mkdir()
    queries = _whole(connection)
    with progress.stage("Writing the tables", len(queries)) as advance:
        for name, query in queries.items():
            write_parquet(connection, query, folder / name, compression=COMPRESSION)
            advance(1)


def write_quality(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write of the linked tables that by which a council mends day by day, and which is short beside the others."""
    set_days(connection)
    prepare(connection, among=tables.name(DATA_QUALITY))
    for name, query in _by_file({tables.name(DATA_QUALITY): _linked(connection, DATA_QUALITY)}).items():
        write_parquet(connection, query, folder / name, compression=COMPRESSION)


def write_accounts(state: State, folder: Path) -> None:
    """Write the tables of runs and deliveries; last, for they hold the counts of this run."""
    for each in PUBLISHED:
        if each.file and each.name in accounts.QUERIES:
            write_parquet(state.connection, accounts.QUERIES[each.name], folder / each.file, compression=COMPRESSION)


def prepare(connection: duckdb.DuckDBPyConnection, *, among: str | None = None) -> None:
    """Make `person_of_<side>` (id, person_key, person_nhs_number, from_run), a row for each of PERSON, or of those who
    have rows in the table `among`.
    """
    for side in SIDES:
        linked = "LEFT JOIN state.link l ON l.id = p.id AND l.decision = 'link'" if side == "clients" else ""
        number = "coalesce(l.nhs_number, p.nhs_number)" if side == "clients" else "p.nhs_number"
        wanted = f" WHERE p.id IN (SELECT id FROM state.{side}.{among})" if among else ""
        connection.execute(f"""CREATE OR REPLACE TEMP TABLE person_of_{side} AS
            SELECT p.id, k.person_key, {number} AS person_nhs_number, k.from_run
            FROM state.{side}.person p LEFT JOIN state.person_key k USING (id) {linked}{wanted}""")


def set_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Set the variable `days`, a list of the days of all runs."""
    connection.execute("""SET VARIABLE days = (
        SELECT list(r.as_at ORDER BY n.run) FROM range(1, (SELECT max(run) + 1 FROM state.run)) n(run)
        LEFT JOIN state.run r ON r.run = n.run)""")


def _whole(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """File to query of the linked tables."""
    linked = {tables.name(table): _linked(connection, table) for table in tables.KEPT}
    return _by_file({"person_key": _person_keys(), **linked})


def _by_file(made: Mapping[str, str]) -> dict[str, str]:
    return {each.file: made[each.name] for each in PUBLISHED if each.file and each.name in made}


def _linked(connection: duckdb.DuckDBPyConnection, table: Table) -> str:
    """Both sides of a table; an opt-out keyed by a number alone keeps that number as its person's."""
    name = tables.name(table)
    number = "coalesce(k.person_nhs_number, t.nhs_number)" if "nhs_number" in table else "k.person_nhs_number"
    held = [side for side in SIDES if connection.execute(f"FROM state.{side}.{name} LIMIT 1").fetchall()]
    # Without rows a side has no part in it: else the people of it would be gone through for nobody.
    return in_order(
        f"k.person_key, {number} AS person_nhs_number, '{SIDES[side]}' AS side, {tables.columns(table, 't')},"
        f" {SINCE.format('t')} FROM state.{side}.{name} t"
        f" LEFT JOIN {_people(side, name if held else None)} k USING (id)"
        for side in held or ["clients"]
    )


def _people(side: str, name: str | None) -> str:
    """Keys and numbers of those who have rows in a table of the side."""
    people = f"SELECT id, person_key, person_nhs_number FROM person_of_{side}"
    if name is None:
        return f"({people} LIMIT 0)"
    return f"({people})" if name == "person" else f"({people} SEMI JOIN state.{side}.{name} USING (id))"


def _person_keys() -> str:
    key = ", ".join(f"t.{name}" for name in tables.KEY)
    return in_order(
        f"k.person_key, {key}, '{word}' AS side, k.person_nhs_number AS nhs_number, {SINCE.format('k')}"
        f" FROM state.{side}.person t LEFT JOIN person_of_{side} k USING (id)"
        for side, word in SIDES.items()
    )
