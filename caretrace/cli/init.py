"""`caretrace init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from caretrace import console


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="The folder of the project; this one if not given.")
    ] = (Path()),
    example: Annotated[
        bool, typer.Option("--example", help="Fill it with deliveries of people who do not exist, to try it at once.")
    ] = False,
) -> None:
    """Make a project: a folder with settings that explain themselves and an inbox for each source."""
    from caretrace.project import making

    with console.progress() as progress:
        project = making.make(folder, example=example, progress=progress)
    console.say(making.account(project, example=example))
