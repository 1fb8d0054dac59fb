"""The one transaction in which a run takes the place of the one before: layout, rows, views, rights, what is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from caretrace.version import __version__
from caretrace.warehouse.publish.postgres import declare, views
from caretrace.warehouse.publish.postgres.declare import text
from caretrace.warehouse.publish.postgres.laying import fresh, gone, listed
from caretrace.warehouse.publish.postgres.rows import Difference
from caretrace.warehouse.publish.postgres.run import RunFacts
from caretrace.warehouse.publish.postgres.server import Server
from caretrace.warehouse.publish.postgres.settings import Settings
from caretrace.warehouse.publish.postgres.tables import Stored
from schemas.errors import IntegrityFailure


def show(
    server: Server,
    settings: Settings,
    run: RunFacts,
    tables: Sequence[Stored],
    differences: Mapping[str, Difference],
) -> bool:
    """Show what was laid, all of it or nothing; False where that changed nothing."""
    with server.connection.transaction():
        declare.schemas_stand(server, settings)
        declare.migrate(server, settings)
        changed = False
        for table in tables:
            changed |= declare.table_stands(server, settings, table)
            changed |= _swap(server, settings, run, table, differences[table.name])
            declare.indexes_stand(server, settings, table)
        views.views_stand(server, settings)
        views.check_grants(server, settings)
        for table in tables:
            _check_count(server, settings, table, differences[table.name])
        return _note(server, settings, run, differences, changed=changed)


def _swap(server: Server, settings: Settings, run: RunFacts, table: Stored, difference: Difference) -> bool:
    """Old rows out, new ones in. Readers go on seeing the old ones until the transaction ends."""
    name = f'{settings.schema}."{table.name}"'
    moved = Difference(difference.rows, 0, 0)
    if difference.gone:
        which = (
            f'WHERE "{table.by_run}" > {run.floor}'
            if table.by_run
            else f"USING {gone(table)} g WHERE t.row_id = g.row_id"
        )
        out = server.count(f"DELETE FROM {name} t {which}")
        moved = Difference(moved.rows, 0, out)
    if difference.fresh:
        moved = Difference(moved.rows, _insert(server, settings, table, name), moved.gone)
    if moved != difference:
        raise IntegrityFailure(f"PostgreSQL: {name} was changed by somebody else while it was loaded; load again")
    return bool(difference.fresh or difference.gone)


def _insert(server: Server, settings: Settings, table: Stored, name: str) -> int:
    columns, laid = listed(table), listed(table, "f.")
    if "person_key" not in table.table:
        return server.count(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {fresh(table)}")
    # As uuid, since keys are 32 hex digits: a locale sorts millions of texts many times slower.
    keys, key = f"{settings.schema}.analyst_key", "f.person_key::uuid"
    server.run(f"""INSERT INTO {keys} (person_key) SELECT DISTINCT {key} AS person_key FROM {fresh(table)} f
        WHERE f.person_key IS NOT NULL AND NOT EXISTS (SELECT FROM {keys} k WHERE k.person_key = {key})
        ORDER BY person_key""")
    return server.count(f"""INSERT INTO {name} (analyst_key, {columns})
        SELECT k.analyst_key, {laid} FROM {fresh(table)} f LEFT JOIN {keys} k ON k.person_key = {key}""")


def _check_count(server: Server, settings: Settings, table: Stored, difference: Difference) -> None:
    held = server.one(f'SELECT count(*) FROM {settings.schema}."{table.name}"')
    if held != difference.rows:
        raise IntegrityFailure(
            f"PostgreSQL: {settings.schema}.{table.name} would hold {held} rows and the run has {difference.rows};"
            " somebody changed the table: load with --whole"
        )


def _note(
    server: Server, settings: Settings, run: RunFacts, differences: Mapping[str, Difference], *, changed: bool
) -> bool:
    """Say which run the tables hold, where that is not said already."""
    loaded = f"{settings.schema}.loaded"
    held = server.run(f"SELECT manifest_sha256 FROM {loaded}")
    if held == [(run.digest,)] and not changed:
        return False
    number = "NULL" if run.number is None else str(int(run.number))
    as_at = "NULL" if run.as_at is None else text(run.as_at)
    server.run(f"""DELETE FROM {loaded};
        INSERT INTO {loaded} (run_id, run, as_at, created_at, manifest_sha256, caretrace_version) VALUES
        ({text(run.run_id)}, {number}, {as_at}, {text(run.created_at.isoformat())}, {text(run.digest)},
         {text(__version__)})""")
    rows = json.dumps({name: asdict(each) for name, each in differences.items()})
    server.run(
        f"INSERT INTO {settings.schema}.load_log (run_id, run, loaded_by, rows)"
        f" VALUES ({text(run.run_id)}, {number}, session_user, {text(rows)})"
    )
    return True
