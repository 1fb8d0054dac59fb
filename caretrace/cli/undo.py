"""`caretrace undo`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from caretrace import console
from caretrace.cli.place import ProjectOption, maker
from caretrace.cli.run import work
from caretrace.project import Project, find
from schemas.errors import InputError


def undo(
    to: Annotated[
        int | None,
        typer.Option(
            "--to", metavar="RUN", min=1, help="Go back to what held after this run; if not given, the last but one."
        ),
    ] = None,
    link: Annotated[
        str | None,
        typer.Option(
            metavar="CLIENT",
            help="Undo one link instead: the client is somebody else. Its record id, or source/organisation/id.",
        ),
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who undoes the link; you if not given.")] = None,
    as_at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day that it is; today if not given.")
    ] = None,
    project: ProjectOption = None,
) -> None:
    """Take back the last run, or all since RUN, by a new run; or one link, by a decision. Nothing is deleted.

    Deliveries of a run that was undone are not applied again by themselves; `caretrace run --accept NAME` does. What
    people decided and what the national service answered counts on. Numbers that were loaded back and are linked no
    longer stand in the new run's retractions.csv. An undo is a run, so it can be undone.
    """
    place = find(project, here=Path.cwd())
    if link is not None:
        if to is not None:
            raise typer.BadParameter("give --to for runs, or --link for one link")
        from caretrace.warehouse.undo_link import undo_link

        line = undo_link(place, link, by=by or maker(), now=datetime.now(UTC))
        console.say(f"{line}: decided that they are two people; the next `caretrace run` takes the link back")
        console.say(f"changed your mind: caretrace review undo {line}")
        return
    from caretrace.nightly.night import Wanted

    day = as_at.date() if as_at else datetime.now().astimezone().date()
    work(place, Wanted(as_at=day, undo_to=_go_back_to(place, to)))


def _go_back_to(place: Project, wanted: int | None) -> int:
    """The run to go back to; says what of the runs since cannot be taken back."""
    from caretrace.run_settings import RunSettings
    from caretrace.warehouse.store import read_state

    with read_state(place.warehouse, RunSettings(as_at=datetime.now(UTC).date())) as state:
        runs = state.connection.execute("SELECT run, kind FROM state.run ORDER BY run").fetchall()
    if wanted is None and len(runs) < 2:
        raise InputError("there is no run before the last one to go back to", path=place.root)
    to = wanted or int(runs[-2][0])
    if learnt := [str(run) for run, kind in runs if run > to and kind == "full"]:
        console.tell(
            f"note: run {', '.join(learnt)} linked everybody anew; its model stays, so links are what it makes of the"
            " records of then"
        )
    return to
