"""What stands in the state file: every table as SQL, made from the declarations in `schemas`.

state.run            one row per run
state.record         one row per source record ever seen, with our own id; record_past: its earlier stays
state.<side>.<table> rows that hold today: id, content (a hash of what the row says), from_run, declared columns
state.<side>_past.*  rows that held from from_run until the run before to_run
state.link, candidate, decided, traced, person, person_key, loaded_back, retraction, delivery, set_aside: see DDL
state.also_told      records that a feed tells of while another holds them
state.kept_out       see kept_out
state.linkage.*      what `linkage.incremental` keeps for itself
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from schemas import CANDIDATE, DATA_QUALITY, LINK, SET_ASIDE, SOURCE_TABLES, Table

if TYPE_CHECKING:
    import duckdb

SIDES = ("clients", "register")
KEPT: tuple[Table, ...] = tuple(table for table in SOURCE_TABLES if table is not SET_ASIDE)
"""Tables of each side. Records set aside have no key, so they hang on their delivery instead."""
KEY = ("source", "source_org", "record_id")
ORIGIN = "origin"
"""Of an issue: the tables that its record filled, as `part` says them, so that who mends one leaves the others."""
_NOT_CONTENT = {*KEY, "extract_file", "extract_record", "extract_line"}
"""Neither who it is nor where it was read: a row that stands elsewhere in the next file says the same."""

_AS_IT_IS = "USING COMPRESSION uncompressed"
"""Of texts that every night looks through from end to end. No two are alike: compressed they are little smaller, and
DuckDB makes all of them up again whenever a few are looked for."""

DDL = {
    "run": "run BIGINT, as_at DATE, started TIMESTAMP, kind VARCHAR, version VARCHAR, counts JSON",
    "record": "id BIGINT, side VARCHAR, feed VARCHAR, source VARCHAR, source_org VARCHAR, record_id VARCHAR,"
    " from_run BIGINT, to_run BIGINT",
    "record_past": "id BIGINT, feed VARCHAR, from_run BIGINT, to_run BIGINT",
    "also_told": "id BIGINT, feed VARCHAR",
    "delivery": "delivery BIGINT, feed VARCHAR, side VARCHAR, name VARCHAR, mode VARCHAR, outcome VARCHAR,"
    " reason VARCHAR, run BIGINT, files JSON, undone_by BIGINT",
    "person": f"person_key VARCHAR {_AS_IT_IS}, from_run BIGINT, to_run BIGINT, merged_into VARCHAR",
    "person_key": f"id BIGINT, person_key VARCHAR {_AS_IT_IS}, from_run BIGINT",
    "person_key_past": "id BIGINT, person_key VARCHAR, from_run BIGINT, to_run BIGINT, reason VARCHAR",
    "loaded_back": "id BIGINT, nhs_number VARCHAR, status VARCHAR, run BIGINT",
    "retraction": "id BIGINT, nhs_number VARCHAR, run BIGINT, reason VARCHAR",
    "traced": "id BIGINT, verdict VARCHAR",
    "kept_out": "hash VARCHAR, key_version BIGINT, from_run BIGINT",
    "meta": "name VARCHAR, value VARCHAR",
}


def name(table: Table) -> str:
    """Its name in the state, without the schema."""
    return table.name.lower()


def columns(table: Table, alias: str = "") -> str:
    """The declared columns as SQL."""
    before = f"{alias}." if alias else ""
    return ", ".join(f'{before}"{column}"' for column in table.names)


def kept_columns(table: Table, alias: str = "") -> str:
    """The declared columns, and what else is kept of a row wherever it goes."""
    before = f"{alias}." if alias else ""
    return columns(table, alias) + (f", {before}{ORIGIN}" if table is DATA_QUALITY else "")


def part(table: Table, alias: str) -> str:
    """SQL of what a delta replaces of a record at once: its rows of a table, or one event of it."""
    if "event_id" in table:
        return f"concat('{table.name} ', coalesce({alias}.event_id, ''))"
    return f"'{table.name}'"


def filled(connection: duckdb.DuckDBPyConnection, database: str, side: str) -> list[Table]:
    """Those of a side's tables that may hold a row: most suppliers fill a few of them."""
    # The size is that of all rows ever written, so 0 is certain.
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? AND estimated_size > 0",
        [database, side],
    ).fetchall()
    return [table for table in KEPT if (name(table),) in rows]


def content(table: Table, alias: str = "") -> str:
    """SQL of the hash of what a row says."""
    before = f"{alias}." if alias else ""
    said = [f'{before}"{column}"' for column in table.names if column not in _NOT_CONTENT]
    if table is DATA_QUALITY:  # the same may be wrong with the person's own postcode and with an earlier address's
        said.append(f"{before}{ORIGIN}")
    return f"hash({', '.join(said)})"


def statements() -> Iterator[str]:
    """Everything an empty state needs, in order; `state` is the attached file."""
    for side in SIDES:
        yield f"CREATE SCHEMA state.{side}"
        yield f"CREATE SCHEMA state.{side}_past"
        for table in KEPT:
            said = f"id BIGINT, content UBIGINT, from_run BIGINT, {_declared(table)}"
            more = f", {ORIGIN} VARCHAR[]" if table is DATA_QUALITY else ""
            yield f"CREATE TABLE state.{side}.{name(table)} ({said}{more})"
            yield f"CREATE TABLE state.{side}_past.{name(table)} ({said}, to_run BIGINT{more})"
    for table_name, said in DDL.items():
        yield f"CREATE TABLE state.{table_name} ({said})"
    for table_name, said in derived().items():
        yield f"CREATE TABLE state.{table_name} ({said})"


def derived() -> dict[str, str]:
    """Tables of the state that hold the columns of a declared table beside their own."""
    link = _declared(LINK)
    return {
        "set_aside": f"delivery BIGINT, {_declared(SET_ASIDE)}, from_run BIGINT",
        "set_aside_past": f"delivery BIGINT, {_declared(SET_ASIDE)}, from_run BIGINT, to_run BIGINT",
        "decided": f"id BIGINT, {link}",
        "link": f"id BIGINT, {link}, from_run BIGINT",
        "link_past": f"id BIGINT, {link}, from_run BIGINT, to_run BIGINT, why VARCHAR",
        "candidate": f"id BIGINT, {_declared(CANDIDATE)}",
    }


def _declared(table: Table) -> str:
    kept = {"nhs_number": f" {_AS_IT_IS}"}
    return ", ".join(f'"{column.name}" {column.type.value}{kept.get(column.name, "")}' for column in table.columns)
