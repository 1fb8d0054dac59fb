"""`caretrace check`."""

from __future__ import annotations

import json
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caretrace import console, pipeline
from caretrace.cli import given
from caretrace.words import counted

if TYPE_CHECKING:
    from caretrace.quality import Quality

_EXPECTED = ("nhs_number", "family_name", "given_name", "birth_date", "gender", "postcode", "ethnicity")
"""Columns whose absence from a record is a gap; few people have a date of death or a fifth line of address."""
_SHOWN = 10
"""Issues named in the short text; --json has all."""


def check(
    path: Annotated[Path, typer.Argument(metavar="INPUT", help="An extract: a file or a folder.")],
    format_name: Annotated[
        str | None, typer.Option("--as", metavar="FORMAT", help="Its format; found from the content if not given.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="A TOML mapping of your own column titles.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say what is in an extract: files and versions, gaps, conflicts, and what was set aside. Changes nothing."""
    import connectors
    from caretrace import quality

    settings = pipeline.Settings(as_at=date.today())  # noqa: DTZ011 - the user's own calendar day
    with (
        tempfile.TemporaryDirectory(prefix="caretrace-") as folder,
        pipeline.store(Path(folder), settings) as connection,
        console.progress() as progress,
    ):
        source = given.source(path, format=format_name, mapping=mapping)
        report = connectors.read(connection, (source,), side="clients", as_at=settings.as_at, progress=progress)
        facts = quality.facts(connection, as_at=settings.as_at)
    read = report.to_json()
    if as_json:
        console.say(json.dumps({"read": read, "quality": facts.to_json()}, indent=2, ensure_ascii=False))
    else:
        console.say("\n".join(_lines(read, report.tables["PERSON"], facts)))
    pipeline.require_people(report, (source,))


def _lines(read: dict[str, Any], people: int, facts: Quality) -> list[str]:
    lines = []
    for file in read["files"]:
        what = " ".join(str(file[key]) for key in ("format", "version", "encoding") if file[key])
        lines.append(
            f"{file['name']}: {what}; {file['records']:,} records = {file['used']:,} used"
            f" + {file['rejected']:,} rejected + {file['excluded']:,} excluded"
        )
        if file["note"]:
            lines.append(f"  note: {file['note']}")
    lines.append(f"in all: {counted({**read, 'people': people})}")
    for source in facts.sources:
        gaps = [(f.column, f.missing + f.refused) for f in source.fields if f.column in _EXPECTED]
        without = ", ".join(f"{column} {people:,}" for column, people in gaps if people) or "nothing"
        lines.append(f"{source.source} ({source.source_org}): {source.records:,} people; without: {without}")
    issues = sorted(facts.issues, key=lambda each: (-each.values, each.column, each.issue))
    lines += [
        f"{each.column}: {each.issue} ({each.values:,}{', used all the same' if each.used else ', not used'})"
        for each in issues[:_SHOWN]
    ]
    if len(issues) > _SHOWN:
        lines.append(f"and {len(issues) - _SHOWN} more kinds of issue; --json has all")
    lines += [f"{each.kind}, {each.file}: {each.rule} ({each.records:,})" for each in facts.set_aside]
    return lines
