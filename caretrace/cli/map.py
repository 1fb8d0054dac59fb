"""`caretrace map`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from caretrace import console, working_store
from caretrace.run_settings import RunSettings
from schemas.errors import InputError

if TYPE_CHECKING:
    from connectors.propose import Proposal, Sheet


def map_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="The council's files, all of one export: files or folders.")
    ],
    system: Annotated[
        str,
        typer.Option(metavar="NAME", help="The system they come from: a shipped profile, such as carefirst, or other."),
    ] = "other",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write the mapping; the file must not exist.")
    ] = None,
) -> None:
    """Propose a mapping of a council's columns from their titles and contents, with how sure each is and why.

    No value of the files is shown or written. Correct the mapping and give it with --map or --clients-map.
    """
    from connectors.propose import as_toml, propose

    if out is not None and out.exists():
        raise InputError("exists already; give --out another name, or remove it first", path=out)
    settings = RunSettings(as_at=date.today())  # noqa: DTZ011 - the user's own calendar day
    with (
        tempfile.TemporaryDirectory(prefix="caretrace-") as folder,
        working_store.opened(Path(folder), settings) as connection,
        console.progress() as progress,
    ):
        proposal = propose(connection, files, as_at=settings.as_at, system=system, progress=progress)
    console.say("\n".join(_lines(proposal)))
    if out is None:
        console.say("nothing was written; give --out mapping.toml to have it as a file to correct")
        return
    with out.open("x", encoding="utf-8", newline="\n") as file:
        file.write(as_toml(proposal))
    # Files of one export are given as their folder.
    tried = files[0] if len(files) == 1 else files[0].parent
    console.say(f"{out} is written: correct it, then try it with: {_command(tried, out)}")


def _command(tried: Path, out: Path) -> str:
    """The check as it can be pasted: in double quotes where there is a space, which every shell takes."""
    data, mapping = (f'"{path}"' if " " in str(path) else str(path) for path in (tried, out))
    return f"caretrace check {data} --map {mapping}"


def _lines(proposal: Proposal) -> Iterator[str]:
    for sheet in proposal.sheets:
        yield f"{sheet.name}: {_KINDS[sheet.kind]}"
        yield from _columns(sheet)
    for lacking in proposal.missing():
        yield f"not found: {lacking}"


_KINDS = {
    None: "no kind of file was recognised; its columns are not used",
    "person": "the people",
    "mark": "a list of people to leave out",
    "address": "addresses",
    "identifier": "numbers of other systems",
    "name": "other names",
    "phone": "phones",
    "service": "services",
    "assessment": "assessments",
    "request": "requests for support",
    "care_review": "reviews",
}


def _line(title: str) -> str:
    """On one line: titles in workbooks are often broken over several."""
    return " ".join(title.split())


def _columns(sheet: Sheet) -> Iterator[str]:
    from connectors.propose.proposal import UNSAID

    asked = {title for _, titles in sheet.open_questions for title in titles}
    if sheet.kind:
        for column in sheet.columns:
            if best := column.chosen:
                yield f"  {_line(column.title)} = {best.field} ({best.confidence}): {best.reason}"
    for field, titles in sheet.open_questions:
        several = " or ".join(map(_line, titles))
        yield f"  choose: {field} may be {several}; their contents do not tell, so neither is taken"
    for column in sheet.columns:
        if (column.chosen is None or not sheet.kind) and column.title not in asked:
            perhaps = [column.chosen] if column.chosen else list(column.others[:1])
            said = "".join(f"; perhaps {each.field}: {each.reason}" for each in perhaps)
            yield f"  {_line(column.title)}: not used ({column.holds}){said}"
    yield from (f"  {column}: {UNSAID}" for column in sheet.unsaid)
    for title in sheet.american:
        advice = "export them with the day first, or as yyyy-mm-dd"
        yield f"  {_line(title)}: some of its dates have the month first; {advice}"
