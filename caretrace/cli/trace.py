"""`caretrace trace request`, `caretrace trace read` and `caretrace trace list`."""

from __future__ import annotations

import json
import secrets
import string
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace import console, run_folder
from caretrace.cli.place import ProjectOption, find, maker
from caretrace.words import several
from governance import at_rest

if TYPE_CHECKING:
    from caretrace.trace.reading import Read
    from caretrace.trace.request import Asked

app = typer.Typer(help="Ask the national tracing service about clients, and read its answers.", no_args_is_help=True)

_TOKEN = 8
"""Characters of a request's name: 36^8, so no two requests share one."""


class Form(StrEnum):
    """Which service the files are for."""

    PDS = "pds"
    MPT = "mpt"
    DBS = "dbs"


class Whom(StrEnum):
    """Who is asked about."""

    HELD = "held"
    LINKED = "linked"
    REVIEW = "review"
    NONE = "none"


class LineEnd(StrEnum):
    """What ends a line."""

    LF = "lf"
    CRLF = "crlf"


RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")]


@app.command("request")
def request(
    run: RunArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write the request files into.")],
    form: Annotated[Form, typer.Option("--format", help="PDS MESH, or the older MPT or DBS.")] = Form.PDS,
    second: Annotated[
        bool,
        typer.Option(
            "--second", help="The second run: names, date of birth and gender of whom the first did not settle."
        ),
    ] = False,
    with_postcode: Annotated[
        bool,
        typer.Option("--with-postcode", help="In the second run, ask with the postcode too: a wrong one hides people."),
    ] = False,
    whom: Annotated[
        list[Whom] | None, typer.Option(help="Only these; everybody the run concerns if not given. Repeatable.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Ask also what was asked before just so.")] = False,
    most: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Records to a file; 100,000, for DBS 450,000, if not given.")
    ] = None,
    line_end: Annotated[LineEnd, typer.Option(help="What ends a line of PDS MESH and MPT files.")] = LineEnd.CRLF,
    columns_24: Annotated[
        bool, typer.Option("--24-columns", help="PDS MESH: the form with GP_REGISTRATION_DATE.")
    ] = False,
    organisation: Annotated[str, typer.Option(metavar="CODE", help="DBS: the ODS code of your organisation.")] = "",
    tracing_service: Annotated[
        str, typer.Option(metavar="CODE", help="DBS: the code of the tracing service, where you were given one.")
    ] = "",
    sequence: Annotated[int, typer.Option(min=1, help="DBS: number of the file, one more for each one sent.")] = 1,
    dbs_csv: Annotated[bool, typer.Option("--csv", help="DBS: the body as CSV instead of fixed width.")] = False,
    project: ProjectOption = None,
) -> None:
    """Write the files to send: number and date of birth first, with --second names for whom that did not settle."""
    from caretrace.trace.choose import Round, Why
    from caretrace.trace.request import Form as RequestForm
    from caretrace.trace.request import Service
    from caretrace.trace.request import request as ask

    place = find(project)
    chosen = {Why[each.name] for each in whom or ()} | ({Why.NOT_CONFIRMED} if second and whom else set())
    asked = ask(
        run_folder.open(run),
        out,
        RequestForm(
            Service(form.value),
            most=most,
            line_end=line_end.value,
            registration_date=columns_24,
            organisation=organisation,
            tracing_service=tracing_service,
            sequence=sequence,
            as_csv=dbs_csv,
        ),
        project=place.project,
        keys_dir=place.keys_dir,
        which=Round.NAMES if second else Round.NUMBERS,
        whom=frozenset(chosen or Why),
        postcode=second and with_postcode,
        again=again,
        token="".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(_TOKEN)),
        maker=maker(),
        now=datetime.now(UTC),
    )
    console.say("\n".join(_asked(asked)))


@app.command("read")
def read(
    replies: Annotated[
        list[Path], typer.Argument(metavar="REPLY...", help="The files that came back, or folders of them.")
    ],
    run: Annotated[Path, typer.Option("--run", metavar="RUN", help="The run that the request was made from.")],
    accept_score: Annotated[
        float | None,
        typer.Option(
            min=50, max=100, metavar="SCORE", help="Accept a search by resemblance from this score on; else refer it."
        ),
    ] = None,
    check_names: Annotated[
        bool, typer.Option("--check-names/--no-check-names", help="Refer where PDS has another given name.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    project: ProjectOption = None,
) -> None:
    """Read replies, judge every answer by rule, say what they are in plain words, and keep them in the project."""
    from caretrace.cli.given import source
    from caretrace.trace.reading import read as read_replies
    from caretrace.trace.rules import Rules

    place = find(project)
    done = read_replies(
        [source(path) for path in replies],
        run_folder.open(run),
        project=place.project,
        keys_dir=place.keys_dir,
        rules=Rules(accept_score, check_names),
        maker=maker(),
        now=datetime.now(UTC),
    )
    console.say(json.dumps(done.to_json(), indent=2) if as_json else "\n".join(_read(done)))


@app.command("list")
def list_(project: ProjectOption = None) -> None:
    """Print the project's requests as CSV: when, to which service, how many questions are still open."""
    import duckdb

    from caretrace.cli.table import as_csv
    from caretrace.trace.store import LISTED, Kept

    place = find(project).project
    with duckdb.connect(config=at_rest.spilling(place.root)) as connection:
        console.say(as_csv(LISTED, Kept.of(place).requests(connection)))


def _asked(asked: Asked) -> list[str]:
    lines = [f"request {asked.request_id}: {asked.questions:,} questions"]
    lines += [f"  {count:,} x {why}" for why, count in asked.chosen.asked.items()]
    lines += [f"  not asked: {count:,} x {why}" for why, count in asked.chosen.left_out.items()]
    lines += [f"  changed on the way: {change}" for change in asked.changes]
    lines += [f"written: {path}" for path in asked.files]
    lines += [f"an interrupted earlier writing was settled in the log: {each}" for each in asked.settled]
    return lines


def _read(done: Read) -> list[str]:
    answers = several(done.answers, "answer")
    lines = [f"{several(done.records, 'record')}; {answers} to questions of this run; {done.unanswered:,} open"]
    lines += [f"  not used: {several(count, 'answer')} {why}" for why, count in done.strangers.items()]
    lines += [f"  set aside: {count:,} x {rule}" for rule, count in done.set_aside.items()]
    lines += ["answers"]
    lines += [f"  {code or '(none)'}: {count:,} x {said}" for code, said, count in done.codes]
    lines += ["clients, by everything read so far"]
    lines += [f"  {count:,} x {verdict}" for verdict, count in done.clients.items()]
    lines += [f"    {count:,} x {reason}" for reason, count in done.reasons.items()]
    lines += [f"kept: {done.folder}"]
    lines += [f"an interrupted earlier writing was settled in the log: {each}" for each in done.settled]
    return lines
