"""`caretrace warehouse list|tables|views|dbt`."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caretrace import console, run_folder
from caretrace import project as projects
from caretrace.cli.place import ProjectOption
from governance import at_rest
from schemas.errors import InputError, SettingsError

if TYPE_CHECKING:
    from caretrace.project import Project
    from caretrace.run_folder import Run

app = typer.Typer(help="Read what the nights have come to: runs, views for analysts, dbt.", no_args_is_help=True)


class Form(StrEnum):
    """Where dbt reads."""

    DUCKDB = "duckdb"
    POSTGRES = "postgres"


@app.command("list")
def list_(
    project: ProjectOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the runs whose folders are still there, newest last, with what changed in each."""
    from caretrace.warehouse.publish.refresh import runs

    rows = [_row(run) for run in runs(_find(project))]
    if as_json:
        console.say(json.dumps(rows, indent=2))
        return
    for row in rows:
        changes = ", ".join(f"{count:,} {change}" for change, count in row["changes"].items()) or "nothing changed"
        console.say(f"run {row['run']} ({row['kind']}), {row['as_at']}: {row['clients']:,} clients; {changes}")
        tables = "" if row["tables_in"] == row["run"] else f" (tables of run {row['tables_in']})"
        console.say(f"  {row['folder']}{tables}")
    if not rows:
        console.say("no run yet; `caretrace run` makes one")


def _row(run: Run) -> dict[str, Any]:
    manifest = run.manifest
    return {
        "run": manifest["warehouse"]["run"],
        "kind": manifest["warehouse"]["kind"],
        "as_at": manifest["settings"]["as_at"],
        "clients": manifest["counts"]["clients"]["people"],
        "linked": manifest["counts"]["linked"],
        "review": manifest["counts"]["review"],
        "changes": manifest["counts"]["changes"],
        "published_version": manifest["warehouse"]["schema"],
        "tables_in": manifest["warehouse"]["tables_in"],
        "folder": str(run.path),
    }


@app.command("tables")
def tables(project: ProjectOption = None) -> None:
    """Write the linked tables of the last run, where that night left them out (outputs.tables in caretrace.toml)."""
    from caretrace.project import locked
    from caretrace.warehouse.publish.tables import write

    place = _find(project)
    with locked(place):
        run = write(place)
    console.say(f"tables of the last run: {run.path}")


@app.command("views")
def views(
    project: ProjectOption = None,
    run: Annotated[
        Path | None, typer.Option("--run", metavar="RUN", help="A run folder; the newest where none is given.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write them; warehouse/warehouse.duckdb where none is given."),
    ] = None,
) -> None:
    """Write the views anew, as after the project folder was moved: a view names its files in full."""
    from caretrace.project import locked
    from caretrace.warehouse.publish import refresh
    from caretrace.warehouse.publish.refresh import HISTORY, number_of
    from caretrace.warehouse.publish.views_file import write

    place = _find(project)
    folder = run or _newest(place).path
    if out is None:
        with locked(place):
            written = refresh(place, folder).views
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        opened = run_folder.open(folder)
        written = (
            None
            if at_rest.rule_for(folder).encrypt
            else write(out, folder, place.warehouse / HISTORY, number_of(opened))
        )
    if written is None:
        raise SettingsError(
            f"{place.settings}: at_rest.encrypt leaves no views to write: DuckDB could not read the tables; load them"
            " into PostgreSQL, or take a plain copy of a run with `caretrace open`"
        )
    console.say(f"written: {written}")


@app.command("dbt")
def dbt(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The sources file to write.")],
    form: Annotated[Form, typer.Option("--for", help="Where dbt reads.")] = Form.DUCKDB,
    analyst: Annotated[str, typer.Option(metavar="NAME", help="Name of the schema without identifiers.")] = "analyst",
    identifiable: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the schema with identifiers; left out unless given.")
    ] = None,
) -> None:
    """Write a dbt sources file of every table and column."""
    from caretrace.files import replaced
    from caretrace.warehouse.publish.dbt import sources

    named = {"analyst": analyst} | ({"identifiable": identifiable} if identifiable else {})
    out.parent.mkdir(parents=True, exist_ok=True)
    with replaced(out) as draft:
        draft.write_text(sources(named, database="warehouse" if form is Form.DUCKDB else None), "utf-8", newline="\n")
    console.say(f"written: {out}")


def _find(given: Path | None) -> Project:
    """The project, whose keys none of these commands need."""
    return projects.find(given, here=Path.cwd())


def _newest(project: Project) -> Run:
    from caretrace.warehouse.publish.refresh import runs

    found = list(runs(project, whole=True))
    if not found:
        raise InputError("holds no run with tables yet; `caretrace run` makes one", path=project.runs)
    return found[-1]
