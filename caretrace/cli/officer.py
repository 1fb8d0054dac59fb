"""`caretrace officer ...`: what an information governance officer is asked for, one command each."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from caretrace import console
from caretrace.cli import papers
from caretrace.cli.place import Place, ProjectOption, find, maker
from caretrace.cli.table import ToOption, hand_over
from schemas.errors import InputError

app = typer.Typer(help="Answer what an information governance officer is asked, from the log.", no_args_is_help=True)
app.command("papers")(papers.papers)

PersonArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="Who it is about, one name a line: an NHS number, or source,organisation,record of a client. "
        "Give all you know. `-` reads from standard input, so that nobody's number is on the command line.",
    ),
]
ReferenceOption = Annotated[
    str, typer.Option(metavar="REF", help="The request's reference; it is logged. Name nobody.")
]


@app.command("shared")
def shared(
    person: PersonArgument, reference: ReferenceOption, to: ToOption = None, project: ProjectOption = None
) -> None:
    """What was shared about a person, with whom and why. The question is logged, not the person."""
    from governance.officer import about

    place = find(project)
    rows = about.shared(place.project.root, place.keys_dir, _names(person), reference=reference, **_by())
    hand_over("What was shared about this person", about.SHARED, rows, to)
    _tell_unindexed(place)


@app.command("recall")
def recall(
    person: PersonArgument, reference: ReferenceOption, to: ToOption = None, project: ProjectOption = None
) -> None:
    """Which recipients are to be told of a correction, erasure or restriction (UK GDPR Article 19)."""
    from governance.officer import about

    place = find(project)
    rows = about.recall(place.project.root, place.keys_dir, _names(person), reference=reference, **_by())
    hand_over("Recipients to be told (Article 19)", about.RECALL, rows, to)
    _tell_unindexed(place)


@app.command("recalled")
def recalled(
    releases: Annotated[list[str], typer.Argument(metavar="RELEASE...", help="Such as R000012.")],
    reference: ReferenceOption,
    project: ProjectOption = None,
) -> None:
    """Record that the recipients of these releases were told."""
    from governance.officer import about

    place = find(project)
    about.recalled(place.project.root, place.keys_dir, tuple(releases), reference=reference, **_by())
    console.say(f"recorded: told about {', '.join(releases)}")


@app.command("forget")
def forget(
    person: PersonArgument,
    reference: ReferenceOption,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; it cannot be undone.")] = False,
    project: ProjectOption = None,
) -> None:
    """Erase a person from the index of who is in which release. Ask `recall` first: afterwards nobody can say."""
    from governance.officer import about

    place, names = find(project), _names(person)
    if not yes:
        raise InputError("this cannot be undone; give --yes when `caretrace officer recall` was asked and dealt with")
    count = about.forget(place.project.root, place.keys_dir, names, reference=reference, **_by())
    console.say(f"erased: {count} of {len(names)} names were in the index")


@app.command("caldicott")
def caldicott(to: ToOption = None, project: ProjectOption = None) -> None:
    """Evidence for each Caldicott principle: which rule was asked how often, and what the log cannot show."""
    from governance.officer import caldicott as principles

    rows = principles.rows(_entries(project))
    hand_over("Evidence for the Caldicott principles", principles.COLUMNS, rows, to)


@app.command("processing")
def processing(to: ToOption = None, project: ProjectOption = None) -> None:
    """Rows for the record of processing (UK GDPR Article 30), one for each agreement."""
    from governance.officer import processing as record

    hand_over("Record of processing (Article 30)", record.COLUMNS, record.rows(_entries(project)), to)


@app.command("opt-outs")
def opt_outs(to: ToOption = None, project: ProjectOption = None) -> None:
    """Opt-outs applied: people left out of each release, by kind and list, counted and never named."""
    from governance.officer import optouts

    hand_over("Opt-outs applied", optouts.COLUMNS, optouts.rows(_entries(project)), to)


@app.command("breach")
def breach(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="Such as I000017; `audit incident` opens one.")],
    to: ToOption = None,
    project: ProjectOption = None,
) -> None:
    """What the log knows of an incident, for the notification within 72 hours (UK GDPR Article 33)."""
    from governance.officer import breach as pack

    hand_over(f"Breach pack: {incident}", pack.COLUMNS, pack.rows(_entries(project), incident), to)


@app.command("export")
def export(
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="A new .json file.")],
    form: Annotated[str, typer.Option("--as", metavar="FORM", help="fhir (AuditEvent) or openlineage.")] = "fhir",
    project: ProjectOption = None,
) -> None:
    """Write every release that left as FHIR AuditEvents or OpenLineage run events, for other systems to collect."""
    import json

    from governance import audit
    from governance.files import write_durably
    from governance.officer import exports

    if to.exists():
        raise InputError("exists already; choose a new file", path=to)
    place = find(project)
    found = audit.verify(place.project.audit, keys_dir=place.keys_dir)
    if form not in ("fhir", "openlineage"):
        raise InputError("--as is fhir or openlineage")
    made: Any = (
        exports.audit_events(found.entries)
        if form == "fhir"
        else exports.run_events(found.entries, origin=found.origin)
    )
    try:
        write_durably(to, (json.dumps(made, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", path=to) from None
    console.say(f"written: {to}")


def _entries(project: Path | None) -> tuple[dict[str, Any], ...]:
    from governance import audit

    place = find(project)
    return audit.verify(place.project.audit, keys_dir=place.keys_dir).entries


def _by() -> dict[str, Any]:
    return {"maker": maker(), "now": datetime.now(UTC)}


def _names(path: Path) -> tuple[bytes, ...]:
    from governance.audit.persons import read_names

    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise InputError("cannot be read", path=path) from None
    return read_names(text.splitlines())


def _tell_unindexed(place: Place) -> None:
    from governance import audit
    from governance.officer import about

    found = audit.verify(place.project.audit, keys_dir=place.keys_dir)
    if older := about.unindexed(list(found.entries)):
        console.tell(f"not looked through, since they were made before there was an index: {', '.join(older)}")
