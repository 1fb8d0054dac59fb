"""`caretrace opt-out request` and `caretrace opt-out read`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from caretrace import console, run_folder
from caretrace.cli.place import ProjectOption, find, maker
from caretrace.cli.trace import LineEnd, RunArgument
from connectors.writers.ndoo import MAILBOX

app = typer.Typer(help="The national check for data opt-outs: ask it, and use its answer.", no_args_is_help=True)


@app.command("request")
def request(
    run: RunArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write the two files into.")],
    mailbox: Annotated[str, typer.Option(metavar="ID", help="Your MESH mailbox.")],
    to: Annotated[str, typer.Option(metavar="ID", help="The mailbox of the check.")] = MAILBOX,
    number: Annotated[int, typer.Option(min=1, max=9999, help="Number of the request on its day.")] = 1,
    line_end: Annotated[LineEnd, typer.Option(help="What ends a line.")] = LineEnd.LF,
    project: ProjectOption = None,
) -> None:
    """Write the request and its control file about everybody in the run who has or may have a number."""
    from caretrace.trace.opt_out import request as ask

    place = find(project)
    asked = ask(
        run_folder.open(run),
        out,
        project=place.project,
        keys_dir=place.keys_dir,
        mailbox=mailbox,
        recipient=to,
        number=number,
        line_end=line_end.value,
        maker=maker(),
        now=datetime.now(UTC),
    )
    console.say(f"{asked.numbers:,} numbers\nwritten: {asked.request}\nwritten: {asked.control}")
    for each in asked.settled:
        console.say(f"an interrupted earlier writing was settled in the log: {each}")


@app.command("read")
def read(
    reply: Annotated[Path, typer.Argument(metavar="REPLY", help="The list that came back: numbers that may be used.")],
    asked: Annotated[Path, typer.Option("--request", metavar="FILE", help="The request it answers.")],
    checked_on: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day of the reply.")],
    project: ProjectOption = None,
) -> None:
    """Check a reply against its request and keep it with a receipt, for agreements to name as their allowed_list."""
    from caretrace.trace.opt_out import read as take

    place = find(project)
    found = take(
        reply,
        asked,
        project=place.project,
        keys_dir=place.keys_dir,
        checked_on=checked_on.date(),
        maker=maker(),
        now=datetime.now(UTC),
    )
    console.say(
        f"{found.allowed:,} of {found.asked:,} numbers may be used; {found.asked - found.allowed:,} may not\n"
        f"kept: {found.list_}\nwith its receipt: {found.receipt}\n"
        "Name it in the agreement as allowed_list. A release refuses it when it is too old: ask again then."
    )
    for each in found.same_as:
        console.say(f"the same numbers as in {each}: make sure that this is not its reply again")
