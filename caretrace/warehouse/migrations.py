"""How the state of an older version becomes one of this version.

Two things change with versions. The layout of our own tables has a number, kept in `state.meta`, and one step for each
number. The declared columns change with `schemas`: new ones are added, empty, to every table that holds them; and the
hashes of contents are made anew where they, or DuckDB's own hash, are not as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.warehouse import tables
from schemas import CANDIDATE, LINK, SET_ASIDE, Table
from schemas.errors import InputError, SettingsError

if TYPE_CHECKING:
    import duckdb

FORMAT = 5
"""The layout written by this version."""
CONTENT = 2
"""Raised whenever what is hashed of a row is another than before."""


def _add_origin(connection: duckdb.DuckDBPyConnection) -> None:
    """2: an issue knows the tables that its record filled; of older ones that is not known."""
    for side in tables.SIDES:
        for schema in (side, f"{side}_past"):
            connection.execute(f"ALTER TABLE state.{schema}.data_quality ADD COLUMN {tables.ORIGIN} VARCHAR[]")


def _add_kept_out(connection: duckdb.DuckDBPyConnection) -> None:
    """3: records that were erased can be kept out."""
    connection.execute(f"CREATE TABLE state.kept_out ({tables.DDL['kept_out']})")


def _add_late_keys(connection: duckdb.DuckDBPyConnection) -> None:
    """4: the register's keys of the last nights stand apart; where nothing was linked yet there are none."""
    linked = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = 'state' AND table_name = 'register_key'"
    ).fetchall()
    if linked:
        from linkage.incremental.kept import make_late

        make_late(connection)


def _add_also_told(connection: duckdb.DuckDBPyConnection) -> None:
    """5: which records a feed tells of while another holds them; of deliveries before that is not known."""
    connection.execute(f"CREATE TABLE state.also_told ({tables.DDL['also_told']})")


STEPS: Mapping[int, Callable[[duckdb.DuckDBPyConnection], object]] = {
    1: _add_origin,
    2: _add_kept_out,
    3: _add_late_keys,
    4: _add_also_told,
}
"""By the format it starts from, what brings a state one format further."""


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of an empty state."""
    connection.execute("; ".join(tables.statements()))
    connection.execute("INSERT INTO state.meta VALUES ('format', ?), ('hash', ?)", [str(FORMAT), _hash()])


def check(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """The format of the state; SettingsError where this version cannot read it, InputError where it is no state."""
    import duckdb

    try:
        found = dict(connection.execute("SELECT name, value FROM state.meta").fetchall())
        number = int(found["format"])
    except (duckdb.Error, KeyError, ValueError):
        raise InputError("is not a warehouse of caretrace; restore it from a backup", path=path) from None
    if number > FORMAT:
        raise SettingsError(f"{path}: was written by a newer caretrace (format {number}); use that version")
    return number


def upgrade(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Bring the attached state up to this version, in place: it is a copy."""
    for number in range(check(connection, path), FORMAT):
        STEPS[number](connection)
        connection.execute("UPDATE state.meta SET value = ? WHERE name = 'format'", [str(number + 1)])
    grown = _add_columns(connection, path)
    [(known,)] = connection.execute("SELECT max(value) FROM state.meta WHERE name = 'hash'").fetchall()
    if known != _hash():
        grown = {(side, table.name) for side in tables.SIDES for table in tables.KEPT}
    for side, table_name in sorted(grown):
        table = next(table for table in tables.KEPT if table.name == table_name)
        for schema in (side, f"{side}_past"):
            connection.execute(f"UPDATE state.{schema}.{tables.name(table)} SET content = {tables.content(table)}")
    connection.execute("UPDATE state.meta SET value = ? WHERE name = 'hash'", [_hash()])


def _hash() -> str:
    """What decides that equal rows have equal hashes: DuckDB promises it within a version only."""
    import duckdb

    return f"duckdb {duckdb.__version__}, {CONTENT}"


def _add_columns(connection: duckdb.DuckDBPyConnection, path: Path) -> set[tuple[str, str]]:
    """Add declared columns that the state lacks; gives side and name of the source tables that grew."""
    rows = connection.execute(
        "SELECT schema_name, table_name, list(column_name) FROM duckdb_columns()"
        " WHERE database_name = 'state' GROUP BY ALL"
    ).fetchall()
    held = {(schema, table): set(names) for schema, table, names in rows}
    grown = set()
    for schema, table_name, table in _holders():
        if (schema, table_name) not in held:
            raise InputError(f"lacks the table {schema}.{table_name}; restore it from a backup", path=path)
        missing = [column for column in table.columns if column.name not in held[schema, table_name]]
        for column in missing:
            connection.execute(
                f'ALTER TABLE state.{schema}.{table_name} ADD COLUMN "{column.name}" {column.type.value}'
            )
        if missing and table in tables.KEPT:
            grown.add((schema.removesuffix("_past"), table.name))
    return grown


def _holders() -> list[tuple[str, str, Table]]:
    """Schema and name of every table of the state that holds declared columns, and the declaration."""
    sides = [
        (schema, tables.name(table), table)
        for side in tables.SIDES
        for schema in (side, f"{side}_past")
        for table in tables.KEPT
    ]
    link = [("main", name, LINK) for name in ("decided", "link", "link_past")]
    aside = [("main", name, SET_ASIDE) for name in ("set_aside", "set_aside_past")]
    return [*sides, *link, ("main", "candidate", CANDIDATE), *aside]
