"""`caretrace check`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caretrace import console, pipeline
from caretrace.cli.given import Feed, RegisterAs, RegisterFeed, RegisterMap, Without, registers, source
from caretrace.cli.no_pandas import look_without_pandas
from caretrace.run_settings import RunSettings
from caretrace.words import counted, several

if TYPE_CHECKING:
    from caretrace.quality import Quality
    from caretrace.quality.checking import Checked
    from caretrace.quality.trend import Trend

_SHOWN = 10
"""Refused or doubtful values named in the short text; --json has all."""


def check(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="INPUT...", help="Extracts: files or folders; several are held against each other."),
    ],
    register: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="A GP register to hold them against. Repeatable."),
    ] = None,
    format_name: Annotated[
        str | None, typer.Option("--as", metavar="FORMAT", help="Their format; found from the content if not given.")
    ] = None,
    feed: Annotated[
        Feed | None,
        typer.Option(
            help="Whether each input is a full delivery of its feed, or changes to the one before, where its files do"
            " not say so."
        ),
    ] = None,
    register_as: RegisterAs = None,
    register_map: RegisterMap = None,
    register_feed: RegisterFeed = None,
    without: Without = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="A TOML mapping of your own column titles.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a page, the figures and lists of records to mend; it must not exist."),
    ] = None,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="With --out: the lists as workbooks too.")] = False,
    previous: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="An earlier run, or what an earlier check wrote: say what changed since."),
    ] = None,
    as_at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="The day that ages and future dates are judged by; today if not given."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say what is in extracts: files and versions, gaps, contradictions between systems, and what was set aside.

    Changes nothing, and links nobody: people are told by the NHS numbers that records share.
    """
    from caretrace.quality.checking import PAGE
    from caretrace.quality.checking import check as look

    if xlsx and out is None:
        raise typer.BadParameter("it needs --out", param_hint="--xlsx")
    look_without_pandas()
    settings = RunSettings(as_at=as_at.date() if as_at else date.today())  # noqa: DTZ011 - the user's own day
    clients = [source(path, format=format_name, mapping=mapping, feed=feed) for path in inputs]
    register_sources = registers(register or [], register_as, register_map, without, register_feed)
    with console.progress() as progress:
        checked = look(
            clients, register_sources, settings, previous=previous, out=out, workbooks=xlsx, progress=progress
        )
    if as_json:
        console.say(json.dumps(checked.to_json(), indent=2, ensure_ascii=False))
    else:
        console.say("\n".join(lines(checked)))
        if checked.out is not None:
            console.say(f"written: {checked.out / PAGE}")
    for side, sources in (("clients", clients), ("register", register_sources)):
        if sources:
            pipeline.require_people(checked.reports[side], sources, see="what was found says why")


def lines(checked: Checked) -> Iterator[str]:
    """The check as text: files, then what was found in each source, then what could not be used."""
    for side, report in checked.reports.items():
        yield from _read(report.to_json(), report.tables["PERSON"], side if len(checked.reports) > 1 else "in all")
    yield from _found(checked.quality, checked.trend)
    issues: Counter[tuple[str, str, bool]] = Counter()
    for each in checked.quality.issues:
        issues[each.column, each.issue, each.used] += each.values
    if issues:
        yield "\nvalues refused or doubtful:"
    for (column, issue, used), values in sorted(issues.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]:
        yield f"{values:>9,}  {column}: {issue}{'; used all the same' if used else ''}"
    if len(issues) > _SHOWN:
        yield f"           and {len(issues) - _SHOWN} more kinds; --json has all"
    if checked.quality.set_aside:
        yield "\nrecords set aside:"
    yield from (f"{s.records:>9,}  {s.kind}, {s.file}: {s.rule}" for s in checked.quality.set_aside)


def _read(read: Any, people: int, name: str) -> Iterator[str]:
    for file in read["files"]:
        what = " ".join(str(file[key]) for key in ("format", "version", "encoding") if file[key])
        yield (
            f"{file['name']}: {what}; {several(file['records'], 'record')} = {file['used']:,} used"
            f" + {file['rejected']:,} rejected + {file['excluded']:,} excluded"
        )
        if file["note"]:
            yield f"  note: {file['note']}"
    yield f"{name}: {counted({**read, 'people': people})}"


def _found(quality: Quality, trend: Trend | None) -> Iterator[str]:
    from caretrace.report.mending import names, soonest, then
    from caretrace.report.words import percent

    called = names(quality)
    for held in quality.sources:
        yield f"\n{called[held.key]}: {several(held.records, 'person', 'people')}"
        rows = [
            (
                f"{figure.records:,}",
                percent(figure.records / max(quality.of(figure), 1)),
                *((then(trend.change(figure)),) if trend else ()),
                figure.declared.severity.value,
                figure.declared.title,
            )
            for figure in soonest(quality.figures)
            if figure.key == held.key and figure.records
        ]
        head = ("records", "share", *(("before",) if trend else ()), "look", "what")
        yield from _table([head, *rows]) if rows else ["nothing to mend was found"]
    if any(figure.declared.of_shared and figure.records for figure in quality.figures):
        yield "\nshare: of the records; of what another system contradicts, of those that both hold"
    if trend and trend.why_not:
        yield f"\nnot compared with {trend.of}: {trend.why_not}"


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Columns in line: numbers to the right, words to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if place < 2 else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(["", *cells]).rstrip()
