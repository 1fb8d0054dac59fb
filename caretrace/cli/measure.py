"""`caretrace measure list`, `show` and `run`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace import console, project
from caretrace.cli.place import find, maker, newest_night

if TYPE_CHECKING:
    from caretrace.measures.declared import Measure
    from caretrace.measures.run import Asked
    from caretrace.run_folder import Run

app = typer.Typer(help="Count what a run says of care: named measures, small numbers hidden.", no_args_is_help=True)


class ByPeriod(StrEnum):
    """What periods are taken where none is named."""

    YEAR = "year"
    QUARTER = "quarter"


class ByArea(StrEnum):
    """What areas figures are parted by."""

    NONE = "none"
    COUNCIL = "council"
    PRACTICE = "practice"
    DISTRICT = "district"
    NAMED = "named"


@app.command("list")
def list_() -> None:
    """Name every measure with its version and what it asks."""
    from caretrace.measures.declared import measures

    console.say("\n".join(f"{each.name} {each.version}: {each.question}" for each in measures().values()))


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A measure that `measure list` names.")],
    sql: Annotated[bool, typer.Option("--sql", help="Print its SQL, with that of the tables it stands on.")] = False,
) -> None:
    """Say what a measure counts, by whose definition, with which parameters, or print its SQL."""
    from caretrace.measures.declared import AVOIDABLE, BASE, named, shared

    (measure,) = named((name,))
    if sql:
        parts = [shared(BASE), shared(AVOIDABLE)] if "acsc_list" in _names(measure) else [shared(BASE)]
        counted, left_out = f"-- counted\n{measure.counted};\n", f"-- left out\n{measure.left_out};"
        console.say("\n".join([*parts, counted, left_out]))
        return
    console.say(shown(measure))


@app.command("run")
def run(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write; it must not exist.")],
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN]",
            help="A finished run folder, of `link` or of a night; the project's newest night if not given.",
        ),
    ] = None,
    measure: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Which measure; all if not given. Repeatable.")
    ] = None,
    period: Annotated[
        list[str] | None,
        typer.Option(metavar="PERIOD", help="A financial year (2025-26) or quarter (2025-26 Q3). Repeatable."),
    ] = None,
    by: Annotated[
        ByPeriod, typer.Option(help="Without --period: the last four quarters, or the last two financial years.")
    ] = ByPeriod.QUARTER,
    area: Annotated[
        ByArea, typer.Option(help="Part the figures by area; `named` by [areas] of the settings.")
    ] = ByArea.NONE,
    settings: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings; the project's measures.toml if not given, where there is one."),
    ] = None,
    small_numbers: Annotated[
        str, typer.Option(metavar="PRESET", help="The rule by which small numbers are hidden.")
    ] = "nhs-hes-2018",
    internal: Annotated[
        bool, typer.Option("--internal", help="Show small numbers. What is written so may not leave.")
    ] = False,
    rows: Annotated[
        bool,
        typer.Option("--rows", help="Also write the person keys behind every figure; needs --internal, never leaves."),
    ] = False,
    recipient: Annotated[
        str | None,
        typer.Option("--to", metavar="NAME", help="Whom the figures are given to: the project's log will say so."),
    ] = None,
    project_dir: Annotated[
        Path | None,
        typer.Option(
            "--project", metavar="DIR", help="The project folder, for its measures.toml; found as for other commands."
        ),
    ] = None,
) -> None:
    """Count the measures and write measures.csv, left_out.csv and measures.json; small numbers are hidden."""
    from caretrace import run_folder
    from caretrace.files import refuse_inside
    from caretrace.measures import hidden
    from caretrace.measures import run as counting
    from caretrace.measures import settings as reading
    from caretrace.measures.declared import named
    from caretrace.measures.period import By, newest
    from caretrace.measures.period import period as parsed
    from schemas.errors import SettingsError

    if rows and not internal:
        raise SettingsError("person keys may not stand beside figures made to be shown: give --internal with --rows")
    if recipient and internal:
        raise SettingsError("internal figures may not leave: give --to without --internal")
    place = project.find(project_dir, here=Path.cwd())
    opened = run_folder.open(run or newest_night(place))
    refuse_inside(out, opened.path, option="--out")
    known_until = date.fromisoformat(opened.manifest["settings"]["as_at"])
    file = settings or (place.root / reading.FILE if (place.root / reading.FILE).is_file() else None)
    asked = counting.Asked(
        named(tuple(measure or ())),
        tuple(map(parsed, period)) if period else newest(By(by.value), known_until),
        known_until,
        None if internal else hidden.preset(small_numbers),
        area.value,
        reading.load(file) if file else reading.Settings(),
    )
    said = _given(opened, asked, out, recipient, project_dir) if recipient else _kept(opened, asked, out, rows)
    console.say(f"{said}\n\n{out}")


def _kept(run: Run, asked: Asked, out: Path, rows: bool) -> str:
    """Write for the council's own use."""
    from caretrace import run_folder
    from caretrace.measures import output

    with run_folder.drafting(out) as draft:
        folder = draft.path / "INTERNAL-rows" if rows else None
        if folder is not None:
            folder.mkdir()
        paths = [draft.path / name for name in output.names(internal=asked.rule is None)]
        said, _ = _count(run, asked, paths, folder, draft.work)
        run_folder.finish_plain(draft)
    return said


def _given(run: Run, asked: Asked, out: Path, recipient: str, project_dir: Path | None) -> str:
    """Write for somebody else: what leaves stands in the log."""
    from tempfile import TemporaryDirectory

    from caretrace.measures import output
    from caretrace.written import log_writing
    from schemas.errors import InputError

    if out.exists():
        raise InputError("exists already; give --out a new name", path=out)
    place = find(project_dir)
    with (
        TemporaryDirectory(prefix="caretrace-") as spill,
        log_writing(
            place.project,
            place.keys_dir,
            kind="measures",
            purpose=" of ".join(", ".join(each.name for each in those) for those in (asked.measures, asked.periods)),
            files=[out / name for name in output.names(internal=False)],
            recipient=recipient,
            run_id=str(run.manifest["run_id"]),
            maker=maker(),
            now=datetime.now(UTC),
        ) as writing,
    ):
        said, writing.rows = _count(run, asked, writing.drafts, None, Path(spill))
    return said


def _count(run: Run, asked: Asked, paths: Sequence[Path], rows: Path | None, spill: Path) -> tuple[str, int]:
    from caretrace.measures import output, tables
    from caretrace.measures import run as counting

    with console.progress() as progress, tables.connected(spill) as connection:
        report = counting.run(connection, run.path, asked, rows=rows, progress=progress)
        lines = output.write(connection, report, paths, run_id=str(run.manifest["run_id"]))
    return output.text(report), lines


def shown(measure: Measure) -> str:
    """A measure's declaration in words."""
    lines = [
        f"{measure.name}, version {measure.version}",
        measure.title,
        "",
        f"asks: {measure.question}",
        f"source: {measure.source}",
        f"standing: {measure.standing}",
        f"denominator: {measure.denominator}",
        f"numerator: {measure.numerator}",
        f"tables: {', '.join(measure.tables)}",
        f"linkage: {measure.link}",
        *(f"limit: {each}" for each in measure.limits),
    ]
    if measure.window_months:
        lines.append(f"window: {measure.window_months} months up to the last day of each period")
    lines += [
        f"parameter {each.name} = {each.default}: {each.meaning} ({each.standing})" for each in measure.parameters
    ]
    return "\n".join(lines)


def _names(measure: Measure) -> set[str]:
    return {each.name for each in measure.parameters}
