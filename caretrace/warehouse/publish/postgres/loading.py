"""A run folder into PostgreSQL: what changed is laid beside the tables, then shown in one short transaction.

In: a finished run folder and a database. Out: the database holds that run, or what it held before. New rows travel into
temporary tables of the loader's own session, which nobody else can read and which vanish with it. One transaction then
deletes the rows that are gone and inserts the new ones. It takes no lock that a reader waits for: a query sees all of
the run before or all of this one, and views, grants and open cursors stay as they are (docs/warehouse-postgres.md says
why neither TRUNCATE nor renaming tables does). Begin with `load`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from caretrace.warehouse.publish.postgres import declare
from caretrace.warehouse.publish.postgres.laying import lay
from caretrace.warehouse.publish.postgres.rows import Difference
from caretrace.warehouse.publish.postgres.run import beside
from caretrace.warehouse.publish.postgres.run import facts as read_facts
from caretrace.warehouse.publish.postgres.server import Server, Target, connected
from caretrace.warehouse.publish.postgres.settings import Settings
from caretrace.warehouse.publish.postgres.showing import show
from caretrace.warehouse.publish.postgres.tables import STORED
from schemas.errors import Busy, CaretraceError
from schemas.progress import SILENT, Progress

_TIDY_FROM = 0.1
"""Share of a table's rows that changed from which it is vacuumed at once; below that the server does it in its time."""


@dataclass(frozen=True)
class Loaded:
    """What a load did."""

    run_id: str
    run: int | None
    tables: Mapping[str, Difference]
    changed: bool
    """False where the database held all of it already, and nothing was written."""
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """In all tables together."""
        return sum(each.rows for each in self.tables.values())

    @property
    def added(self) -> int:
        """Rows that were not there before."""
        return sum(each.fresh for each in self.tables.values())

    @property
    def removed(self) -> int:
        """Rows that are there no longer."""
        return sum(each.gone for each in self.tables.values())


def load(
    run: Path,
    target: Target,
    settings: Settings | None = None,
    *,
    history: Path | None = None,
    older: bool = False,
    whole: bool = False,
    progress: Progress = SILENT,
) -> Loaded:
    """Make the database hold the run folder `run`.

    `history` is the project's `warehouse/history`, which the second and later runs of a project need.
    `older` lets a run replace a later one; `whole` sends every row anew, whatever the database says it holds. Raises
    InputError where the run cannot be loaded, SettingsError where the database is not fit for it, Refused where
    analysts could see identifiers, Busy where another load is under way. The database is then as it was.
    """
    settings = settings or Settings()
    facts = read_facts(run, history)
    with connected(target, settings) as server, _alone(server, settings):
        with server.doing("looking at what is loaded"):
            declare.check_owner(server, settings)
            declare.version(server, settings)
            facts = beside(server, settings, facts, older=older, whole=whole)
        differences = lay(server, settings, facts, STORED, whole=whole, progress=progress)
        with progress.stage("Showing the new rows"), server.doing("showing the new rows"):
            changed = show(server, settings, facts, STORED, differences)
        return Loaded(facts.run_id, facts.number, differences, changed, _tidy(server, settings, differences))


@contextmanager
def _alone(server: Server, settings: Settings) -> Iterator[None]:
    """Hold the database against other loads, as long as the session lasts."""
    import psycopg

    with server.doing("waiting for other loads"):
        try:
            # A load that was killed a moment ago may hold it until the server notices.
            server.run(f"SET lock_timeout = '{min(10, settings.lock_seconds)}s'")
            server.run(f"SELECT pg_advisory_lock(hashtextextended('caretrace load {settings.schema}', 0))")
            server.run(f"SET lock_timeout = '{settings.lock_seconds}s'")
        except psycopg.errors.LockNotAvailable:
            raise Busy(f"PostgreSQL: another load into {settings.schema} is under way; wait for it to end") from None
    yield
    # The session's end drops it as well, but only when the server comes round to that; the next load need not wait. The
    # run is loaded by now, whatever becomes of the connection.
    with suppress(psycopg.Error):
        server.run("SELECT pg_advisory_unlock_all()")


def _tidy(server: Server, settings: Settings, differences: Mapping[str, Difference]) -> tuple[str, ...]:
    """Give the room of old rows back and count anew what the planner goes by, where much has changed."""
    notes = []
    for name, each in differences.items():
        if each.fresh + each.gone > _TIDY_FROM * each.rows:
            try:
                with server.doing(f"tidying {name}"):
                    server.run(f'VACUUM (ANALYZE) {settings.schema}."{name}"')
            except CaretraceError as error:
                notes.append(f"the run is loaded; one table is not tidied yet: {error}")
    return tuple(notes)
