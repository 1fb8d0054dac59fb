"""New rows into temporary tables of the loader's own session, and the ids of those that go: nobody else sees either."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from caretrace.warehouse.publish.postgres import declare, rows
from caretrace.warehouse.publish.postgres.rows import Difference
from caretrace.warehouse.publish.postgres.run import RunFacts
from caretrace.warehouse.publish.postgres.server import BadCharacter, Server
from caretrace.warehouse.publish.postgres.settings import Settings
from caretrace.warehouse.publish.postgres.tables import ANALYST_KEY, ROW_ID, Stored
from schemas.errors import InputError, IntegrityFailure
from schemas.progress import Progress

if TYPE_CHECKING:
    import duckdb


def lay(
    server: Server, settings: Settings, run: RunFacts, tables: Sequence[Stored], *, whole: bool, progress: Progress
) -> dict[str, Difference]:
    """Send what the database lacks of the run, table by table; gives how they differ."""
    differences = {}
    with (
        tempfile.TemporaryDirectory(prefix="caretrace-load-", ignore_cleanup_errors=True) as spill,
        rows.workspace(Path(spill)) as duck,
        progress.stage("Laying rows beside the tables", len(tables)) as advance,
    ):
        for each in tables:
            files = each.files(run.path, run.number, run.history, run.floor)
            query = rows.source(duck, each, files)
            with server.doing(f"reading what {each.name} holds"), rows.reading(f"rows of {each.name}"):
                if each.by_run is None:
                    held = _held(server, settings, each)
                    difference = rows.compare(duck, each, query, held, whole=whole)
                else:
                    kept, gone = _past(server, settings, each, run.floor)
                    fresh = rows.compare(duck, each, query, b"").fresh
                    difference = Difference(kept + fresh, fresh, gone)
            with server.doing(f"laying rows of {each.name}"):
                _send(server, duck, each, query, difference)
            differences[each.name] = difference
            advance(1)
    return differences


def fresh(table: Stored) -> str:
    """The temporary table of the rows to come."""
    return f'pg_temp."fresh_{table.name}"'


def gone(table: Stored) -> str:
    """The temporary table of the ids to go."""
    return f'pg_temp."gone_{table.name}"'


def listed(table: Stored, of: str = "") -> str:
    """The columns that travel, quoted, and qualified by `of`."""
    return ", ".join(f'{of}"{name}"' for name in _travelling(table))


def _travelling(table: Stored) -> dict[str, str]:
    return {name: kind for name, kind in declare.columns(table).items() if name != ANALYST_KEY.name}


def _held(server: Server, settings: Settings, table: Stored) -> bytes:
    if ROW_ID.name not in declare.actual(server, settings, table):
        return b""
    return server.ids(f'{settings.schema}."{table.name}"')


def _past(server: Server, settings: Settings, table: Stored, floor: int) -> tuple[int, int]:
    """How many rows of the past stay, being of runs up to `floor`, and how many go."""
    if not declare.actual(server, settings, table):
        return 0, 0
    by = f'"{table.by_run}" <= {floor}'
    name = f'{settings.schema}."{table.name}"'
    ((kept, gone),) = server.run(f"SELECT count(*) FILTER (WHERE {by}), count(*) FILTER (WHERE NOT {by}) FROM {name}")
    return kept, gone


def _send(
    server: Server, duck: duckdb.DuckDBPyConnection, table: Stored, query: str | None, difference: Difference
) -> None:
    arrived = {"fresh": 0, "gone": 0}
    if difference.fresh and query is not None:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in _travelling(table).items())
        server.run(f"CREATE TEMP TABLE {fresh(table)} ({columns})")
        try:
            arrived["fresh"] = server.lay(fresh(table), listed(table), rows.fresh_lines(duck, table, query))
        except BadCharacter:
            column = rows.column_with_nul(duck, table, query)
            raise InputError(
                f"the column {column} of {table.name} holds a NUL character, which PostgreSQL cannot store; take it out"
                " of the source and run again"
            ) from None
    if difference.gone and table.by_run is None:
        server.run(f"CREATE TEMP TABLE {gone(table)} (row_id uuid)")
        arrived["gone"] = server.lay(gone(table), "row_id", rows.gone_lines(duck))
    else:
        arrived["gone"] = difference.gone
    if arrived != {"fresh": difference.fresh, "gone": difference.gone}:
        raise IntegrityFailure(f"PostgreSQL: not all rows of {table.name} arrived; nothing was changed, load again")
