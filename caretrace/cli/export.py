"""`caretrace export fhir`."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace import console
from caretrace.cli.place import ProjectOption, find, maker
from governance import at_rest

if TYPE_CHECKING:
    from caretrace.exports.patients import Written

app = typer.Typer(help="Write a run's clients in the formats of others.", no_args_is_help=True)


class Of(StrEnum):
    """What a Patient stands for."""

    RECORD = "record"
    PERSON = "person"


class Form(StrEnum):
    """What the resources stand in."""

    NDJSON = "ndjson"
    BUNDLE = "bundle"


class System(StrEnum):
    """Whose code system says how a number was verified."""

    ENGLAND = "england"
    RETIRED = "retired"
    BOTH = "both"


class Restricted(StrEnum):
    """What becomes of restricted records."""

    LEAVE_OUT = "leave-out"
    MARK = "mark"


@app.callback()
def _formats() -> None:
    """Keep `fhir` a command of its own name while it is the only one."""


@app.command("fhir")
def fhir(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write; it must not exist.")],
    purpose: Annotated[str, typer.Option(metavar="TEXT", help="What it is for, as the log will say.")],
    recipient: Annotated[
        str | None, typer.Option("--to", metavar="NAME", help="Whom it is for; the council itself if not given.")
    ] = None,
    of: Annotated[Of, typer.Option(help="A Patient for each client record, or for each person.")] = Of.RECORD,
    form: Annotated[Form, typer.Option(help="A resource a line, or one Bundle.")] = Form.NDJSON,
    verification: Annotated[
        System, typer.Option(help="The code system of the NHS number's status: the present one, the retired, or both.")
    ] = System.ENGLAND,
    restricted: Annotated[
        Restricted, typer.Option(help="Restricted records: leave them out, or mark them (meta.security R).")
    ] = Restricted.LEAVE_OUT,
    project: ProjectOption = None,
) -> None:
    """Write the clients with the NHS numbers found, as FHIR R4 Patients by the UK Core profile; the log says so."""
    import duckdb

    from caretrace import run_folder
    from caretrace.exports.patients import Asked, Grain, write
    from caretrace.files import refuse_inside
    from caretrace.trace import results
    from caretrace.written import log_writing
    from connectors.writers import fhir as writer

    opened = run_folder.open(run)
    manifest = opened.manifest
    refuse_inside(out, run, option="--out")
    asked = Asked(
        Grain(of.value),
        writer.Form(form.value),
        writer.Verification(verification.value),
        restricted.value,
        manifest["settings"]["load_back"]["trace_required"],
    )
    place = find(project)
    answers = results.of_run(opened, place.project)
    with (
        duckdb.connect(config=at_rest.spilling(opened.path)) as connection,
        log_writing(
            place.project,
            place.keys_dir,
            kind="FHIR Patients",
            purpose=purpose,
            files=[out],
            recipient=recipient,
            run_id=str(manifest["run_id"]),
            maker=maker(),
            now=datetime.now(UTC),
        ) as writing,
    ):
        found = write(connection, run, writing.drafts[0], asked, answers=answers)
        writing.rows = found.patients
    console.say(f"{exported(found)}\n{out}")


def exported(found: Written) -> str:
    """What was written."""
    from schemas.codes import NHS_NUMBER_STATUS

    lines = [f"patients: {found.patients:,}"]
    for status, count in found.statuses.items():
        lines.append(f"  {NHS_NUMBER_STATUS.get(status, 'without an NHS number')}: {count:,}")
    if found.several:
        lines.append(f"  of those, {found.several:,} have none since several clients are linked to one number")
    if found.restricted_left_out:
        lines.append(f"restricted records left out: {found.restricted_left_out:,}; --restricted mark writes them")
    return "\n".join(lines)
