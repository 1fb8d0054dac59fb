"""What stands in the database: tables of our own by numbered migrations, published tables as they are declared.

In: a connection inside the transaction of a load. Out: every table, column, comment and index that this version
declares. A published table is changed column by column and never dropped, so that views which others made of it stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caretrace.version import __version__
from caretrace.warehouse.publish.postgres.server import Server
from caretrace.warehouse.publish.postgres.settings import Settings
from caretrace.warehouse.publish.postgres.tables import ANALYST_KEY, POSTGRES, ROW_ID, Stored
from schemas import Column
from schemas.errors import SettingsError

MIGRATIONS: tuple[tuple[str, str], ...] = (
    (
        "what is loaded, the analysts' keys and views",
        """
CREATE TABLE {schema}.loaded (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    run_id text NOT NULL, run bigint, as_at date, created_at timestamptz NOT NULL, manifest_sha256 text NOT NULL,
    caretrace_version text NOT NULL, loaded_at timestamptz NOT NULL DEFAULT now());
COMMENT ON TABLE {schema}.loaded IS 'one row: the run that all tables beside it hold';
COMMENT ON COLUMN {schema}.loaded.run_id IS 'Hash of inputs, settings, model and seed.';
COMMENT ON COLUMN {schema}.loaded.run IS 'Number of the run in its project; null for a single run.';
COMMENT ON COLUMN {schema}.loaded.as_at IS 'The day the run judges dates by.';
COMMENT ON COLUMN {schema}.loaded.created_at IS 'When the run was made.';
COMMENT ON COLUMN {schema}.loaded.manifest_sha256 IS 'SHA-256 of its manifest.json.';
COMMENT ON COLUMN {schema}.loaded.caretrace_version IS 'Version that loaded it.';
COMMENT ON COLUMN {schema}.loaded.loaded_at IS 'When it was loaded.';
CREATE TABLE {schema}.load_log (
    load bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id text NOT NULL, run bigint, loaded_at timestamptz NOT NULL DEFAULT now(), loaded_by text NOT NULL,
    rows jsonb NOT NULL);
COMMENT ON TABLE {schema}.load_log IS 'one row per load that changed something, in order';
COMMENT ON COLUMN {schema}.load_log.loaded_by IS 'The database user who loaded.';
COMMENT ON COLUMN {schema}.load_log.rows IS 'For each table: rows held, added, removed.';
CREATE TABLE {schema}.analyst_key (
    person_key uuid PRIMARY KEY, analyst_key uuid NOT NULL DEFAULT gen_random_uuid());
COMMENT ON TABLE {schema}.analyst_key IS 'one row per person ever loaded: the random id that analysts see instead';
CREATE TABLE {schema}.made_view (schema text, name text, definition text NOT NULL, PRIMARY KEY (schema, name));
COMMENT ON TABLE {schema}.made_view IS 'one row per view that a load made, so that only what changed is made again';
""",
    ),
)
"""Name and SQL of each, in order; a number once given is never used for anything else."""


def schemas_stand(server: Server, settings: Settings) -> None:
    """Make both schemas where an administrator has not."""
    for schema in (settings.schema, settings.analyst_schema):
        if not _owner(server, schema):
            server.run(f"CREATE SCHEMA {schema}")


def check_owner(server: Server, settings: Settings) -> None:
    """Raise SettingsError where a schema stands that is not the loader's."""
    for schema in (settings.schema, settings.analyst_schema):
        for (owner,) in _owner(server, schema):
            if owner != settings.loader:
                raise SettingsError(
                    f"PostgreSQL: the schema {schema} belongs to {owner} and not to {settings.loader}; let an"
                    f" administrator say: ALTER SCHEMA {schema} OWNER TO {settings.loader}"
                )


def _owner(server: Server, schema: str) -> list[tuple[Any, ...]]:
    return server.run(f"SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = '{schema}'")


def version(server: Server, settings: Settings) -> int:
    """The number of the last migration that the database has had; SettingsError where that is of a later caretrace."""
    table = f"{settings.schema}.migration"
    if server.one(f"SELECT to_regclass('{table}')") is None:
        return 0
    number = int(server.one(f"SELECT coalesce(max(number), 0) FROM {table}"))
    if number > len(MIGRATIONS):
        raise SettingsError(
            f"PostgreSQL: the schema {settings.schema} was made by a later version of caretrace (migration {number},"
            f" this one knows {len(MIGRATIONS)}); load with that version"
        )
    return number


def migrate(server: Server, settings: Settings) -> None:
    """Bring the tables of our own to this version."""
    at = version(server, settings)
    if at == 0:
        server.run(f"""CREATE TABLE {settings.schema}.migration (number integer PRIMARY KEY, name text NOT NULL,
            caretrace_version text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
            COMMENT ON TABLE {settings.schema}.migration IS 'one row per change of layout that this schema has had'""")
    for number, (name, statements) in enumerate(MIGRATIONS[at:], at + 1):
        server.run(statements.format(schema=settings.schema))
        server.run(
            f"INSERT INTO {settings.schema}.migration (number, name, caretrace_version)"
            f" VALUES ({number}, {text(name)}, {text(__version__)})"
        )


def columns(stored: Stored) -> dict[str, str]:
    """Every column of the table and its type in PostgreSQL."""
    own = {ROW_ID.name: "uuid", ANALYST_KEY.name: "uuid"}
    return own | {c.name: POSTGRES[c.type] for c in stored.table.columns}


def actual(server: Server, settings: Settings, stored: Stored) -> dict[str, str]:
    """The columns that stand in the database; empty where there is no such table."""
    rows = server.run(f"""SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = to_regclass('{settings.schema}."{stored.name}"') AND attnum > 0 AND NOT attisdropped""")
    return {str(name): str(kind) for name, kind in rows}


def table_stands(server: Server, settings: Settings, stored: Stored) -> bool:
    """Make or alter one table and its comments; True where something had to be done. Indexes come after the rows."""
    wanted, held = columns(stored), actual(server, settings, stored)
    if wanted == held:
        return False
    name = f'{settings.schema}."{stored.name}"'
    if not held:
        listed = ", ".join(f'"{column}" {kind}' for column, kind in wanted.items())
        server.run(f"CREATE TABLE {name} ({listed}); ALTER TABLE {name} ALTER {ROW_ID.name} SET NOT NULL")
    else:
        if changed := [c for c in wanted if c in held and wanted[c] != held[c]]:
            raise SettingsError(
                f"PostgreSQL: {settings.schema}.{stored.name}: {', '.join(changed)} is of another type than"
                " caretrace made it; somebody altered the table: put it back"
            )
        if gone := held.keys() - wanted.keys():
            _drop_views(server, settings)
        for column in sorted(gone):
            server.run(f'ALTER TABLE {name} DROP COLUMN "{column}"')
        for column in wanted:
            if column not in held:
                server.run(f'ALTER TABLE {name} ADD COLUMN "{column}" {wanted[column]}')
    _comment(server, name, stored)
    return True


def _drop_views(server: Server, settings: Settings) -> None:
    """Our own views stand in the way of a column that goes; they are made again in the same transaction."""
    made = f"{settings.schema}.made_view"
    for schema, name in server.run(f"DELETE FROM {made} RETURNING schema, name"):
        server.run(f'DROP VIEW IF EXISTS {schema}."{name}"')


def _comment(server: Server, name: str, stored: Stored) -> None:
    said = [f"COMMENT ON TABLE {name} IS {text(stored.table.grain)}"]
    for column in (ROW_ID, ANALYST_KEY, *stored.table.columns):
        said.append(f'COMMENT ON COLUMN {name}."{column.name}" IS {text(meaning(column))}')
    server.run("; ".join(said))


def meaning(column: Column) -> str:
    """What a column holds, with its codes."""
    codes = "; ".join(f"{code}: {words}" for code, words in (column.codes or {}).items())
    return f"{column.meaning} Codes: {codes}." if codes else column.meaning


def indexes_stand(server: Server, settings: Settings, stored: Stored) -> None:
    """Make the primary key and the indexes that are not there yet: after the first rows, which is faster."""
    name = f'{settings.schema}."{stored.name}"'
    held = {
        row[0]
        for row in server.run(f"""SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = to_regclass('{name}')""")
    }
    primary = f"{stored.name}_pkey"
    if primary not in held:
        key = stored.key or (ROW_ID.name,)
        server.run(f'ALTER TABLE {name} ADD CONSTRAINT "{primary}" PRIMARY KEY ({_listed(key)})')
    for index in stored.indexes:
        called = f"{stored.name}_{'_'.join(index)}_idx"
        if called not in held:
            server.run(f'CREATE INDEX "{called}" ON {name} ({_listed(index)})')


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def text(value: str) -> str:
    """A literal, as PostgreSQL reads it with standard_conforming_strings."""
    return "'" + value.replace("'", "''") + "'"
