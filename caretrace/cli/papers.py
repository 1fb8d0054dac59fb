"""`caretrace officer papers`: the papers a council must have anyway, filled from a project."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from caretrace import console
from caretrace.cli.place import ProjectOption, find
from caretrace.words import several


def papers(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new folder for the papers.")],
    agreement: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="An agreement beside those that caretrace.toml names. Repeatable."),
    ] = None,
    evaluation: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="evaluation.json, as `caretrace evaluate --out` wrote it of a run."),
    ] = None,
    project: ProjectOption = None,
) -> None:
    """Fill the impact assessment, the record of processing and the hazard log from the project; asks for the rest."""
    from caretrace.papers import facts, writing

    place = find(project)
    today = date.today()  # noqa: DTZ011 - the user's calendar day
    found = facts.gather(place.project, place.keys_dir, agreement or (), today=today, evaluation=evaluation)
    made = writing.write(out, found, made_at=datetime.now(UTC))
    silent = sum(not fact.lines for fact in found.values())
    console.say(f"written: {several(len(made), 'file')} in {out}; {several(silent, 'fact')} the project does not say")
