"""`caretrace erase`."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace import console
from caretrace.cli.place import Place, ProjectOption, find, maker
from caretrace.opening import opening
from schemas.errors import InputError, SettingsError

if TYPE_CHECKING:
    from caretrace.erasing.erasing import How, Plan, Whom


class Side(Enum):
    """Which list a record is of."""

    client = "client"
    register = "register"


_SIDES = {Side.client: "clients", Side.register: "register"}


def erase(
    records: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RECORD...",
            help="Her records: a record id, or source/organisation/id. None: finish an erasure that was interrupted.",
            show_default=False,
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Records in a file, one to a line; then no id stands in the shell's history."
        ),
    ] = None,
    side: Annotated[Side | None, typer.Option(help="Which list they are of, where an id is of both.")] = None,
    whole_person: Annotated[
        bool, typer.Option("--whole-person", help="All records of the same person as well, in every system.")
    ] = False,
    keep_out: Annotated[
        bool, typer.Option("--keep-out", help="Keep these records out of later deliveries too, by a keyed hash.")
    ] = False,
    let_in: Annotated[
        bool, typer.Option("--let-in", help="Erase nothing: let records that are kept out come back; give --side too.")
    ] = False,
    keep_runs: Annotated[
        bool, typer.Option("--keep-runs", help="Leave the older run folders that hold her, and only name them.")
    ] = False,
    reference: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The request's number in your own file, for the log; name nobody."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and what would stay.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day that it is; today if not given.")
    ] = None,
    project: ProjectOption = None,
) -> None:
    """Take one person out of the warehouse for good, its past too, by a new run; logged without her name.

    Her source systems still have her: without --keep-out the next delivery that holds her brings her back.
    """
    from caretrace.erasing import erasing

    place, now = find(project), datetime.now(UTC)
    whom = erasing.Whom(_records(records or (), file), _SIDES[side] if side else None, whole_person)
    how = erasing.How(reference or "-", keep_out=keep_out, keep_runs=keep_runs)
    if not whom.records:
        _finish(place, now)
        return
    if let_in:
        _let_in(place, whom, reference, now)
        return
    planned = erasing.plan(place.project, whom, how, place.keys_dir, now=now)
    _tell(planned)
    if dry_run:
        return
    if reference is None:
        raise SettingsError(
            "give --reference, the request's number in your own file: the log says why something is gone"
        )
    if not yes:
        if not console.interactive():
            raise SettingsError("this cannot be undone and nobody can be asked; give --yes, or --dry-run to look")
        typer.confirm("Erase this for good?", abort=True, err=True)
    _work(place, whom, how, now, as_at.date() if as_at else None)


def _work(place: Place, whom: Whom, how: How, now: datetime, as_at: date | None) -> None:
    from caretrace.erasing import erasing

    with console.progress() as progress:
        _, outcome = erasing.erase(
            place.project,
            whom,
            how,
            place.keys_dir,
            maker=maker(),
            now=now,
            as_at=as_at or datetime.now().astimezone().date(),
            opening=opening(os.environ),
            progress=progress,
        )
    console.say(outcome.line())
    console.say("erased; `caretrace audit upkeep` lists it")
    if not how.keep_out:
        console.tell("the next delivery that holds her brings her back: see that her source systems let her go too")
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


def _let_in(place: Place, whom: Whom, reference: str | None, now: datetime) -> None:
    from caretrace.erasing.erasing import How
    from caretrace.erasing.letting_in import let_in

    if whom.side is None or reference is None:
        raise SettingsError("give --side, which list the records are of, and --reference, for the log")
    how = How(reference)
    count = let_in(place.project, whom.records, whom.side, how, place.keys_dir, maker=maker(), now=now)
    console.say(f"{count:,} records are kept out no longer; the next delivery that holds them brings them back")


def _finish(place: Place, now: datetime) -> None:
    from caretrace.erasing.resuming import finish

    done = finish(place.project, place.keys_dir, now=now)
    console.say(
        f"finished: {', '.join(done)}" if done else "no erasure waits to be finished; name the records to erase"
    )


def _tell(planned: Plan) -> None:
    console.say(f"to erase: {planned.clients:,} client records and {planned.register:,} register records")
    if planned.runs:
        console.say(f"run folders that go: {', '.join(item.paths[0].name for item in planned.runs)}")
    for each in planned.stays:
        console.tell(f"stays: {each}")


def _records(given: list[str] | tuple[()], file: Path | None) -> tuple[str, ...]:
    if file is None:
        return tuple(given)
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InputError("cannot be read as a list of records, one to a line, in UTF-8", path=file) from None
    return (*given, *(line.strip() for line in lines if line.strip()))
