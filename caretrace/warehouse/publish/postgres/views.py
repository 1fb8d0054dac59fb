"""What analysts see: the views of `publish.catalog` over the tables, and the proof that they see nothing else.

A column that identifies on its own, or may hold anything, is not in a view of theirs, and neither is `row_id`, by which
a guess at a row could be confirmed. What they have as `person_key` is a random id of this database. What is left is
still personal data: dates and places single people out, which is why nothing leaves from here but through a release.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from caretrace.warehouse.publish.catalog import ANALYST, IDENTIFIABLE, View, described
from caretrace.warehouse.publish.catalog import views as catalogued
from caretrace.warehouse.publish.postgres.declare import text
from caretrace.warehouse.publish.postgres.server import Server
from caretrace.warehouse.publish.postgres.settings import COARSER, LEFT_OUT, Settings
from caretrace.warehouse.publish.postgres.tables import ANALYST_KEY, PAST, POSTGRES, STORED
from schemas import Column, Identifies
from schemas.errors import Refused

_HIDDEN = (Identifies.DIRECT, Identifies.FREE_TEXT)
_KEY = "person_key"


@dataclass(frozen=True)
class Made:
    """A view as it is to stand."""

    schema: str
    name: str
    query: str
    comments: str

    @property
    def quoted(self) -> str:
        """Its name in SQL."""
        return f'{self.schema}."{self.name}"'


def wanted(settings: Settings) -> Iterator[Made]:
    """Every view: what is and was in the schema with identifiers, everything in that of the analysts."""
    for view in catalogued():
        if view.schema == ANALYST or view.past:
            yield _made(view, settings)
    loaded = f"{settings.analyst_schema}.loaded"
    columns = "run_id, run, as_at, created_at, caretrace_version, loaded_at"
    yield Made(
        settings.analyst_schema,
        "loaded",
        f"SELECT {columns} FROM {settings.schema}.loaded",
        f"COMMENT ON VIEW {loaded} IS 'One row: the run that all views beside it show.'",
    )


def _made(view: View, settings: Settings) -> Made:
    schema = {IDENTIFIABLE: settings.schema, ANALYST: settings.analyst_schema}[view.schema]
    shown = [column for column in view.columns if _is_shown(view, column, settings)]
    query = " UNION ALL ".join(_part(view, table, shown, settings) for table in _tables(view))
    name = f'{schema}."{view.name}"'
    comments = [f"COMMENT ON VIEW {name} IS {text(view.meaning)}"]
    for column in shown:
        how = settings.coarser.get(column.name) if view.schema == ANALYST else None
        words = f"{described(column)} Here {COARSER[how][1]}." if how else described(column)
        comments.append(f'COMMENT ON COLUMN {name}."{column.name}" IS {text(words)}')
    return Made(schema, view.name, query, "; ".join(comments))


def _is_shown(view: View, column: Column, settings: Settings) -> bool:
    if view.schema == IDENTIFIABLE:
        return True
    # The catalogue leaves these out; that is not left to it alone.
    hidden = column.identifies in _HIDDEN and column.name != _KEY
    return not hidden and settings.coarser.get(column.name) != LEFT_OUT


def _tables(view: View) -> list[str]:
    """What a view is made of: the rows that hold, those that ended, or both."""
    return [view.published.name, view.published.name + PAST] if view.past else [view.published.name]


def _part(view: View, table: str, shown: list[Column], settings: Settings) -> str:
    held = next(stored for stored in STORED if stored.name == table).table
    columns = []
    for column in shown:
        quoted = f't."{column.name}"'
        how = settings.coarser.get(column.name)
        if view.schema == ANALYST and column.name == _KEY:
            quoted = f'{"k" if view.keyed else "t"}.{ANALYST_KEY.name} AS "{_KEY}"'
        elif column.name not in held:
            quoted = f'NULL::{POSTGRES[column.type]} AS "{column.name}"'
        elif view.schema == ANALYST and how:
            quoted = f'{COARSER[how][0].format(quoted)} AS "{column.name}"'
        columns.append(quoted)
    query = f'SELECT {", ".join(columns)} FROM {settings.schema}."{table}" t'
    if view.keyed:
        query += (
            f" LEFT JOIN {settings.schema}.person_key k ON k.side = 'client' AND k.source = t.source"
            " AND k.source_org = t.source_org AND k.record_id = t.record_id"
        )
    return query


def views_stand(server: Server, settings: Settings) -> None:
    """Make the views whose definition is new, let analysts read theirs, and drop those that are no longer wanted."""
    views = {(view.schema, view.name): view for view in wanted(settings)}
    made = f"{settings.schema}.made_view"
    held = {(schema, name): said for schema, name, said in server.run(f"SELECT schema, name, definition FROM {made}")}
    for schema, name in held.keys() - views.keys():
        server.run(f'DROP VIEW IF EXISTS {schema}."{name}"')
        server.run(f"DELETE FROM {made} WHERE schema = {text(schema)} AND name = {text(name)}")
    server.run(f"GRANT USAGE ON SCHEMA {settings.analyst_schema} TO {settings.analyst}")
    standing = {
        tuple(row)
        for row in server.run(f"""SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE relkind = 'v' AND nspname IN ('{settings.schema}', '{settings.analyst_schema}')""")
    }
    for key, view in views.items():
        definition = f"{view.query}; {view.comments}"
        if key not in standing or held.get(key) != definition:
            _make(server, view, standing=key in standing)
            server.run(
                f"INSERT INTO {made} VALUES ({text(view.schema)}, {text(view.name)}, {text(definition)})"
                " ON CONFLICT (schema, name) DO UPDATE SET definition = excluded.definition"
            )
        if view.schema == settings.analyst_schema:
            server.run(f"GRANT SELECT ON {view.quoted} TO {settings.analyst}")


def _make(server: Server, view: Made, *, standing: bool) -> None:
    """Replace a view in place where its columns allow it, so that what others built on it stays; else make it anew."""
    import psycopg

    try:
        with server.connection.transaction():
            server.run(f"CREATE OR REPLACE VIEW {view.quoted} AS {view.query}")
    except psycopg.errors.InvalidTableDefinition:
        if not standing:
            raise
        server.run(f"DROP VIEW {view.quoted}")
        server.run(f"CREATE VIEW {view.quoted} AS {view.query}")
    server.run(view.comments)


def check_grants(server: Server, settings: Settings) -> None:
    """Raise Refused where analysts could reach anything in the schema with identifiers, by whichever way."""
    analyst, schema = settings.analyst, settings.schema
    reasons = []
    if server.one(f"SELECT rolsuper FROM pg_roles WHERE rolname = '{analyst}'"):
        reasons.append(f"{analyst} is a superuser")
    elif server.one(f"SELECT pg_has_role('{analyst}', '{settings.loader}', 'MEMBER')"):
        reasons.append(f"{analyst} is a member of {settings.loader}")
    else:
        if server.one(f"SELECT has_schema_privilege('{analyst}', '{schema}', 'USAGE, CREATE')"):
            reasons.append(
                f"{analyst} may use the schema {schema}: REVOKE ALL ON SCHEMA {schema} FROM PUBLIC, {analyst}"
            )
        rows = server.run(f"""SELECT relname FROM pg_class
            WHERE relnamespace = '{schema}'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
            AND (has_table_privilege('{analyst}', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
                 OR has_any_column_privilege('{analyst}', oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
            ORDER BY relname""")
        reasons += [
            f"{analyst} has rights on {schema}.{name}, of its own, by PUBLIC or by a role: revoke them"
            for (name,) in rows
        ]
        if server.one(f"SELECT has_schema_privilege('{analyst}', '{settings.analyst_schema}', 'CREATE')"):
            reasons.append(f"{analyst} may make things in the schema {settings.analyst_schema}")
    if reasons:
        raise Refused("PostgreSQL: nothing was loaded, since analysts could see who people are:", reasons)
