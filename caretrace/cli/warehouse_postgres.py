"""`caretrace warehouse load` and `setup`: a run into PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace import console
from caretrace.cli.place import ProjectOption
from caretrace.cli.warehouse import app
from caretrace.project import Project, find
from schemas.errors import InputError, SettingsError

if TYPE_CHECKING:
    from caretrace.project.settings import Postgres
    from caretrace.warehouse.publish import postgres

HISTORY = "history"


@app.command()
def load(
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="A finished run folder; the project's newest if not given.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="CONNECTION",
            help="The database, as postgresql://user@host/database or service=NAME; if not given, as in caretrace.toml."
            " The password comes from PGPASSWORD, ~/.pgpass or a service file, never from here.",
        ),
    ] = None,
    older: Annotated[bool, typer.Option("--older", help="Put the run in the place of a later one.")] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="Send every row anew, as after somebody changed the tables.")
    ] = False,
    project: ProjectOption = None,
) -> None:
    """Load a run into PostgreSQL: only the rows that changed, and all of them at one moment or none."""
    from caretrace.warehouse.publish.postgres import Target
    from caretrace.warehouse.publish.postgres import load as load_run

    place = find(project, here=Path.cwd())
    said = _postgres(place)
    if target is None and said is None:
        raise SettingsError(
            f"no database is given: give --target, or connection under [targets.postgres] in {place.settings}"
        )
    connection = target or (said.connection if said else "")
    folder = run or _newest(place)
    history = place.warehouse / HISTORY
    with console.progress() as progress:
        done = load_run(
            folder,
            Target(connection, said.password_variable if said else None),
            _names(said),
            history=history if folder.resolve().is_relative_to(place.root.resolve()) else None,
            older=older,
            whole=whole,
            progress=progress,
        )
    if not done.changed:
        console.say(f"the database holds run {done.run_id[:12]} already: {done.rows:,} rows, nothing changed")
    else:
        console.say(f"loaded run {done.run_id[:12]}: {done.rows:,} rows in {len(done.tables)} tables")
        console.say(f"  {done.added:,} added, {done.removed:,} removed")
    for note in done.notes:
        console.tell(f"caretrace: {note}")


@app.command()
def setup(project: ProjectOption = None) -> None:
    """Print the SQL by which an administrator makes the roles and schemas, once, before the first load."""
    from caretrace.warehouse.publish.postgres import setup_sql

    console.say(setup_sql(_names(_postgres(find(project, here=Path.cwd())))).rstrip())


def _postgres(place: Project) -> Postgres | None:
    """What caretrace.toml says of the database, if there is such a file."""
    from caretrace.project import settings

    return settings.load(place).targets.postgres if place.settings.is_file() else None


def _names(said: Postgres | None) -> postgres.Settings:
    from caretrace.warehouse.publish.postgres import Settings

    return Settings(**said.names()) if said else Settings()


def _newest(place: Project) -> Path:
    from caretrace.warehouse.publish.refresh import runs

    found = list(runs(place))
    if not found:
        raise InputError("holds no run of `caretrace run`; give the run folder", path=place.runs)
    return found[-1].path
