"""`caretrace load-back`."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from caretrace import console, run_folder
from caretrace.cli.place import ProjectOption, find, maker


class Form(StrEnum):
    """What the files are."""

    CSV = "csv"
    XLSX = "xlsx"
    BOTH = "both"


def load_back(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run folder.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to write the files into.")],
    system: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this client system, as source or source/organisation. Repeatable."),
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="What the files are.")] = Form.CSV,
    replaced: Annotated[
        bool, typer.Option("--replaced", help="Load also numbers by which the service replaced those held.")
    ] = False,
    project: ProjectOption = None,
) -> None:
    """Write the NHS numbers each client system is to load, and its conflicts, which a person must settle."""
    from caretrace.trace.load_back import load_back as write

    place = find(project)
    done = write(
        run_folder.open(run),
        out,
        project=place.project,
        keys_dir=place.keys_dir,
        systems=system or (),
        forms=("csv", "xlsx") if form is Form.BOTH else ("xlsx",) if form is Form.XLSX else ("csv",),
        replaced=replaced,
        maker=maker(),
        now=datetime.now(UTC),
    )
    for each in done:
        kinds = ", ".join(f"{count:,} {action}" for action, count in each.actions.items()) or "none"
        console.say(f"{each.system.source} {each.system.source_org}: {each.rows:,} numbers ({kinds})")
        console.say(f"  {each.conflicts:,} conflicts, not loaded")
        if each.changed_ids and form is not Form.XLSX:
            console.say(f"  {each.changed_ids:,} ids begin as a formula does and have an apostrophe in the CSV")
        for path in each.files:
            console.say(f"  written: {path}")
