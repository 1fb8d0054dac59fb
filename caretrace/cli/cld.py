"""`caretrace cld check` and `caretrace cld write`; `history` stands in a module of its own."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace import console
from caretrace.cli import cld_history
from caretrace.cli.place import ProjectOption, find, maker, newest_night
from caretrace.words import several
from governance import at_rest

if TYPE_CHECKING:
    from caretrace.cld.submission import Report

app = typer.Typer(help="Check Client Level Data, and write it with the NHS numbers of a run.", no_args_is_help=True)
app.command("history")(cld_history.history)


class Which(StrEnum):
    """How sure a number must be to be filled in."""

    TRACED = "traced"
    EXACT = "exact"
    ALL = "all"


FilesArgument = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="The council's Client Level Data: files or folders.")
]
ReleaseOption = Annotated[int, typer.Option(metavar="1|2", help="The release of the specification to hold it to.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command("check")
def check(
    files: FilesArgument,
    release: ReleaseOption = 2,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write every fault by record id, as CSV, without values.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Hold every field of every row against the specification, and count what is wrong by field."""
    import duckdb

    from caretrace.cld.submission import Asked
    from caretrace.cld.submission import check as examine
    from caretrace.cli.given import source
    from caretrace.files import replaced_private

    asked, sources = Asked(release=release), [source(path) for path in files]
    with console.progress() as progress, duckdb.connect() as connection:
        if faults is None:
            found = examine(connection, sources, asked, as_at=_today(), progress=progress)
        else:
            with replaced_private(faults) as draft:
                found = examine(connection, sources, asked, as_at=_today(), faults=draft, progress=progress)
    console.say(json.dumps(found.to_json(), indent=2) if as_json else checked(found))


@app.command("write")
def write(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The submission to write; it must not exist.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE...]", help="The council's own files; without any, the events of the run's clients."
        ),
    ] = None,
    run: Annotated[Path | None, typer.Option("--run", metavar="RUN", help="A run that found NHS numbers.")] = None,
    newest: Annotated[bool, typer.Option("--newest", help="Take the numbers of the project's newest night.")] = False,
    release: ReleaseOption = 2,
    period: Annotated[
        tuple[datetime, datetime] | None,
        typer.Option(
            metavar="FIRST LAST", formats=["%Y-%m-%d"], help="The reporting period; as the files say if not given."
        ),
    ] = None,
    quarter: Annotated[
        str | None, typer.Option(metavar="QUARTER", help="The reporting period by name, such as 2026-27 Q2.")
    ] = None,
    numbers: Annotated[
        Which,
        typer.Option(help="What is filled in: traced numbers; also held ones and exact links; or all links."),
    ] = Which.EXACT,
    client_list: Annotated[
        str | None, typer.Option(metavar="SOURCE[/ORG]", help="Which client list, where the run has several.")
    ] = None,
    la_code: Annotated[
        str | None, typer.Option(metavar="CODE", help="The council's code, for rows made of a run's events.")
    ] = None,
    recipient: Annotated[
        str, typer.Option("--to", metavar="NAME", help="Whom it is for, as the log will say.")
    ] = "NHS Arden & GEM CSU, for NHS England",
    project: ProjectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a submission, with FILE.faults.csv (ids) and FILE.report.json (counts) beside it; the log says so."""
    import duckdb

    from caretrace import run_folder
    from caretrace.cld import history
    from caretrace.cld.numbers import Numbers
    from caretrace.cld.submission import Asked, Paths
    from caretrace.cld.submission import write as make
    from caretrace.cli.given import source
    from caretrace.files import refuse_inside
    from caretrace.trace import results
    from caretrace.written import log_writing

    place = find(project)
    if newest:
        if run is not None:
            raise typer.BadParameter("give --run or --newest, not both", param_hint="--newest")
        run = newest_night(place.project)
    days = (period[0].date(), period[1].date()) if period else None
    if quarter is not None:
        days = _quarter(quarter, days)
    asked = Asked(release, days, Numbers(numbers.value), client_list, la_code)
    opened = run_folder.open(run) if run else None
    run_id = str(opened.manifest["run_id"]) if opened else None
    if run:
        refuse_inside(out, run, option="--out")
    answers = results.of_run(opened, place.project) if opened else None
    beside = [out, out.with_name(f"{out.name}.faults.csv"), out.with_name(f"{out.name}.report.json")]
    with (
        console.progress() as progress,
        duckdb.connect(config=at_rest.spilling(place.project.root)) as connection,
        log_writing(
            place.project,
            place.keys_dir,
            kind="client level data",
            purpose=f"the council's submission of Client Level Data, Release {release}",
            files=beside,
            recipient=recipient,
            run_id=run_id,
            maker=maker(),
            now=datetime.now(UTC),
        ) as writing,
    ):
        found = make(
            connection,
            [source(path) for path in files or ()],
            run,
            asked,
            Paths(*writing.drafts),
            as_at=_today(),
            run_id=run_id,
            answers=answers,
            progress=progress,
        )
        writing.rows = found.facts["rows"]
    history.add(place.project, history.of_report(found, now=datetime.now(UTC), sha256=run_folder.sha256(out)))
    console.say(json.dumps(found.to_json(), indent=2) if as_json else f"{written(found)}\n{out}")


def _quarter(name: str, days: tuple[date, date] | None) -> tuple[date, date]:
    from caretrace.measures.period import period

    if days is not None:
        raise typer.BadParameter("give --period or --quarter, not both", param_hint="--quarter")
    found = period(name)
    return found.first, found.last


def checked(found: Report) -> str:
    """Rows, people and faults by field."""
    from caretrace.cld.checks import Verdict
    from caretrace.cld.submission import faults_of

    lines = _read(found)
    faults = faults_of(found.before)
    lines.append(f"faults: {sum(faults.values()):,}" + ("" if faults else "; every field that can be checked is valid"))
    lines += [f"  {name}: {_said(found, name)}" for name in faults]
    if found.before["client_type"].get(Verdict.OTHER_RELEASE, 0) * 2 > found.facts["rows"]:
        lines.append(f"most rows speak the words of Release {3 - found.facts['release']}: give --release")
    return "\n".join([*lines, *_not_checked(found)])


def written(found: Report) -> str:
    """What was filled in and what is still wrong."""
    from caretrace.cld.numbers import WORDS
    from caretrace.cld.submission import faults_of

    number, lines = found.facts["nhs_number"], _read(found)
    before, after, people = number["before"]["people"], number["after"]["people"], found.facts["people"]
    lines.append(
        f"NHS number: {before:,} of {several(people, 'person', 'people')} before ({_share(before, people)}),"
        f" {after:,} after ({_share(after, people)})"
    )
    lines += [f"  filled, {WORDS[how]}: {n:,}" for how, n in number.get("filled", {}).items()]
    lines += [f"  left, {WORDS[how]}: {n:,}" for how, n in number.get("left", {}).items()]
    if found.facts["mended"]:
        lines.append("written in the proper form: " + ", ".join(f"{k} {n:,}" for k, n in found.facts["mended"].items()))
    was, now = faults_of(found.before), faults_of(found.after)
    lines.append(f"faults: {sum(was.values()):,} before, {sum(now.values()):,} after")
    lines += [f"  {name}: {was.get(name, 0):,} -> {now.get(name, 0):,}" for name in {**was, **now}]
    lines += _not_checked(found)
    lines.append("values stand as they are: do not open the submission in a spreadsheet and save it")
    return "\n".join(lines)


def _read(found: Report) -> list[str]:
    rejected = sum(file["rejected"] for file in found.facts["files"])
    aside = f"; {several(rejected, 'record')} could not be read and left out" if rejected else ""
    return [f"rows: {found.facts['rows']:,} of {several(found.facts['people'], 'person', 'people')}{aside}"]


def _said(found: Report, name: str) -> str:
    return ", ".join(f"{n:,} {verdict.words}" for verdict, n in found.before[name].items() if verdict < 0)


def _not_checked(found: Report) -> list[str]:
    from caretrace.cld.checks import Verdict

    open_ones = [name for name, each in found.after.items() if each.get(Verdict.NOT_CHECKED)]
    return [f"not checked, for their defined lists are not public in full: {', '.join(open_ones)}"] if open_ones else []


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _today() -> date:
    return date.today()  # noqa: DTZ011 - the user's own calendar day
