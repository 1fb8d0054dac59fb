"""`caretrace open`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from caretrace import console


def open_(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="An encrypted file or run folder of a project.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="PLACE", help="The plain copy to write; outside of encrypted projects.")
    ],
) -> None:
    """Write a plain copy of what a project keeps encrypted, to read it in a browser or a spreadsheet.

    It is yours to remove when you have read it.
    """
    from caretrace.plain_copy import write

    written = write(path, out)
    console.say(f"{written}: plain, about people, and outside of any encryption; remove it when you have read it")
